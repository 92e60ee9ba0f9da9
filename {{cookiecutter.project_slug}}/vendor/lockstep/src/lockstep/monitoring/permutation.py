"""How likely chance alone makes later rows differ as much, where rows depend on each other.

Rows of a patient, or of a day, are alike, so that so many of them are far less evidence than they
seem. Whole blocks change places between the reference and the window, and nothing else does; each
counts once, however many rows it has, since a day does not tell more of other days by being busy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.stats import gamma, hypergeom

from .shares import share_out

FEWEST_BLOCKS = 5
"""Of either side; of fewer, too few permutations are different."""
PERMUTATIONS = 999
SEED = 0
Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Of two (n_pairs, n_bars) arrays of shares the (n_pairs,) distances."""


def compare_blocks(reference: np.ndarray, window: np.ndarray, measure: Measure) -> float:
    """The p-value of a permutation test: all blocks change places at random.

    Args:
        reference: (n_blocks, n_bars) counts.
        window: (n_other_blocks, n_bars) counts.
        measure: How far shares are apart.
    """
    reference, window = _share_blocks(reference), _share_blocks(window)
    both = np.concatenate([reference, window])
    if min(len(reference), len(window)) < FEWEST_BLOCKS:
        return 1.0
    chosen = _draw(len(both), len(window)) @ both
    distances = measure((both.sum(axis=0) - chosen) / len(reference), chosen / len(window))
    return _find_p_value(reference.mean(axis=0), window.mean(axis=0), distances, measure)


def compare_with_blocks(
    reference: np.ndarray, window: np.ndarray, count: float, measure: Measure
) -> float:
    """The p-value where nobody knows the blocks of the window, which are taken to be like those.

    Blocks of the reference change places between its halves. How far shares are apart then is that
    much more of fewer blocks. Where they never are, blocks that are unlike all of them are counted.

    Args:
        reference: (n_blocks, n_bars) counts.
        window: (n_bars,) counts.
        count: How many blocks the window probably has.
        measure: How far shares are apart; a square.
    """
    blocks = len(reference)
    if min(blocks // 2, count) < FEWEST_BLOCKS:
        return 1.0
    chosen = _draw(blocks, blocks // 2) @ reference
    distances = measure(share_out(reference.sum(axis=0) - chosen), share_out(chosen))
    shares = share_out(np.stack([reference.sum(axis=0), window]))
    if not distances.any():
        return _compare_unlike(reference, window, count, shares)
    distances *= (1 / count + 1 / blocks) / (1 / (blocks // 2) + 1 / (blocks - blocks // 2))
    return _find_p_value(shares[0], shares[1], distances, measure)


def _compare_unlike(
    reference: np.ndarray, window: np.ndarray, count: float, shares: np.ndarray
) -> float:
    """The p-value where all blocks of the reference have the same shares, and the window others.

    So many rows take at least so many blocks that are unlike all of these, were they the largest
    ones: how likely all such blocks are the window's is told by Fisher's exact test.
    """
    blocks, draws = len(reference), int(count)
    rows = window.sum() * np.abs(shares[1] - shares[0]).sum() / 2
    sizes = np.sort(np.tile(reference.sum(axis=1), -(-draws // blocks)))[::-1][:draws]
    unlike = min(int((sizes.cumsum() < rows).sum()) + 1, draws) if rows > 0.5 else 0
    return float(hypergeom.sf(unlike - 1, blocks + draws, unlike, draws))


def _find_p_value(
    one: np.ndarray, other: np.ndarray, distances: np.ndarray, measure: Measure
) -> float:
    """How likely shares are so far apart where permutations are as far as `distances`.

    The tail is that of a gamma distribution with the mean and variance of all permutations (Minas
    and Montana, 2014), so that p-values can be far smaller than one by their number.
    """
    mean, variance = distances.mean(), distances.var()
    if not variance:
        return 1.0
    distance = measure(one[None], other[None])[0]
    return float(gamma.sf(distance, mean**2 / variance, scale=variance / mean))


def _share_blocks(counts: np.ndarray) -> np.ndarray:
    """The shares of each block that has any rows."""
    return np.asarray(share_out(counts)[counts.sum(axis=1) > 0])


@lru_cache(maxsize=16)
def _draw(blocks: int, size: int) -> np.ndarray:
    """(n_permutations, n_blocks) ones for as many blocks as are taken to be the window's."""
    order = np.random.default_rng(SEED).random((PERMUTATIONS, blocks)).argsort(axis=1)
    return (order < size).astype("float64")


def measure_order_gap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The square of Kolmogorov's and Smirnov's distance."""
    return np.asarray(np.abs((one - other).cumsum(axis=1)).max(axis=1) ** 2)


def measure_cell_gap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The sum of chi-square, of shares."""
    both = one + other
    return np.asarray(((one - other) ** 2 / np.where(both > 0, both, 1)).sum(axis=1))
