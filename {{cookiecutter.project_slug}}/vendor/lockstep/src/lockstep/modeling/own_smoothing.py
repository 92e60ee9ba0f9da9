"""Exponential smoothing in which each past has a form and weights of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .forecasters import Forecaster

LEVEL_WEIGHTS, TREND_WEIGHTS = (0.05, 0.2, 0.4, 0.65, 0.95), (0.02, 0.15)
SEASON_WEIGHTS = (0.02, 0.1, 0.4)
DAMPINGS = {"none": (0.0,), "damped": (0.85, 0.95), "linear": (1.0,)}
"""The weights and what is left of a trend at each step: all of them together are the grid."""
PASTS_AT_ONCE = 256
"""That are followed in memory, each with all weights."""
SMALLEST_ERROR = 1e-6
"""Of one step ahead, in units of the spread: what is less is none."""
TINY = 1e-9
"""In units of the spread, what is left of a zero by rounding."""


class OwnSmoothing(Forecaster):
    """Exponential smoothing of each past by itself (Hyndman et al., 2002).

    A form has a trend, a damped one or none, and a season or none. Of values above zero each form
    is tried on their logarithms, too, whose trend and season grow with the level. The weights of a
    form are those of a grid by which it errs least, one step ahead, throughout the past. What is
    forecast is the mean over all forms, each with its weight by AICc (Kolassa, 2011).

    Nothing is learnt, so that what is forecast of a series depends on no other.
    """

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) relative targets of (n_rows, n_features) features."""
        series = self.series
        pasts = np.column_stack([series.height(X), series.starts(X), series.past(X)[:, :, 0]])
        # The steps from an origin stand together, and have their past in common.
        is_new = np.ones(len(pasts), bool)
        is_new[1:] = (pasts[1:] != pasts[:-1]).any(axis=1)
        distinct, places = pasts[is_new], np.cumsum(is_new) - 1
        starts = range(0, max(1, len(distinct)), PASTS_AT_ONCE)
        parts = [self._forecast(distinct[start : start + PASTS_AT_ONCE]) for start in starts]
        forecast: np.ndarray = np.concatenate(parts)[places, series.steps(X) - 1]
        return forecast

    def _forecast(self, pasts: np.ndarray) -> np.ndarray:
        """(n_pasts, horizon) forecasts of (n_pasts, 2 + window) heights, starts and values."""
        height, starts, values = pasts[:, :1], pasts[:, 1], pasts[:, 2:]
        is_positive = (values + height > TINY).all(axis=1)
        logs = np.log(np.where(is_positive[:, np.newaxis], values + height, 1.0))
        plain, logarithmic = Pasts.of(values, starts), Pasts.of(logs, starts)
        fits = [self._fit(plain, *form) for form in self._forms()]
        # The derivative of logarithms turns the unit of their errors back (Box and Cox, 1964).
        penalty = np.where(is_positive, 2 * logarithmic.total, np.inf)
        low, high = (end(axis=1)[:, np.newaxis] for end in (logs.min, logs.max))
        for criterion, forecast in [self._fit(logarithmic, *form) for form in self._forms()]:
            # What grows exponentially leaves the past behind by no more than the past is wide.
            forecast = np.clip(forecast, 2 * low - high, 2 * high - low)
            fits.append((criterion + penalty, np.exp(forecast) - height))
        criteria, forecasts = (np.array(part) for part in zip(*fits, strict=True))
        weights = np.exp((criteria.min(axis=0) - criteria) / 2)[:, :, np.newaxis]
        # Not by numpy, which adds the forms in another order where there is one past alone.
        mean: np.ndarray = sum(weights * forecasts) / sum(weights)
        return mean

    def _forms(self) -> Iterator[tuple[str, int]]:
        return product(DAMPINGS, sorted({1, self.series.season}))

    def _fit(self, pasts: Pasts, trend: str, season: int) -> tuple[np.ndarray, np.ndarray]:
        """(n_pasts,) AICc and (n_pasts, horizon) forecasts of a form with its best weights."""
        grid = product(
            LEVEL_WEIGHTS,
            TREND_WEIGHTS if trend != "none" else (0.0,),
            SEASON_WEIGHTS if season > 1 else (0.0,),
            DAMPINGS[trend],
        )
        weights = np.array([*grid]).T[:, :, np.newaxis]
        errors, forecasts = self._follow(pasts, season, weights)
        best, places, length = errors.argmin(axis=0), np.arange(errors.shape[1]), pasts.length
        count = 2 + {"none": 0, "linear": 2, "damped": 3}[trend] + (season if season > 1 else 0)
        mean = np.maximum(errors[best, places] / length, SMALLEST_ERROR**2)
        spare = np.maximum(length - count - 1, 0.5)
        criterion = length * np.log(mean) + 2 * count + 2 * count * (count + 1) / spare
        return criterion, forecasts[:, best, places].T

    def _follow(
        self, pasts: Pasts, season: int, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n_weights, n_pasts) squared errors and (horizon, n_weights, n_pasts) forecasts."""
        level_weight, trend_weight, season_weight, damping = weights
        level, trend, seasons = pasts.begin(season, has_trend=bool(damping.any()))
        errors = np.zeros(np.broadcast_shapes(level_weight.shape, level.shape))
        level, trend = level + errors, trend + errors
        seasons = seasons[:, np.newaxis, :] + errors
        for time in range(self.series.window):
            place, expected = time % season, level + damping * trend
            is_known = pasts.is_known[:, time]
            error = np.where(is_known, pasts.values[:, time] - expected - seasons[place], 0.0)
            errors += error**2
            level = np.where(is_known, expected + level_weight * error, level)
            trend = np.where(is_known, damping * trend + level_weight * trend_weight * error, trend)
            seasons[place] += season_weight * (1 - level_weight) * error
        forecasts = np.empty((self.series.horizon, *errors.shape))
        moves = damping
        for step in range(self.series.horizon):
            place = (self.series.window + step) % season
            forecasts[step] = level + moves * trend + seasons[place]
            moves = moves * damping + damping
        return errors, forecasts


class Pasts(NamedTuple):
    """Values of pasts from the first known one on; before it a past repeats it."""

    values: np.ndarray
    """(n_pasts, window)"""
    is_known: np.ndarray
    """(n_pasts, window)"""
    length: np.ndarray
    """(n_pasts,) how many are known."""

    @classmethod
    def of(cls, values: np.ndarray, starts: np.ndarray) -> Pasts:
        """Of (n_pasts, window) values, and (n_pasts,) how many come before the first known one."""
        window = values.shape[1]
        length = np.maximum(window - starts, 1)
        is_known = np.arange(window) >= window - length[:, np.newaxis]
        return cls(values, is_known, length)

    @property
    def total(self) -> np.ndarray:
        """(n_pasts,) the sum of those that are known."""
        total: np.ndarray = np.where(self.is_known, self.values, 0.0).sum(axis=1)
        return total

    def begin(self, season: int, *, has_trend: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n_pasts,) level and trend, and (season, n_pasts) seasons, before the first known value.

        The line is that of least squares; the seasons are the means of what lies off it.
        """
        window = self.values.shape[1]
        mean, centre = self.total / self.length, window - (self.length + 1) / 2
        offsets = np.where(self.is_known, np.arange(window) - centre[:, np.newaxis], 0.0)
        slope = np.zeros(len(mean))
        if has_trend:
            slope = (offsets * self.values).sum(axis=1) / np.maximum((offsets**2).sum(axis=1), 1.0)
        line = mean[:, np.newaxis] + slope[:, np.newaxis] * offsets
        rest = np.where(self.is_known, self.values - line, 0.0)
        seasons = np.zeros((season, len(mean)))
        for place in range(season) if season > 1 else ():
            count = self.is_known[:, place::season].sum(axis=1)
            seasons[place] = rest[:, place::season].sum(axis=1) / np.maximum(count, 1)
        return mean - slope * (self.length + 1) / 2, slope, seasons
