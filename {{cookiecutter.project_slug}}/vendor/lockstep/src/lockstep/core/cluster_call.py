"""Functions of `unit` that travel as text to workers, which have no module of ours.

What is compiled would crash another Python, whose version is to be told. The scheduler unpickles
what it passes on and pickles it again, so this module's own text travels, too: it imports nothing
but the standard library until `make_call` is called.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


class Call:
    """A function of a module that is there as its text; `text` is that of this module."""

    def __init__(self, text: str, source: str, name: str) -> None:
        self.text, self.source, self.__name__ = text, source, name

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        arguments = (self.text, self.source, self.__name__)
        names = {"text": self.text, "space": {"__name__": "call"}, "arguments": arguments}
        return eval, ("exec(text, space) or space['Call'](*arguments)", names)

    def __call__(self, *arguments: Any) -> Any:
        """What the function gives; the module is made once in a process."""
        import sys
        from hashlib import sha256
        from types import ModuleType

        title = f"lockstep_unit_{sha256(self.source.encode()).hexdigest()[:32]}"
        if title not in sys.modules:
            module = ModuleType(title)
            exec(compile(self.source, title, "exec"), vars(module))
            sys.modules.setdefault(title, module)
        return getattr(sys.modules[title], self.__name__)(*arguments)


def make_call(name: str) -> Call:
    """The function of `unit` that has this name, as one that travels."""
    from . import unit

    text, source = (Path(file).read_text(encoding="utf-8") for file in (__file__, unit.__file__))
    return Call(text, source, name)
