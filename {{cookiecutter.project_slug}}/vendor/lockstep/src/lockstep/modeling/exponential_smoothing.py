"""Exponential smoothing, by weights that all series share and by those that each past asks for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Self

import numpy as np

from .forecasters import Forecaster
from .own_smoothing import OwnSmoothing

LEVEL_WEIGHTS, TREND_WEIGHTS = (0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9), (0.0, 0.05, 0.2)
SEASON_WEIGHTS, DAMPINGS = (0.0, 0.1, 0.3, 0.6), (0.0, 0.8, 0.9, 0.97, 1.0)
"""What exponential smoothing tries as its weights; all of them together are its grid."""
ROWS_SMOOTHED = 2_000
"""Of more, so many are tried on, evenly spread."""


class ExponentialSmoothing(Forecaster):
    """The mean of smoothing by weights that all series share, and by those that each past asks for.

    Attributes:
        shared_: The former, as it was learnt.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Choose the weights for (n_rows, n_features) features and (n_rows,) relative targets."""
        self.shared_ = SharedSmoothing(self.series).fit(X, y)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "shared_")

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features, which tell the height."""
        forecast: np.ndarray = (self.shared_.predict(X) + OwnSmoothing(self.series).predict(X)) / 2
        return forecast


class SharedSmoothing(Forecaster):
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
