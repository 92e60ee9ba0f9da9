"""Drawing rows such that equal ones stay together and each class has its share.

Rows are drawn by a hash of what they contain, not by where they stand. Those of one hash are a
clump, which is of the class that most of its rows are of, or of the first such one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_SEEDS, MOST_TRIED = 1000, 20_000_000
"""Seeds that are tried, and clumps times seeds, which take about a second."""


def is_drawn(hashes: np.ndarray, share: float, seed: int) -> np.ndarray:
    """(n_rows,) whether each is in a share of what is drawn by hash and seed."""
    return shuffle_hashes(hashes, seed) < share * 2.0**64


def shuffle_hashes(hashes: np.ndarray, seed: int) -> np.ndarray:
    """(n_rows,) other hashes for each seed: step `seed` of SplitMix64 (Steele et al., 2014)."""
    mixed = hashes + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


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
    clumps, places = _clump(hashes, strata, seed)
    by_stratum = clumps.groupby("stratum")["rows"]
    total, reached = by_stratum.transform("sum"), by_stratum.cumsum()
    is_first, is_last = reached == clumps["rows"], reached == total
    is_early = (reached - clumps["rows"] / 2) / total < share
    return np.asarray(~is_last & (is_first | is_early))[places]


def number_parts(hashes: np.ndarray, strata: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(n_rows,) the part of each row, from 0, of `count` that are as alike as clumps allow.

    The clumps of each stratum, the large ones first, are dealt out in turn. See `draw_share` for
    what it takes.
    """
    clumps, places = _clump(hashes, strata, seed)
    order = np.lexsort((clumps.index, -clumps["rows"], clumps["stratum"]))
    parts = np.empty(len(clumps), dtype=int)
    parts[order] = np.arange(len(clumps)) % count
    return parts[places]


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
    clumps, places = np.unique(hashes, return_inverse=True)
    codes, names = pd.factorize(strata, sort=True)
    pairs, counts = np.unique(codes * len(clumps) + places, return_counts=True)
    stratum, clump = np.divmod(pairs, len(clumps))
    rows = np.bincount(stratum, counts, len(names))
    can_be_drawn = np.bincount(stratum, minlength=len(names)) > 1

    def unevenness(seed: int) -> tuple[int, int, float]:
        of_pair = is_drawn(clumps, share, seed)[clump]
        drawn = np.bincount(stratum[of_pair], counts[of_pair], len(names))
        none_left, none_drawn = (drawn == rows).sum(), (can_be_drawn & (drawn == 0)).sum()
        return int(none_left), int(none_drawn), float(((drawn - share * rows) ** 2 / rows).sum())

    tried = min(MOST_SEEDS, max(2, MOST_TRIED // len(pairs)))
    return min(range(first, first + tried), key=unevenness)


def _clump(hashes: np.ndarray, strata: np.ndarray, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Clumps in the order of their hashes, and (n_rows,) the place of each row's.

    A clump has `rows`, how many, and `stratum`, its place among all strata in their order.
    """
    codes, _ = pd.factorize(strata, sort=True)
    keys = pd.DataFrame({"hash": shuffle_hashes(hashes, seed), "stratum": codes})
    pairs = keys.groupby(["hash", "stratum"]).size().rename("rows").reset_index()
    commonest = pairs.sort_values(["hash", "rows"], ascending=[True, False], kind="stable")
    clumps = commonest.drop_duplicates("hash").set_index("hash")[["stratum"]]
    clumps["rows"] = pairs.groupby("hash")["rows"].sum()
    return clumps, clumps.index.get_indexer(keys["hash"])
