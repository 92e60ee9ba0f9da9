"""Guessing from a sample, and again with what speaks against it in all rows, until nothing does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..core.contract import LEVELS, NO_FEATURES, Column, Layout
from ..reading.conformity import apply, as_texts, breaches_of
from .counterexamples import Claim, Found, search
from .inference import MOST_CATEGORIES, TO_SAY, Guess

if TYPE_CHECKING:
    import pandas as pd

MOST_PASSES = 4
AGAIN = -1
"""The place of a cell that stands for a value's second time, wherever that is."""


class Refined(NamedTuple):
    """What columns were taken for after a look at all rows."""

    guesses: dict[str, Guess]
    """By column."""
    gaps: dict[str, int]
    """How many rows lack it, by column."""
    breaches: pd.DataFrame
    """A cell of each column whose guess did not come to rest, as `conformity.apply` has them."""


def refined(
    guess: Callable[[pd.Series], Guess],
    sample: pd.DataFrame,
    batches: Callable[[], Iterable[pd.DataFrame]],
    layout: Layout,
    missing: tuple[str, ...],
) -> Refined:
    """Guess columns from a sample such that the guesses admit all rows.

    Args:
        guess: Guesses what a column is from some of its cells.
        sample: The columns to guess, in some rows; the index has their places in the table.
        batches: Reads the whole table, part by part.
        layout: How its texts write numbers.
        missing: Texts that stand for a missing value in every column.
    """
    import pandas as pd

    known = {str(name): cells for name, cells in sample.items()}
    guesses = {name: guess(cells) for name, cells in known.items()}
    gaps: dict[str, int] = {}
    restless = [*known]
    for _ in range(MOST_PASSES):
        claims = {name: _claim(guesses[name].column, known[name]) for name in restless}
        found = search(batches(), claims, layout, missing)
        for name, against in found.items():
            gaps[name] = against.missing
            joined = _joined(known[name], against)
            if len(joined) > len(known[name]):
                known[name], guesses[name] = joined, guess(joined)
        restless = [
            name
            for name, against in found.items()
            if not _holds(claims[name].column, guesses[name].column, against.cells, layout)
        ]
        if not restless:
            break
    odd = [
        breaches_of(
            name,
            pd.concat([known[name], found[name].cells]).dropna().tail(1),
            claims[name].column.rule(),
        )
        for name in restless
    ]
    return Refined(guesses, gaps, pd.concat([breaches_of("", pd.Series(dtype="str"), ""), *odd]))


def _claim(column: Column | None, cells: pd.Series) -> Claim:
    """What a guess, or that there is nothing to guess, says of cells not yet seen."""
    present = cells.dropna()
    if column is None:
        values = [*as_texts(present).unique()] or [""]
        column = Column(type="categorical", categories=values, meaning=TO_SAY)
    each_once = column.type in NO_FEATURES and not present.duplicated().any()
    # So many texts more are more than a fifth of all cells then, too many for categories.
    most = max(MOST_CATEGORIES, len(cells) // 4) + 1
    return Claim(column, each_once, most)


def _joined(cells: pd.Series, found: Found) -> pd.Series:
    import pandas as pd

    fresh = found.cells[~found.cells.index.isin(cells.index)]
    again = cells.dropna().head(1 if found.repeats else 0).set_axis([AGAIN] * found.repeats)
    joined: pd.Series = pd.concat([cells, fresh, again]).rename(cells.name)
    return joined


def _holds(claimed: Column, guessed: Column | None, cells: pd.Series, layout: Layout) -> bool:
    """Whether a guess admits all rows, given the `cells` against what was claimed before it."""
    if guessed is None:
        return True
    _, breaches = apply({"cell": guessed}, cells.to_frame("cell"), layout)
    return _reading(guessed) == _reading(claimed) and breaches.empty


def _reading(column: Column) -> tuple[object, ...]:
    """What decides which cells a column can be read from, and as what."""
    return column.type in LEVELS or column.type, column.format, column.missing
