"""How likely chance alone makes later rows differ from a reference as much, from counts alone.

Each row is taken to be drawn by itself; see `permutation` where it is not.
"""

from __future__ import annotations

import numpy as np
from scipy.special import kolmogorov
from scipy.stats import chi2, hypergeom

from .shares import accumulate

FEWEST_EXPECTED = 5
"""Rows that chi-square needs to expect of a cell (Cochran, 1954)."""


def compare_orders(reference: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """The test of Kolmogorov and Smirnov where only the places of values are known.

    The largest gap at an edge is at most the largest anywhere, so that p-values are too large
    rather than too small, and by little where there are many edges. Few rows are corrected for as
    by Stephens (1970).

    Args:
        reference: (n_places,) counts, ascending.
        windows: (n_windows, n_places) counts.

    Returns:
        (n_windows,) p-values, 1 where a sample has no rows.
    """
    rows = np.sqrt(_count_effective_rows(int(reference.sum()), windows.sum(axis=1)))
    gaps = np.abs(accumulate(reference) - accumulate(windows)).max(axis=1)
    scale = np.where(rows > 0, rows + 0.12 + 0.11 / np.maximum(rows, 1), 0)
    return np.asarray(kolmogorov(gaps * scale))


def _count_effective_rows(one: int, other: np.ndarray) -> np.ndarray:
    """As many rows, held against what is known for certain, tell as much."""
    return np.asarray(one * (other / np.maximum(one + other, 1)))


def compare_cells(reference: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Pearson's chi-square test, with the arguments of `compare_orders` in any order of places.

    Of two places it is Fisher's exact test, which sees how often a rare one comes. Of more the
    rarest are one cell, which takes in all of which either sample expects fewer than 5 rows, and
    others until 5 are expected of it, too.
    """
    if windows.shape[1] == 2:
        sizes = int(reference[0]), int(reference.sum())
        return compare_shares(*sizes, windows[:, 0], windows.sum(axis=1))
    reference = np.broadcast_to(reference, windows.shape)
    order = np.argsort(reference + windows, axis=1, kind="stable")
    counts = np.stack([np.take_along_axis(one, order, axis=1) for one in (reference, windows)])
    rows = counts.sum(axis=2, keepdims=True)
    shares = counts.sum(axis=0) / np.maximum(rows.sum(axis=0), 1)
    fewest = shares * rows.min(axis=0)
    is_rare = (fewest < FEWEST_EXPECTED) | (fewest.cumsum(axis=1) - fewest < FEWEST_EXPECTED)
    terms = _find_terms(counts, shares * rows)
    rest = [(one * is_rare).sum(axis=2) for one in (counts, shares * rows)]
    statistic = (terms * ~is_rare).sum(axis=(0, 2)) + _find_terms(*rest).sum(axis=0)
    freedom = (~is_rare).sum(axis=1)
    return np.where(freedom > 0, chi2.sf(statistic, np.maximum(freedom, 1)), 1.0)


def _find_terms(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.asarray((counts - expected) ** 2 / np.where(expected > 0, expected, 1))


def compare_shares(
    events: int, rows: int, window_events: np.ndarray, window_rows: np.ndarray
) -> np.ndarray:
    """Fisher's exact test of two shares: twice the smaller tail.

    Args:
        events: How many of the `rows` of the reference.
        rows: Of the reference.
        window_events: (n_windows,) how many of the rows of each window.
        window_rows: (n_windows,).

    Returns:
        (n_windows,) p-values.
    """
    sizes = rows + window_rows, events + window_events, window_rows
    more, fewer = hypergeom.sf(window_events - 1, *sizes), hypergeom.cdf(window_events, *sizes)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(more, fewer)))


def compare_excesses(
    events: int, rows: int, window_events: np.ndarray, window_rows: np.ndarray
) -> np.ndarray:
    """Fisher's exact test whether a window has more, with the arguments of `compare_shares`.

    It is exact as well for values above all of the reference: of the largest values of both samples
    together, each is as likely to be any row's.
    """
    sizes = rows + window_rows, events + window_events, window_rows
    return np.asarray(hypergeom.sf(window_events - 1, *sizes))


def compare_novelties(
    reference: np.ndarray, others: int, window_events: np.ndarray, window_rows: np.ndarray
) -> np.ndarray:
    """Whether more values are new than a sample that misses rare ones leads to expect.

    As many rows as have a value that no other row has would have been new, had they come last
    (Good, 1953). How much this varies takes the values of two rows as well (Esty, 1983): so many
    fewer rows of the reference count.

    Args:
        reference: (n_places,) counts of values of the reference.
        others: How many more rows it has, with values that are not told apart.
        window_events: (n_windows,) rows of each window whose value is new, or one of those others.
        window_rows: (n_windows,).
    """
    once, twice = int((reference == 1).sum()) + others, int((reference == 2).sum())
    weight = (once + 1) / (once + 1 + 2 * twice)
    rows = int(np.ceil(weight * (reference.sum() + others)))
    return compare_excesses(int(np.ceil(weight * once)), rows, window_events, window_rows)
