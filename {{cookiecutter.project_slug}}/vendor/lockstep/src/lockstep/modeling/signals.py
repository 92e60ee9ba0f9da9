"""What was measured of sequences, as numbers in the columns of a table."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ..core.contract import Contract
from ..core.sequences import SIGNAL
from ..data.past import decode_shape, encode_pasts, fill_forward


def find_shape(contract: Contract) -> tuple[int, int] | None:
    """How many points the signals of examples have, and how many channels; None without signals."""
    if contract.points is None:
        return None
    column = contract.columns[SIGNAL]
    assert column.length is not None
    return (column.length, len(column.channels))


def read_signals(X: pd.DataFrame, shape: tuple[int, int]) -> np.ndarray:
    """(n_rows, length, channels) numbers of the column of signals, nan where nothing is known."""
    return decode_shape(X[SIGNAL], shape)


def part_channels(X: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """(n_rows, n_columns) features with a column of cells for each channel in place of signals."""
    shape = find_shape(contract)
    assert shape is not None
    values = read_signals(X, shape)
    cells = {
        name: encode_pasts(values[:, :, [place]])
        for place, name in enumerate(contract.columns[SIGNAL].channels)
    }
    return X.drop(columns=SIGNAL).assign(**cells)


def join_channels(X: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """(n_rows, n_features) what `part_channels` has parted."""
    shape, names = find_shape(contract), contract.columns[SIGNAL].channels
    assert shape is not None
    values = [decode_shape(X[name], (shape[0], 1)) for name in names]
    signals = encode_pasts(np.concatenate(values, axis=2))
    return X.assign(**{SIGNAL: signals})[contract.features]


class SignalScaler(TransformerMixin, BaseEstimator):
    """Standardises each channel over all points of the train rows.

    A gap becomes the number before it; where there is none, as in front of a shorter sequence, it
    becomes 0, the mean.

    Args:
        shape: How many points a signal has, and how many channels.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Learn mean and standard deviation of each channel."""
        values = read_signals(X, self.shape).reshape(-1, self.shape[1])
        is_known = ~np.isnan(values)
        counts = np.maximum(is_known.sum(axis=0), 1)
        self.mean_ = np.where(is_known, values, 0.0).sum(axis=0) / counts
        squares = np.where(is_known, values - self.mean_, 0.0) ** 2
        deviation = np.sqrt(squares.sum(axis=0) / counts)
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """(n_rows, length * channels) standardised numbers, point by point."""
        values = (read_signals(X, self.shape) - self.mean_) / self.scale_
        numbers: np.ndarray = np.nan_to_num(fill_forward(values)).reshape(len(X), -1)
        return numbers
