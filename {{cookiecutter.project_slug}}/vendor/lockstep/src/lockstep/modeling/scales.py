"""Scales: the places at which the values of a column are counted, whatever rows come.

Counts on one scale add up and can be compared, which is all that watching a column takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..core.contract import NUMBERS, Column

MOST_EDGES = 64
MOST_CATEGORIES = MOST_EDGES - 1
MISSING = -1
"""The place of a missing value."""


@dataclass(frozen=True)
class Scale:
    """How the values of a column are told apart: by edges if it is a number, else by categories.

    Place i of a number holds what is above edge i - 1 and not above edge i, and place 1 the first
    edge as well: place 0 is below all that there was, and the last one above all. Each category
    has a place, and any other text the last one.
    """

    edges: tuple[float, ...] = ()
    """Ascending; the first two are equal where the smallest value has a place of its own."""
    categories: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it is of numbers, not of levels."""
        return not self.categories

    @property
    def size(self) -> int:
        """How many places there are."""
        return len(self.edges or self.categories) + 1

    def place(self, values: pd.Series) -> np.ndarray:
        """(n_rows,) the place of each value, `MISSING` where there is none."""
        return self._place_numbers(values) if self.is_number else self._place_texts(values)

    def _place_numbers(self, values: pd.Series) -> np.ndarray:
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        places = np.searchsorted(self.edges, numbers)
        if self.edges:
            places = np.maximum(places, numbers >= self.edges[0])
        return np.where(np.isnan(numbers), MISSING, places)

    def _place_texts(self, values: pd.Series) -> np.ndarray:
        texts = pa.array(values.astype("str"))
        places = pc.index_in(texts, pa.array(self.categories, texts.type))
        places = pc.fill_null(places, len(self.categories)).to_numpy(zero_copy_only=False)
        return np.where(values.isna(), MISSING, places)

    def coarsen(self, counts: np.ndarray, most: int) -> Scale:
        """A scale of at most so many places, each of which joins some of these.

        Edges stay that divide (size,) `counts` most evenly, and the most frequent categories.
        """
        if self.size <= most:
            return self
        if self.categories:
            order = np.argsort(-counts[:-1], kind="stable")[: most - 1]
            return Scale(categories=tuple(self.categories[place] for place in np.sort(order)))
        shares = counts[:-1].cumsum() / max(counts[:-1].sum(), 1)
        steps = np.linspace(0, 1, most - 1)
        middle = np.searchsorted(shares, steps[1:-1] - 1e-9)
        places = np.unique([0, *middle, len(shares) - 1])
        return Scale(edges=tuple(self.edges[place] for place in places))

    def place_in(self, coarse: Scale) -> np.ndarray:
        """(size,) the place that each of these places has in a scale that `coarsen` made."""
        last = coarse.size - 1
        if self.categories:
            return np.append(coarse.place(pd.Series(self.categories)), last)
        return np.concatenate([[0], coarse.place(pd.Series(self.edges[1:])), [last]])[: self.size]


def make_scale(values: pd.Series, column: Column) -> Scale:
    """The scale of a column of the contract, for (n_rows,) train values of its type."""
    return (
        make_number_scale(values) if column.type in NUMBERS else _make_level_scale(values, column)
    )


def make_number_scale(values: pd.Series) -> Scale:
    """Edges at each value where there are few, else at quantiles; none without any value."""
    numbers = list_numbers(values)
    if not len(numbers):
        return Scale()
    points = np.unique(numbers)
    if len(points) >= MOST_EDGES:
        steps = np.linspace(0, 1, MOST_EDGES)[1:]
        points = np.unique(np.quantile(numbers, steps, method="inverted_cdf"))
    return Scale(edges=(float(numbers.min()), *points.tolist()))


def list_numbers(values: pd.Series) -> np.ndarray:
    """Those of (n_rows,) values that are there and finite, as a prediction may not be."""
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    finite: np.ndarray = numbers[np.isfinite(numbers)]
    return finite


def _make_level_scale(values: pd.Series, column: Column) -> Scale:
    """The contract's categories or, where they are open or too many, the most frequent values."""
    categories = column.categories or []
    if column.open or len(categories) > MOST_CATEGORIES:
        counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        categories = [str(value) for value in counts.index[:MOST_CATEGORIES]] or categories
    return Scale(categories=tuple(categories[:MOST_CATEGORIES]))
