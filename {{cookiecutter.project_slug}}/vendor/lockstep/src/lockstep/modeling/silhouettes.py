"""How far apart clusters lie, by each of their rows."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

MOST_ROWS = 2000
"""Rows that each one is compared with; of more, so many are drawn."""
BLOCK = 1000


def measure_silhouettes(X: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The silhouette of each row (Rousseeuw, 1987), from -1 to 1.

    It is how much nearer the rows of its own cluster are, in the mean, than those of the next one.
    It is 0 of a row that is alone in its cluster, and where there is a single cluster.

    Args:
        X: (n_rows, n_features) numbers.
        places: (n_rows,) cluster of each, from 0.

    Returns:
        (n_rows,) silhouettes.
    """
    drawn = np.arange(len(X))
    if len(X) > MOST_ROWS:
        drawn = np.sort(np.random.default_rng(0).permutation(len(X))[:MOST_ROWS])
    count = int(places.max()) + 1
    members = np.eye(count)[places[drawn]]
    is_drawn = np.zeros(len(X))
    is_drawn[drawn] = 1
    parts = []
    for start in range(0, len(X), BLOCK):
        block = slice(start, start + BLOCK)
        sums = cdist(X[block], X[drawn]) @ members
        parts.append(_compare(sums, members.sum(axis=0), places[block], is_drawn[block]))
    return np.concatenate(parts)


def _compare(
    sums: np.ndarray, sizes: np.ndarray, places: np.ndarray, is_drawn: np.ndarray
) -> np.ndarray:
    """(n_rows,) silhouettes of (n_rows, n_clusters) summed distances to rows, so many of each."""
    rows = np.arange(len(sums))
    others = sizes[places] - is_drawn  # a row is not compared with itself
    own = sums[rows, places] / np.maximum(others, 1)
    means = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    means[rows, places] = np.inf
    next_one = means.min(axis=1)
    larger = np.maximum(own, next_one)
    is_known = (others > 0) & np.isfinite(larger) & (larger > 0)
    gap = np.where(is_known, next_one - own, 0)
    silhouettes: np.ndarray = gap / np.where(is_known, larger, 1)
    return silhouettes
