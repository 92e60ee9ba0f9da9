"""Regressors that forecast from what `Series` reads among their features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from .series import Series

MANY_EXAMPLES, FEW_VALUES = 10, 12
"""Of a step, for each value of the past; and values that are learnt from at least."""


class Forecaster(RegressorMixin, BaseEstimator):
    """Forecasts by a rule, of which nothing is learnt."""

    def __init__(self, series: Series) -> None:
        self.series = series

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ARG002
        """Nothing is learnt."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features."""
        raise NotImplementedError


class LastValue(Forecaster):
    """The latest value, which nothing beats where a series goes nowhere in particular."""

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features."""
        values: np.ndarray = self.series.past(X)[:, -1, 0]
        return values


class SeasonalNaive(Forecaster):
    """The latest value of the same place in the season; without a season the latest of all."""

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features."""
        return self.series.lag(X)


class Drift(Forecaster):
    """The seasonal naive forecast, moved on as the series has moved through its past.

    A step moves it by the difference between the latest season's mean and that of the earliest,
    divided by the steps from the one to the other. Without a season that is the line through the
    first value and the last (Hyndman and Athanasopoulos, 2021, section 5.2).
    """

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features."""
        season, steps = self.series.season, self.series.steps(X)
        past = self.series.past(X)[:, :, 0]
        span = max(1, self.series.window - season)
        slope = (past[:, -season:].mean(axis=1) - past[:, :season].mean(axis=1)) / span
        distance = -(-steps // season) * season
        forecast: np.ndarray = self.series.lag(X) + slope * distance
        return forecast


class BySteps(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A clone of a regressor for each step ahead, as direct forecasts are made.

    Each learns from the whole past where it has MANY_EXAMPLES for each of its values; of fewer it
    learns from the latest three seasons, two horizons or FEW_VALUES, whichever are most.

    Attributes:
        reach_: How many of the latest times are learnt from.
        estimators_: The fitted clones, by how many steps ahead they forecast.
    """

    def __init__(self, estimator: BaseEstimator, series: Series) -> None:
        self.estimator, self.series = estimator, series

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n_rows, n_features) features and (n_rows,) relative targets."""
        X, y, steps = np.asarray(X), np.asarray(y), self.series.steps(X)
        is_many = len(X) >= MANY_EXAMPLES * self.series.size * len(np.unique(steps))
        few = max(3 * self.series.season, 2 * self.series.horizon, FEW_VALUES)
        self.reach_ = self.series.window if is_many else few
        X = self.series.latest(X, self.reach_)
        self.estimators_ = {
            int(step): clone(self.estimator).fit(X[steps == step], y[steps == step])
            for step in np.unique(steps)
        }
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets; of a step that was not learnt, as of the nearest one."""
        choices, steps = np.array([*self.estimators_]), self.series.steps(X)
        X = self.series.latest(X, self.reach_)
        nearest = choices[np.abs(choices - steps[:, np.newaxis]).argmin(axis=1)]
        forecast = np.empty(len(X))
        for step in np.unique(nearest):
            # All rows go in, so that their products are of one order whatever rows are beside them.
            forecast[nearest == step] = self.estimators_[step].predict(X)[nearest == step]
        return forecast
