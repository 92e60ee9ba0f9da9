"""Trying clusters on rows that were not learnt from, where nobody knows which they are of."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone

from .blocks import predict_in_blocks
from .cluster_metrics import stable_silhouette
from .clusterer import Clusterer
from .outcome import CLARITY, PART, SILHOUETTE, Outcome
from .silhouettes import measure_silhouettes
from .structureless import draw_structureless

UNKNOWN = -1
MOST_ROWS = 20_000
"""Rows without structure that are drawn."""


def try_clusters(clusterer: Clusterer, X: np.ndarray) -> Outcome:
    """What a clusterer says of rows, beside what they say by themselves.

    Args:
        clusterer: Fitted on others.
        X: (n_rows, n_features) numbers, at least one row.

    Returns:
        Its clusters as `predicted`; as `actual` those of a clone that is fitted to these rows alone
        and finds as many, -1 where they are too few for it.
    """
    places = predict_in_blocks(clusterer, clusterer.predict, X)
    table = pd.DataFrame(
        {
            SILHOUETTE: measure_silhouettes(X, places),
            CLARITY: predict_in_blocks(clusterer, clusterer.measure_clarity, X),
            PART: 0,
        }
    )
    return Outcome(_find_afresh(clusterer, X), places, clusters=table)


def _find_afresh(clusterer: Clusterer, X: np.ndarray) -> np.ndarray:
    """(n_rows,) clusters by the rows alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of has been told of the train rows
        try:
            labels: np.ndarray = clusterer.with_number(clusterer.count).fit(X).labels_
        except ValueError:
            return np.full(len(X), UNKNOWN)
    return labels


def try_structureless(clusterer: Clusterer, X: np.ndarray, held_out: int, seed: int) -> float:
    """The `stable_silhouette` where there are no clusters, found in the same way.

    Args:
        clusterer: Its parameters are taken.
        X: (n_rows, n_features) numbers that it learnt from: as many are drawn, at most 20,000.
        held_out: How many more it is tried on.
        seed: Of what is drawn.
    """
    share = min(1.0, MOST_ROWS / (len(X) + held_out))
    learn, held_out = max(2, int(share * len(X))), max(2, int(share * held_out))
    rows = draw_structureless(X, learn + held_out, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = clone(clusterer).fit(rows[:learn])
    outcome = try_clusters(fitted, rows[learn:])
    return float(stable_silhouette(outcome, np.ones((1, len(outcome))))[0])
