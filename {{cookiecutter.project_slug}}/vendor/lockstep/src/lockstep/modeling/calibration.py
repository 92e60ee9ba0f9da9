"""How likely each class is where a model gives it some probability, as rows not learnt from teach.

The share of a class follows a power of its probability and a factor, both its own: q_k is in
proportion to exp(slope_k log p_k + offset_k). Of two classes that is beta calibration (Kull, Silva
Filho and Flach, 2017), of more it is Dirichlet calibration with a diagonal matrix (Kull et al.,
2019). The steps of an isotonic regression, which are more usual, follow the luck of few rows and
promise too much: `benchmarks/quality.py` of the template measures both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ..core.validation import Strict
from .outcome import Outcome

SMALLEST = 1e-6
"""Probabilities below it are taken for it: nobody knows them better."""
DEVIATION = 1.0
"""How far offsets and logarithms of slopes are expected to be from 0, as long as no row tells."""
DIGITS = 6


class Calibration(Strict):
    """The slopes and offsets of the classes, and how well they are known."""

    parameters: tuple[float, ...]
    """(2 n_classes,) logarithms of the slopes, then the offsets."""
    covariance: tuple[tuple[float, ...], ...]
    """(2 n_classes, 2 n_classes) of their errors."""

    @classmethod
    def fit(cls, validation: Outcome) -> Self:
        """The most likely ones, where those are expected that leave probabilities as they are.

        Their errors are as large as groups differ, whose rows may err alike (the sandwich estimator
        of Liang and Zeger, 1986).

        Args:
            validation: Rows that were predicted by models that had not learnt from them.
        """
        logarithms = _take_logarithms(validation.predicted)
        truth = validation.actual[:, np.newaxis] == np.arange(len(validation.classes))
        start, precision = np.zeros(2 * len(validation.classes)), 1 / DEVIATION**2

        def lose(parameters: np.ndarray) -> float:
            shares = log_softmax(_score(logarithms, parameters), axis=1)
            return float(precision * (parameters**2).sum() / 2 - shares[truth].sum())

        def find_slopes(parameters: np.ndarray) -> np.ndarray:
            """(n_rows, 2 n_classes) of what each row loses."""
            gaps = softmax(_score(logarithms, parameters), axis=1) - truth
            return np.hstack([gaps * _tilt(logarithms, parameters), gaps])

        def find_slope(parameters: np.ndarray) -> np.ndarray:
            slope: np.ndarray = find_slopes(parameters).sum(axis=0) + precision * parameters
            return slope

        def find_curvature(parameters: np.ndarray) -> np.ndarray:
            """That of the likelihood as it is expected, which is the same but for the luck."""
            shares = softmax(_score(logarithms, parameters), axis=1)
            tilts = _tilt(logarithms, parameters)
            columns = np.hstack([shares * tilts, shares])
            crossing = np.diag((shares * tilts).sum(axis=0))
            squares = np.diag((shares * tilts**2).sum(axis=0))
            own = np.block([[squares, crossing], [crossing, np.diag(shares.sum(axis=0))]])
            curvature: np.ndarray = own - columns.T @ columns + precision * np.eye(len(start))
            return curvature

        best = minimize(lose, start, method="trust-exact", jac=find_slope, hess=find_curvature).x
        inverse = np.linalg.inv(find_curvature(best))
        slopes = sum_groups(find_slopes(best), validation.groups)
        covariance = inverse @ (slopes.T @ slopes + precision * np.eye(len(start))) @ inverse
        return cls(parameters=_round(best), covariance=tuple(map(_round, covariance)))

    def apply(self, probabilities: np.ndarray) -> np.ndarray:
        """(n_rows, n_classes) how likely each class is, by the probabilities that a model gives."""
        logarithms = _take_logarithms(probabilities)
        shares: np.ndarray = softmax(_score(logarithms, np.array(self.parameters)), axis=1)
        return shares

    def draw(
        self, probabilities: np.ndarray, count: int, rng: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """So many times (n_rows,) places of classes that the rows may turn out to be of."""
        logarithms = _take_logarithms(probabilities)
        for parameters in rng.multivariate_normal(self.parameters, self.covariance, size=count):
            steps = softmax(_score(logarithms, parameters), axis=1).cumsum(axis=1)[:, :-1]
            yield (rng.random((len(steps), 1)) > steps).sum(axis=1)


def _take_logarithms(probabilities: np.ndarray) -> np.ndarray:
    logarithms: np.ndarray = np.log(np.maximum(probabilities, SMALLEST))
    return logarithms


def _score(logarithms: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    scores: np.ndarray = _tilt(logarithms, parameters) + np.split(parameters, 2)[1]
    return scores


def _tilt(logarithms: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    tilts: np.ndarray = logarithms * np.exp(np.split(parameters, 2)[0])
    return tilts


def sum_groups(values: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """(n_groups, n_columns) sums over the rows of each group; without groups each row is one."""
    if groups is None:
        return values
    sums = np.zeros((int(groups.max()) + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    return sums


def _round(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)
