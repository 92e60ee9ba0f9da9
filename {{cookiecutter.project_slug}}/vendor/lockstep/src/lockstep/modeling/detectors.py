"""Detectors of anomalies that scikit-learn has not, with its methods: no labels are learnt from.

`score_samples` gives (n_rows,) numbers, lower for odder rows, as scikit-learn's detectors do.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted, validate_data

from .examples import Examples
from .losses import Loss
from .networks import Network, parameters
from .rows_on_disk import Targets

NORMAL_MAD = 1.4826
"""Standard deviations of a normal distribution to its median absolute deviation."""


class Detector(OutlierMixin, BaseEstimator):
    """What the detectors here share."""

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Learn what is usual of (n_rows, n_features) numbers."""
        self._learn(validate_data(self, X, dtype="float64"))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """(n_rows,) lower for odder rows."""
        check_is_fitted(self)
        oddness: np.ndarray = self._measure(validate_data(self, X, reset=False, dtype="float64"))
        return -oddness

    def _learn(self, X: np.ndarray) -> None:
        raise NotImplementedError

    def _measure(self, X: np.ndarray) -> np.ndarray:
        """(n_rows,) higher for odder rows."""
        raise NotImplementedError


class RobustZ(Detector):
    """How far the most unusual number of a row lies from its column's median.

    It is counted in standard deviations as the median absolute deviation tells them (Iglewicz and
    Hoaglin, 1993) or, where more than half of a column are the same, in those themselves.

    Attributes:
        medians_: (n_features,) medians.
        units_: (n_features,) what deviations are counted in.
    """

    def _learn(self, X: np.ndarray) -> None:
        self.medians_ = np.median(X, axis=0)
        mads = NORMAL_MAD * np.median(np.abs(X - self.medians_), axis=0)
        units = np.where(mads > 0, mads, X.std(axis=0))
        self.units_ = np.where(units > 0, units, 1.0)

    def _measure(self, X: np.ndarray) -> np.ndarray:
        largest: np.ndarray = (np.abs(X - self.medians_) / self.units_).max(axis=1)
        return largest


class Ecod(Detector):
    """How far a row is in the tails of all its columns together (ECOD, Li et al., 2022).

    The tail probabilities of a row's numbers are those of the empirical distributions, and taken
    for independent: the score is the sum of minus the logarithm of the smaller one of each column,
    as the authors' own code has it; their paper sums up one side at a time.

    Attributes:
        sorted_: (n_features, n_rows) what has been learnt, each column in order.
    """

    def _learn(self, X: np.ndarray) -> None:
        self.sorted_ = np.sort(X, axis=0).T.copy()

    def _measure(self, X: np.ndarray) -> np.ndarray:
        rows, total = self.sorted_.shape[1], np.zeros(len(X))
        for learnt, numbers in zip(self.sorted_, X.T, strict=True):
            left = np.searchsorted(learnt, numbers, "right")
            right = rows - np.searchsorted(learnt, numbers, "left")
            # A number beyond all that were learnt counts as if it were one of them itself.
            total -= np.log(np.maximum(np.minimum(left, right), 1) / (rows + 1))
        return total


class PcaError(Detector):
    """How badly leading components give a row back (Shyu et al., 2003).

    Args:
        share: Of the variance, what the components hold; at least one is left out, since all of
            them would give every row back.

    Attributes:
        mean_: (n_features,) means.
        components_: (n_components, n_features) the leading directions.
    """

    def __init__(self, share: float = 0.9) -> None:
        self.share = share

    def _learn(self, X: np.ndarray) -> None:
        pca = PCA(svd_solver="full").fit(X)
        enough = int(np.searchsorted(pca.explained_variance_ratio_.cumsum(), self.share)) + 1
        self.mean_ = pca.mean_
        self.components_ = pca.components_[: min(enough, X.shape[1] - 1)]

    def _measure(self, X: np.ndarray) -> np.ndarray:
        centred = X - self.mean_
        restored = centred @ self.components_.T @ self.components_
        errors: np.ndarray = ((centred - restored) ** 2).mean(axis=1)
        return errors


@parameters
class NetworkDetector(OutlierMixin, Network):
    """A network that gives back what it is given; odd rows are those that it restores badly."""

    @property
    def _activation_and_loss(self) -> tuple[str, Loss]:
        return "linear", "mean_squared_error"

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on (n_rows, n_features) numbers."""
        return super().fit(X, np.zeros(len(X)) if y is None else y)

    def score_samples(self, X: Any) -> np.ndarray:
        """(n_rows,) lower for odder rows: minus the mean squared error."""
        restored = self._outputs(X)
        errors: np.ndarray = ((np.asarray(X, dtype="float64") - restored) ** 2).mean(axis=1)
        return -errors

    def _validate(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        return validate_data(self, X, dtype="float32"), np.zeros(len(y))

    def _learn_targets(self, parts: Any) -> None:
        """Nothing is learnt but the rows."""

    def _encode(self, X: np.ndarray, y: Targets) -> Examples:
        return Examples(X, X, np.ones(len(y), dtype="float32"))

    def _count_outputs(self, columns: int) -> int:
        return columns
