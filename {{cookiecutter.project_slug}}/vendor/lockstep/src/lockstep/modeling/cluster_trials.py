"""Trying clusters on rows that were not learnt from, where nobody knows which they are of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..core.errors import UserError
from ..core.params import Params
from ..data.folds import Fold
from .blocks import predict_in_blocks
from .cluster_metrics import stable_silhouette
from .clusterer import Clusterer
from .outcome import PART, SILHOUETTE, Outcome
from .silhouettes import measure_silhouettes
from .structureless import DRAWS

UNKNOWN = -1
MOST_ROWS = 20_000
"""Rows without structure of a draw."""


def require_enough_rows(params: Params, folds: list[Fold]) -> None:
    """Check that as many clusters as `train.clusters` can be found in the rows of each fold.

    Raises:
        UserError: Some validation rows are too few.
    """
    asked = params.train.clusters
    if params.kind != "clustering" or asked is None:
        return
    rows = min(len(validation) for _, validation in folds)
    other = "raise train.holdout" if params.train.folds is None else "lower train.folds"
    if asked > rows:
        raise UserError(
            f"params.yaml: train.clusters: {asked} clusters are to be found again in the "
            f"validation rows, which are only {rows}; lower it, or {other}"
        )


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
    table = pd.DataFrame({SILHOUETTE: measure_silhouettes(X, places), PART: 0})
    return Outcome(_find_afresh(clusterer, X), places, clusters=table, clusterer=clusterer)


def _find_afresh(clusterer: Clusterer, X: np.ndarray) -> np.ndarray:
    """(n_rows,) clusters by the rows alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of has been told of the train rows
        try:
            labels: np.ndarray = clusterer.find_again(X, clusterer.count).labels_
        except ValueError:
            return np.full(len(X), UNKNOWN)
    return labels


def try_structureless(clusterer: Clusterer, held_out: int, seed: int) -> Iterator[float]:
    """The `stable_silhouette` where there are no clusters, found in the same way, of each draw.

    As many rows are learnt from as it learnt from, and the number of clusters is chosen again.

    Args:
        clusterer: Fitted; its parameters are taken, and the box of its rows.
        held_out: How many rows it is tried on.
        seed: Of what is drawn.
    """
    learnt = len(clusterer.labels_)
    share = min(1.0, MOST_ROWS / (learnt + held_out))
    sizes = max(2, int(share * learnt)), max(2, int(share * held_out))
    for draw in range(DRAWS):
        yield _try_draw(clusterer, sizes, np.random.default_rng([seed, draw]))


def _try_draw(clusterer: Clusterer, sizes: tuple[int, int], rng: np.random.Generator) -> float:
    learn, held_out = (clusterer.box_.draw(size, rng) for size in sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = clone(clusterer).fit(learn)
    outcome = try_clusters(fitted, held_out)
    figure = stable_silhouette(outcome, np.ones((1, len(outcome))))[0]
    return float(np.nan_to_num(figure))  # too few to find any again, so that none are
