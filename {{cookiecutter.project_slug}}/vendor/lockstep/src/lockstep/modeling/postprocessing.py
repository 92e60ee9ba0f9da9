"""What validation rows teach about using a model: when to say yes, how far a number may be off."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd
from pydantic import FiniteFloat

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.examples import SPREAD, STEP
from ..core.params import Decision, Fraction, Params, predicts_numbers
from ..core.validation import Strict
from .marginals import Marginals
from .metrics import RATES, Metric, find_metric
from .oddness import Oddness
from .outcome import EVEN, HIGH, LOW, Outcome, find_chances
from .rate_metrics import SMALLEST

KEY = "train.decision"
MOST_TRIED = 250
"""Probabilities of what is so, and of what is not, that thresholds are tried between; of more,
quantiles."""
FEWEST_TO_DECIDE = 10
"""Validation rows with a label below which its threshold stays a half."""
ROUNDING = 1e-9
FEWEST_RESIDUALS = 50
"""Of a step ahead; where there are fewer, those of its neighbours are taken with them."""
MOST_BANDS = 10
"""Ranges of the predicted rate that have margins of their own, if rows are many."""
Margins = tuple[FiniteFloat, FiniteFloat]


class Postprocessing(Strict):
    """How a model's probabilities become decisions, and its numbers intervals."""

    decision: Decision = None
    """What params.yaml says of the threshold."""
    threshold: FiniteFloat | None = None
    """Probability of the second of two classes, or of at least such a one of classes in an order,
    from which on it is the decision; without one the most probable class is."""
    thresholds: tuple[FiniteFloat, ...] | None = None
    """That of each label, in the contract's order; a half without them."""
    coverage: Fraction | None = None
    """Share of rows like the train rows whose target the interval is to hold."""
    margins: Margins | None = None
    """What the interval's ends are away from the predicted number, in the target's unit."""
    oddness: Oddness | None = None
    """Of anomalies, what share of rows is less odd, by the detector's score."""
    marginals: Marginals | None = None
    """Of anomalies, what is usual of each column."""
    step_margins: tuple[Margins, ...] | None = None
    """Of a forecast the same for each step ahead, in units of how far the latest values lie apart
    (`spread`)."""
    rate_margins: tuple[tuple[FiniteFloat, FiniteFloat, FiniteFloat], ...] | None = None
    """Of rates the same for each range of the prediction, which begins at the first number, in
    units of the prediction's square root."""

    def find_interval(
        self, numbers: np.ndarray, rows: pd.DataFrame, contract: Contract
    ) -> pd.DataFrame | None:
        """(n_rows, 2) ends of the intervals of predicted numbers, within the contract's range.

        Args:
            numbers: (n_rows,) what was predicted.
            rows: (n_rows, n_columns) of a forecast with at least `step` and `spread`.
            contract: Of the rows.
        """
        if self.step_margins is not None:
            places = np.minimum(rows[STEP].to_numpy("int64"), len(self.step_margins)) - 1
            margins = np.array(self.step_margins)[places]
            margins = margins * rows[[SPREAD]].to_numpy("float64")
        elif self.rate_margins is not None:
            return self._find_rate_interval(numbers, contract)
        elif self.margins is not None:
            margins = np.array([self.margins])
        else:
            return None
        ends = cut_to_range(numbers[:, np.newaxis] + margins, contract)
        return pd.DataFrame(ends, columns=[LOW, HIGH])

    def _find_rate_interval(self, numbers: np.ndarray, contract: Contract) -> pd.DataFrame:
        """The same of rates: never below zero, and whole numbers where the target is."""
        assert self.rate_margins is not None
        begins, *margins = np.transpose(self.rate_margins)
        bands = np.maximum(np.searchsorted(begins, numbers, side="right") - 1, 0)
        units = np.sqrt(np.maximum(numbers, 0))[:, np.newaxis]
        ends = np.maximum(numbers[:, np.newaxis] + np.transpose(margins)[bands] * units, 0)
        if contract.columns[contract.target].type == "integer":
            ends = np.floor(ends + ROUNDING)
        return pd.DataFrame(cut_to_range(ends, contract), columns=[LOW, HIGH])

    def apply(self, outcome: Outcome, contract: Contract) -> Outcome:
        """What becomes of predictions: which threshold decides, and their intervals."""
        if self.oddness is not None:
            outcome = rank_scores(outcome, self.oddness)
        if outcome.classes:
            return replace(outcome, threshold=self.threshold)
        if outcome.labels:
            return replace(outcome, thresholds=self.thresholds)
        rows = pd.DataFrame() if outcome.forecasts is None else outcome.forecasts
        ends = self.find_interval(outcome.predicted, rows, contract)
        interval = None if ends is None else ends.to_numpy()
        return replace(outcome, interval=interval, coverage=self.coverage)


NONE = Postprocessing()
"""The most probable class, and a number alone."""


def rank_scores(outcome: Outcome, oddness: Oddness) -> Outcome:
    """Of anomalies, the share of rows that are less odd in the place of the detector's scores."""
    assert outcome.injected is not None
    shares = oddness.rank(outcome.oddness)
    injected = outcome.injected.apply(oddness.rank)
    return replace(outcome, predicted=np.column_stack([1 - shares, shares]), injected=injected)


def cut_to_range(numbers: np.ndarray, contract: Contract) -> np.ndarray:
    """Numbers of the target, the nearest end of its range in the place of those beyond it."""
    low, high = contract.columns[contract.target].range or (None, None)
    ends = -np.inf if low is None else low, np.inf if high is None else high
    kept: np.ndarray = np.clip(numbers, *ends)
    return kept


def fit_postprocessing(
    params: Params, validation: Outcome, start: Postprocessing = NONE
) -> Postprocessing:
    """What `train.decision` and `train.coverage` ask for.

    Args:
        params: What is asked for.
        validation: Rows that were predicted by models that had not learnt from them.
        start: What is known beforehand.

    Raises:
        UserError: What is to choose the threshold is not defined on these rows.
    """
    if predicts_numbers(params.kind):
        coverage = params.train.coverage
        if validation.forecasts is not None:
            by_step = conformal_step_margins(validation, coverage)
            return Postprocessing(coverage=coverage, step_margins=by_step) if by_step else NONE
        if params.train.metric in RATES:
            by_rate = conformal_rate_margins(validation, coverage)
            return Postprocessing(coverage=coverage, rate_margins=by_rate) if by_rate else NONE
        margins = conformal_margins(validation.actual - validation.predicted, coverage)
        return Postprocessing(coverage=coverage, margins=margins) if margins else NONE
    if params.kind == "clustering":
        return NONE
    decision = params.train.decision
    if params.kind == "anomalies":
        oddness = Oddness.fit(validation.oddness)
        start = start.model_copy(update={"oddness": oddness})
        validation = rank_scores(validation, oddness)
        if decision is None:
            return start.model_copy(update={"threshold": 1 - params.train.contamination})
        is_known = validation.actual >= 0
        if not isinstance(decision, float):
            _require_labels(validation.actual[is_known])
        validation = validation.take(is_known)
    labels = validation.labels
    if decision is None or isinstance(decision, float):
        if labels:
            thresholds = None if decision is None else (decision,) * len(labels)
            return Postprocessing(decision=decision, thresholds=thresholds)
        return start.model_copy(update={"decision": decision, "threshold": decision})
    if isinstance(decision, str):
        merit = find_metric(params.kind, decision, KEY)
    else:
        merit = make_cost(**decision)
    if labels:
        thresholds = choose_thresholds(validation, merit)
        return Postprocessing(decision=decision, thresholds=thresholds)
    threshold = choose_threshold(validation, merit)
    return start.model_copy(update={"decision": decision, "threshold": threshold})


def _require_labels(actual: np.ndarray) -> None:
    if len(np.unique(actual)) < 2:
        raise UserError(
            f"params.yaml: {KEY}: it chooses the threshold by rows of which it is known whether "
            "they are anomalies, some of either kind; without them leave the key out, and say "
            "train.contamination"
        )


def require_fitting_decision(params: Params, contract: Contract) -> None:
    """Check that `train.decision` suits the problem.

    Raises:
        UserError: The classes are more than two without an order, or none, or the metric judges no
            decisions.
    """
    decision = params.train.decision
    if decision is None:
        return
    has_threshold = len(contract.classes) == 2 or contract.is_ordered or bool(contract.labels)
    if not has_threshold:
        what = f"{len(contract.classes)} classes" if contract.classes else "numbers"
        raise UserError(
            f"params.yaml: {KEY}: it is a threshold between two classes or those in an order, and "
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
    """What wrong decisions between two classes, or on the labels of a row, cost on average.

    Of classes in an order each class that the decision is too low costs as much as a missed row,
    and each that it is too high as much as a false alarm.
    """

    def cost(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
        short = outcome.actual - outcome.decisions
        paid = missed * np.maximum(short, 0) + false_alarm * np.maximum(-short, 0)
        sums = paid.sum(axis=1) if outcome.labels else paid
        figures: np.ndarray = weights @ sums / weights.sum(axis=1)
        return figures

    return Metric(
        "cost",
        cost,
        higher_is_better=False,
        bounds=(0, np.inf),
        takes="labels",
        is_by_label=True,
    )


def choose_thresholds(validation: Outcome, merit: Metric) -> tuple[float, ...]:
    """(n_labels,) thresholds of labels that a figure is best at.

    A mean over labels is best where that of each label is. What is of all labels together, such as
    f1_micro, is best at one threshold of them all (Koyejo et al., 2015).
    """
    count = len(validation.labels)
    if not merit.is_by_label:
        return (_choose_for_labels(validation, merit),) * count
    parts = (validation.take_labels([place]) for place in range(count))
    return tuple(_choose_for_labels(part, merit) for part in parts)


def _choose_for_labels(validation: Outcome, merit: Metric) -> float:
    """A threshold of all labels; a half where so few rows have any that chance chose."""
    if validation.actual.sum() < FEWEST_TO_DECIDE:
        return EVEN
    return choose_threshold(validation, merit)


def choose_threshold(validation: Outcome, merit: Metric) -> float:
    """The threshold between two classes, of those in an order, or of all labels, that a figure is
    best at.

    All rows are judged together: with few rows of a class, a threshold of each fold would follow
    those that chance has put there. Thresholds lie midway between neighbouring probabilities; of
    those that are equally good it is the middle one.

    Raises:
        UserError: The figure is not defined at any threshold.
    """
    thresholds = _list_thresholds(validation)
    if validation.labels:
        count = len(validation.labels)
        trials = (replace(validation, thresholds=(each,) * count) for each in thresholds)
    else:
        trials = (replace(validation, threshold=each) for each in thresholds)
    figures = merit.sign * np.array([merit.score(trial) for trial in trials])
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
    if outcome.labels:
        sure, is_so = outcome.predicted, outcome.actual
    else:
        sure = find_chances(outcome.predicted)
        is_so = outcome.actual[:, np.newaxis] > np.arange(sure.shape[1])
    steps = np.linspace(0, 1, MOST_TRIED)
    quantiles = [
        np.quantile(sure[is_so == side], steps, method="nearest") for side in np.unique(is_so)
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


def conformal_step_margins(validation: Outcome, coverage: float) -> tuple[Margins, ...] | None:
    """The margins of each step ahead of a forecast, in units of the spread of the latest values.

    Errors grow with the steps, so that each step has margins of its own (Stankevičiūtė et al.,
    2021), and they are larger where the values before vary more, by which they are divided (Lei et
    al., 2018). Of a step with fewer than 50 residuals, or than the share needs, those of as many
    steps on either side are taken with its own as make so many, or all.

    Args:
        validation: Forecasts by models that had not learnt from them.
        coverage: The share of the rows at a step.

    Returns:
        (n_steps,) margins as `conformal_margins` gives them, or None where all residuals together
        are too few.
    """
    assert validation.forecasts is not None
    residuals = validation.actual - validation.predicted
    residuals = residuals / validation.forecasts[SPREAD].to_numpy("float64")
    steps = validation.forecasts[STEP].to_numpy("int64")
    last, fewest = int(steps.max()), max(FEWEST_RESIDUALS, ceil(2 / (1 - coverage) - ROUNDING) - 1)
    margins = []
    for step in range(1, last + 1):
        away = np.abs(steps - step)
        reach = next((n for n in range(last) if (away <= n).sum() >= fewest), last)
        margins.append(conformal_margins(residuals[away <= reach], coverage))
    return tuple(pair for pair in margins if pair) or None


def conformal_rate_margins(
    validation: Outcome, coverage: float
) -> tuple[tuple[float, float, float], ...] | None:
    """The margins of ranges of a predicted rate, in units of its square root.

    Errors of counts grow with the square root of their mean, by which they are divided (Pearson's
    residuals), and rare ones are mostly zero: so each range of the prediction, which holds as many
    validation rows as any other, has margins of its own (Vovk et al., 2003). The share holds within
    each of them.

    Args:
        validation: Predictions by models that had not learnt from these rows.
        coverage: The share of the rows.

    Returns:
        Of each range where it begins and both margins as `conformal_margins` gives them, or None
        where all residuals together are too few.
    """
    fewest = max(FEWEST_RESIDUALS, ceil(2 / (1 - coverage) - ROUNDING) - 1)
    predicted = np.maximum(validation.predicted, 0)
    count = max(1, min(MOST_BANDS, len(predicted) // fewest))
    begins = np.unique(np.quantile(predicted, np.arange(count) / count))
    bands = np.searchsorted(begins, predicted, side="right") - 1
    roots = np.sqrt(np.maximum(predicted, SMALLEST))
    residuals = (validation.actual - predicted) / roots
    margins = []
    for band, begin in enumerate(begins):
        pair = conformal_margins(residuals[bands == band], coverage)
        if pair is None:  # where many rows share a prediction, a range may have few others
            pair = conformal_margins(residuals, coverage)
        if pair is not None:
            margins.append((float(begin), *pair))
    return tuple(margins) or None
