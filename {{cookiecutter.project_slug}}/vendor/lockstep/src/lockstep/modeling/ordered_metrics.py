"""Metrics of classes that have an order, in which a miss is the worse the further it is off."""

from __future__ import annotations

import numpy as np

from .outcome import Outcome
from .ratios import ratio


def rank_probability_score(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean squared error of the cumulative probabilities, from 0 at best to 1.

    It is that of the chances that the class is at most such a one, over all but the highest class
    (Epstein, 1969; divided by the number of classes less one, as Murphy, 1971, does).
    """
    return ratio(weights @ score_ranks(outcome), weights.sum(axis=1))


def score_ranks(outcome: Outcome) -> np.ndarray:
    """(n_rows,) ranked probability scores, each from 0 to 1."""
    places = np.arange(len(outcome.classes) - 1)
    is_below = outcome.actual[:, np.newaxis] <= places
    chances = outcome.predicted.cumsum(axis=1)[:, :-1]
    scores: np.ndarray = ((chances - is_below) ** 2).sum(axis=1) / max(len(places), 1)
    return scores


def mean_rank_error(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """By how many classes the predicted one is off, in the mean."""
    return ratio(weights @ find_rank_errors(outcome), weights.sum(axis=1))


def find_rank_errors(outcome: Outcome) -> np.ndarray:
    """(n_rows,) by how many classes the predicted one is off, up or down."""
    errors: np.ndarray = np.abs(outcome.decisions - outcome.actual)
    return errors


def quadratic_kappa(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The agreement of predicted and true class beyond chance, misses weighed by their square.

    It is 1 at best and 0 by chance alone (Cohen, 1968), and nan where all is one class.
    """
    actual, decided = outcome.actual.astype("float64"), outcome.decisions.astype("float64")
    rows = weights.sum(axis=1)
    means = weights @ actual / rows, weights @ decided / rows
    squares = weights @ actual**2 / rows + weights @ decided**2 / rows
    by_chance = squares - 2 * means[0] * means[1]
    # What is not by chance, as a covariance: exactly zero where all decisions are the same.
    centred = decided - decided.mean()
    shared = weights @ (actual * centred) / rows - means[0] * (weights @ centred) / rows
    return 2 * ratio(shared, np.where(by_chance > 1e-12, by_chance, 0))
