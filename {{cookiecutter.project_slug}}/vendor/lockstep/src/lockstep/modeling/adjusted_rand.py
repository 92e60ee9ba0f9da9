"""Whether two ways to cluster rows say the same."""

from __future__ import annotations

import numpy as np

from .ratios import ratio


def adjusted_rand(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The adjusted Rand index (Hubert and Arabie, 1985) of weighted rows.

    Of all pairs of rows it tells how many are together in both, or apart in both, beyond chance: 1
    if all are, and 0 as by chance. A row that a resample has drawn twice makes no pair with itself.

    Args:
        one: (n_rows,) clusters, whole numbers.
        other: (n_rows,) the same of another way.
        weights: (n_resamples, n_rows) how often each row counts.

    Returns:
        (n_resamples,) indices; nan where no two rows are drawn.
    """
    both = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)[1].ravel()
    itself = (weights**2).sum(axis=1)
    together, first, second = (_sum_squares(of, weights) - itself for of in (both, one, other))
    pairs = weights.sum(axis=1) ** 2 - itself
    expected = ratio(first * second, pairs)
    largest = (first + second) / 2
    index = ratio(together - expected, largest - expected)
    is_trivial = (pairs > 0) & (largest - expected <= 0)  # all rows are one cluster, or each is one
    return np.where(is_trivial, 1.0, index)


def _sum_squares(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n_resamples,) the sum over clusters of the square of how many rows each has."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels.min() - 1))
    counts = np.add.reduceat(weights[:, order], starts, axis=1)
    squares: np.ndarray = (counts**2).sum(axis=1)
    return squares
