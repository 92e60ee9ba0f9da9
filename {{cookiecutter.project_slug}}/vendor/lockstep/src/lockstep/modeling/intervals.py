"""How sure figures are: intervals of the metrics, and of what one model is better by.

How much a figure varies is measured by the bootstrap. Its percentiles are too narrow on few rows
(Hesterberg, 2015), so an interval is made of its standard deviation, on a scale that keeps to the
metric's bounds, with the degrees of freedom that the rows are worth. How often such intervals hold
the true figure is simulated in `benchmarks/coverage.py` of the template.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit  # scipy.stats has them too, and takes a second more

from ..core.batches import map_ahead
from ..core.params import EvaluateParams
from .metrics import Metric
from .outcome import Outcome

CELLS_AT_ONCE = 2**22
MOST_RESAMPLED, SUBSETS = 20_000, 5
"""Rows of which the bootstrap draws all, and how many subsets stand for more."""
MOST_BLOCKS = 200
FEWEST_DEGREES = 3
ROUNDING = 1e-12


def bootstrap(metrics: Sequence[Metric], outcome: Outcome, resamples: int, seed: int) -> np.ndarray:
    """(n_metrics, n_resamples) figures of bootstrap resamples of the rows (Efron, 1979).

    Of very many rows, small subsets are resampled to the size of all (the bag of little bootstraps
    of Kleiner et al., 2014), and what they vary by is laid around the figure of all rows.
    """
    rng = np.random.default_rng(seed)
    count = _count_groups(outcome)
    if len(outcome) <= MOST_RESAMPLED:
        draws = _draw(outcome, count, resamples, rng)
        figures = map_ahead(_measure, (metrics, outcome), (counts for _, counts in draws))
        return np.concatenate([*figures], axis=1)
    # A fixed sample of the rows would not do: its intervals are as wide as those of so few rows,
    # however many there are.
    whole = [[metric.score(outcome)] for metric in metrics]
    of_subsets = (
        draw
        for number in range(SUBSETS)
        for draw in _draw(
            _take_groups(outcome, rng), count, len(range(number, resamples, SUBSETS)), rng
        )
    )
    figures = map_ahead(_measure_subset, (metrics, whole), of_subsets)
    low, high = np.transpose([metric.bounds for metric in metrics])[..., np.newaxis]
    result: np.ndarray = np.clip(np.concatenate([*figures], axis=1), low, high)
    return result


def jackknife(metrics: Sequence[Metric], outcome: Outcome, seed: int) -> np.ndarray:
    """(n_metrics, n_blocks) changes of the figures when a block of groups is left out.

    There are as many blocks as groups, at most 200; nan where a figure is not defined without one
    (Tukey, 1958).
    """
    rng = np.random.default_rng(seed)
    if len(outcome) > MOST_RESAMPLED:
        outcome = _take_groups(outcome, rng)
    count = _count_groups(outcome)
    if count == 1:
        return np.full((len(metrics), 1), np.nan)
    blocks = (rng.permutation(count) % MOST_BLOCKS)[_groups(outcome)]
    numbers = np.arange(min(count, MOST_BLOCKS))[:, np.newaxis]
    at_once = max(1, CELLS_AT_ONCE // len(outcome))
    figures = []
    for start in range(0, len(numbers), at_once):
        weights = (blocks != numbers[start : start + at_once]).astype("float64")
        figures.append([metric.measure(outcome, weights) for metric in metrics])
    changes: np.ndarray = np.concatenate(figures, axis=1)
    return changes - [[metric.score(outcome)] for metric in metrics]


def _groups(outcome: Outcome) -> np.ndarray:
    """(n_rows,) number of each row's group, from 0; without groups each row is one."""
    return np.arange(len(outcome)) if outcome.groups is None else outcome.groups


def _count_groups(outcome: Outcome) -> int:
    return int(_groups(outcome).max()) + 1


def _take_groups(outcome: Outcome, rng: np.random.Generator) -> Outcome:
    """Whole groups by chance, of about as many rows as are resampled."""
    count = _count_groups(outcome)
    size = min(count, max(2, count * MOST_RESAMPLED // len(outcome)))
    return outcome.take(np.isin(_groups(outcome), rng.choice(count, size, replace=False)))


def _draw(
    outcome: Outcome, count: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[Outcome, np.ndarray]]:
    """The outcome and (n_resamples, n_groups) how often each group comes, some at a time.

    So many groups as `count` are drawn from those of the outcome.
    """
    distinct = _count_groups(outcome)
    at_once = max(1, CELLS_AT_ONCE // len(outcome))
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        if distinct == count:
            draws = rng.integers(count, size=(size, count))
            counts = np.array([np.bincount(draw, minlength=count) for draw in draws])
        else:
            counts = rng.multinomial(count, np.full(distinct, 1 / distinct), size=size)
        # In as few bytes as hold them, since they may have to travel.
        yield outcome, counts.astype(np.min_scalar_type(counts.max()))


def _measure(metrics: Sequence[Metric], outcome: Outcome, counts: np.ndarray) -> np.ndarray:
    """(n_metrics, n_resamples) figures where groups come so often."""
    weights = counts[:, _groups(outcome)].astype("float64")
    return np.array([metric.measure(outcome, weights) for metric in metrics])


def _measure_subset(
    metrics: Sequence[Metric], whole: list[list[float]], draw: tuple[Outcome, np.ndarray]
) -> np.ndarray:
    """What the figures of a subset vary by, around those of all rows."""
    subset, counts = draw
    figures = _measure(metrics, subset, counts)
    moved: np.ndarray = figures + np.subtract(whole, [[each.score(subset)] for each in metrics])
    return moved


@dataclass(frozen=True)
class Sampling:
    """A figure, and what is known of how it varies from one sample of rows to another."""

    figure: float
    """nan where it is not defined."""
    resamples: np.ndarray
    """(n_resamples,) figures of the bootstrap."""
    changes: np.ndarray
    """(n_blocks,) of the jackknife."""
    groups: int
    """How many there are; without groups each row is one."""

    @property
    def is_known(self) -> bool:
        """Whether there is a figure, and something to draw."""
        is_drawn = self.groups > 1 and not np.isnan(self.resamples).all()
        return is_drawn and not np.isnan(self.figure)

    @property
    def error(self) -> float:
        """The standard error; 0 where no resample differs from another."""
        figures = self.resamples[~np.isnan(self.resamples)]
        if np.ptp(figures) <= ROUNDING * np.abs(figures).max():
            return 0.0
        # As the variance of a sample around its own mean, that of resamples is too small.
        return float(figures.std() * np.sqrt(self.groups / (self.groups - 1)))

    def quantile(self, confidence: float, factor: float = 1) -> float:
        """Of Student's t: by how many standard errors an end is away.

        The degrees of freedom are the fewer the more the standard error hangs on a few rows, which
        the kurtosis of the changes tells. Satterthwaite (1946) has a `factor` of two; but skewed
        rows, if few, show about half of the kurtosis that more of them would.
        """
        changes = self.changes[~np.isnan(self.changes)]
        degrees: float = self.groups - 1
        if len(changes) > FEWEST_DEGREES and np.ptp(changes) > 0:
            excess = _excess_kurtosis(changes)
            degrees = min(degrees, factor * len(changes) / max(excess + 2, ROUNDING))
        return float(stdtrit(max(degrees, FEWEST_DEGREES), (1 + confidence) / 2))

    def shift(self, confidence: float) -> float:
        """By how many standard errors both ends move towards the longer tail of the rows.

        It is the first term of the Edgeworth expansion of Student's t (Hall, 1992), whose
        skewness the changes tell.
        """
        changes = self.changes[~np.isnan(self.changes)]
        changes = changes.mean() - changes  # without a row that is too high, figures are lower
        squares = (changes**2).sum()
        if not squares:
            return 0.0
        quantile = ndtri((1 + confidence) / 2)
        return float((changes**3).sum() / squares**1.5 * (2 * quantile**2 + 1) / 6)


def _excess_kurtosis(values: np.ndarray) -> float:
    """That of the population, estimated without bias if it is normal (Joanes and Gill, 1998)."""
    count, squares = len(values), (values - values.mean()) ** 2
    excess = float((squares**2).mean() / squares.mean() ** 2) - 3
    return (count - 1) / ((count - 2) * (count - 3)) * ((count + 1) * excess + 6)


def summarise(
    metrics: Sequence[Metric], outcome: Outcome, settings: EvaluateParams, seed: int
) -> dict[str, Any]:
    """Each metric by its name, and their `intervals`; None where one is not defined."""
    samplings = _sample(metrics, outcome, settings.resamples, seed)
    return _summarise(metrics, outcome, samplings, settings.confidence)


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
    samplings = [
        _sample(metrics, outcome, settings.resamples, seed) for outcome in (champion, baseline)
    ]
    ours, theirs = (
        _summarise(metrics, outcome, figures, settings.confidence)
        for outcome, figures in zip((champion, baseline), samplings, strict=True)
    )
    gains = {}
    for metric, mine, other in zip(metrics, *samplings, strict=True):
        ends = ours["intervals"][metric.name], theirs["intervals"][metric.name]
        gains[metric.name] = None if None in ends else _subtract(metric, mine, other, *ends)
    return {**ours, "baseline": theirs, "gain": gains}


def compare_folds(
    metric: Metric,
    ours: Sequence[Outcome],
    theirs: Sequence[Outcome],
    resamples: int,
    confidence: float,
    seed: int,
) -> list[float] | None:
    """The interval of what one candidate is better by than another, in the mean over the folds.

    Both have predicted the same rows of each fold. Rows are drawn within their fold, which has a
    model of its own; that other train rows would make other models is not in the interval. None
    where the metric is not defined in any fold.
    """
    gains = []
    for number, pair in enumerate(zip(ours, theirs, strict=True)):
        [mine], [other] = (_sample((metric,), one, resamples, seed + number) for one in pair)
        if mine.is_known and other.is_known:
            gains.append(_differ(metric, mine, other))
    if not gains:
        return None
    mean = Sampling(
        float(np.mean([gain.figure for gain in gains])),
        np.mean([gain.resamples for gain in gains], axis=0),
        np.concatenate([gain.changes for gain in gains]),
        sum(gain.groups for gain in gains),
    )
    half = mean.quantile(confidence) * mean.error
    return [mean.figure - half, mean.figure + half]


def compare_pair(
    metrics: Sequence[Metric],
    ours: Outcome,
    theirs: Outcome,
    settings: EvaluateParams,
    seed: int,
) -> dict[str, tuple[float, float, float]]:
    """What one model is better by than another that may be much like it, and both ends of that.

    It is measured row by row, unlike `compare_models`, whose interval of a gain stays wide however
    alike two models are. Gains are skewed where a model is a little better on most rows and much
    worse on a few, which a small sample may lack: the ends move by that.

    Returns:
        For each metric that is defined of both: the gain, above zero where we are better, its lower
        and its upper end.
    """
    samplings = [_sample(metrics, one, settings.resamples, seed) for one in (ours, theirs)]
    gains = {}
    for metric, mine, other in zip(metrics, *samplings, strict=True):
        if mine.is_known and other.is_known:
            gain = _differ(metric, mine, other)
            half = gain.quantile(settings.confidence) * gain.error
            centre = gain.figure + gain.shift(settings.confidence) * gain.error
            gains[metric.name] = (gain.figure, centre - half, centre + half)
    return gains


def _differ(metric: Metric, mine: Sampling, other: Sampling) -> Sampling:
    """What the one is better by than the other, drawn together."""
    return Sampling(
        metric.sign * (mine.figure - other.figure),
        metric.sign * (mine.resamples - other.resamples),
        metric.sign * (mine.changes - other.changes),
        mine.groups,
    )


def _sample(
    metrics: Sequence[Metric], outcome: Outcome, resamples: int, seed: int
) -> list[Sampling]:
    """What each metric is of an outcome, and how it varies."""
    figures = bootstrap(metrics, outcome, resamples, seed)
    changes = jackknife(metrics, outcome, seed)
    groups = _count_groups(outcome)
    return [
        Sampling(metric.score(outcome), row, change, groups)
        for metric, row, change in zip(metrics, figures, changes, strict=True)
    ]


def _summarise(
    metrics: Sequence[Metric], outcome: Outcome, samplings: list[Sampling], confidence: float
) -> dict[str, Any]:
    figures: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for metric, sampling in zip(metrics, samplings, strict=True):
        has_interval = metric.has_interval and sampling.is_known
        ends = _find_ends(metric, outcome, sampling, confidence) if has_interval else None
        figures[metric.name] = None if np.isnan(sampling.figure) else sampling.figure
        intervals[metric.name] = ends
    return figures | {"intervals": intervals}


def _find_ends(
    metric: Metric, outcome: Outcome, sampling: Sampling, confidence: float
) -> list[float]:
    """Both ends of a metric's interval, within its bounds.

    Between two bounds it is Wilson's (1927), of a share of so many rows as would have that standard
    error. With one bound it is symmetric in the logarithm of the distance from there.
    """
    figure, error, (low, high) = sampling.figure, sampling.error, metric.bounds
    is_within = low < figure < high
    # Where all rows made odd in one way are found and none in another, further rows may not be.
    if is_within and not error and metric.share_of != "ways":
        return [figure, figure]
    if np.isfinite([low, high]).all() and low <= figure <= high:
        # What the share of rows varies by follows from the share: it hangs on no few rows.
        factor = np.inf if metric.share_of == "rows" else 2
        quantile, share = sampling.quantile(confidence, factor), (figure - low) / (high - low)
        rows = _largest_size(metric, outcome, is_varied=error > 0)
        if error:
            rows = min(rows, share * (1 - share) * ((high - low) / error) ** 2)
        ends = low + (high - low) * np.array(find_share_interval(share, rows, quantile))
        return [float(min(figure, max(low, ends[0]))), float(max(figure, min(high, ends[1])))]
    quantile = sampling.quantile(confidence)
    bound = low if np.isfinite(low) else high
    if is_within and np.isfinite(bound):
        # A mean of what is never negative has no standard error above itself; an R2 of few rows,
        # some resamples of which are nearly constant, may have any.
        distance = figure - bound
        factor = float(np.exp(quantile * min(1.0, error / abs(distance))))
        return sorted((bound + distance / factor, bound + distance * factor))
    return [figure - quantile * error, figure + quantile * error]


def find_share_interval(share: float, rows: float, quantile: float) -> tuple[float, float]:
    """Both ends of the interval of a share (Wilson, 1927).

    Args:
        share: From 0 to 1.
        rows: How many that are evidence apart from each other it is of; they need not be whole.
        quantile: By how many standard errors an end is away.
    """
    weight = quantile**2 / rows
    centre = (share + weight / 2) / (1 + weight)
    half = np.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    # At a share of 0 or 1 an end may lie beyond it by rounding.
    return float(np.clip(centre - half, 0, share)), float(np.clip(centre + half, share, 1))


def _largest_size(metric: Metric, outcome: Outcome, *, is_varied: bool) -> float:
    """How many rows a figure may at most be the share of.

    A mean over classes is known no better than that of the few rows of a rare class, unless the
    same class is decided for all rows. Where no resample varies, rows of a group are taken for one.
    """
    groups = _groups(outcome)
    counts = np.ones(len(outcome)) if is_varied else 1 / np.bincount(groups)[groups]
    if metric.share_of == "classes" and not (is_varied and _is_one_for_all(outcome)):
        if outcome.labels:
            classes = counts @ outcome.actual
        else:
            is_known = outcome.actual >= 0
            classes = np.bincount(outcome.actual[is_known], counts[is_known])
        classes = classes[classes > 0]
        size = float(len(classes) ** 2 / (1 / classes).sum())
        # A row has several labels, and is evidence once.
        return min(size, float(counts.sum())) if outcome.labels else size
    if metric.share_of == "anomalies":
        return float(counts[outcome.actual == 1].sum())
    if metric.share_of == "calls":
        return float(counts[(outcome.actual >= 0) & (outcome.decisions == 1)].sum())
    is_share = metric.share_of == "rows"
    return float(counts.sum()) if is_share or not is_varied else np.inf


def _is_one_for_all(outcome: Outcome) -> bool:
    """Whether the same is decided for all rows."""
    return not np.ptp(outcome.decisions, axis=0).any()


def _subtract(
    metric: Metric,
    ours: Sampling,
    theirs: Sampling,
    our_ends: Sequence[float],
    their_ends: Sequence[float],
) -> list[float]:
    """The interval of a gain from both figures' intervals (Zou and Donner, 2008).

    Each end is as far away as the two ends that make it, less what they share by the correlation of
    the resamples. A figure of 1.0 has a gain as uncertain as itself, though no resample changes it.
    """
    gain = metric.sign * (ours.figure - theirs.figure)
    figures = np.stack([ours.resamples, theirs.resamples])
    figures = figures[:, ~np.isnan(figures).any(axis=0)]
    correlation = np.corrcoef(figures)[0, 1] if ours.error and theirs.error else 0.0
    ours_below, ours_above = np.abs(np.subtract(our_ends, ours.figure))[:: metric.sign]
    theirs_below, theirs_above = np.abs(np.subtract(their_ends, theirs.figure))[:: metric.sign]

    def distance(one: float, other: float) -> float:
        return float(np.sqrt(max(0, one**2 + other**2 - 2 * correlation * one * other)))

    return [gain - distance(ours_below, theirs_above), gain + distance(ours_above, theirs_below)]
