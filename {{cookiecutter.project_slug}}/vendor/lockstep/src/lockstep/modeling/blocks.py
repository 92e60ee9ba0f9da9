"""Predictions that are the same bits whatever rows stand beside a row.

Products of matrices are summed in another order for one row than for a thousand, so that a row
that comes alone would have another last digit than in a file. In blocks of one size the order is
always the same, wherever in its block a row is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .examples import fill_places
from .networks import Network

SIZE = 256
"""Rows of a block."""
OF_TREES = ("sklearn.tree", "sklearn.ensemble._forest", "sklearn.ensemble._hist_gradient_boosting")
"""Modules whose estimators send each row down their trees by itself."""


def predict_in_blocks(
    estimator: BaseEstimator, predict: Callable[[Any], np.ndarray], X: Any
) -> np.ndarray:
    """What `predict`, a method of the fitted `estimator`, gives for each row.

    Args:
        estimator: A network fills blocks of its own, and trees have no need of them.
        predict: Takes (n_rows, n_features) numbers, and gives an array of n_rows.
        X: (n_rows, n_features), at least one row.
    """
    if isinstance(estimator, Network) or _is_of_trees(estimator):
        return predict(X)
    rows = X.shape[0]
    rest = rows % SIZE
    part = getattr(X, "iloc", X)
    blocks = [predict(part[start : start + SIZE]) for start in range(0, rows - rest, SIZE)]
    if rest:
        blocks.append(predict(part[rows - rest + fill_places(rest, SIZE)])[:rest])
    return np.concatenate(blocks)


def _is_of_trees(estimator: BaseEstimator) -> bool:
    return any(kind.__module__.startswith(OF_TREES) for kind in type(estimator).__mro__)
