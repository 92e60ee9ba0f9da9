"""Metrics of counts and of amounts that are mostly zero, which are predicted by their mean.

Where rows add them up over unequal amounts of exposure, they are measured per unit of that, and a
row counts as much as it is exposed.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from .outcome import Outcome
from .ratios import ratio

SMALLEST = np.finfo("float64").eps
SMALLEST_RATE = 1e-3
"""Share of the mean rate that a lower predicted one is taken for, in a deviance."""
POISSON, TWEEDIE = 1.0, 1.5
"""Powers of the mean that the variance follows: that of counts, and the middle of those of amounts
that are sums of positive numbers, as many as a count says."""


def poisson_deviance(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean Poisson deviance: how unlikely the counts are at the rates predicted, 0 at best.

    A rate below a thousandth of the mean count, or below zero, is taken for that, so that a model
    pays for every count that it held impossible, and not without end. It is nan where a count is
    negative (McCullagh and Nelder, 1989).
    """
    return _measure_deviance(outcome, weights, POISSON)


def tweedie_deviance(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean Tweedie deviance of power 1.5: of amounts that are zero or skewed, 0 at best.

    It is that of sums of gamma distributed amounts, as many as a Poisson distributed count says
    (Jørgensen, 1987). A low prediction is taken as the Poisson deviance takes it. It is nan where
    an amount is negative.
    """
    return _measure_deviance(outcome, weights, TWEEDIE)


def d2_poisson(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of the Poisson deviance that is explained, beside the mean rate for all rows.

    It is nan where all counts are zero or equal (Cameron and Windmeijer, 1997).
    """
    return _measure_share(outcome, weights, POISSON)


def d2_tweedie(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of the Tweedie deviance that is explained, beside the mean rate for all rows.

    It is nan where all amounts are zero or equal.
    """
    return _measure_share(outcome, weights, TWEEDIE)


def gini(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """How well predictions rank: the Gini index of the ordered Lorenz curve, 0 for no order at all.

    It is twice the area between the diagonal and the share of what came about over the share of the
    rows, those of the lowest predicted rate first (Frees et al., 2011). The highest value that can
    be had depends on the data. It is nan where all is zero, or something negative.
    """
    rates, predicted, exposure = outcome.rates
    if (rates < 0).any():
        return np.full(len(weights), np.nan)
    weights = weights * exposure
    order = np.argsort(predicted, kind="stable")
    starts = np.flatnonzero(np.diff(predicted[order], prepend=-np.inf))
    weights = weights[:, order]
    rows = np.add.reduceat(weights, starts, axis=1)
    amounts = np.add.reduceat(weights * rates[order], starts, axis=1)
    below = amounts.cumsum(axis=1) - amounts / 2
    areas = ratio((rows * below).sum(axis=1), rows.sum(axis=1) * amounts.sum(axis=1))
    return 1 - 2 * areas


def compute_deviances(
    actual: np.ndarray, predicted: np.ndarray | float, power: float
) -> np.ndarray:
    """(n_rows,) unit deviances of rates beside means, which are above zero; nan of negative ones.

    Args:
        actual: (n_rows,) rates.
        predicted: (n_rows,) means, or one for all.
        power: Of the mean, by which the variance goes; 1, or between 1 and 2.
    """
    rates = np.where(actual < 0, np.nan, actual)
    if power == POISSON:
        halves = xlogy(rates, rates / predicted) - rates + predicted
    else:
        one, two = 1 - power, 2 - power
        halves = rates**two / (one * two) - rates * predicted**one / one + predicted**two / two
    deviances: np.ndarray = 2 * halves
    return deviances


def _measure_deviance(outcome: Outcome, weights: np.ndarray, power: float) -> np.ndarray:
    rates, predicted, exposure = outcome.rates
    mean = np.average(rates, weights=exposure)
    predicted = np.maximum(predicted, SMALLEST_RATE * max(mean, SMALLEST))
    weights = weights * exposure
    return ratio(weights @ compute_deviances(rates, predicted, power), weights.sum(axis=1))


def _measure_share(outcome: Outcome, weights: np.ndarray, power: float) -> np.ndarray:
    """What is explained of the deviance that each resample's own mean leaves."""
    rates, _, exposure = outcome.rates
    counted = weights * exposure
    rows = counted.sum(axis=1)
    means = np.maximum(counted @ rates / rows, SMALLEST)
    # The deviance from a mean is a sum of one that no mean changes and of powers of it.
    rest = counted @ compute_deviances(rates, 1.0, power)
    if power == POISSON:
        change = -means * np.log(means) + means - 1
    else:
        one, two = 1 - power, 2 - power
        change = -means * (means**one - 1) / one + (means**two - 1) / two
    whole = rest / rows + 2 * change
    whole[(means <= SMALLEST) | (whole < SMALLEST * means)] = 0
    return 1 - ratio(_measure_deviance(outcome, weights, power), whole)
