"""The steps of a recipe for features: functions of the owner's that return a transformer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sklearn.base import TransformerMixin

from ..core.contract import Column
from .registry import Registry

Cells = Literal["numbers", "texts", "times"]
STEPS = Registry("step")
TAKES: dict[str, Cells] = {}
"""What each step works on; what comes out of it are always numbers."""
FILLS: set[str] = set()
"""Steps after which nothing is missing."""
NEEDS_ALL: set[str] = set()
"""Steps that cannot take a missing number."""


@dataclass(frozen=True)
class Scope:
    """What a step is used on."""

    columns: dict[str, Column]
    """The columns, as the contract describes them."""
    seed: int


def step(
    *, takes: Cells, fills: bool = False, needs_all: bool = False
) -> Callable[..., Callable[..., TransformerMixin]]:
    """Register a function as the step of its name, by which params.yaml calls it.

    It takes the `Scope`, and by keyword its options, which are checked against its annotations; it
    returns an unfitted scikit-learn transformer that makes numbers of (n_rows, n_columns) cells.
    One option can stand alone in params.yaml: `quantile_bin: 50`.

    Args:
        takes: The cells that it works on: `numbers`, `texts` or `times`.
        fills: Whether nothing is missing after it.
        needs_all: Whether it cannot take a missing number.
    """

    def register(function: Callable[..., Any]) -> Callable[..., TransformerMixin]:
        name = function.__name__
        TAKES[name] = takes
        for names, applies in ((FILLS, fills), (NEEDS_ALL, needs_all)):
            names.discard(name)
            names.update({name} if applies else ())
        return STEPS.add(function)

    return register
