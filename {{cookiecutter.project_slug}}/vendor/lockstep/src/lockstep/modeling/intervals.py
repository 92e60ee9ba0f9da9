"""How sure figures are: bootstrap intervals of the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.params import EvaluateParams
from .metrics import Metric
from .outcome import Outcome

CELLS_AT_ONCE = 2**22
MOST_RESAMPLED, SUBSETS = 20_000, 5
"""Rows of which the bootstrap draws all, and how many subsets stand for more."""


def bootstrap(metrics: Sequence[Metric], outcome: Outcome, resamples: int, seed: int) -> np.ndarray:
    """(n_metrics, n_resamples) figures of bootstrap resamples of the rows (Efron, 1979).

    Of very many rows, small subsets are resampled to the size of all (the bag of little bootstraps
    of Kleiner et al., 2014), and what they vary by is laid around the figure of all rows.
    """
    rng = np.random.default_rng(seed)
    rows, groups = len(outcome), _groups(outcome)
    count = groups.max() + 1
    if rows <= MOST_RESAMPLED:
        return _resample(metrics, outcome, count, resamples, rng)
    # A fixed sample of the rows would not do: its intervals are as wide as those of so few rows,
    # however many there are.
    whole = [[metric.score(outcome)] for metric in metrics]
    figures = []
    for number in range(SUBSETS):
        size = min(count, max(2, count * MOST_RESAMPLED // rows))
        subset = outcome.take(np.isin(groups, rng.choice(count, size, replace=False)))
        share = len(range(number, resamples, SUBSETS))
        spread = _resample(metrics, subset, count, share, rng)
        figures.append(spread + np.subtract(whole, [[metric.score(subset)] for metric in metrics]))
    low, high = np.transpose([metric.bounds for metric in metrics])[..., np.newaxis]
    result: np.ndarray = np.clip(np.concatenate(figures, axis=1), low, high)
    return result


def _groups(outcome: Outcome) -> np.ndarray:
    """(n_rows,) number of each row's group, from 0; without groups each row is one."""
    return np.arange(len(outcome)) if outcome.groups is None else outcome.groups


def _resample(
    metrics: Sequence[Metric],
    outcome: Outcome,
    count: int,
    resamples: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n_metrics, n_resamples) figures when `count` groups are drawn from those of the outcome."""
    groups = _groups(outcome)
    distinct = groups.max() + 1
    at_once = max(1, CELLS_AT_ONCE // len(outcome))
    figures = []
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        if distinct == count:
            draws = rng.integers(count, size=(size, count))
            counts = np.array([np.bincount(draw, minlength=count) for draw in draws])
        else:
            counts = rng.multinomial(count, np.full(distinct, 1 / distinct), size=size)
        weights = counts[:, groups].astype("float64")
        figures.append([metric.measure(outcome, weights) for metric in metrics])
    return np.concatenate(figures, axis=1)


def summarise(
    metrics: Sequence[Metric], outcome: Outcome, settings: EvaluateParams, seed: int
) -> dict[str, Any]:
    """Each metric by its name, and their percentile `intervals`; None where one is not defined."""
    figures = bootstrap(metrics, outcome, settings.resamples, seed)
    return _summarise(metrics, outcome, figures, settings.confidence)


def compare_models(
    metrics: Sequence[Metric],
    champion: Outcome,
    baseline: Outcome,
    settings: EvaluateParams,
    seed: int,
) -> dict[str, Any]:
    """The summary of the champion, that of the `baseline`, and intervals of the champion's `gain`.

    Both are measured on the same resamples, so that what makes a resample hard for both cancels
    out: their own intervals may overlap where the champion is better in nearly all of them.
    """
    ours, theirs = (
        bootstrap(metrics, outcome, settings.resamples, seed) for outcome in (champion, baseline)
    )
    gains = np.array([[metric.sign] for metric in metrics]) * (ours - theirs)
    return {
        **_summarise(metrics, champion, ours, settings.confidence),
        "baseline": _summarise(metrics, baseline, theirs, settings.confidence),
        "gain": {
            metric.name: _interval(gain, settings.confidence)
            for metric, gain in zip(metrics, gains, strict=True)
        },
    }


def _summarise(
    metrics: Sequence[Metric], outcome: Outcome, resamples: np.ndarray, confidence: float
) -> dict[str, Any]:
    figures: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for metric, row in zip(metrics, resamples, strict=True):
        figure, interval = metric.score(outcome), _interval(row, confidence)
        is_defined = not np.isnan(figure) and interval is not None
        figures[metric.name] = figure if is_defined else None
        intervals[metric.name] = interval if is_defined else None
    return figures | {"intervals": intervals}


def _interval(figures: np.ndarray, confidence: float) -> list[float] | None:
    """The percentiles that hold the asked share of the figures; None if none is defined."""
    tail = (1 - confidence) / 2
    defined = figures[~np.isnan(figures)]
    return np.quantile(defined, [tail, 1 - tail]).tolist() if defined.size else None
