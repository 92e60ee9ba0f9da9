"""Drawing rows such that what belongs together stays together and each class has its share.

Rows are drawn by a hash of what they contain, or of their group, not by where they stand. Those of
one hash are a clump. Strata are (n_rows,) of anything or, where a row may be of several of them,
(n_rows, n_labels) of 0 and 1.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd

from .label_draws import deal_out

MOST_SEEDS, MOST_TRIED = 1000, 20_000_000
"""Seeds that are tried, and rows times seeds, which take a few seconds."""
MOST_WEIGHED = 1000
"""Groups that are put one by one where they fit best; more are even without."""


def is_drawn(hashes: np.ndarray, share: float, seed: int) -> np.ndarray:
    """(n_rows,) whether each is in a share of what is drawn by hash and seed."""
    return shuffle_hashes(hashes, seed) < share * 2.0**64


def shuffle_hashes(hashes: np.ndarray, seed: int) -> np.ndarray:
    """(n_rows,) other hashes for each seed: step `seed` of SplitMix64 (Steele et al., 2014)."""
    mixed = hashes + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class Clumps(NamedTuple):
    """Rows that stay together, counted by what they are of.

    A clump is of the stratum that most of its rows are of, or of the first such one.
    """

    hashes: np.ndarray
    """(n_clumps,) what rows of each have, in order."""
    places: np.ndarray
    """(n_rows,) the clump of each row, by its place."""
    rows: np.ndarray
    """(n_clumps,) how many are in each."""
    strata: np.ndarray
    """(n_clumps,) what each is of, by its place among all strata in their order."""
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray]
    """(n_pairs,) stratum, clump and number of rows, wherever there are some; in that order."""

    @classmethod
    def of_rows(cls, hashes: np.ndarray, strata: np.ndarray) -> Clumps:
        """The clumps of (n_rows,) hashes, which are of (n_rows,) strata."""
        distinct, places = np.unique(hashes, return_inverse=True)
        if strata.ndim == 2:
            table = np.column_stack([strata, ~strata.any(axis=1)])
            own, codes = np.nonzero(table[:, table.any(axis=0)])
        else:
            own, codes = np.arange(len(strata)), pd.factorize(strata, sort=True)[0]
        pairs, counts = np.unique(codes * len(distinct) + places[own], return_counts=True)
        stratum, clump = np.divmod(pairs, len(distinct))
        order = np.lexsort((stratum, -counts, clump))
        commonest = stratum[order][np.unique(clump[order], return_index=True)[1]]
        rows = np.bincount(places)
        return cls(distinct, places, rows, commonest, (stratum, clump, counts))

    def order(self, seed: int, *, largest_first: bool = False) -> np.ndarray:
        """(n_clumps,) their places, stratum by stratum, in an order that the seed draws."""
        sizes = -self.rows if largest_first else np.zeros(len(self.rows))
        return np.lexsort((shuffle_hashes(self.hashes, seed), sizes, self.strata))

    def tabulate(self, parts: np.ndarray, count: int) -> np.ndarray:
        """(n_strata, n_parts) rows of each stratum in each of the parts that clumps are in."""
        stratum, clump, rows = self.pairs
        strata = int(stratum[-1]) + 1
        cells = np.bincount(stratum * count + parts[clump], rows, strata * count)
        return cells.reshape(strata, count)


def draw_share(hashes: np.ndarray, strata: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draw about the same share of each stratum.

    The first clumps of each stratum, in the order of their hashes, are drawn until their share of
    its rows is nearest to `share`. A stratum of two clumps or more has rows on both sides.

    Args:
        hashes: (n_rows,) hash of what each row contains.
        strata: (n_rows,) what each is of.
        share: How much of them to draw.
        seed: Another seed draws others.

    Returns:
        (n_rows,) whether a row is drawn.
    """
    clumps = Clumps.of_rows(hashes, strata)
    if strata.ndim == 2:
        is_drawn_by_label: np.ndarray = (
            _deal_labels(clumps, strata, np.array([share, 1 - share]), seed) == 0
        )
        return is_drawn_by_label
    order = clumps.order(seed)
    by_stratum = pd.Series(clumps.rows[order]).groupby(clumps.strata[order])
    rows, reached = clumps.rows[order], by_stratum.cumsum().to_numpy()
    total = by_stratum.transform("sum").to_numpy()
    is_in = np.empty(len(order), dtype=bool)
    is_in[order] = (reached < total) & ((reached == rows) | ((reached - rows / 2) / total < share))
    return np.take(is_in, clumps.places)


def number_parts(hashes: np.ndarray, strata: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(n_rows,) the part of each row, from 0, of `count` that are as alike as clumps allow.

    The clumps of each stratum, the largest first, are dealt out in turn. See `draw_share` for what
    it takes.
    """
    clumps = Clumps.of_rows(hashes, strata)
    if strata.ndim == 2:
        return _deal_labels(clumps, strata, np.full(count, 1 / count), seed)
    parts = np.empty(len(clumps.hashes), dtype=int)
    parts[clumps.order(seed, largest_first=True)] = np.arange(len(parts)) % count
    return np.take(parts, clumps.places)


def _deal_labels(clumps: Clumps, labels: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """(n_rows,) the part of each row, from 0, where parts have such shares of each label."""
    table = np.zeros((len(clumps.hashes), labels.shape[1]))
    np.add.at(table, clumps.places, labels)
    order = np.lexsort((shuffle_hashes(clumps.hashes, seed), -clumps.rows))
    parts: np.ndarray = deal_out(table, clumps.rows, shares, order)[clumps.places]
    return parts


def number_groups(groups: np.ndarray, strata: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(n_rows,) the part of each row, from 0, of `count` with whole groups and even strata.

    See `draw_groups` for what it takes.
    """
    if strata.ndim == 2:
        return number_parts(groups, strata, count, seed)
    codes, _ = pd.factorize(strata, sort=True)
    can_be_weighed = count <= len(np.unique(groups)) <= MOST_WEIGHED
    if not can_be_weighed or np.bincount(codes).max() < count:
        return number_parts(groups, strata, count, seed)
    from sklearn.model_selection import StratifiedGroupKFold  # most splits need none of it

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    parts = np.empty(len(groups), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class has fewer rows than there are parts
        for part, (_, own) in enumerate(splitter.split(codes, codes, groups)):
            parts[own] = part
    return parts


def draw_groups(groups: np.ndarray, strata: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draw whole groups, such that the share of each stratum is as even as they allow.

    Args:
        groups: (n_rows,) hash of each row's group.
        strata: (n_rows,) what each is of.
        share: How much of them to draw.
        seed: The first of the seeds that are tried.

    Returns:
        (n_rows,) whether a row is drawn.
    """
    return is_drawn(groups, share, choose_seed(groups, strata, share, seed))


def choose_seed(hashes: np.ndarray, strata: np.ndarray, share: float, first: int = 0) -> int:
    """The seed by which `is_drawn` divides the strata most evenly; of equal ones the first.

    Best is one that leaves no stratum without rows on a side, among those of two clumps or more;
    then one with the least sum of squares of what each stratum's drawn rows are off their share,
    divided by its rows.

    Args:
        hashes: (n_rows,) hash of what stays together.
        strata: (n_rows,) what each row is of.
        share: How much of each stratum to draw.
        first: The first of the seeds that are tried.
    """
    clumps = Clumps.of_rows(hashes, strata)
    can_be_drawn = np.bincount(clumps.pairs[0]) > 1

    def unevenness(seed: int) -> tuple[int, int, float]:
        rest, sample = clumps.tabulate(is_drawn(clumps.hashes, share, seed).astype(int), 2).T
        none_left, none_drawn = (rest == 0).sum(), (can_be_drawn & (sample == 0)).sum()
        off = sample - share * (rest + sample)
        return int(none_left), int(none_drawn), float((off**2 / (rest + sample)).sum())

    count = min(MOST_SEEDS, max(2, MOST_TRIED // len(hashes)))
    return min(range(first, first + count), key=unevenness)
