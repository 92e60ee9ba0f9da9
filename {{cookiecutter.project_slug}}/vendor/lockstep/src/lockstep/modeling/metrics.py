"""How good predictions are, by the kind of problem.

Every measure takes weights: a bootstrap resample is how often each row was drawn, so that all
resamples are measured at once. With equal weights, or any others, the figures are those of
scikit-learn's functions with `sample_weight`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import UserError
from ..core.params import EvaluateParams, Kind
from ..core.validation import nearest

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY = "probability_"
CALIBRATION_BINS = 10
SMALLEST = np.finfo("float64").eps
"""What a probability of zero is taken for in a logarithm, as scikit-learn does."""
CELLS_AT_ONCE = 2**22
MOST_RESAMPLED, SUBSETS = 20_000, 5
"""Rows of which the bootstrap draws all, and how many subsets stand for more."""


@dataclass(frozen=True)
class Outcome:
    """What happened beside what was predicted.

    For a classification: `actual` are (n_rows,) places of the true classes in `classes`, and
    `predicted` are (n_rows, n_classes) probabilities. For a regression both are (n_rows,) numbers.
    """

    actual: np.ndarray
    predicted: np.ndarray
    classes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    """(n_rows,) number of each row's group, from 0; a resample draws whole groups."""

    def __len__(self) -> int:
        return len(self.actual)

    def only(self, rows: np.ndarray) -> Outcome:
        """The outcome of some rows."""
        groups = (
            None if self.groups is None else np.unique(self.groups[rows], return_inverse=True)[1]
        )
        return Outcome(self.actual[rows], self.predicted[rows], self.classes, groups)

    @classmethod
    def joined(cls, parts: Sequence[Outcome], groups: pd.Series | None) -> Outcome:
        """The outcome of all rows of some parts, and the group that each row belongs to, if any."""
        actual = np.concatenate([part.actual for part in parts])
        predicted = np.concatenate([part.predicted for part in parts])
        return cls(actual, predicted, parts[0].classes, numbered(groups))

    @property
    def decided(self) -> np.ndarray:
        """(n_rows,) place of the most probable class."""
        places: np.ndarray = self.predicted.argmax(axis=1)
        return places

    @property
    def judged(self) -> range:
        """Places of the classes to set against the rest; of two classes the second one alone."""
        places = range(len(self.classes))
        return places[-1:] if len(places) == 2 else places

    @property
    def claimed(self) -> tuple[np.ndarray, np.ndarray]:
        """(n_rows,) probability of something, and whether it is so.

        Of two classes it is the second one; of more, that the decision is right.
        """
        if len(self.classes) == 2:
            return self.predicted[:, 1], self.actual == 1
        return self.predicted.max(axis=1), self.decided == self.actual


# (n_resamples,) figures of an outcome for (n_resamples, n_rows) weights; nan where undefined.
Measure = Callable[[Outcome, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """A figure of merit."""

    name: str
    """What params.yaml and the reports call it."""
    measure: Measure
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    """What no outcome is below or above."""

    @property
    def sign(self) -> int:
        """What makes more of the figure better: 1, or -1 for a loss."""
        return 1 if self.higher_is_better else -1

    @property
    def meaning(self) -> str:
        """What it says of the predictions, in a sentence."""
        return str(self.measure.__doc__).partition("\n")[0]

    def of(self, outcome: Outcome) -> float:
        """The figure, every row counting the same; nan where it is not defined."""
        return float(self.measure(outcome, np.ones((1, len(outcome))))[0])


def outcome(actual: np.ndarray, predictions: pd.DataFrame, classes: list[str]) -> Outcome:
    """What `saved.SavedModel.predict` gave beside the truth.

    Args:
        actual: (n_rows,) true classes or values.
        predictions: (n_rows, ...) table with `prediction`, or `probability_<class>` of each class.
        classes: All classes; none for a regression.
    """
    import pandas as pd

    if not classes:
        found = predictions["prediction"].to_numpy()
        return Outcome(actual.astype("float64"), found)
    places = pd.Index(classes).get_indexer(pd.Index(actual))
    likely = predictions[[f"{PROBABILITY}{name}" for name in classes]].to_numpy()
    return Outcome(places, likely, tuple(classes))


def numbered(groups: pd.Series | None) -> np.ndarray | None:
    """(n_rows,) the number of each row's group, from 0; rows without one are a group."""
    import pandas as pd

    return None if groups is None else pd.factorize(groups, use_na_sentinel=False)[0]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, nan where nothing is below."""
    ratio: np.ndarray = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _ratio(weights @ values, weights.sum(axis=1))


def _mean_over_classes(figures: list[np.ndarray]) -> np.ndarray:
    """The mean of (n_resamples,) figures of each class, without classes that have none."""
    table = np.array(figures)
    return _ratio(np.nansum(table, axis=0), (~np.isnan(table)).sum(axis=0))


def accuracy(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The share of rows whose most probable class is the true one."""
    return _mean((outcome.decided == outcome.actual).astype("float64"), weights)


def balanced_accuracy(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean over classes of the share of their rows that is found."""
    right = outcome.decided == outcome.actual
    rows = [outcome.actual == place for place in range(len(outcome.classes))]
    return _mean_over_classes([_ratio(weights @ (of & right), weights @ of) for of in rows])


def f1_macro(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean over classes of the harmonic mean of precision and recall."""
    figures = []
    for place in range(len(outcome.classes)):
        true, decided = outcome.actual == place, outcome.decided == place
        figures.append(_ratio(2 * (weights @ (true & decided)), weights @ (1.0 * true + decided)))
    return _mean_over_classes(figures)


def log_loss(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean of minus the logarithm of the true class's probability."""
    likely = outcome.predicted[np.arange(len(outcome)), outcome.actual]
    return _mean(-np.log(np.clip(likely, SMALLEST, 1)), weights)


def roc_auc(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The chance that a row of a class has a higher probability of it than one of another class.

    The mean over the classes, each against the rest (Hanley and McNeil, 1982).
    """
    places = range(len(outcome.classes))
    return _mean_over_classes([_area(*_ranked(outcome, place, weights)) for place in places])


def average_precision(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean precision over all thresholds, weighted by the recall that each adds.

    Of two classes that of the second one; of more the mean over the classes, each against the rest.
    """
    figures = []
    for place in outcome.judged:
        hits, misses = _ranked(outcome, place, weights)
        found = hits.cumsum(axis=1)
        precision = np.nan_to_num(_ratio(found, found + misses.cumsum(axis=1)))
        figures.append(_ratio((hits * precision).sum(axis=1), found[:, -1]))
    return _mean_over_classes(figures)


def _ranked(outcome: Outcome, place: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of the rows of a class and of the others, by descending probability of it.

    Returns:
        Two times (n_resamples, n_different_probabilities).
    """
    likely = outcome.predicted[:, place]
    order = np.argsort(-likely, kind="stable")
    starts = np.flatnonzero(np.diff(likely[order], prepend=np.inf))
    true = outcome.actual[order] == place
    ordered = weights[:, order]
    return (
        np.add.reduceat(ordered * true, starts, axis=1),
        np.add.reduceat(ordered * ~true, starts, axis=1),
    )


def _area(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    all_hits, all_misses = hits.sum(axis=1), misses.sum(axis=1)
    above = hits.cumsum(axis=1) - hits / 2
    return _ratio((misses * above).sum(axis=1), all_hits * all_misses)


def calibration_error(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """How far probabilities are from how often it is so.

    The mean over ten equal ranges of the probability, weighted by their rows (the expected
    calibration error of Guo et al., 2017).
    """
    likely, so = outcome.claimed
    gaps, bins = so - likely, calibration_bin(likely)
    sums = [weights @ np.where(bins == number, gaps, 0) for number in range(CALIBRATION_BINS)]
    return _ratio(np.abs(sums).sum(axis=0), weights.sum(axis=1))


def calibration_bin(likely: np.ndarray) -> np.ndarray:
    """(n_rows,) which of the equal ranges each probability falls into, from 0."""
    bins: np.ndarray = np.minimum((likely * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return bins


def _errors(outcome: Outcome) -> np.ndarray:
    errors: np.ndarray = outcome.predicted - outcome.actual
    return errors


def rmse(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The root of the mean squared error, in the target's unit."""
    roots: np.ndarray = np.sqrt(_mean(_errors(outcome) ** 2, weights))
    return roots


def mae(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The mean absolute error, in the target's unit."""
    return _mean(np.abs(_errors(outcome)), weights)


def median_error(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """The median absolute error, in the target's unit.

    Weights are whole numbers of rows.
    """
    errors = np.abs(_errors(outcome))
    order = np.argsort(errors, kind="stable")
    reached = weights[:, order].cumsum(axis=1)
    rows = reached[:, -1:]
    lower = (reached > (rows - 1) // 2).argmax(axis=1)
    upper = (reached > rows // 2).argmax(axis=1)
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
    return 1 - _ratio(weights @ _errors(outcome) ** 2, spread)


METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classification": (
        Metric("accuracy", accuracy),
        Metric("balanced_accuracy", balanced_accuracy),
        Metric("f1_macro", f1_macro),
        Metric("log_loss", log_loss, higher_is_better=False, bounds=(0, np.inf)),
        Metric("roc_auc", roc_auc),
        Metric("average_precision", average_precision),
        Metric("calibration_error", calibration_error, higher_is_better=False),
    ),
    "regression": (
        Metric("rmse", rmse, higher_is_better=False, bounds=(0, np.inf)),
        Metric("mae", mae, higher_is_better=False, bounds=(0, np.inf)),
        Metric("r2", r2, bounds=(-np.inf, 1)),
        Metric("median_error", median_error, higher_is_better=False, bounds=(0, np.inf)),
    ),
}


DEFAULTS: dict[Kind, str] = {"classification": "log_loss", "regression": "rmse"}


def primary_metric(kind: Kind, name: str | None) -> Metric:
    """The metric of `kind` that params.yaml calls `name`, by default log loss or RMSE.

    Raises:
        UserError: There is none.
    """
    by_name = {metric.name: metric for metric in METRICS[kind]}
    if name is None:
        name = DEFAULTS[kind]
    if name not in by_name:
        raise UserError(
            f"params.yaml: train.metric: no metric {name!r} for {kind}; {nearest(name, by_name)}"
        )
    return by_name[name]


def resampled(
    metrics: tuple[Metric, ...], outcome: Outcome, resamples: int, seed: int
) -> np.ndarray:
    """(n_metrics, n_resamples) figures of bootstrap resamples of the rows (Efron, 1979).

    Of very many rows, small subsets are resampled to the size of all (the bag of little bootstraps
    of Kleiner et al., 2014), and what they vary by is laid around the figure of all rows.
    """
    rng = np.random.default_rng(seed)
    rows = len(outcome)
    groups = np.arange(rows) if outcome.groups is None else outcome.groups
    many = groups.max() + 1
    if rows <= MOST_RESAMPLED:
        return _draws(metrics, outcome, groups, many, resamples, rng)
    figures = []
    whole = np.array([metric.of(outcome) for metric in metrics])
    for part in range(SUBSETS):
        chosen = rng.choice(many, min(many, max(2, many * MOST_RESAMPLED // rows)), replace=False)
        inside = np.isin(groups, chosen)
        subset, own = outcome.only(inside), np.unique(groups[inside], return_inverse=True)[1]
        share = len(range(part, resamples, SUBSETS))
        centre = np.array([metric.of(subset) for metric in metrics])
        drawn = _draws(metrics, subset, own, many, share, rng)
        figures.append(drawn + (whole - centre)[:, np.newaxis])
    low, high = np.array([metric.bounds for metric in metrics]).T[..., np.newaxis]
    bounded: np.ndarray = np.clip(np.concatenate(figures, axis=1), low, high)
    return bounded


def _draws(
    metrics: tuple[Metric, ...],
    outcome: Outcome,
    groups: np.ndarray,
    many: int,
    resamples: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n_metrics, n_resamples) figures when `many` groups are drawn from those of the outcome."""
    distinct = groups.max() + 1
    at_once = max(1, CELLS_AT_ONCE // len(outcome))
    figures = []
    for start in range(0, resamples, at_once):
        drawn = min(at_once, resamples - start)
        if distinct == many:
            places = rng.integers(many, size=(drawn, many))
            counts = np.array([np.bincount(of, minlength=many) for of in places])
        else:
            counts = rng.multinomial(many, np.full(distinct, 1 / distinct), size=drawn)
        weights = counts[:, groups].astype("float64")
        figures.append([metric.measure(outcome, weights) for metric in metrics])
    return np.concatenate(figures, axis=1)


def summary(kind: Kind, outcome: Outcome, how: EvaluateParams, seed: int) -> dict[str, Any]:
    """Every metric and its percentile interval; none where a metric is not defined.

    Args:
        kind: The kind of problem.
        outcome: What to measure.
        how: Number of resamples, and the coverage of the intervals.
        seed: Seed of the resampling.

    Returns:
        Each metric by its name, and their `intervals`, low and high, by the same names.
    """
    return _summary(kind, outcome, resampled(METRICS[kind], outcome, how.resamples, seed), how)


def against(
    kind: Kind, champion: Outcome, baseline: Outcome, how: EvaluateParams, seed: int
) -> dict[str, Any]:
    """The summary of the champion, with that of the baseline and how much better it is.

    Both are measured on the same resamples, so that what makes a resample hard for both cancels
    out: their own intervals may overlap where the champion is better in nearly all of them.

    Returns:
        As `summary` does; beside it `baseline`, another one, and `gain`, for each metric the
        interval of what the champion is better by, below zero where it is worse.
    """
    metrics = METRICS[kind]
    ours, theirs = (
        resampled(metrics, outcome, how.resamples, seed) for outcome in (champion, baseline)
    )
    gains = (
        metric.sign * (own - other)
        for metric, own, other in zip(metrics, ours, theirs, strict=True)
    )
    return {
        **_summary(kind, champion, ours, how),
        "baseline": _summary(kind, baseline, theirs, how),
        "gain": {
            metric.name: _interval(gain, how) for metric, gain in zip(metrics, gains, strict=True)
        },
    }


def _summary(
    kind: Kind, outcome: Outcome, draws: np.ndarray, how: EvaluateParams
) -> dict[str, Any]:
    figures: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for metric, drawn in zip(METRICS[kind], draws, strict=True):
        figure, interval = metric.of(outcome), _interval(drawn, how)
        sound = not np.isnan(figure) and interval is not None
        figures[metric.name] = figure if sound else None
        intervals[metric.name] = interval if sound else None
    return figures | {"intervals": intervals}


def _interval(drawn: np.ndarray, how: EvaluateParams) -> list[float] | None:
    """The percentiles that hold the asked share of the figures; None if none is defined."""
    tail = (1 - how.confidence) / 2
    defined = drawn[~np.isnan(drawn)]
    return np.quantile(defined, [tail, 1 - tail]).tolist() if defined.size else None
