"""Regressors whose rows may have weights, where those of scikit-learn take none."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data


class WeightedNeighbours(KNeighborsRegressor):
    """The mean of the nearest neighbours, each of which counts as much as it weighs.

    Attributes:
        sample_weight_: (n_rows,) weights of the train rows; None if they count alike.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Keep (n_rows, n_features) numbers, (n_rows,) targets and weights above zero."""
        super().fit(X, y)
        self.sample_weight_ = None
        if sample_weight is not None:
            self.sample_weight_ = _check_sample_weight(sample_weight, self._fit_X)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) means."""
        check_is_fitted(self)
        if self.sample_weight_ is None:
            alike: np.ndarray = super().predict(X)
            return alike
        distances, places = self.kneighbors(X)
        weights = self.sample_weight_[places]
        if self.weights == "distance":
            weights = weights * measure_closeness(distances)
        means: np.ndarray = np.average(self._y[places], axis=1, weights=weights)
        return means


def measure_closeness(distances: np.ndarray) -> np.ndarray:
    """(n_rows, n_neighbours) inverse distances; of a row that equals some, 1 of these, else 0."""
    with np.errstate(divide="ignore"):
        closeness = 1 / distances
    is_equal = np.isinf(closeness)
    return np.where(is_equal.any(axis=1, keepdims=True), is_equal, closeness)


class StandardisedTarget(RegressorMixin, BaseEstimator):
    """A regressor that learns the standardised target, by the mean and spread of weighted rows.

    Args:
        regressor: Unfitted; its `fit` takes `sample_weight`.

    Attributes:
        scaler_: What standardises.
        regressor_: What has been fitted.
    """

    def __init__(self, regressor: BaseEstimator) -> None:
        self.regressor = regressor

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn (n_rows,) targets of (n_rows, n_features) numbers, each with its weight, if any."""
        X, y = validate_data(self, X, y, y_numeric=True)
        column = y.reshape(-1, 1)
        self.scaler_ = StandardScaler().fit(column, sample_weight=sample_weight)
        standardised = self.scaler_.transform(column).ravel()
        self.regressor_ = clone(self.regressor).fit(X, standardised, sample_weight=sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) numbers, in the target's unit."""
        check_is_fitted(self)
        standardised = self.regressor_.predict(validate_data(self, X, reset=False))
        numbers: np.ndarray = self.scaler_.inverse_transform(standardised.reshape(-1, 1)).ravel()
        return numbers
