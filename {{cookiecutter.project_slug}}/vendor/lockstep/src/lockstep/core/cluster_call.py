"""Functions that travel to workers which have no module of ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import unit


def make_call(name: str) -> Callable[..., Any]:
    """The function of `unit` that has this name, as one that travels with the module's text."""

    # Pickled by its code, since it is a local one.
    def call(source: str, name: str, *arguments: Any) -> Any:
        import sys
        from hashlib import sha256
        from types import ModuleType

        title = f"lockstep_unit_{sha256(source.encode()).hexdigest()[:32]}"
        if title not in sys.modules:
            module = ModuleType(title)
            exec(compile(source, title, "exec"), vars(module))
            sys.modules.setdefault(title, module)
        return getattr(sys.modules[title], name)(*arguments)

    return partial(call, Path(unit.__file__).read_text(encoding="utf-8"), name)
