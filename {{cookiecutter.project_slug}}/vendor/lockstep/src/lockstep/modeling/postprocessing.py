"""What validation rows teach about using a model: when to say yes, how far a number may be off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import FiniteFloat

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.params import Decision, Fraction, Params, predicts_numbers
from ..core.validation import Strict
from .metrics import Metric, find_metric
from .outcome import Outcome

KEY = "train.decision"
MOST_TRIED = 250
"""Probabilities of each class that thresholds are tried between; of more, quantiles."""
ROUNDING = 1e-9


class Postprocessing(Strict):
    """How a model's probabilities become decisions, and its numbers intervals."""

    decision: Decision = None
    """What params.yaml says of the threshold."""
    threshold: FiniteFloat | None = None
    """Probability of the second of two classes from which on it is the decision; without one the
    most probable class is."""
    coverage: Fraction | None = None
    """Share of rows like the train rows whose target the interval is to hold."""
    margins: tuple[FiniteFloat, FiniteFloat] | None = None
    """What the interval's ends are away from the predicted number, in the target's unit."""


NONE = Postprocessing()
"""The most probable class, and a number alone."""


def fit_postprocessing(params: Params, validation: Outcome) -> Postprocessing:
    """What `train.decision` and `train.coverage` ask for.

    Args:
        params: What is asked for.
        validation: Rows that were predicted by models that had not learnt from them.

    Raises:
        UserError: What is to choose the threshold is not defined on these rows.
    """
    if predicts_numbers(params.kind):
        coverage = params.train.coverage
        margins = conformal_margins(validation.actual - validation.predicted, coverage)
        return Postprocessing(coverage=coverage, margins=margins) if margins else NONE
    decision = params.train.decision
    if decision is None or isinstance(decision, float):
        return Postprocessing(decision=decision, threshold=decision)
    if isinstance(decision, str):
        merit = find_metric(params.kind, decision, KEY)
    else:
        merit = make_cost(**decision)
    return Postprocessing(decision=decision, threshold=choose_threshold(validation, merit))


def require_fitting_decision(params: Params, contract: Contract) -> None:
    """Check that `train.decision` suits the problem.

    Raises:
        UserError: There are not two classes to decide between, or the metric judges no decisions.
    """
    decision = params.train.decision
    if decision is None:
        return
    if (count := len(contract.classes)) != 2:
        what = f"{count} classes" if contract.classes else "numbers"
        raise UserError(
            f"params.yaml: {KEY}: it is a threshold between two classes, and "
            f"{contract.target} has {what}; leave the key out"
        )
    if isinstance(decision, str):
        metric = find_metric(params.kind, decision, KEY)
        if metric.takes == "probabilities":
            raise UserError(
                f"params.yaml: {KEY}: {decision} judges probabilities, which no threshold changes; "
                "name a metric of decisions, such as f1_macro"
            )


def make_cost(missed: float, false_alarm: float) -> Metric:
    """What wrong decisions between two classes cost on average."""
    costs = np.array([false_alarm, missed])

    def cost(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
        wrong = outcome.decisions != outcome.actual
        figures: np.ndarray = weights @ (wrong * costs[outcome.actual]) / weights.sum(axis=1)
        return figures

    return Metric("cost", cost, higher_is_better=False, bounds=(0, np.inf), takes="labels")


def choose_threshold(validation: Outcome, merit: Metric) -> float:
    """The threshold between two classes that a figure is best at.

    All rows are judged together: with few rows of a class, a threshold of each fold would follow
    those that chance has put there. Thresholds lie midway between neighbouring probabilities; of
    those that are equally good it is the middle one.

    Raises:
        UserError: The figure is not defined at any threshold.
    """
    thresholds = _list_thresholds(validation)
    figures = merit.sign * np.array(
        [merit.score(replace(validation, threshold=threshold)) for threshold in thresholds]
    )
    if np.isnan(figures).all():
        raise UserError(
            f"params.yaml: {KEY}: {merit.name} is not defined on the rows that candidates are "
            "compared on; a class may be missing there"
        )
    best = np.nanmax(figures)
    equals = np.flatnonzero(figures >= best - ROUNDING * abs(best))
    return float(thresholds[equals[len(equals) // 2]])


def _list_thresholds(outcome: Outcome) -> np.ndarray:
    """(n_thresholds,) from one that says always yes to one that never does, ascending."""
    sure = outcome.predicted[:, 1]
    steps = np.linspace(0, 1, MOST_TRIED)
    quantiles = [
        np.quantile(sure[outcome.actual == place], steps, method="nearest")
        for place in {*outcome.actual.tolist()}
    ]
    probabilities = np.unique(sure)
    if len(probabilities) > len(quantiles) * MOST_TRIED:
        probabilities = np.unique(quantiles)
    middles = (probabilities[1:] + probabilities[:-1]) / 2
    return np.concatenate([[probabilities[0] / 2], middles, [(probabilities[-1] + 1) / 2]])


def conformal_margins(residuals: np.ndarray, coverage: float) -> tuple[float, float] | None:
    """What to add to a prediction so that the two ends hold the true value of such a share of rows.

    Split conformal prediction (Vovk et al., 2005) with signed residuals, half of the misses on
    either side: with n residuals the k-th smallest and largest, k = floor((n + 1)(1 - coverage)/2).
    Of rows that are exchangeable with these the share holds whatever their distribution; the
    residuals of cross-validation are those of models that learnt from fewer rows, which mostly
    makes intervals a little wide (Barber et al., 2021).

    Args:
        residuals: (n_rows,) true minus predicted, of rows not learnt from.
        coverage: The share.

    Returns:
        Both margins in the target's unit, or None where the residuals are too few for the share.
    """
    ordered = np.sort(residuals)
    rank = (len(ordered) + 1) * (1 - coverage) / 2
    outermost = int(rank + ROUNDING)
    if outermost < 1:
        return None
    return float(ordered[outermost - 1]), float(ordered[-outermost])
