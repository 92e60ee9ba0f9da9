"""Streams of windows for drift.py: the same rows for whoever judges them, by numpy alone."""

from __future__ import annotations

import numpy as np

Table = dict[str, np.ndarray]
WINDOWS = 30
"""Of a stream; where something changes, it does in the last two."""
TRAIN = WINDOWS
"""The place of the train rows."""
FIVE = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
FORTY = 1 / np.arange(1, 41)
FORTY /= FORTY.sum()
LEVELS = {"five": 6, "forty": 40, "two": 2}
"""Columns of categories, and how many each may have."""
MISSING = 0.05
"""Share of `gaps` and of `two` without a value."""
MOVED = {
    "shift of 0.1": "normal",
    "shift of 0.25": "normal",
    "shift of 0.5": "normal",
    "a category appears, 1%": "five",
    "a category appears, 5%": "five",
    "missing values double": "gaps",
}
"""Changes, and the column that each changes."""


def draw_table(seed: int, place: int, rows: int) -> Table:
    """Rows of a stream without drift: six columns of numbers, three of categories.

    Categories are 0 and so on, and -1 where one is missing.
    """
    rng = np.random.default_rng([seed, place, rows])
    table = {
        "normal": rng.standard_normal(rows),
        "skewed": np.exp(rng.standard_normal(rows)),
        "heavy": rng.standard_t(3, rows),
        "count": rng.poisson(3, rows).astype("float64"),
        "zeros": np.maximum(rng.standard_normal(rows) - 0.5, 0),
        "gaps": rng.standard_normal(rows),
        "five": rng.choice(len(FIVE), rows, p=FIVE),
        "forty": rng.choice(len(FORTY), rows, p=FORTY),
        "two": rng.choice(2, rows, p=[0.7, 0.3]),
    }
    table["gaps"][rng.random(rows) < MISSING] = np.nan
    table["two"][rng.random(rows) < MISSING] = -1
    return table


def change_column(table: Table, change: str, seed: int) -> np.ndarray:
    """The column that a change is of, changed."""
    column, rng = table[MOVED[change]].copy(), np.random.default_rng([seed, len(change)])
    size = change.split()[-1]
    if change.startswith("shift"):
        column += float(size)
    elif change.startswith("a category"):
        column[rng.random(len(column)) < float(size.rstrip("%")) / 100] = len(FIVE)
    else:
        column[rng.random(len(column)) < MISSING / (1 - MISSING)] = np.nan
    return column
