"""What a forecast is made from, as its estimators find it among the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.examples import LEVEL, PAST, SPREAD, STEP
from ..core.labels import encode_labels
from ..data.past import decode_shape, fill_by_season, fill_forward, level_and_spread
from .exposure import find_exposure


@dataclass(frozen=True)
class Series:
    """The shape of what is known of a series.

    The first `window * channels` features of an example are its past, from the earliest values on,
    each channel relative to where its latest values lie; the one after them tells how far ahead it
    lies. These are read here.
    """

    window: int
    """How many of the latest values there are."""
    channels: int
    """How many numbers there are of each time; the first is of what is forecast."""
    season: int
    """After how many steps things are alike again; 1 if never."""
    horizon: int
    """How many steps ahead the target is forecast."""

    @classmethod
    def of_examples(cls, contract: Contract) -> Series | None:
        """That of examples; None if they are of no forecast."""
        rows = contract.history
        if rows is None:
            return None
        assert rows.window and rows.season and rows.horizon
        return cls(rows.window, len(contract.columns[PAST].channels), rows.season, rows.horizon)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the past: how many times, and how many numbers of each."""
        return (self.window, self.channels)

    @property
    def size(self) -> int:
        """Number of features that are the past."""
        return self.window * self.channels

    def past(self, X: np.ndarray) -> np.ndarray:
        """(n_rows, window, channels) relative values of (n_rows, n_features) features."""
        return np.asarray(X)[:, : self.size].reshape(len(X), self.window, self.channels)

    def steps(self, X: np.ndarray) -> np.ndarray:
        """(n_rows,) how many steps ahead examples lie, of (n_rows, n_features) features."""
        steps: np.ndarray = np.rint(np.asarray(X)[:, self.size] * self.horizon).astype(int)
        return steps

    def height(self, X: np.ndarray) -> np.ndarray:
        """(n_rows,) how many spreads above zero the level lies, of features that tell it."""
        share = np.asarray(X)[:, self.size + 1]
        height: np.ndarray = share / (1 - np.abs(share))
        return height

    def starts(self, X: np.ndarray) -> np.ndarray:
        """(n_rows,) how many steps of the past come before the first value, of such features."""
        starts: np.ndarray = np.rint(np.asarray(X)[:, self.size + 2] * self.window).astype(int)
        return starts

    def latest(self, X: np.ndarray, count: int) -> np.ndarray:
        """(n_rows, n_features) features without what of the past is before the latest `count`."""
        return np.asarray(X)[:, max(0, self.window - count) * self.channels :]

    def lag(self, X: np.ndarray, seasons: int = 0) -> np.ndarray:
        """(n_rows,) the latest relative target of the same place in the season, or one before.

        Args:
            X: (n_rows, n_features) features.
            seasons: How many seasons further back; where the window ends, the earliest one in it.
        """
        phase = -self.steps(X) % self.season
        lags = phase + self.season * np.minimum(seasons, (self.window - 1 - phase) // self.season)
        values: np.ndarray = self.past(X)[np.arange(len(X)), self.window - 1 - lags, 0]
        return values

    def smooth(self, X: np.ndarray, weight: float) -> np.ndarray:
        """(n_rows,) the mean of the past of the target, by exponential smoothing (Brown, 1956).

        Args:
            X: (n_rows, n_features) features.
            weight: What the latest value counts; the others share what is left in the same way.
        """
        shares = weight * (1 - weight) ** np.arange(self.window)[::-1]
        means: np.ndarray = (self.past(X)[:, :, 0] * (shares / shares.sum())).sum(axis=1)
        return means


def flatten_examples(rows: pd.DataFrame, series: Series, *, has_height: bool) -> np.ndarray:
    """(n_rows, window * channels + 1) the relative past, and the step from 0 to 1.

    Two more tell, from -1 to 1, how high the level of the target is beside its spread, and what
    share of the past comes before its first value.
    """
    pasts = decode_shape(rows[PAST], series.shape)
    values = pasts.transpose(0, 2, 1).reshape(-1, series.window)  # a line for each channel
    level, spread = level_and_spread(values, series.season)
    relative = (values - level[:, np.newaxis]) / spread[:, np.newaxis]
    relative = relative.reshape(-1, series.channels, series.window).transpose(0, 2, 1)
    relative = fill_by_season(relative, series.season)
    # Where a gap is the first, it becomes the next known value; where nothing is known, 0.
    relative = np.nan_to_num(fill_forward(fill_forward(relative)[:, ::-1])[:, ::-1])
    steps = rows[STEP].to_numpy(dtype="float64") / series.horizon
    columns = [relative.reshape(len(rows), series.size), steps]
    if has_height:
        level, spread = level[:: series.channels], spread[:: series.channels]
        is_before = np.logical_and.accumulate(np.isnan(pasts[:, :, 0]), axis=1)
        columns += [level / (np.abs(level) + spread), is_before.mean(axis=1)]
    return np.column_stack(columns)


def encode_target(rows: pd.DataFrame, contract: Contract) -> np.ndarray:
    """(n_rows,) what candidates learn: the target, per unit of exposure where rows have one, or, of
    a forecast, how it relates to the past.

    Of several labels (n_rows, n_labels) whether each row has each.

    Series of any unit, and the same one at another time, are alike then: what is learnt is by how
    many spreads of the latest values the target lies above their level.
    """
    if contract.labels:
        return encode_labels(rows[contract.target], contract.columns[contract.target])
    y: np.ndarray = rows[contract.target].to_numpy()
    if contract.forecasts:
        level, spread = rows[[LEVEL, SPREAD]].to_numpy("float64").T
        y = (y.astype("float64") - level) / spread
    exposure = find_exposure(rows, contract)
    return y if exposure is None else y.astype("float64") / exposure


def decode_target(y: np.ndarray, rows: pd.DataFrame, contract: Contract) -> np.ndarray:
    """(n_rows,) predictions of the target from what candidates have learnt to predict.

    After zeros alone they are zero: such a past has no unit to predict in.
    """
    series = Series.of_examples(contract)
    if series is not None:
        level, spread = rows[[LEVEL, SPREAD]].to_numpy("float64").T
        y = level + spread * y
        may_be_zeros = (level == 0) & (spread == 1)
        pasts = decode_shape(rows.loc[may_be_zeros, PAST], series.shape)[:, :, 0]
        is_other = np.nan_to_num(pasts).any(axis=1)
        y[may_be_zeros] = np.where(is_other, y[may_be_zeros], 0.0)
    exposure = find_exposure(rows, contract)
    return y if exposure is None else y * exposure
