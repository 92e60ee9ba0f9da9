"""The steps of a recipe for features: functions of the owner's that return a transformer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sklearn.base import TransformerMixin

from ..core.contract import Column
from ..core.kinds import Kind
from ..data.inner_folds import InnerFolds
from .registry import Registry
from .series import Series

Cells = Literal["numbers", "texts", "times", "signals", "pasts", "prose", "terms"]
STEPS = Registry("step")


class Traits(NamedTuple):
    """What a recipe must know of a step; its arguments to `step` say what each means."""

    takes: Cells
    gives: Cells
    fills: bool
    needs_all: bool


TRAITS: dict[str, Traits] = {}


@dataclass(frozen=True)
class Scope:
    """What a step is used on."""

    columns: dict[str, Column]
    """The columns, as the contract describes them."""
    kind: Kind
    seed: int
    series: Series | None = None
    """Of a forecast, what a step that takes pasts reads them by."""

    @property
    def inner_folds(self) -> InnerFolds:
        """What scikit-learn takes as `cv`, for a step that divides what it learns from."""
        return InnerFolds(self.seed, classifies=self.kind == "classification")


def step(
    *, takes: Cells, gives: Cells = "numbers", fills: bool = False, needs_all: bool = False
) -> Callable[..., Callable[..., TransformerMixin]]:
    """Register a function as the step of its name, by which params.yaml calls it.

    It takes the `Scope`, and by keyword its options, which are checked against its annotations; it
    returns an unfitted scikit-learn transformer that makes numbers of (n_rows, n_columns) cells.
    One option can stand alone in params.yaml: `quantile_bin: 50`.

    Args:
        takes: The cells that it works on: `numbers`, `texts`, `times`, `signals`, which are
            (n_rows, length, channels) numbers of sequences, nan where nothing is known, `prose`,
            which are sentences, `terms`, or, of a forecast, `pasts`, which are the features that
            `Series` reads; what it makes of these stands beside them.
        gives: What it makes of them: `numbers`, or `terms`, which are so many numbers, nearly all
            of them zero, that they come as a sparse matrix.
        fills: Whether nothing is missing after it.
        needs_all: Whether it cannot take a missing number.
    """

    def register(function: Callable[..., Any]) -> Callable[..., TransformerMixin]:
        TRAITS[function.__name__] = Traits(takes, gives, fills, needs_all)
        return STEPS.add(function)

    return register
