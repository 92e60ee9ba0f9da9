"""How good predictions are, by the kind of problem.

The library's metrics take a matrix of weights: a bootstrap resample is how often each row was
drawn, so that all resamples are measured at once. With equal weights, or any others, the figures
are those of scikit-learn's functions with `sample_weight`. The owner's metrics are such functions,
called once per resample, which is slower: on 500 resamples of 1,000 rows those of scikit-learn take
15 to 65 times as long.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import cleandoc
from typing import Literal, TypeVar

import numpy as np

from ..core.errors import UserError
from ..core.examples import SCALE, SQUARED_SCALE
from ..core.kinds import Kind
from ..core.params import Params
from ..core.validation import nearest
from .cluster_metrics import agreement, silhouette, stable_silhouette
from .ordered_metrics import mean_rank_error, quadratic_kappa, rank_probability_score
from .outcome import Outcome
from .rate_metrics import d2_poisson, d2_tweedie, gini, poisson_deviance, tweedie_deviance
from .ratios import ratio

CALIBRATION_BINS = 10
SMALLEST = np.finfo("float64").eps
"""What a probability of zero is taken for in a logarithm, as scikit-learn does."""
INJECTED_SHARE = 0.1
"""Share of the rows that counts as made odd."""
SENTENCE = re.compile(r".+?[.!?](?=\s|$)|.+", re.DOTALL)

# (n_resamples,) figures of an outcome for (n_resamples, n_rows) weights; nan where undefined.
Measure = Callable[[Outcome, np.ndarray], np.ndarray]
Takes = Literal["labels", "probabilities"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit."""

    name: str
    """What params.yaml and the reports call it."""
    measure: Measure
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    """What no outcome is below or above."""
    takes: Takes = "probabilities"
    """What predictions of classes or labels it judges; labels are what was decided."""
    share_of: Literal["rows", "classes", "anomalies", "calls", "ways"] | None = None
    """Whether it is a share of the rows, of the anomalies among them or of those called so, or a
    mean over the classes of what is like a share, or over ways to make rows odd."""
    has_interval: bool = True
    """Whether there is an interval that holds the true figure as often as it says."""
    is_by_label: bool = False
    """Whether of several labels it is a mean over what it is of each alone."""

    @property
    def sign(self) -> int:
        """What makes more of the figure better: 1, or -1 for a loss."""
        return 1 if self.higher_is_better else -1

    @property
    def meaning(self) -> str:
        """What it says of the predictions: the first sentence of the function's docstring."""
        sentence = SENTENCE.match(cleandoc(self.measure.__doc__ or ""))
        return " ".join(sentence[0].split()) if sentence else ""

    def score(self, outcome: Outcome) -> float:
        """The figure, every row counting the same; nan where it is not defined."""
        return float(self.measure(outcome, np.ones((1, len(outcome))))[0])


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return ratio(weights @ values, weights.sum(axis=1))


def _mean_of_known(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of those that are not nan."""
    is_known = ~np.isnan(values)
    return _mean(values[is_known], weights[:, is_known])


def _mean_over_classes(figures: list[np.ndarray]) -> np.ndarray:
    """The mean of (n_resamples,) figures of each class, without classes that have none."""
    table = np.array(figures)
    return ratio(np.nansum(table, axis=0), (~np.isnan(table)).sum(axis=0))


def accuracy(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of rows whose class is predicted right."""
    return _mean((outcome.decisions == outcome.actual).astype("float64"), weights)


def balanced_accuracy(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean over classes of the share of their rows that is found."""
    right = outcome.decisions == outcome.actual
    truths = [outcome.actual == place for place in range(len(outcome.classes))]
    return _mean_over_classes([ratio(weights @ (own & right), weights @ own) for own in truths])


def f1_macro(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean over classes, or labels, of the harmonic mean of precision and recall."""
    figures = []
    for place in range(len(outcome.names)):
        truth, decision = outcome.has(place), outcome.says(place)
        figures.append(
            ratio(2 * (weights @ (truth & decision)), weights @ (1.0 * truth + decision))
        )
    return _mean_over_classes(figures)


def log_loss(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean of minus the logarithm of the true class's probability."""
    probabilities = outcome.predicted[np.arange(len(outcome)), outcome.actual]
    return _mean(-np.log(np.clip(probabilities, SMALLEST, 1)), weights)


def roc_auc(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The chance that a row of a class has a higher probability of it than one of another class.

    The mean over the classes or labels, each against the rest (Hanley and McNeil, 1982).
    """
    areas = []
    for place in range(len(outcome.names)):
        hits, misses = _rank(outcome, place, weights)
        hits_above = hits.cumsum(axis=1) - hits / 2
        pairs = hits.sum(axis=1) * misses.sum(axis=1)
        areas.append(ratio((misses * hits_above).sum(axis=1), pairs))
    return _mean_over_classes(areas)


def average_precision(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean precision over all thresholds, weighted by the recall that each adds.

    Of two classes that of the second one; of more, or of labels, the mean over all, each against
    the rest.
    """
    figures = []
    for place in outcome.positives:
        hits, misses = _rank(outcome, place, weights)
        true_positives = hits.cumsum(axis=1)
        precision = np.nan_to_num(ratio(true_positives, true_positives + misses.cumsum(axis=1)))
        figures.append(ratio((hits * precision).sum(axis=1), true_positives[:, -1]))
    return _mean_over_classes(figures)


def _rank(outcome: Outcome, place: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twice (n_resamples, n_different_probabilities) weights of the rows of a class and of the
    others, by descending probability of it."""
    probabilities = outcome.predicted[:, place]
    order = np.argsort(-probabilities, kind="stable")
    starts = np.flatnonzero(np.diff(probabilities[order], prepend=np.inf))
    truth, weights = outcome.has(place)[order], weights[:, order]
    return (
        np.add.reduceat(weights * truth, starts, axis=1),
        np.add.reduceat(weights * ~truth, starts, axis=1),
    )


def calibration_error(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """How far probabilities are from how often it is so, beyond what chance makes of so few rows.

    The root of the mean square over ten equal ranges of the probability, weighted by their rows and
    less what it would be of true probabilities (Kumar et al., 2019); zero where it is not more. Of
    two classes the probability is that of the second one (Naeini et al., 2015), of more that of
    the decision (Guo et al., 2017).
    """
    probabilities, truth = outcome.claims
    gaps, variances = truth - probabilities, probabilities * (1 - probabilities)
    bins = bin_probabilities(probabilities)
    squares, claims = np.zeros(len(weights)), weights.sum(axis=1) * probabilities[0].size
    for number in range(CALIBRATION_BINS):
        own = bins == number
        parts = [_sum_of_row(np.where(own, values, 0)) for values in (gaps, variances, own)]
        gap, variance, count = (weights @ part for part in parts)
        squares += np.nan_to_num(ratio(gap**2 - variance, count))
    roots: np.ndarray = np.sqrt(ratio(np.maximum(squares, 0), claims))
    return roots


def _sum_of_row(values: np.ndarray) -> np.ndarray:
    """(n_rows,) the values, or the sums of those of each row."""
    sums: np.ndarray = values.reshape(len(values), -1).sum(axis=1)
    return sums


def bin_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """(n_rows,) which of the equal ranges each probability falls into, from 0."""
    bins: np.ndarray = np.minimum(
        (probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1
    )
    return bins


def known_only(measure: Measure) -> Measure:
    """The same figure of those rows of which it is known whether they are anomalies.

    It is nan where these are all of one kind, since then none is told from another.
    """

    @wraps(measure)
    def measure_known(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
        is_known = outcome.actual >= 0
        if len({*outcome.actual[is_known]}) < 2:
            return np.full(len(weights), np.nan)
        known, weights = outcome.take(is_known), weights[:, is_known]
        has_both = (weights @ (known.actual == 0) > 0) & (weights @ (known.actual == 1) > 0)
        return np.where(has_both, measure(known, weights), np.nan)

    return measure_known


@known_only
def precision(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of the rows called anomalies that are some, of rows with a label."""
    is_called = outcome.decisions == 1
    return ratio(weights @ (is_called & (outcome.actual == 1)), weights @ is_called)


def recall(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of the anomalies that are called so, of rows with a label."""
    is_so = outcome.actual == 1
    return ratio(weights @ (is_so & (outcome.decisions == 1)), weights @ is_so)


def injected_precision(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The average precision of telling rows made odd on purpose from the same rows as they were.

    It is as if one row in ten were odd; the mean over the ways to make them so. That says which
    oddness is seen, and not how well true anomalies are found.
    """
    return _mean_over_classes(
        [_measure_way(outcome, values, weights) for values in _list_ways(outcome)]
    )


def injected_recall(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of the rows made odd on purpose that are called anomalies.

    The mean over the ways to make them so.
    """
    threshold = 0.5 if outcome.threshold is None else outcome.threshold
    return _mean_over_classes(
        [_mean((values >= threshold).astype("float64"), weights) for values in _list_ways(outcome)]
    )


def _list_ways(outcome: Outcome) -> list[np.ndarray]:
    """(n_rows,) oddness of the rows made odd, of each way; nan alone where there is none."""
    if outcome.injected is None or outcome.injected.empty:
        return [np.full(len(outcome), np.nan)]
    return [*outcome.injected.to_numpy("float64").T]


def _measure_way(outcome: Outcome, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if np.isnan(values).any():
        return np.full(len(weights), np.nan)
    count, oddness = len(outcome), np.concatenate([outcome.oddness, values])
    both = Outcome(
        np.repeat([0, 1], count), np.column_stack([1 - oddness, oddness]), outcome.classes
    )
    odds = INJECTED_SHARE / (1 - INJECTED_SHARE)
    return average_precision(both, np.hstack([weights, odds * weights]))


def log_loss_of_labels(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean of minus the logarithm of the probability of what is so, over rows and labels."""
    probabilities = np.where(outcome.actual == 1, outcome.predicted, 1 - outcome.predicted)
    return _mean(-np.log(np.clip(probabilities, SMALLEST, 1)).mean(axis=1), weights)


def f1_micro(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The harmonic mean of precision and recall over all labels of all rows together."""
    truth, decision = outcome.actual, outcome.decisions
    hits, sums = (truth * decision).sum(axis=1), (truth + decision).sum(axis=1)
    return ratio(2 * (weights @ hits), weights @ sums)


def hamming_loss(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of labels of rows, there or not, that are predicted wrong."""
    return _mean((outcome.decisions != outcome.actual).mean(axis=1), weights)


def exact_match(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of rows of which all labels are predicted right."""
    return _mean((outcome.decisions == outcome.actual).all(axis=1).astype("float64"), weights)


def rmse(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The root of the mean squared error, in the target's unit."""
    roots: np.ndarray = np.sqrt(_mean((outcome.predicted - outcome.actual) ** 2, weights))
    return roots


def mae(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean absolute error, in the target's unit."""
    return _mean(np.abs(outcome.predicted - outcome.actual), weights)


def median_error(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The median absolute error, in the target's unit."""
    # Weights are whole numbers of rows.
    errors = np.abs(outcome.predicted - outcome.actual)
    order = np.argsort(errors, kind="stable")
    ranks = weights[:, order].cumsum(axis=1)
    rows = ranks[:, -1:]
    lower = (ranks > (rows - 1) // 2).argmax(axis=1)
    upper = (ranks > rows // 2).argmax(axis=1)
    medians: np.ndarray = (errors[order][lower] + errors[order][upper]) / 2
    return medians


def r2(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of the target's variance that is explained.

    It is nan where the target is constant.
    """
    centred = outcome.actual - outcome.actual.mean()
    rows = weights.sum(axis=1)
    spread = weights @ centred**2 - (weights @ centred) ** 2 / rows
    spread[spread < SMALLEST * rows * (centred**2).max(initial=0)] = 0
    return 1 - ratio(weights @ (outcome.predicted - outcome.actual) ** 2, spread)


def mase(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean absolute error, over that of the value a season before in the series' train rows.

    Below 1 it is smaller. Series of which that is zero or unknown do not count (Hyndman and
    Koehler, 2006).
    """
    return _mean_of_known(np.abs(outcome.predicted - outcome.actual) / _scale(outcome), weights)


def rmsse(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The root of the mean squared error, over that of the value a season before, as MASE has it.

    Of one series it is that of the M5 competition (Makridakis et al., 2022); of more the mean is
    over all their rows.
    """
    squares = (outcome.predicted - outcome.actual) ** 2
    roots: np.ndarray = np.sqrt(_mean_of_known(squares / _scale(outcome, SQUARED_SCALE), weights))
    return roots


def wape(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The sum of the absolute errors as a share of the sum of what was true, in absolute values.

    It is nan where all of that is zero (Kolassa and Schütz, 2007).
    """
    errors = np.abs(outcome.predicted - outcome.actual)
    return ratio(weights @ errors, weights @ np.abs(outcome.actual))


def pinball(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean loss of the forecast and both interval ends as quantiles, over the scale of MASE.

    An end that is to be above one true value in twenty pays nineteen times as much for a value
    below it as for one above (Koenker and Bassett, 1978). It is nan without intervals.
    """
    if outcome.interval is None or outcome.coverage is None:
        return np.full(len(weights), np.nan)
    levels = (1 + outcome.coverage * np.array([-1, 0, 1])) / 2
    quantiles = np.column_stack([outcome.interval, outcome.predicted])[:, [0, 2, 1]]
    gaps = outcome.actual[:, np.newaxis] - quantiles
    losses = np.maximum(levels * gaps, (levels - 1) * gaps).mean(axis=1)
    return _mean_of_known(losses / _scale(outcome), weights)


def _scale(outcome: Outcome, name: str = SCALE) -> np.ndarray:
    """(n_rows,) what errors are measured in; nan where it is zero or unknown."""
    if outcome.forecasts is None:
        return np.full(len(outcome), np.nan)
    scales = outcome.forecasts[name].to_numpy("float64")
    return np.where(scales > 0, scales, np.nan)


METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classification": (
        Metric("accuracy", accuracy, takes="labels", share_of="rows"),
        Metric("balanced_accuracy", balanced_accuracy, takes="labels", share_of="classes"),
        Metric("f1_macro", f1_macro, takes="labels", share_of="classes"),
        Metric("log_loss", log_loss, higher_is_better=False, bounds=(0, np.inf)),
        Metric("roc_auc", roc_auc, share_of="classes"),
        Metric("average_precision", average_precision, share_of="classes"),
        Metric("calibration_error", calibration_error, higher_is_better=False, has_interval=False),
    ),
    "multilabel": (
        Metric("log_loss", log_loss_of_labels, higher_is_better=False, bounds=(0, np.inf)),
        Metric("average_precision", average_precision, share_of="classes"),
        Metric("roc_auc", roc_auc, share_of="classes"),
        Metric("f1_macro", f1_macro, takes="labels", share_of="classes", is_by_label=True),
        Metric("f1_micro", f1_micro, takes="labels"),
        Metric(
            "hamming_loss",
            hamming_loss,
            higher_is_better=False,
            takes="labels",
            is_by_label=True,
        ),
        Metric("exact_match", exact_match, takes="labels", share_of="rows"),
        Metric("calibration_error", calibration_error, higher_is_better=False, has_interval=False),
    ),
    "regression": (
        Metric("rmse", rmse, higher_is_better=False, bounds=(0, np.inf)),
        Metric("mae", mae, higher_is_better=False, bounds=(0, np.inf)),
        Metric("r2", r2, bounds=(-np.inf, 1)),
        Metric("median_error", median_error, higher_is_better=False, bounds=(0, np.inf)),
    ),
    "forecasting": (
        Metric("mase", mase, higher_is_better=False, bounds=(0, np.inf)),
        Metric("rmsse", rmsse, higher_is_better=False, bounds=(0, np.inf)),
        Metric("wape", wape, higher_is_better=False, bounds=(0, np.inf)),
        Metric("pinball", pinball, higher_is_better=False, bounds=(0, np.inf)),
        Metric("mae", mae, higher_is_better=False, bounds=(0, np.inf)),
        Metric("rmse", rmse, higher_is_better=False, bounds=(0, np.inf)),
    ),
    "anomalies": (
        Metric("injected_precision", injected_precision),
        Metric("injected_recall", injected_recall, takes="labels", share_of="ways"),
        Metric("average_precision", known_only(average_precision), share_of="classes"),
        Metric("roc_auc", known_only(roc_auc), share_of="classes"),
        Metric("precision", precision, takes="labels", share_of="calls"),
        Metric("recall", recall, takes="labels", share_of="anomalies"),
    ),
    "clustering": (
        Metric("stable_silhouette", stable_silhouette, bounds=(-1, 1)),
        Metric("agreement", agreement, bounds=(-0.5, 1)),
        Metric("silhouette", silhouette, bounds=(-1, 1)),
    ),
}
ON_REQUEST: dict[Kind, tuple[Metric, ...]] = {
    "classification": (
        Metric(
            "rank_probability_score",
            rank_probability_score,
            higher_is_better=False,
        ),
        Metric("quadratic_kappa", quadratic_kappa, bounds=(-1, 1), takes="labels"),
        Metric(
            "mean_rank_error",
            mean_rank_error,
            higher_is_better=False,
            bounds=(0, np.inf),
            takes="labels",
        ),
    ),
    "multilabel": (),
    "regression": (
        Metric("poisson_deviance", poisson_deviance, higher_is_better=False, bounds=(0, np.inf)),
        Metric("tweedie_deviance", tweedie_deviance, higher_is_better=False, bounds=(0, np.inf)),
        Metric("d2_poisson", d2_poisson, bounds=(-np.inf, 1)),
        Metric("d2_tweedie", d2_tweedie, bounds=(-np.inf, 1)),
        Metric("gini", gini, bounds=(-1, 1)),
    ),
    "forecasting": (),
    "anomalies": (Metric("f1_macro", known_only(f1_macro), takes="labels", share_of="classes"),),
    "clustering": (),
}
"""Metrics for some problems of a kind only, which params.yaml names to have them."""
RANKS = "rank_probability_score"
"""The metric of probabilities of classes in an order."""
RATES = {"poisson_deviance": "counts", "tweedie_deviance": "amounts"}
"""Metrics of numbers that are predicted as rates, never below zero, and what these are called."""
COMPANIONS = {
    RANKS: ("quadratic_kappa", "mean_rank_error"),
    "poisson_deviance": ("d2_poisson", "gini"),
    "tweedie_deviance": ("d2_tweedie", "gini"),
}
"""What is measured beside one of these, where it picks the champion."""
OF_RATES = frozenset(name for rate in RATES for name in (rate, *COMPANIONS[rate]))
"""Metrics that are of numbers per unit of exposure, where rows have one."""
DEFAULTS: dict[Kind, str] = {
    "classification": "log_loss",
    "multilabel": "log_loss",
    "regression": "rmse",
    "forecasting": "mase",
    "anomalies": "injected_precision",
    "clustering": "stable_silhouette",
}

Function = TypeVar("Function", bound=Callable[..., float])
OWN_METRICS: dict[Kind, dict[str, Metric]] = {kind: {} for kind in METRICS}
"""What the owner's metrics.py has registered, by name."""


def metric(
    *,
    kind: Kind,
    takes: Takes = "labels",
    higher_is_better: bool = True,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Callable[[Function], Function]:
    """Register a function under its name, for `train.metric` and `train.metrics` of params.yaml.

    It has the signature of scikit-learn's metrics, `f(y_true, y_pred, sample_weight) -> float`:

    - y_true: (n_rows,) labels as the contract writes them, or numbers.
    - y_pred: (n_rows,) predicted labels or numbers; with `takes="probabilities"` (n_rows,
      n_classes) in the order of the contract's categories, the second of two being the positive.
    - Of several labels both are (n_rows, n_labels): 0 and 1, or probabilities.
    - sample_weight: (n_rows,) how often each row counts. Rows that a resample has not drawn are
      left out, and so are those of which nobody knows whether they are anomalies.

    Where it gives no finite number, or raises a ValueError or ZeroDivisionError, it is not defined.
    The first sentence of its docstring is what reports say of it.

    Args:
        kind: The kind of problem that it is for.
        takes: What predictions of classes or labels it judges.
        higher_is_better: Whether more of it is better; otherwise it is a loss.
        bounds: What it is never below or above.
    """

    def register(function: Function) -> Function:
        def score(y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> float:
            rows = weights > 0
            if not rows.any():
                return math.nan
            try:
                figure = float(function(y_true[rows], y_pred[rows], sample_weight=weights[rows]))
            except (ValueError, ZeroDivisionError):
                return math.nan
            return figure if math.isfinite(figure) else math.nan

        @wraps(function)
        def measure(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
            if outcome.classes:
                is_known = outcome.actual >= 0
                outcome, weights = outcome.take(is_known), weights[:, is_known]
            y_true, y_pred = outcome.actual, outcome.predicted
            if outcome.classes:
                labels = np.array(outcome.classes)
                y_true = labels[y_true]
                y_pred = y_pred if takes == "probabilities" else labels[outcome.decisions]
            elif outcome.labels and takes == "labels":
                y_pred = outcome.decisions
            with warnings.catch_warnings():
                # Where it is not defined is told once, in the results, not per resample.
                warnings.simplefilter("ignore")
                return np.array([score(y_true, y_pred, row) for row in weights])

        name = function.__name__
        OWN_METRICS[kind][name] = Metric(name, measure, higher_is_better, bounds, takes)
        return function

    return register


def run_metrics(params: Params) -> tuple[Metric, ...]:
    """The library's metrics, those of `train.metrics`, `train.metric` and its companions."""
    own = [
        find_metric(params.kind, name, f"train.metrics.{place}")
        for place, name in enumerate(params.train.metrics)
    ]
    primary = primary_metric(params)
    beside = [
        find_metric(params.kind, name, "train.metric") for name in COMPANIONS.get(primary.name, ())
    ]
    metrics = [*METRICS[params.kind], *own, primary, *beside]
    return tuple({metric.name: metric for metric in metrics}.values())


def primary_metric(params: Params) -> Metric:
    """The metric that picks the champion, by default log loss, RMSE or MASE."""
    name = DEFAULTS[params.kind] if params.train.metric is None else params.train.metric
    return find_metric(params.kind, name, "train.metric")


def find_metric(kind: Kind, name: str, key: str) -> Metric:
    """The library's or the owner's metric that params.yaml calls `name` at `key`."""
    metrics = {metric.name: metric for metric in (*METRICS[kind], *ON_REQUEST[kind])}
    for own in OWN_METRICS[kind]:
        if own in metrics:
            raise UserError(
                f"metrics.py: {own}: the library has a metric of this name; take another"
            )
    metrics |= OWN_METRICS[kind]
    if name not in metrics:
        raise UserError(
            f"params.yaml: {key}: no metric {name!r} for {kind}; {nearest(name, metrics)}"
        )
    return metrics[name]
