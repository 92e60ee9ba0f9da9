"""How good predictions are: estimated before outcomes come, and measured once they are known.

An estimate is what a metric would be of outcomes drawn as the profile expects them, and 95 of 100
draws are within its interval. As long as that expectation holds, the true outcomes are one more
draw, whose metric is within as often: `benchmarks/quality.py` of the template measures how often.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from ..core.labels import encode_labels
from ..core.params import EvaluateParams
from ..modeling.compare import CONFIDENCE, STANDARD_ERROR_RESAMPLES
from ..modeling.intervals import summarise
from ..modeling.metrics import Metric
from ..modeling.outcome import Outcome
from ..modeling.postprocessing import conformal_margins
from ..modeling.profile import PREDICTION, Profile
from ..modeling.residuals import Places
from ..modeling.scales import MISSING
from ..records.wording import format_ends, format_number
from .references import Reference
from .samples import Sample

SETTINGS = EvaluateParams(resamples=STANDARD_ERROR_RESAMPLES, confidence=CONFIDENCE)
"""Of intervals, as those in the profile are."""
DRAWS = 119
"""The third smallest and the third largest of so many are the ends of an interval of 95%."""
SEED = 0


class Figure(NamedTuple):
    """A metric, and the ends of its interval where it has one."""

    figure: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return format_number(self.figure)
        return f"{format_number(self.figure)} ({format_ends((self.low, self.high))})"

    @classmethod
    def read(cls, content: Mapping[str, float | None]) -> Self | None:
        """A metric of a profile; None where it was not defined."""
        figure = content["figure"]
        return None if figure is None else cls(figure, content["low"], content["high"])

    def is_beyond(self, other: Figure, sign: int) -> bool:
        """Whether it is worse than the worse end of another; `sign` is the metric's."""
        below, _ = other.measure_ends(sign)
        return sign * (other.figure - self.figure) > below

    def measure_ends(self, sign: int) -> tuple[float, float]:
        """How far the worse and the better end are away; `sign` is the metric's."""
        if self.low is None or self.high is None:
            return math.inf, math.inf
        below, above = self.figure - self.low, self.high - self.figure
        return (below, above) if sign > 0 else (above, below)


Figures = Sequence[Figure | None]
"""Of some metrics, in their order; None where one is not defined."""


def estimate(reference: Reference, sample: Sample, metrics: Sequence[Metric]) -> Figures:
    """What metrics of some rows will be once outcomes come, as the profile expects them."""
    profile, classes = reference.profile, reference.contract.classes
    assert profile is not None
    if profile.expectation.is_empty:
        return [None] * len(metrics)
    anything = "" if reference.contract.labels else classes[0] if classes else 0
    outcome = make_outcome(reference, sample, [anything] * sample.rows)
    draws = profile.expectation.draw(outcome, _find_places(profile, sample), DRAWS, SEED)
    table = np.array([[metric.score(one) for metric in metrics] for one in draws])
    return [_summarise(column) for column in table.T]


def _summarise(figures: np.ndarray) -> Figure | None:
    known = figures[~np.isnan(figures)]
    ends = conformal_margins(known, CONFIDENCE)
    return Figure(float(np.median(known)), *ends) if ends else None


def realise(reference: Reference, sample: Sample, metrics: Sequence[Metric]) -> Figures:
    """Metrics of rows whose outcomes are known."""
    outcome = make_outcome(reference, sample, sample.outcomes.tolist())
    figures = summarise(metrics, outcome, SETTINGS, SEED)
    intervals = figures.pop("intervals")
    return [
        None if figure is None else Figure(figure, *(intervals[name] or (None, None)))
        for name, figure in figures.items()
    ]


def make_outcome(reference: Reference, sample: Sample, actual: Sequence[Any]) -> Outcome:
    """What was predicted of the rows of a sample beside (n_rows,) values of the target.

    Where groups are known, rows without one are one together, as in training.
    """
    contract, learnt = reference.contract, reference.postprocessing
    if contract.labels:
        labels = encode_labels(pd.Series(actual, dtype="str"), contract.columns[contract.target])
        outcome = Outcome.from_labels(
            labels, sample.predictions, contract.labels, learnt.thresholds
        )
    else:
        outcome = Outcome.from_predictions(
            np.array(actual), sample.predictions, contract.classes, learnt.threshold
        )
    if sample.groups.isna().all():
        return outcome
    return replace(outcome, groups=pd.factorize(sample.groups.map(str))[0])


def _find_places(profile: Profile, sample: Sample) -> Places:
    """Those of the rows on the scales of the features that are kept, and of the prediction."""
    is_kept = (sample.places != MISSING).any()
    features = {name: sample.places[name].to_numpy() for name in is_kept.index[is_kept]}
    if PREDICTION not in profile.scales:  # of labels
        return features
    prediction = profile.scales[PREDICTION].place(sample.predictions[PREDICTION])
    return features | {PREDICTION: prediction}
