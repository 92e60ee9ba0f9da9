"""How a version does on the test rows, beside the stage's present model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scipy.special import ndtri

from ..core.kinds import Kind
from ..core.params import Params, TrainParams
from ..core.paths import Paths
from ..modeling.candidates import BASELINE
from ..modeling.metrics import Metric, find_metric
from ..modeling.structureless import DRAWS
from ..records.pairs import Gain, Pair, load_metrics, measure_gains
from ..records.run import Run
from ..records.wording import format_number
from .findings import Contrast, Finding, Note, judge_gain, judge_guardrail

FEWEST_ROWS = 20
"""Of a subgroup that is looked at by itself."""
CALIBRATION_MARGIN = 0.01
"""Probabilities that are off by a hundredth more are as good, however sure that difference is."""
ENOUGH_ROWS = 10_000
"""In common, however many there are that are not."""
APART = "each on its own test rows, of which few or none are in common"
CALIBRATION = "calibration_error"
USUAL_CONFIDENCE = 0.95
"""Of intervals that nothing is said of."""


def find_chosen_metric(paths: Paths, run: Run) -> Metric:
    """The metric that chose a run's champion, of the library or of the owner.

    Raises:
        UserError: There is none of that name now.
    """
    kind = run.record["kind"]
    load_metrics(paths, kind, [run.metric])
    return find_metric(kind, run.metric, "train.metric")


def compare_with_baseline(run: Run, params: Params) -> Finding:
    """The first model of a stage must be better than the baseline."""
    if run.candidate == BASELINE:
        reason = "no other candidate is better, and a stage is for one that is"
        return Finding(run.metric, "of the baseline itself", reason)
    scores, name, confidence = run.record["metrics"], run.metric, params.evaluate.confidence
    before, after, ends = scores["baseline"].get(name), scores.get(name), scores["gain"].get(name)
    contrast = None
    if before is not None and after is not None and ends is not None:
        sign = 1 if run.higher_is_better else -1
        gain = sign * (after - before)
        low, high = _move_ends(ends, gain, _find_confidence(run), confidence)
        contrast = Contrast(before, after, Gain(gain, low, high))
    rows = f"over the baseline on {scores['test_rows']} test rows{_name_interval(confidence)}"
    return judge_gain(name, contrast, rows, None)


def _name_interval(confidence: float) -> str:
    return "" if confidence == USUAL_CONFIDENCE else f", {confidence * 100:g}% interval"


def is_telling(pair: Pair, run: Run) -> bool:
    """Whether the rows in common say more than each model's own do: they are half of the test rows.

    Of two splits of the same data few are.
    """
    rows = int(run.record["test"]["rows"])
    return len(pair) >= min(rows / 2, ENOUGH_ROWS)


def compare_rows(
    metric: Metric, pair: Pair, params: Params, rows: str = "test rows in common"
) -> Iterator[Finding]:
    """On the `rows` that both have predicted: all of them, subgroups, and how sure to be."""
    confidence = params.evaluate.confidence
    contrast = _measure(metric, pair, params, confidence)
    alike = ", all of which they predict alike" if pair.is_alike else ""
    where = f"on {len(pair)} {rows}{alike}{_name_interval(confidence)}"
    yield judge_gain(metric.name, contrast, where, params.promote.margin)
    yield from _compare_subgroups(metric, pair, params)
    has_probabilities = pair.after.names and pair.after.injected is None
    if has_probabilities and metric.name != CALIBRATION:
        kind: Kind = "multilabel" if pair.after.labels else "classification"
        calibration = find_metric(kind, CALIBRATION, "")
        contrast = _measure(calibration, pair, params, confidence)
        if contrast:
            yield judge_guardrail(
                calibration.name, contrast, "on the same rows", CALIBRATION_MARGIN
            )


def _measure(metric: Metric, pair: Pair, params: Params, confidence: float) -> Contrast | None:
    settings = params.evaluate.model_copy(update={"confidence": confidence})
    gain = measure_gains(pair, [metric], settings, params.seed).get(metric.name)
    return Contrast(metric.score(pair.before), metric.score(pair.after), gain) if gain else None


def _compare_subgroups(metric: Metric, pair: Pair, params: Params) -> Iterator[Finding]:
    """All of them share the chance of an error (Bonferroni), since one of many is soon unlucky."""
    parts = {
        f"{column}={value}": pair.take((pair.subgroups[column] == value).to_numpy())
        for column in pair.subgroups
        for value in sorted(pair.subgroups[column].unique())
    }
    parts = {name: part for name, part in parts.items() if len(part) >= FEWEST_ROWS}
    for name, part in parts.items():
        confidence = 1 - (1 - params.evaluate.confidence) / len(parts)
        if contrast := _measure(metric, part, params, confidence):
            margin = params.promote.margin or 0.0
            yield judge_guardrail(name, contrast, f"on {len(part)} of them", margin)


def compare_apart(
    metric: Metric, present: Run, run: Run, params: Params
) -> Iterator[Finding | Note]:
    """By what either run has measured on its own test rows.

    Each model has its own luck then, so that it must be better by more than on the same rows.
    """
    scores = [one.record["metrics"] for one in (present, run)]
    recorded = [_find_confidence(one) for one in (present, run)]
    confidence, margin = params.evaluate.confidence, params.promote.margin
    contrast = _subtract(metric, scores, recorded, confidence)
    yield judge_gain(metric.name, contrast, f"{APART}{_name_interval(confidence)}", margin)
    groups = [
        {(one["column"], one["value"]): one for one in score.get("subgroups", [])}
        for score in scores
    ]
    parts = {
        "=".join(key): [group[key] for group in groups]
        for key in groups[0]
        if all(key in group and group[key]["test_rows"] >= FEWEST_ROWS for group in groups)
    }
    for name, part in parts.items():
        shared = 1 - (1 - confidence) / len(parts)
        if contrast := _subtract(metric, part, recorded, shared):
            yield judge_guardrail(name, contrast, APART, margin or 0.0)
    has_probabilities = run.record["kind"] in ("classification", "multilabel")
    if has_probabilities and metric.name != CALIBRATION:
        yield Note("calibration", "not compared, since that takes test rows in common")


def _subtract(
    metric: Metric,
    scores: Sequence[Mapping[str, Any]],
    recorded: Sequence[float],
    confidence: float,
) -> Contrast | None:
    """The gain from both intervals, as of independent rows (Zou and Donner, 2008)."""
    figures: list[Any] = [score.get(metric.name) for score in scores]
    ends = [score["intervals"].get(metric.name) for score in scores]
    if None in figures or None in ends:
        return None
    (their_low, their_high), (our_low, our_high) = (
        sorted(metric.sign * (end - figure) for end in _move_ends(pair, figure, level, confidence))
        for pair, figure, level in zip(ends, figures, recorded, strict=True)
    )
    before, after = figures
    gain = metric.sign * (after - before)
    low, high = gain - math.hypot(our_low, their_high), gain + math.hypot(our_high, their_low)
    return Contrast(before, after, Gain(gain, low, high))


def _find_confidence(run: Run) -> float:
    """That of the intervals in a run's record."""
    return float(run.record["parameters"]["evaluate"]["confidence"])


def _move_ends(
    ends: Sequence[float], figure: float, recorded: float, confidence: float
) -> tuple[float, float]:
    """The ends of an interval at another confidence, as of a normal distribution on either side."""
    factor = ndtri((1 + confidence) / 2) / ndtri((1 + recorded) / 2)
    low, high = (figure + factor * (end - figure) for end in ends)
    return float(low), float(high)


def check_structure(run: Run) -> Iterator[Finding]:
    """Whether clusters are better than those that are found in rows without any."""
    structure = run.record["metrics"].get("structureless")
    if structure is None:
        return
    highest = format_number(structure["highest"])
    text = f"{DRAWS} draws of rows without structure reach {highest} at most"
    reason = "" if structure["is_exceeded"] else "no more is shown of these rows"
    yield Finding("structure", text, reason)


def check_coverage(run: Run) -> Iterator[Finding]:
    """Whether the intervals of numbers hold the share of the rows that was promised."""
    coverage = run.record["metrics"].get("prediction_intervals")
    if coverage is None:
        return
    usual = TrainParams.model_fields["coverage"].default
    promise = run.record["parameters"]["train"].get("coverage", usual)
    low, high = coverage["interval"]
    text = (
        f"prediction intervals hold {coverage['coverage']:.1%} ({low:.1%} to {high:.1%}) of "
        f"the test rows, {promise:.0%} were promised"
    )
    reason = f"{promise - high:.1%} short, which is no chance" if high < promise else ""
    yield Finding("coverage", text, reason)
