"""What was measured of sequences, as numbers in the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ..core.contract import Contract
from ..core.sequences import SIGNAL, list_summaries
from ..data.past import CELLS_AT_ONCE, decode_shape, encode_pasts, fill_forward


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


def summarise_signals(
    X: pd.DataFrame, contract: Contract, channels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Numbers by which signals can be watched as columns are.

    Args:
        X: (n_rows, n_columns) with at least the signals.
        contract: Of the examples.
        channels: Those to tell of; all if there are none.

    Returns:
        (n_rows, 3 * n_channels) of each channel the mean, the standard deviation, and the share of
        the `length` points that is unknown; the first two are nan where all are.
    """
    shape, names = find_shape(contract), contract.columns[SIGNAL].channels
    assert shape is not None
    columns = [name for channel in names for name in list_summaries(channel)]
    parts = [np.empty((0, len(columns)))]
    for start in range(0, len(X), CELLS_AT_ONCE):
        values = read_signals(X.iloc[start : start + CELLS_AT_ONCE], shape)
        # A channel's points side by side, so that a row's sums depend on no other row.
        known = np.ma.masked_invalid(np.ascontiguousarray(values.transpose(0, 2, 1)))
        moments = (known.mean(axis=2), known.std(axis=2), known.mask.mean(axis=2))
        numbers = [np.ma.filled(moment.astype("float64"), np.nan) for moment in moments]
        parts.append(np.stack(numbers, axis=2).reshape(len(values), -1))
    table = pd.DataFrame(np.concatenate(parts), X.index, columns)
    kept = names if channels is None else channels
    return table[[name for channel in kept for name in list_summaries(channel)]]


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
