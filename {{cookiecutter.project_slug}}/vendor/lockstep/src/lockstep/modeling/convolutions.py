"""Features of sequences that convolutions give of which nothing is learnt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

TAPS = 9
"""Points that each kernel looks at."""
KERNELS = np.array([*combinations(range(TAPS), 3)])
"""(n_kernels, 3) the taps of weight 2; all others have weight -1."""
MOST_CHANNELS = 9
"""That are looked at together."""
POINTS_AT_ONCE = 2**15
"""That are convolved in memory."""
GOLDEN = (5**0.5 - 1) / 2


class RandomConvolutions(TransformerMixin, BaseEstimator):
    """How much of a sequence has a shape, for many short shapes that are stretched differently.

    The kernels are those of MiniRocket (Dempster, Schmidt and Webb, 2021), all 84 of which look at
    the same points: some channels, drawn anew for each dilation, are summed up. A feature is the
    share of the points at which a kernel answers more strongly than its bias, which is a quantile
    of what it answers to a row that is drawn.

    Args:
        signal: Points and channels; the first columns are their numbers, point by point.
        features: About how many there are to be, of 84 for each dilation.
        random_state: Seed of the channels and rows that are drawn.

    Attributes:
        dilations_: (n_dilations,) how many points apart the taps of a kernel are.
        channels_: (n_dilations, n_channels) whether a channel is looked at.
        biases_: (n_dilations, n_kernels).
        n_features_in_: Number of columns seen in `fit`.
    """

    def __init__(
        self, signal: tuple[int, int], features: int = 2520, random_state: int = 0
    ) -> None:
        self.signal, self.features, self.random_state = signal, features, random_state

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Draw the channels and the rows that give the biases."""
        points = self._read_points(validate_data(self, X, dtype="float64"))
        rng = np.random.default_rng(self.random_state)
        length, channels = self.signal
        count = max(1, self.features // len(KERNELS))
        longest = max(1.0, (length - 1) / (TAPS - 1))
        self.dilations_ = np.geomspace(1, longest, count).astype("int64")
        self.channels_ = np.zeros((count, channels), dtype=bool)
        for is_drawn in self.channels_:
            size = int(2 ** rng.uniform(0, np.log2(min(channels, MOST_CHANNELS) + 1)))
            is_drawn[rng.choice(channels, size, replace=False)] = True
        places = np.arange(1, count * len(KERNELS) + 1).reshape(count, -1)
        rows = rng.integers(len(points), size=count)
        self.biases_ = np.stack(
            [
                _find_quantiles(self._convolve(points[[row]], place), shares)
                for place, (row, shares) in enumerate(zip(rows, places * GOLDEN % 1, strict=True))
            ]
        )
        return self

    def transform(self, X: Any) -> np.ndarray:
        """(n_rows, n_dilations * n_kernels + n_others) shares, and other columns as they are."""
        check_is_fitted(self)
        numbers = validate_data(self, X, reset=False, dtype="float64")
        points = self._read_points(numbers)
        step = max(1, POINTS_AT_ONCE // self.signal[0])
        parts = [self._measure(points[start : start + step]) for start in range(0, len(X), step)]
        return np.hstack([np.concatenate(parts), numbers[:, self.signal[0] * self.signal[1] :]])

    def _read_points(self, numbers: np.ndarray) -> np.ndarray:
        """(n_rows, length, channels)."""
        points: np.ndarray = numbers[:, : self.signal[0] * self.signal[1]]
        return points.reshape(-1, *self.signal).astype("float32")

    def _measure(self, points: np.ndarray) -> np.ndarray:
        """(n_rows, n_dilations * n_kernels) shares of the points."""
        counts = [
            np.count_nonzero(answers > bias, axis=1)
            for place, biases in enumerate(self.biases_)
            for answers, bias in zip(self._convolve(points, place), biases, strict=True)
        ]
        shares: np.ndarray = np.column_stack(counts) / self.signal[0]
        return shares

    def _convolve(self, points: np.ndarray, place: int) -> Iterator[np.ndarray]:
        """Of each kernel (n_rows, length) answers; before and after a sequence all is 0."""
        dilation, length = int(self.dilations_[place]), self.signal[0]
        # One after the other, so that a row's sums depend on no other row.
        values = sum(points[:, :, one] for one in np.flatnonzero(self.channels_[place]))
        reach = TAPS // 2 * dilation
        padded = np.pad(values, ((0, 0), (reach, reach)))
        taps = np.stack(
            [padded[:, dilation * tap : dilation * tap + length] for tap in range(TAPS)]
        )
        total = taps.sum(axis=0)
        for one, other, another in KERNELS:
            yield 3 * (taps[one] + taps[other] + taps[another]) - total


def _find_quantiles(answers: Iterable[np.ndarray], shares: np.ndarray) -> list[float]:
    """(n_kernels,) of the answers that each kernel gives to a row, that below which a share is."""
    ordered = [np.sort(one, axis=None) for one in answers]
    return [one[int(share * len(one))] for one, share in zip(ordered, shares, strict=True)]
