"""Finding the cells of a table that speak against what its columns were taken for.

The rows are gone through once, batch by batch, in memory that does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..core.batches import prefetch
from ..core.contract import NUMBERS, Column, Layout
from ..data.duplicates import Census, value_hashes
from ..reading.conformity import apply
from ..reading.tables import with_gaps

if TYPE_CHECKING:
    import pandas as pd

AT_EACH_END = 2
"""Extreme numbers that are kept: a mark for missing values is one that comes again."""


class Claim(NamedTuple):
    """What a column is held to be."""

    column: Column
    each_once: bool
    """Whether no value is held to come again."""
    most: int
    """Different cells against it after which no more are kept."""


class Found(NamedTuple):
    """What all cells of a column say to a claim."""

    cells: pd.Series
    """Those that may speak against it, each with its place in the table as index: the first missing
    one, the extreme numbers or times, and last the first of each text that it does not admit."""
    missing: int
    """How many are missing."""
    repeats: bool
    """Whether a value comes again that must not."""


def search(
    batches: Iterable[pd.DataFrame],
    claims: dict[str, Claim],
    layout: Layout,
    missing: Sequence[str],
) -> dict[str, Found]:
    """Hold claims against all cells of their columns.

    Args:
        batches: A table, part by part, with at least the columns of `claims`.
        claims: By column.
        layout: How its texts write numbers.
        missing: Texts that stand for a missing value in every column.
    """
    import pandas as pd

    searches = {name: _Search(claim) for name, claim in claims.items()}
    columns, above = {name: one.column for name, one in searches.items()}, 0
    for batch in prefetch(batches):
        table, breaches = apply(columns, batch, layout, missing)
        broken = dict(iter(breaches.groupby("column")))
        rows = pd.RangeIndex(above, above + len(batch))
        for name, one in searches.items():
            cells, typed = batch[name].set_axis(rows), table[name].set_axis(rows)
            one.add(cells, typed, broken.get(name))
        above += len(batch)
    return {name: one.found(missing) for name, one in searches.items()}


class _Search:
    """The search in one column."""

    def __init__(self, claim: Claim) -> None:
        anything = {"range": None, "nullable": True, "unique": False}
        self.column, self.most = claim.column.model_copy(update=anything), claim.most
        self.census = Census() if claim.each_once else None
        self.gaps: list[pd.Series] = []
        self.missing = 0
        self.ends: pd.DataFrame | None = None
        self.odd: list[pd.Series] = []
        self.texts: set[str] = set()

    def add(self, cells: pd.Series, typed: pd.Series, breaches: pd.DataFrame | None) -> None:
        """Take in (n_rows,) cells as they came, the same typed, and which are not admitted."""
        gaps = typed.isna()
        if breaches is not None:
            gaps.iloc[breaches["row"].to_numpy() - 1] = False
            self._collect(cells, breaches)
        if not self.missing and gaps.any():
            self.gaps.append(cells[gaps].head(1))
        self.missing += int(gaps.sum())
        if self.column.type in (*NUMBERS, "datetime"):
            self._stretch(cells, typed)
        if self.census:
            self.census.add(value_hashes(typed.dropna()))

    def _collect(self, cells: pd.Series, breaches: pd.DataFrame) -> None:
        fresh = breaches.drop_duplicates("value")
        fresh = fresh[~fresh["value"].isin(self.texts)].head(self.most - len(self.texts))
        self.texts.update(fresh["value"])
        self.odd.append(cells.iloc[fresh["row"] - 1])

    def _stretch(self, cells: pd.Series, typed: pd.Series) -> None:
        import pandas as pd

        ends = _ends(pd.DataFrame({"cell": cells, "value": typed}))
        self.ends = ends if self.ends is None else _ends(pd.concat([self.ends, ends]))

    def found(self, missing: Sequence[str]) -> Found:
        import pandas as pd

        ends = [] if self.ends is None else [self.ends["cell"]]
        parts = [*self.gaps, *ends, *self.odd] or [pd.Series(dtype="str")]
        return Found(
            with_gaps(pd.concat(parts).to_frame("cell"), missing)["cell"],
            self.missing,
            bool(self.census and len(self.census.repeated())),
        )


def _ends(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the smallest and the largest values."""
    values = table["value"].dropna()
    low, high = values.nsmallest(AT_EACH_END), values.nlargest(AT_EACH_END)
    return table.loc[low.index.union(high.index)]
