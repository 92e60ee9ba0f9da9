"""Functions that travel to workers which have no module of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import unit

CALL = """
def call(source, name, *arguments):
    import sys
    from hashlib import sha256
    from types import ModuleType

    title = f"lockstep_unit_{sha256(source.encode()).hexdigest()[:32]}"
    if title not in sys.modules:
        module = ModuleType(title)
        exec(compile(source, title, "exec"), vars(module))
        sys.modules.setdefault(title, module)
    return getattr(sys.modules[title], name)(*arguments)
"""
"""What runs a function of a module that came as text."""
DEFINE = "exec(text, space) or __import__('functools').partial(space['call'], source, name)"


class Call:
    """The function of `unit` that has this name, as one that travels with the module's text.

    A worker may have another Python, which can load no code that is compiled.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self.source = Path(unit.__file__).read_text(encoding="utf-8")

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        space = {"__name__": "__main__"}  # whose functions nobody looks for in modules
        names = {"text": CALL, "space": space, "source": self.source, "name": self.__name__}
        return eval, (DEFINE, names)

    def __call__(self, *arguments: Any) -> Any:
        """What the function gives here."""
        return getattr(unit, self.__name__)(*arguments)
