"""Finding the cells of a table that speak against what its columns were taken for.

The rows are gone through once, batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from ..core.batches import prefetch
from ..core.contract import NUMBERS, Column, Layout
from ..data.duplicates import Repeats, hash_values
from ..reading.conformity import conform
from ..reading.tables import mask_missing

AT_EACH_END = 2
"""Extreme numbers that are kept: a mark for missing values is one that comes again."""


class Claim(NamedTuple):
    """What a column is held to be."""

    column: Column
    is_unique: bool
    """Whether no value is held to come again."""
    limit: int
    """Different cells against it after which no more are kept."""


class Evidence(NamedTuple):
    """What all cells of a column say to a claim."""

    cells: pd.Series
    """Those that may speak against it, each with its place in the table as index: the first missing
    one, the extreme numbers or times, and last the first of each text that it does not admit."""
    gaps: int
    """How many are missing."""
    has_repeats: bool
    """Whether a value comes again that must not."""


def search(
    batches: Iterable[pd.DataFrame],
    claims: dict[str, Claim],
    layout: Layout,
    missing: Sequence[str],
) -> dict[str, Evidence]:
    """Hold claims against all cells of their columns.

    Args:
        batches: A table, part by part, with at least the columns of `claims`.
        claims: By column.
        layout: How its texts write numbers.
        missing: Texts that stand for a missing value in every column.
    """
    searches = {name: _Search(claim) for name, claim in claims.items()}
    columns = {name: search.column for name, search in searches.items()}
    offset = 0
    for batch in prefetch(batches):
        table, breaches = conform(columns, batch, layout, missing)
        breaches_by_column = dict(iter(breaches.groupby("column")))
        places = pd.RangeIndex(offset, offset + len(batch))
        for name, search in searches.items():
            cells, values = batch[name].set_axis(places), table[name].set_axis(places)
            search.add(cells, values, breaches_by_column.get(name))
        offset += len(batch)
    return {name: search.conclude(missing) for name, search in searches.items()}


class _Search:
    """The search in one column."""

    def __init__(self, claim: Claim) -> None:
        anything = {"range": None, "nullable": True, "unique": False}
        self.column, self.limit = claim.column.model_copy(update=anything), claim.limit
        self.repeats = Repeats() if claim.is_unique else None
        self.has_repeats = False
        self.first_gap: list[pd.Series] = []
        self.gaps = 0
        self.extremes: pd.DataFrame | None = None
        self.odd_cells: list[pd.Series] = []
        self.odd_texts: set[str] = set()

    def add(self, cells: pd.Series, values: pd.Series, breaches: pd.DataFrame | None) -> None:
        """Take in (n_rows,) cells as they came, the same typed, and which are not admitted."""
        is_gap = values.isna()
        if breaches is not None:
            is_gap.iloc[breaches["row"].to_numpy() - 1] = False
            fresh = breaches.drop_duplicates("value")
            fresh = fresh[~fresh["value"].isin(self.odd_texts)]
            fresh = fresh.head(self.limit - len(self.odd_texts))
            self.odd_texts.update(fresh["value"])
            self.odd_cells.append(cells.iloc[fresh["row"] - 1])
        if not self.gaps and is_gap.any():
            self.first_gap.append(cells[is_gap].head(1))
        self.gaps += int(is_gap.sum())
        if self.column.type in (*NUMBERS, "datetime"):
            extremes = _select_extremes(pd.DataFrame({"cell": cells, "value": values}))
            if self.extremes is not None:
                extremes = _select_extremes(pd.concat([self.extremes, extremes]))
            self.extremes = extremes
        if self.repeats and not self.has_repeats:
            self.has_repeats = bool(self.repeats.among(hash_values(values.dropna())).any())

    def conclude(self, missing: Sequence[str]) -> Evidence:
        extremes = [] if self.extremes is None else [self.extremes["cell"]]
        parts = [*self.first_gap, *extremes, *self.odd_cells] or [pd.Series(dtype="str")]
        cells = mask_missing(pd.concat(parts).to_frame("cell"), missing)["cell"]
        return Evidence(cells, self.gaps, self.has_repeats)


def _select_extremes(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the smallest and the largest values."""
    values = table["value"].dropna()
    low, high = values.nsmallest(AT_EACH_END), values.nlargest(AT_EACH_END)
    return table.loc[low.index.union(high.index)]
