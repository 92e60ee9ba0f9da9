"""Guessing from a sample, and again with what speaks against it in all rows, until nothing does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import pandas as pd

from ..core.contract import LEVELS, NO_FEATURES, Column, Layout
from ..reading.conformity import as_texts, conform, make_breaches
from .counterexamples import Claim, search
from .inference import MOST_CATEGORIES, NO_MEANING, Guess

MOST_PASSES = 4
SECOND_PLACE = -1
"""The place of a cell that stands for a value's second time, wherever that is."""


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
    """Guess columns from a sample such that the guesses admit all rows.

    Args:
        guess: Guesses what a column is from some of its cells.
        sample: The columns to guess, in some rows; the index has their places in the table.
        batches: Reads the whole table, part by part.
        layout: How its texts write numbers.
        missing: Texts that stand for a missing value in every column.
    """
    samples = {str(name): cells for name, cells in sample.items()}
    guesses = {name: guess(cells) for name, cells in samples.items()}
    gaps: dict[str, int] = {}
    unstable = [*samples]
    for _ in range(MOST_PASSES):
        claims = {name: _make_claim(guesses[name].column, samples[name]) for name in unstable}
        evidence = search(batches(), claims, layout, missing)
        for name, (cells, count, has_repeats) in evidence.items():
            gaps[name] = count
            fresh = [cells[~cells.index.isin(samples[name].index)]]
            if has_repeats:
                fresh.append(samples[name].dropna().head(1).set_axis([SECOND_PLACE]))
            if any(map(len, fresh)):
                samples[name] = pd.concat([samples[name], *fresh]).rename(name)
                guesses[name] = guess(samples[name])
        unstable = [
            name
            for name in claims
            if not _is_stable(
                claims[name].column, guesses[name].column, evidence[name].cells, layout
            )
        ]
        if not unstable:
            break
    breaches = [
        make_breaches(
            name,
            pd.concat([samples[name], evidence[name].cells]).dropna().tail(1),
            claims[name].column.rule(),
        )
        for name in unstable
    ]
    no_breaches = make_breaches("", pd.Series(dtype="str"), "")
    return Refinement(guesses, gaps, pd.concat([no_breaches, *breaches]))


def _make_claim(column: Column | None, cells: pd.Series) -> Claim:
    """What a guess, or that there is nothing to guess, says of cells not yet seen."""
    present = cells.dropna()
    if column is None:
        values = [*as_texts(present).unique()] or [""]
        column = Column(type="categorical", categories=values, meaning=NO_MEANING)
    is_unique = column.type in NO_FEATURES and not present.duplicated().any()
    # So many texts more are more than a fifth of all cells then, too many for categories.
    return Claim(column, is_unique, max(MOST_CATEGORIES, len(cells) // 4) + 1)


def _is_stable(claim: Column, guess: Column | None, cells: pd.Series, layout: Layout) -> bool:
    """Whether a guess admits all rows, given the `cells` against what was claimed before it."""
    if guess is None:
        return True
    _, breaches = conform({"cell": guess}, cells.to_frame("cell"), layout)
    return breaches.empty and _reading(guess) == _reading(claim)


def _reading(column: Column) -> tuple[object, ...]:
    """What decides which cells a column can be read from, and as what."""
    return column.type in LEVELS or column.type, column.format, column.missing
