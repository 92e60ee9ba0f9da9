"""Regression of classes that have an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

SMALLEST = 1e-12
MOST_ITERATIONS, TOLERANCE = 1000, 1e-12


class OrdinalRegression(ClassifierMixin, BaseEstimator):
    """A proportional odds model: logistic regressions of each threshold, all of one slope.

    The odds of a class above a threshold are exp(score - threshold) with one score for all
    thresholds (McCullagh, 1980). The negative log-likelihood with an L2 penalty on the
    slopes is convex in slopes and thresholds, and is minimised by L-BFGS.

    Args:
        alpha: Weight of the penalty, beside the sum of the losses.
        order: The classes from low to high; those of `y` in their natural order without it.

    Attributes:
        classes_: (n_classes,) those seen in `fit`, from low to high.
        coef_: (n_features,) slopes of the score.
        thresholds_: (n_classes - 1,) ascending.
        n_features_in_: Number of columns seen in `fit`.
        n_iter_: Steps of the optimiser.
    """

    def __init__(self, alpha: float = 1.0, order: Sequence[str] = ()) -> None:
        self.alpha, self.order = alpha, order

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from (n_rows, n_features) numbers and (n_rows,) labels.

        Raises:
            ValueError: There is a single class, or one that is not in the order.
        """
        X, y = validate_data(self, X, y, dtype="float64")
        check_classification_targets(y)
        self.classes_, places = find_places(y, self.order)
        if len(self.classes_) < 2:
            (name,) = self.classes_.tolist()
            raise ValueError(f"the rows hold one class only, {name!r}; two are needed")
        shares = np.bincount(places).cumsum()[:-1] / len(places)
        thresholds = np.log(shares / (1 - shares))
        gaps = np.log(np.maximum(np.diff(thresholds), SMALLEST))
        start = np.concatenate([np.zeros(X.shape[1]), thresholds[:1], gaps])
        found = minimize(
            _find_loss,
            start,
            args=(X, places, self.alpha),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_ITERATIONS, "ftol": TOLERANCE},
        )
        self.coef_, self.thresholds_ = found.x[: X.shape[1]], _unfold(found.x[X.shape[1] :])
        self.n_iter_ = max(1, int(found.nit))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_classes) probabilities, in the order of `classes_`; each row sums to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="float64")
        below = expit(self.thresholds_ - (X @ self.coef_)[:, np.newaxis])
        edges = np.pad(below, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
        probabilities: np.ndarray = np.diff(edges, axis=1)
        return probabilities

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) most probable class."""
        probabilities = self.predict_proba(X)
        classes: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Classes that lie around a centre each, as those of scikit-learn's checks, have no order.
        tags.classifier_tags.poor_score = True
        return tags


def find_places(y: np.ndarray, order: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The classes of (n_rows,) labels from low to high, and the place of each row's among them.

    Raises:
        ValueError: A label is not in the order.
    """
    seen, places = np.unique(y, return_inverse=True)
    if not len(order):
        return seen, places
    ranks = {name: rank for rank, name in enumerate(order)}
    if unknown := [name for name in seen.tolist() if name not in ranks]:
        raise ValueError(f"{unknown[0]!r} is not in the order {', '.join(map(str, order))}")
    by_rank = np.argsort([ranks[name] for name in seen.tolist()])
    return seen[by_rank], np.argsort(by_rank)[places]


def _unfold(parameters: np.ndarray) -> np.ndarray:
    """(n_classes - 1,) ascending thresholds of the first one and the logarithms of the gaps."""
    thresholds: np.ndarray = np.cumsum(np.append(parameters[:1], np.exp(parameters[1:])))
    return thresholds


def _find_loss(
    parameters: np.ndarray, X: np.ndarray, places: np.ndarray, alpha: float
) -> tuple[float, np.ndarray]:
    """The penalised negative log-likelihood, and its gradient."""
    coef, folded = np.split(parameters, [X.shape[1]])
    thresholds, last = _unfold(folded), len(folded)
    score = X @ coef
    upper = np.append(thresholds, np.inf)[places] - score
    lower = np.append(-np.inf, thresholds)[places] - score
    above, below = expit(upper), expit(lower)
    chance = np.maximum(above - below, SMALLEST)
    rise_above, rise_below = above * (1 - above) / chance, below * (1 - below) / chance
    slope = X.T @ (rise_above - rise_below) + alpha * coef
    by_threshold = np.bincount(places, rise_below, last + 1)[1:]
    by_threshold -= np.bincount(places, rise_above, last + 1)[:-1]
    # A gap moves its threshold and all above it.
    moved = by_threshold[::-1].cumsum()[::-1]
    by_fold = np.append(moved[:1], moved[1:] * np.exp(folded[1:]))
    loss = -np.log(chance).sum() + alpha / 2 * coef @ coef
    return float(loss), np.concatenate([slope, by_fold])
