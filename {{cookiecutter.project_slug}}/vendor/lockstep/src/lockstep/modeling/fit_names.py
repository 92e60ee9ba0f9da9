"""What the fit under way is called, for what is written about it beside its results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_name: ContextVar[str] = ContextVar("fit_name", default="")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Call the fits of this block by `name`, from the candidate on: `mlp, trial 12, fold 3`."""
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)


def fit_name() -> str:
    """What the fit under way is called; empty where nobody has named it."""
    return _name.get()
