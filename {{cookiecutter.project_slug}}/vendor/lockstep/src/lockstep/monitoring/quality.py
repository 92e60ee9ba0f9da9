"""How good a version is from window to window, and whether that is worse than was expected."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal, NamedTuple

import numpy as np

from ..core.errors import UserError
from ..core.params import predicts_numbers
from ..core.project import Project
from ..modeling.metrics import DEFAULTS, Metric
from ..modeling.outcome import EXPOSURE
from ..records.pairs import load_metrics
from .batches import Subject
from .estimates import Figure, Figures, estimate, realise
from .references import Reference
from .samples import Sample
from .windows import LATEST_WINDOWS, Window

ENOUGH_KNOWN = 0.5
"""Of the rows: once outcomes of so many are known, an estimate has no say any more."""
BLIND = (
    "It sees that rows have become easier or harder. It cannot see that the same rows have other "
    "outcomes than before (concept drift), nor what becomes of rows that training saw nothing "
    "like: only outcomes tell that"
)
ASSUMPTIONS = {
    True: f"The estimate holds as long as probabilities mean what they meant in training. {BLIND}",
    False: (
        "The estimate holds as long as errors are as large as those of rows alike in training. "
        f"{BLIND}"
    ),
}
"""Of estimates, by whether they are of classes."""
NOTHING_ESTIMATED = "How many anomalies are found is known of rows with outcomes only"
UNIT = "Of forecasts it is in units of how far the latest values of a series lay apart"
RELATIVE = "mae"
"""That decides of forecasts: what others are measured in, the requests do not tell."""
OF_LABELS = ("average_precision", "roc_auc", "precision", "recall")
"""Metrics of anomalies that outcomes tell; the first decides unless params.yaml names another."""
RECALL = OF_LABELS[-1]
"""That decides where the outcomes are of anomalies alone, which tell nothing else."""
OF_INJECTED = ("injected_precision", "injected_recall")
"""Those that no outcome tells."""
WIDENING = 1.75
"""Of what is expected, where outcomes are held against it: all windows of a version share its
error, which would be an alarm in each of them (`benchmarks/quality.py` of the template). Estimates
come of the same rows, and share the error."""
TWICE = 2
"""Windows on end that are more than chance."""
STATES = ("too few", "fine", "moved", "alarm")
"""From that which says least to the worst."""
State = Literal["too few", "fine", "moved", "alarm"]
Find = Callable[[Reference, Sample, Sequence[Metric]], Figures]


class Course(NamedTuple):
    """A metric from window to window."""

    metric: Metric
    expected: Figure | None
    estimates: Figures
    realised: Figures

    def describe(self) -> dict[str, Any]:
        """As monitoring.json has it."""
        pairs = zip(self.estimates, self.realised, strict=True)
        return {
            "expected": self.expected and self.expected._asdict(),
            "higher_is_better": self.metric.higher_is_better,
            "windows": [
                {"estimate": one and one._asdict(), "realised": other and other._asdict()}
                for one, other in pairs
            ],
        }


class Verdict(NamedTuple):
    """What windows on end say of a metric."""

    state: State
    text: str = ""
    """What is worse than expected in the latest of them; empty where nothing is."""
    since: str | None = None
    """The first of those that are worse."""


@dataclass(frozen=True)
class Quality:
    """How good a version is."""

    primary: str
    """The metric that is judged."""
    assumption: str
    courses: Mapping[str, Course]
    labels: Sequence[dict[str, Any] | None]
    """Of each window how many `rows` have outcomes, and after how many days, in the median."""
    state: State
    text: str
    """What is worse than expected in the latest window; empty where nothing is."""
    since: str | None
    """The window from which on it is."""
    doubt: str
    """What outcomes say against the estimates; empty where they say nothing."""

    def describe(self) -> dict[str, Any]:
        """As monitoring.json has it."""
        return {
            "metric": self.primary,
            "assumption": self.assumption,
            "metrics": {name: course.describe() for name, course in self.courses.items()},
            "labels": [*self.labels],
            "state": self.state,
            "since": self.since,
            "lines": [line for line in (self.text, self.doubt) if line],
        }


class Gauge:
    """Measures the windows of versions, and remembers those that it has measured.

    Args:
        project: Its params.yaml says what metric decides, and how many rows a window needs.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[tuple[Subject, Find], dict[bytes, Figures]] = {}

    @property
    def primary(self) -> str:
        """The name of the metric that decides."""
        params = self.project.params
        if params.kind == "forecasting":
            return RELATIVE
        if params.kind == "anomalies" and params.train.metric not in OF_LABELS:
            return OF_LABELS[0]
        return params.train.metric or DEFAULTS[params.kind]

    def find_metrics(self, names: Collection[str]) -> dict[str, Metric]:
        """Those of these names that there are; the owner's may be gone."""
        kind, metrics = self.project.params.kind, {}
        for known in ((), names):
            with suppress(UserError):
                metrics = load_metrics(self.project, kind, known)
        return {name: metrics[name] for name in names if name in metrics}

    def measure(
        self,
        subject: Subject,
        reference: Reference,
        windows: Sequence[tuple[str, Window | None]],
    ) -> Quality | None:
        """How good a version is; None where nothing is expected of it.

        So it is with clusters, and with anomalies of which no row has an outcome, in training or
        since.

        Args:
            subject: The version.
            reference: What its rows are held against.
            windows: Names of its windows, and the windows: None where no rows came.
        """
        profile = reference.profile
        names = [name for name in profile.metrics if name not in OF_INJECTED] if profile else []
        metrics = self.find_metrics(names)
        if profile is None or self.primary not in metrics or reference.contract.clusters:
            return None
        samples = [window.sample if window else None for _, window in windows]
        labelled = [window.labelled if window else None for _, window in windows]
        estimates = self._find(subject, estimate, reference, samples, [*metrics.values()])
        realised = self._find(subject, realise, reference, labelled, [*metrics.values()])
        courses = {
            name: Course(metrics[name], Figure.read(profile.metrics[name]), *figures)
            for name, *figures in zip(metrics, estimates, realised, strict=True)
        }
        decisive = courses[self.primary]
        if reference.contract.anomalies:
            decisive = _choose_decisive(decisive, courses.get(RECALL, decisive))
            if decisive.expected is None and not any(decisive.realised):
                return None
        verdict = self._judge(decisive, windows)
        assumption = ASSUMPTIONS[not predicts_numbers(self.project.params.kind)]
        if reference.contract.anomalies:
            assumption = NOTHING_ESTIMATED
        if reference.contract.history is not None:
            assumption += f". {UNIT}"
        labels = [_describe_labels(window) for _, window in windows]
        doubt = self._find_doubt(decisive, windows) or _tell_exposure(decisive, reference, samples)
        return Quality(decisive.metric.name, assumption, courses, labels, *verdict, doubt)

    def _find(
        self,
        subject: Subject,
        find: Find,
        reference: Reference,
        samples: Sequence[Sample | None],
        metrics: Sequence[Metric],
    ) -> list[Figures]:
        """Of each metric its figures by window."""
        former, known = self._known.get((subject, find), {}), {}
        table: list[Figures] = []
        for place, sample in enumerate(samples):
            if sample is None or place < len(samples) - LATEST_WINDOWS:
                table.append([None] * len(metrics))
                continue
            key = _digest(sample)
            known[key] = former.get(key) or find(reference, sample, metrics)
            table.append(known[key])
        self._known[subject, find] = known
        return [*zip(*table, strict=True)] if table else [[]] * len(metrics)

    def _judge(self, course: Course, windows: Sequence[tuple[str, Window | None]]) -> Verdict:
        """The worse of two runs of windows: those with outcomes, and all by what is best known.

        No estimate ends the first one, since it cannot see what only outcomes tell.
        """
        measured, best = [], []
        for place, (name, window) in enumerate(windows):
            truth = guess = None
            if window and self._is_enough(window.labelled):
                truth = _find_loss(course, course.realised[place], "turned out to be", WIDENING)
            if window and self._is_enough(window.sample):
                guess = _find_loss(course, course.estimates[place], "is estimated at", 1)
            has_say = truth is None or (
                window and window.outcomes < ENOUGH_KNOWN * (window.rows - window.refused)
            )
            measured.append((name, truth))
            best.append((name, guess if has_say else truth))
        verdicts = [_judge_run(course, run) for run in (measured, best)]
        return max(verdicts, key=lambda verdict: STATES.index(verdict.state))

    def _is_enough(self, sample: Sample | None) -> bool:
        return sample is not None and sample.rows >= self.project.params.monitor.least_rows

    def _find_doubt(self, course: Course, windows: Sequence[tuple[str, Window | None]]) -> str:
        """Whether outcomes were worse than was estimated in the latest two windows that tell."""
        known = [
            (expected, truth, truth.is_beyond(expected, course.metric.sign))
            for expected, truth, (_, window) in zip(
                course.estimates, course.realised, windows, strict=True
            )
            if expected and truth and window and window.labelled
            if self._is_enough(window.labelled)
        ]
        if len(known) < TWICE or not all(is_beyond for *_, is_beyond in known[-TWICE:]):
            return ""
        expected, truth, _ = known[-1]
        return (
            f"{course.metric.name} turned out to be {truth}, where {expected} was estimated: the "
            "same rows have other outcomes than in training, or they are unlike any there"
        )


def _choose_decisive(primary: Course, recall: Course) -> Course:
    """What decides: where anomalies alone have outcomes, how many of them are called so."""
    is_all_there_is = recall.expected and any(recall.realised) and not any(primary.realised)
    return recall if is_all_there_is else primary


def _tell_exposure(course: Course, reference: Reference, samples: Sequence[Sample | None]) -> str:
    """Why a metric of rates is nowhere known: over what rows were added up is not kept."""
    exposure = reference.contract.exposure
    if exposure is None or any(course.estimates) or any(course.realised):
        return ""
    if not any(one.predictions[EXPOSURE].isna().any() for one in samples if one is not None):
        return ""
    return (
        f"{course.metric.name} is not known: it is per unit of {exposure}, which is not kept of "
        "all rows; `serve.keep` in params.yaml says which columns are"
    )


def _judge_run(course: Course, losses: Sequence[tuple[str, str | None]]) -> Verdict:
    """What the latest windows on end say, of each a name and its loss; None says nothing."""
    known = [(name, loss) for name, loss in losses if loss is not None]
    run = [*takewhile(lambda one: one[1], reversed(known))]
    if not run:
        return Verdict("fine" if known else "too few")
    since, (_, loss) = run[-1][0], run[0]
    text = f"{course.metric.name} {loss}, worse than the {course.expected} that was expected"
    return Verdict("alarm" if len(run) >= TWICE else "moved", f"{text}, since {since}", since)


def _find_loss(course: Course, figure: Figure | None, verb: str, widening: float) -> str | None:
    """How a figure is worse than expected, or nothing; None where there is none."""
    if figure is None:
        return None
    return f"{verb} {figure}" if is_worse(course, figure, widening) else ""


def is_worse(course: Course, figure: Figure, widening: float) -> bool:
    """Whether a figure is worse than expected by more than chance.

    The interval of their difference is that of independent rows (Zou and Donner, 2008), that of
    what is expected as many times as wide as `widening` says.
    """
    sign = course.metric.sign
    if course.expected is None:
        return False
    below, _ = course.expected.measure_ends(sign)
    _, above = figure.measure_ends(sign)
    return sign * (course.expected.figure - figure.figure) > math.hypot(widening * below, above)


def _describe_labels(window: Window | None) -> dict[str, Any] | None:
    if window is None or window.labelled is None:
        return None
    lag = window.labelled.lags.median()
    return {"rows": window.outcomes, "lag_days": None if np.isnan(lag) else float(lag)}


def _digest(sample: Sample) -> bytes:
    """Other of other rows, and of other outcomes."""
    keys = sample.outcomes.index.to_numpy().tobytes()
    return hashlib.sha256(keys + repr(sample.outcomes.tolist()).encode()).digest()
