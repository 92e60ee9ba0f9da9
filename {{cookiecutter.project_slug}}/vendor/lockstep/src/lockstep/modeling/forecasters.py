"""Regressors that forecast from what `Series` reads among their features."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from .series import Series

LEVEL_WEIGHTS, TREND_WEIGHTS = (0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9), (0.0, 0.05, 0.2)
SEASON_WEIGHTS, DAMPINGS = (0.0, 0.1, 0.3, 0.6), (0.0, 0.8, 0.9, 0.97, 1.0)
"""What exponential smoothing tries as its weights; all of them together are its grid."""
ROWS_SMOOTHED = 2_000
"""Of more, so many are tried on, evenly spread."""


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

    Attributes:
        estimators_: The fitted clones, by how many steps ahead they forecast.
    """

    def __init__(self, estimator: BaseEstimator, series: Series) -> None:
        self.estimator, self.series = estimator, series

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n_rows, n_features) features and (n_rows,) relative targets."""
        X, y, steps = np.asarray(X), np.asarray(y), self.series.steps(X)
        self.estimators_ = {
            int(step): clone(self.estimator).fit(X[steps == step], y[steps == step])
            for step in np.unique(steps)
        }
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets; of a step that was not learnt, as of the nearest one."""
        X = np.asarray(X)
        choices, steps = np.array([*self.estimators_]), self.series.steps(X)
        nearest = choices[np.abs(choices - steps[:, np.newaxis]).argmin(axis=1)]
        forecast = np.empty(len(X))
        for step in np.unique(nearest):
            # All rows go in, so that their products are of one order whatever rows are beside them.
            forecast[nearest == step] = self.estimators_[step].predict(X)[nearest == step]
        return forecast


class ExponentialSmoothing(Forecaster):
    """Additive exponential smoothing with a damped trend and a season (Gardner, 1985).

    Level, trend and season of each past are followed from its first value to its last with the
    same weights, which are those of a grid that forecast the train examples best. They begin as the
    past has them as a whole: a line through its mean, as steep as from its first season to its
    last, and the mean of each place in the season. All series share the weights, and may be short.

    Attributes:
        weights_: What the latest value counts for the level, the trend and the season, and what
            is left of the trend at each step.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Choose the weights for (n_rows, n_features) features and (n_rows,) relative targets."""
        places = np.unique(np.linspace(0, len(X) - 1, ROWS_SMOOTHED).astype(int))
        X, y = np.asarray(X)[places], np.asarray(y)[places]
        losses = {weights: np.abs(self._follow(X, *weights) - y).mean() for weights in self._grid()}
        self.weights_ = min(losses, key=losses.__getitem__)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features."""
        return self._follow(np.asarray(X), *self.weights_)

    def _grid(self) -> Iterator[tuple[float, float, float, float]]:
        season_weights = SEASON_WEIGHTS if self.series.season > 1 else (0.0,)
        for damping in DAMPINGS:
            trend_weights = TREND_WEIGHTS if damping else (0.0,)
            yield from product(LEVEL_WEIGHTS, trend_weights, season_weights, (damping,))

    def _follow(
        self,
        X: np.ndarray,
        level_weight: float,
        trend_weight: float,
        season_weight: float,
        damping: float,
    ) -> np.ndarray:
        """(n_rows,) what comes of the pasts by some weights."""
        season, window = self.series.season, self.series.window
        past, steps = self.series.past(X)[:, :, 0], self.series.steps(X)
        first, last = past[:, :season].mean(axis=1), past[:, -season:].mean(axis=1)
        trend = (last - first) / max(1, window - season) if damping else np.zeros(len(X))
        level = past.mean(axis=1) - trend * (window + 1) / 2
        line = level[:, np.newaxis] + trend[:, np.newaxis] * np.arange(1, window + 1)
        seasons = np.zeros((len(X), season))
        if season > 1:
            for place in range(season):
                seasons[:, place] = (past - line)[:, place::season].mean(axis=1)
        for time in range(window):
            place, old_level = time % season, level
            next_level = level + damping * trend
            level = next_level + level_weight * (past[:, time] - seasons[:, place] - next_level)
            seasons[:, place] += season_weight * (past[:, time] - next_level - seasons[:, place])
            trend = damping * trend + trend_weight * (level - old_level - damping * trend)
        moves = np.cumsum(damping ** np.arange(1, self.series.horizon + 1))
        places = (window + steps - 1) % season
        forecast: np.ndarray = level + moves[steps - 1] * trend + seasons[np.arange(len(X)), places]
        return forecast
