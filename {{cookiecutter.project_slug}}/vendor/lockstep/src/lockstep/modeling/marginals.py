"""What is usual of each column by itself, and rows that are made odd by it.

Nobody knows which rows are anomalies where none is labelled. So detectors are tried on rows that
have been made odd on purpose, in ways that are known (injected anomalies), beside the rows as they
were: see `ODDITIES`. How well they are told apart says which detector sees such oddness, and not
how well the true anomalies are found, which may be odd in other ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat

from ..core.contract import LEVELS, NUMBERS, Contract
from ..core.validation import Strict
from ..data.draws import shuffle_hashes
from ..data.split import hash_rows

LEVELS_KEPT = 50
"""Texts of a column, the most frequent ones."""
QUANTILES = np.array([0, 0.01, *np.arange(1, 20) / 20, 0.99, 1])
LOW, MIDDLE, HIGH = 1, 11, -2
"""Places of the first percentile, the median and the last percentile among them."""
FARTHEST = 3.0
"""How many times the width from the first to the last percentile a number is put away at most."""


class Dice:
    """Numbers at random for each of some rows, which follow from what it holds.

    So a row is made odd in the same way whatever rows are beside it.

    Args:
        rows: (n_rows, n_columns) what they are drawn for.
        seed: Numbers, others of which draw others.
    """

    def __init__(self, rows: pd.DataFrame, seed: Sequence[int]) -> None:
        self.hashes, self.rng = hash_rows(rows), np.random.default_rng(seed)

    def roll(self) -> np.ndarray:
        """(n_rows,) from 0 to 1, others with each roll."""
        mixed: np.ndarray = shuffle_hashes(self.hashes, int(self.rng.integers(2**32)))
        return np.minimum(mixed / 2.0**64, np.nextafter(1, 0))


class Marginal(Strict):
    """The distribution of one column."""

    quantiles: tuple[FiniteFloat, ...] = ()
    """Of numbers, at the levels of `QUANTILES`."""
    shares: dict[str, float] = Field(default={})
    """Of texts, the most frequent first."""
    private: bool = False
    """Whether single values are for nobody to see."""
    least: FiniteFloat | None = None
    """What the contract allows at least, and at most."""
    most: FiniteFloat | None = None

    @property
    def typical(self) -> float | str:
        """The median, or the most frequent text."""
        return self.quantiles[MIDDLE] if self.quantiles else next(iter(self.shares))

    @property
    def usual(self) -> str:
        """What most values are, in words."""
        if self.quantiles:
            return f"{self.quantiles[LOW]:.4g} to {self.quantiles[HIGH]:.4g}"
        return f"{next(iter(self.shares))}"

    def draw(self, dice: Dice) -> np.ndarray:
        """(n_rows,) values as they come in the column."""
        levels = dice.roll()
        if self.quantiles:
            nearest = np.abs(QUANTILES[:, np.newaxis] - levels).argmin(axis=0)
            values: np.ndarray = np.array(self.quantiles)[nearest]
            return values
        ends = np.cumsum([*self.shares.values()])
        texts: np.ndarray = np.array([*self.shares])[
            np.searchsorted(ends[:-1], levels * ends[-1], "right")
        ]
        return texts

    def go_far(self, dice: Dice) -> np.ndarray:
        """(n_rows,) numbers far out on either side, as far as the contract allows."""
        low, high = self.quantiles[LOW], self.quantiles[HIGH]
        width = (high - low) or max(1.0, abs(high))
        away = (1 + (FARTHEST - 1) * dice.roll()) * width
        down, up = low - away, high + away
        goes_up = dice.roll() < 0.5
        if self.least is not None:
            goes_up |= down < self.least
        if self.most is not None:
            goes_up &= up <= self.most
        return np.clip(
            np.where(goes_up, up, down),
            -np.inf if self.least is None else self.least,
            np.inf if self.most is None else self.most,
        )


class Marginals(Strict):
    """The distributions of the columns of a table, each by itself."""

    seed: int
    """Of what is drawn by them."""
    columns: dict[str, Marginal]

    @classmethod
    def fit(cls, rows: pd.DataFrame, contract: Contract, seed: int) -> Self:
        """Those of the contract's features that are numbers or texts, in (n_rows, n_columns)."""
        columns = {}
        for name, column in contract.features_only().items():
            values = rows[name].dropna()
            if values.empty:
                continue
            if column.type in NUMBERS:
                numbers = values.to_numpy("float64")
                quantiles = np.quantile(numbers, QUANTILES, method="nearest").tolist()
                least, most = column.range or (None, None)
                columns[name] = Marginal(
                    quantiles=tuple(quantiles), least=least, most=most, private=column.private
                )
            elif column.type in LEVELS:
                counts = values.value_counts(normalize=True).rename_axis("text").reset_index()
                counts = counts.sort_values(["proportion", "text"], ascending=[False, True])
                shares = counts.head(LEVELS_KEPT).itertuples(index=False)
                columns[name] = Marginal(
                    shares={str(text): float(one) for text, one in shares}, private=column.private
                )
        return cls(seed=seed, columns=columns)

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers."""
        return [name for name, one in self.columns.items() if one.quantiles]

    def make_odd(self, X: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """(n_rows, n_features) the same rows made odd in each way that their columns allow."""
        odd = {}
        for place, (name, change) in enumerate(ODDITIES.items()):
            values = change(self, Dice(X, [self.seed, place]))
            if values:
                odd[name] = replace_cells(X, values)
        return odd


Cells = dict[str, tuple[np.ndarray, np.ndarray]]
"""Of each column that changes, (n_rows,) where it does, and what comes there."""


def put_far(marginals: Marginals, dice: Dice) -> Cells:
    """One number of each row far outside of where those of its column lie."""
    names = marginals.numbers
    chosen = (dice.roll() * len(names)).astype(int)
    return {
        name: (chosen == place, marginals.columns[name].go_far(dice))
        for place, name in enumerate(names)
    }


def mix(marginals: Marginals, dice: Dice) -> Cells:
    """Half of the columns with values of other rows: each is usual, and together they are not."""
    names = [*marginals.columns]
    return {
        name: (is_changed, marginals.columns[name].draw(dice))
        for name, is_changed in _choose_half(names, dice).items()
    }


def stick(marginals: Marginals, dice: Dice) -> Cells:
    """Half of the numbers at the first percentile, as of sensors that are stuck."""
    return {
        name: (is_changed, np.full(len(is_changed), marginals.columns[name].quantiles[LOW]))
        for name, is_changed in _choose_half(marginals.numbers, dice).items()
    }


ODDITIES: Mapping[str, Callable[[Marginals, Dice], Cells]] = {
    "far": put_far,
    "mixed": mix,
    "stuck": stick,
}
"""The ways in which rows are made odd, by the name that reports call them."""


def _choose_half(names: list[str], dice: Dice) -> dict[str, np.ndarray]:
    """(n_rows,) of each column whether it is among the half of a row; none of a single column."""
    if len(names) < 2:
        return {}
    ranks = np.column_stack([dice.roll() for _ in names]).argsort(axis=1)
    return dict(zip(names, (ranks < len(names) // 2).T, strict=True))


def replace_cells(X: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """The table with other values in some places."""
    columns = {}
    for name, (is_changed, values) in cells.items():
        column = X[name].copy()
        if column.dtype.kind in "iu":
            values = np.round(values.astype("float64"))
        columns[name] = column.mask(is_changed, pd.Series(values, X.index).astype(column.dtype))
    return X.assign(**columns)
