"""The latest values of a series, as an example holds them: where they lie, and how far apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np

from ..core.contract import Column

SMALLEST_SPREAD = 0.01
"""Of values that hardly move, the share of their size that counts as how far apart they lie."""
FEWEST_KNOWN, FEWEST_SHARE = 3, 0.25
"""Values of the target that a window must hold, and the share of it; all of a shorter one."""
CELLS_AT_ONCE = 2**12
"""That are unpacked in memory."""


def fewest_known(window: int) -> int:
    """How many values of the target a forecast is made from at least."""
    return min(window, max(FEWEST_KNOWN, ceil(window * FEWEST_SHARE)))


def encode_pasts(pasts: np.ndarray) -> np.ndarray:
    """(n_examples,) cells that hold (n_examples, window, channels) values, the earliest first."""
    cells = np.empty(len(pasts), dtype="object")
    cells[:] = [past.tobytes() for past in np.ascontiguousarray(pasts, dtype="float64")]
    return cells


def decode_pasts(cells: Sequence[bytes], column: Column) -> np.ndarray:
    """(n_examples, window, channels) the values that the cells of a column hold."""
    assert column.length is not None
    return decode_shape(cells, (column.length, len(column.channels)))


def decode_shape(cells: Iterable[bytes], shape: tuple[int, int]) -> np.ndarray:
    """(n_examples, window, channels) the values of cells, of such a `shape` (window, channels)."""
    return np.frombuffer(b"".join(cells), dtype="float64").reshape(-1, *shape)


def fill_forward(values: np.ndarray) -> np.ndarray:
    """(n_examples, window, channels) values, a gap as the last known one before it, if any."""
    places = np.arange(values.shape[1])[:, np.newaxis]
    latest = np.maximum.accumulate(np.where(np.isnan(values), 0, places), axis=1)
    return np.take_along_axis(values, latest, axis=1)


def fill_by_season(values: np.ndarray, season: int) -> np.ndarray:
    """(n_examples, window, channels) values, a gap as what is known a season before it, if any."""
    values = values.copy()
    for time in range(season, values.shape[1]):
        now, before = values[:, time], values[:, time - season]
        values[:, time] = np.where(np.isnan(now), before, now)
    return values


def measure_gaps(cells: Sequence[bytes], column: Column) -> np.ndarray:
    """(n_examples,) the share of the target's part of each past that is unknown."""
    starts = range(0, len(cells), CELLS_AT_ONCE)
    parts = [decode_pasts(cells[start : start + CELLS_AT_ONCE], column) for start in starts]
    gaps = [np.isnan(part[:, :, 0]).mean(axis=1) for part in parts]
    return np.concatenate(gaps) if gaps else np.empty(0)


def level_and_spread(values: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the latest values of something lie, and how far apart they are.

    Args:
        values: (n_examples, window), the earliest first, nan where unknown.
        season: How many of the latest the level is the mean of.

    Returns:
        (n_examples,) the mean of the latest season or, if nothing is known of it, of all; 0 where
        nothing is known at all. And (n_examples,) the mean absolute deviation of all from their
        mean, at least SMALLEST_SPREAD of their mean size; 1 where all are zero or unknown.
    """
    values = np.ascontiguousarray(values)
    mean, is_known = _average(values)
    latest, is_latest_known = _average(np.ascontiguousarray(values[:, -season:]))
    level = np.where(is_latest_known, latest, mean)
    deviation, _ = _average(abs(values - mean[:, np.newaxis]))
    size, _ = _average(abs(values))
    spread = np.maximum(deviation, SMALLEST_SPREAD * size)
    return level, np.where(is_known & (spread > 0), spread, 1.0)


def _average(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the mean of what is known of (n, m) values, 0 of nothing; and whether anything is."""
    is_known = ~np.isnan(values)
    count = is_known.sum(axis=1)
    total = np.where(is_known, values, 0.0).sum(axis=1)
    return total / np.maximum(count, 1), count > 0
