"""Finding values that come twice among any number of rows, by their hashes.

Among twenty million values the chance that any two have one hash is about one in a hundred
thousand.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


class Repeats:
    """Tells the rows whose value a row above has, in eight bytes of memory per different value."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []
        """All hashes so far: ordered arrays, each more than twice as long as the next."""

    def among(self, hashes: np.ndarray) -> np.ndarray:
        """(n_rows,) whether each of (n_rows,) further hashes has come before."""
        values, first = np.unique(hashes, return_index=True)
        is_new = np.ones(len(values), dtype=bool)
        for run in self._runs:
            is_new &= ~contains(run, values)
        again = np.ones(len(hashes), dtype=bool)
        again[first[is_new]] = False
        run = values[is_new]
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)
        return again


def contains(values: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """(n_rows,) whether each hash is among the ordered `values`."""
    if not len(values):
        return np.zeros(len(hashes), bool)
    is_there: np.ndarray = values.take(np.searchsorted(values, hashes), mode="clip") == hashes
    return is_there


def hash_values(cells: pd.Series) -> np.ndarray:
    """(n_rows,) unsigned 64-bit hash of each cell; equal cells have equal ones."""
    # Categories save nothing where values seldom repeat, and cost four times as much.
    return pd.util.hash_array(cells.to_numpy(), categorize=False)
