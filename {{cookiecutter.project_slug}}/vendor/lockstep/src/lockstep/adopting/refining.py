"""Guessing from a sample, and again with what speaks against it in all rows, until nothing does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from ..core.batches import prefetch
from ..core.contract import FREE, LEVELS, NUMBERS, Column, Layout
from ..data.conformity import NO_BREACHES, as_texts, conform, make_breaches, mask_missing
from ..data.duplicates import Repeats, hash_values
from .inference import MOST_CATEGORIES, NO_MEANING, Guess

MOST_PASSES = 4
SECOND_PLACE = -1
"""The place of a cell that stands for a value's second time, wherever that is."""
AT_EACH_END = 2
"""Extreme numbers that are kept: a mark for missing values is one that comes again."""


class Refinement(NamedTuple):
    """What columns were taken for after a look at all rows."""

    guesses: dict[str, Guess]
    """By column."""
    gaps: dict[str, int]
    """How many rows lack it, by column."""
    breaches: pd.DataFrame
    """A cell of each column whose guess did not come to rest, as `conform` has them."""


def refine(
    guess: Callable[[pd.Series], Guess],
    sample: pd.DataFrame,
    batches: Callable[[], Iterable[pd.DataFrame]],
    layout: Layout,
    missing: tuple[str, ...],
) -> Refinement:
    """Guess columns from a sample such that the guesses admit all rows, which `batches` reads.

    The index of `sample` has the places of its rows in the table.
    """
    samples = {str(name): cells for name, cells in sample.items()}
    guesses = {name: guess(cells) for name, cells in samples.items()}
    gaps: dict[str, int] = {}
    unstable = [*samples]
    for _ in range(MOST_PASSES):
        claims = {name: _make_claim(guesses[name].column, samples[name]) for name in unstable}
        evidence = search(batches(), claims, layout, missing)
        unstable = []
        for name, (cells, count, has_repeats) in evidence.items():
            gaps[name] = count
            fresh = [cells[~cells.index.isin(samples[name].index)]]
            if has_repeats:
                fresh.append(samples[name].dropna().head(1).set_axis([SECOND_PLACE]))
            if any(map(len, fresh)):
                samples[name] = pd.concat([samples[name], *fresh]).rename(name)
                guesses[name] = guess(samples[name])
            if not _is_stable(claims[name].column, guesses[name].column, cells, layout):
                unstable.append(name)
        if not unstable:
            break
    breaches = [NO_BREACHES]
    for name in unstable:
        last_cell = pd.concat([samples[name], evidence[name].cells]).dropna().tail(1)
        breaches.append(make_breaches(name, last_cell, claims[name].column.rule()))
    return Refinement(guesses, gaps, pd.concat(breaches))


def _make_claim(column: Column | None, cells: pd.Series) -> Claim:
    """What a guess, or that there is nothing to guess, says of cells not yet seen."""
    present = cells.dropna()
    if column is None:
        values = [*as_texts(present).unique()] or [""]
        column = Column(type="categorical", categories=values, meaning=NO_MEANING)
    is_unique = column.type in FREE and not present.duplicated().any()
    # So many texts more are more than a fifth of all cells then, too many for categories.
    return Claim(column, is_unique, max(MOST_CATEGORIES, len(cells) // 4) + 1)


def _is_stable(claim: Column, guess: Column | None, cells: pd.Series, layout: Layout) -> bool:
    """Whether a guess admits all rows, given the `cells` against what was claimed before it."""
    if guess is None:
        return True
    _, breaches = conform({"cell": guess}, cells.to_frame("cell"), layout)
    # What decides which cells a column can be read from, and as what.
    before, now = (
        (column.type in LEVELS or column.type, column.format, column.missing)
        for column in (claim, guess)
    )
    return breaches.empty and before == now


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
    """Hold claims against all cells of their columns, going through the table once."""
    searches = {name: _Search(claim) for name, claim in claims.items()}
    columns = {name: search.column for name, search in searches.items()}
    offset = 0
    for batch in prefetch(batches):
        table, breaches = conform(columns, batch, layout, missing)
        breaches_by_column = dict(iter(breaches.groupby("column")))
        places = pd.RangeIndex(offset, offset + len(batch))
        cells, values = batch.set_axis(places), table.set_axis(places)
        for name, search in searches.items():
            search.add(cells[name], values[name], breaches_by_column.get(name))
        offset += len(batch)
    return {name: search.conclude(missing) for name, search in searches.items()}


class _Search:
    """The search in one column."""

    def __init__(self, claim: Claim) -> None:
        anything = {"range": None, "nullable": True, "unique": False, "open": False}
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
        if self.column.type in (*NUMBERS, "datetime") and _has_more_extreme(values, self.extremes):
            table = pd.DataFrame({"cell": cells, "value": values})
            self.extremes = _select_extremes(pd.concat([self.extremes, table]))
        if self.repeats and not self.has_repeats:
            self.has_repeats = bool(self.repeats.among(hash_values(values.dropna())).any())

    def conclude(self, missing: Sequence[str]) -> Evidence:
        extremes = [] if self.extremes is None else [self.extremes["cell"]]
        parts = [*self.first_gap, *extremes, *self.odd_cells] or [pd.Series(dtype="str")]
        cells = mask_missing(pd.concat(parts).to_frame("cell"), missing)["cell"]
        return Evidence(cells, self.gaps, self.has_repeats)


def _has_more_extreme(values: pd.Series, extremes: pd.DataFrame | None) -> bool:
    """Whether values belong to the smallest or largest, which of most batches none does."""
    if extremes is None or len(extremes) < AT_EACH_END:
        return True
    present, kept = values.dropna(), extremes["value"].sort_values()
    if present.empty:
        return False
    return bool(
        present.min() < kept.iloc[AT_EACH_END - 1] or present.max() > kept.iloc[-AT_EACH_END]
    )


def _select_extremes(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the smallest and the largest values."""
    values = table["value"].dropna()
    low, high = values.nsmallest(AT_EACH_END), values.nlargest(AT_EACH_END)
    return table.loc[low.index.union(high.index)]
