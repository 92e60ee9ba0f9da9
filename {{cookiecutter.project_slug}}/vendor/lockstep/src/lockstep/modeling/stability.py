"""How many clusters there are: the number that other rows of the same kind would give again.

Rows are divided into halves, no group into two, and clusters found in each alone. Where there is
something to find, both halves agree on where a row belongs (stability, Lange et al., 2004;
prediction strength, Tibshirani and Walther, 2005). Few large clusters agree easily, whatever the
rows; so it counts as well how far apart they lie: see `judge`.
"""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..data.inner_folds import find_units
from .adjusted_rand import adjusted_rand
from .cluster_metrics import judge
from .silhouettes import measure_silhouettes

if TYPE_CHECKING:
    from .clusterer import Clusterer

MOST_CLUSTERS = 10
MOST_ROWS = 2000
"""Rows that are divided; of more, so many are drawn."""
PAIRS = 3
"""How often they are divided."""
FEWEST_ROWS = 5
"""Of a half for each cluster, in the mean."""
ROUNDING = 1e-9


class Trial(NamedTuple):
    """What was seen of a number of clusters, in the mean over the pairs of halves."""

    clusters: int
    agreement: float
    """Adjusted Rand index of what the two halves say of the same rows."""
    silhouette: float
    score: float
    """The mean of their products."""


def choose_number(clusterer: Clusterer, X: np.ndarray, seed: int) -> tuple[int, list[Trial]]:
    """The number of clusters, from 2 to 10, of the best score; of equal ones the smaller.

    Rows that are learnt from in `learning_from` are divided by the groups that it is given.

    Args:
        clusterer: What finds them.
        X: (n_rows, n_features) numbers, at least two rows different.
        seed: Of the halves.

    Returns:
        The number, and what was seen of each that rows are enough for.
    """
    rng = np.random.default_rng(seed)
    units = find_units(len(X))
    size = min(len(X), MOST_ROWS) // 2
    pairs = [units.halve(rng) for _ in range(PAIRS)]
    halves = [(X[one[:size]], X[other[:size]]) for one, other in pairs]
    most = min(MOST_CLUSTERS, min(map(len, chain(*halves))) // FEWEST_ROWS)
    with warnings.catch_warnings():
        # A number that does not suit the rows is not taken, and no news.
        warnings.simplefilter("ignore")
        trials = [_try_number(clusterer, number, halves) for number in range(2, most + 1)]
    known = [trial for trial in trials if not np.isnan(trial.score)]
    if not known:
        return 2, trials
    best = max(trial.score for trial in known)
    chosen = next(trial for trial in known if trial.score >= best - ROUNDING)
    return chosen.clusters, trials


def _try_number(
    clusterer: Clusterer, number: int, halves: list[tuple[np.ndarray, np.ndarray]]
) -> Trial:
    figures = []
    for one, other in halves:
        try:
            learnt, fresh = (clusterer.find_again(half, number) for half in (one, other))
        except ValueError:  # too few different rows, say
            continue
        places = learnt.predict(other)
        agreement = float(adjusted_rand(places, fresh.labels_, np.ones((1, len(other))))[0])
        silhouette = float(measure_silhouettes(other, places).mean())
        figures.append((agreement, silhouette))
    if not figures:
        return Trial(number, np.nan, np.nan, np.nan)
    agreements, silhouettes = np.transpose(figures)
    scores = judge(agreements, silhouettes)
    return Trial(number, *(float(one.mean()) for one in (agreements, silhouettes, scores)))
