"""What is to be said of the champion, in words and figures ready to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import IMAGE, Column, Contract
from ..core.decimals import count_decimals
from ..core.environment import read_environment
from ..core.params import Params, predicts_numbers
from ..core.sequences import SIGNAL
from ..modeling.candidates import BASELINE
from ..modeling.metrics import COMPANIONS, RATES, Metric, primary_metric, run_metrics
from ..modeling.model import Model
from .anomaly_facts import (
    DOUBT,
    INJECTED,
    LIMITS,
    describe_flagged,
    describe_injected,
    describe_labels,
    describe_rule,
)
from .cluster_facts import LIMITS as LIMITS_OF_CLUSTERS
from .cluster_facts import ClusterLine, describe_number, describe_structure
from .forecast_facts import (
    describe_error,
    describe_gaps,
    describe_inputs,
    describe_intervals,
    describe_origins,
    describe_split,
    describe_task,
)
from .label_facts import LabelLine, describe_thresholds, list_labels, summarise_labels
from .markdown import code
from .ordered_facts import describe_rank_errors, describe_threshold
from .rate_facts import describe_rate_intervals, describe_rates
from .slices import FALSE_DISCOVERIES, MIN_ROWS, is_worse
from .words import WordFacts

FINGERPRINT_DIGITS, WORST_SLICES = 12, 5
"""Signs of the data's digest, and slices, that are shown."""
USUAL = (
    "is better than the baseline",
    "is worse than the baseline",
    "is not shown to be better than the baseline",
)
"""What an interval says of the champion that is above zero, below it, or neither."""
NAMED = "train.champion in params.yaml names it"
Scores = dict[str, Any]
"""Of each metric the figure, and their `intervals`, as `summarise` gives them."""


class Estimate(NamedTuple):
    """A figure and its interval, for people; as a text the interval is in brackets."""

    figure: str
    interval: str

    def __str__(self) -> str:
        return f"{self.figure} ({self.interval})" if self.interval else self.figure

    @classmethod
    def from_scores(cls, scores: Scores, metric: str) -> Estimate:
        """That of a metric."""
        if scores[metric] is None:
            return cls("undefined", "")
        figure, ends = scores[metric], scores["intervals"][metric]
        decimals = count_decimals(figure)
        interval = "" if ends is None else " to ".join(f"{end:.{decimals}f}" for end in ends)
        return cls(f"{figure:.{decimals}f}", interval)


class Score(NamedTuple):
    """One metric of the champion and of the baseline."""

    metric: Metric
    champion: Estimate
    baseline: Estimate
    chart: dict[str, list[float]] | None
    """Figure and both ends of the interval of `champion` and `baseline`, from 0 to 100."""


@dataclass(frozen=True)
class Facts:
    """The champion: what it is, how it was chosen, how good it is and what it is not for."""

    champion: Model
    params: Params
    leaderboard: pd.DataFrame
    """A line per candidate, as `train` writes them."""
    metrics: Scores
    """Scores on the test rows, as `evaluate` writes them."""
    ingest_report: dict[str, Any]
    """What `ingest` reports of the raw rows."""
    train_rows: int
    has_given_split: bool
    """Whether somebody else has set the test rows apart."""
    slices: pd.DataFrame
    """Parts of the test rows with their losses, the worst first, as `measure_slices` gives them."""
    project: str
    """What the project is called."""
    test_size: str
    """How many test rows there are, in words, as `describe_test_size` tells it."""
    oddest: pd.DataFrame | None = None
    """Of anomalies, the oddest test rows, as `find_oddest` gives them."""
    clusters: list[ClusterLine] | None = None
    """Of clusters, what each is like."""
    words: WordFacts | None = None
    """What sentences of the test rows tell, where there are some."""

    @property
    def contract(self) -> Contract:
        """What the champion's rows hold."""
        return self.champion.contract

    @property
    def target(self) -> Column:
        """The column that is predicted."""
        return self.contract.columns[self.contract.target]

    @property
    def primary(self) -> Metric:
        """The metric that picked the champion."""
        return primary_metric(self.params)

    @property
    def fingerprint(self) -> str:
        """The first digits of what tells the raw data from others."""
        return str(self.ingest_report["sha256"])[:FINGERPRINT_DIGITS]

    @property
    def inputs(self) -> str:
        """What a prediction is made from."""
        if self.contract.history is not None:
            return describe_inputs(self.contract.history)
        if self.contract.points is not None:
            signal = self.contract.columns[SIGNAL]
            count = len(signal.channels)
            numbers = signal.channels[0] if count == 1 else f"{count} numbers each"
            return f"sequences of at most {signal.length} points of {numbers}"
        exposure = self.contract.exposure
        names = [name for name in self.champion.features if name not in (IMAGE, exposure)]
        columns = f"{len(names)} feature{'s' if len(names) > 1 else ''}"
        if exposure is not None:
            columns += f", and {exposure}, by which it is multiplied"
        if self.contract.images:
            return f"an image and {columns} beside it" if names else "an image"
        return columns

    @property
    def has_columns(self) -> bool:
        """Whether a prediction is made from anything but an image."""
        return self.contract.features != [IMAGE]

    @property
    def task(self) -> str:
        """Which kind of prediction it is."""
        if self.contract.history is not None:
            return describe_task(self.contract.history)
        if self.contract.anomalies:
            return "rows unlike the others, without learning from labels"
        if self.contract.clusters:
            return "clusters of rows that are alike, without a target"
        if self.contract.labels:
            return f"any of {len(self.contract.labels)} labels"
        numbers = RATES.get(self.primary.name)
        what = "classes in an order" if self.contract.is_ordered else numbers
        return f"a {self.params.kind}{f' of {what}' if what else ''}"

    @property
    def confidence(self) -> str:
        """Coverage of the intervals."""
        return f"{100 * self.params.evaluate.confidence:g}%"

    @property
    def split(self) -> str:
        """How the test rows were set apart."""
        if self.contract.history is not None:
            return describe_split(self.contract.history, self.params)
        if self.has_given_split:
            return f"those that {code(self.contract.part or '')} calls test"
        share = f"{100 * self.params.split.test_fraction:g}%"
        match self.params.split.by:
            case "time":
                return f"the latest {share} by {code(self.contract.time or '')}"
            case "group":
                return f"about {share}, every {code(self.contract.group or '')} whole"
        seed = "seed" if self.params.split.seed is None else "split.seed"
        return f"about {share}, where a row's side follows from its features and `{seed}`"

    @property
    def validation(self) -> str:
        """Which rows the candidates were compared on."""
        return describe_validation(self.params)

    @property
    def rule(self) -> str:
        """How the champion was picked from the leaderboard."""
        if self.is_named:
            return f"none of these figures picked the champion: {NAMED}"
        if self.params.train.one_standard_error:
            return "the first candidate within one standard error of the best is taken"
        return "a tie goes to the candidate listed first"

    @property
    def is_named(self) -> bool:
        """Whether params.yaml names the champion, whatever its figures."""
        return self.params.train.champion is not None

    @property
    def is_baseline(self) -> bool:
        """Whether the champion is the baseline itself."""
        return self.champion.candidate == BASELINE

    @property
    def decimals(self) -> int:
        """Of the primary metric in the lines of the leaderboard."""
        return count_decimals(*self.leaderboard[f"{self.primary.name}_mean"])

    @property
    def scores(self) -> list[Score]:
        """Every metric on the test rows, first that which picked the champion.

        Of anomalies those that labels alone define are left out where there are none.
        """
        champion, baseline = self.metrics, self.metrics["baseline"]
        metrics = [*run_metrics(self.params)]
        if self.contract.anomalies and "decisions" not in champion:
            metrics = [metric for metric in metrics if champion[metric.name] is not None]
        return [
            Score(
                metric,
                Estimate.from_scores(champion, metric.name),
                Estimate.from_scores(baseline, metric.name),
                _chart(champion, baseline, metric.name),
            )
            for metric in sorted(metrics, key=lambda metric: metric.name != self.primary.name)
        ]

    @property
    def verdict(self) -> str:
        """Whether the champion is better than the baseline in the metric that picked it."""
        metric, scores = self.primary.name, self.metrics
        if self.is_baseline:
            unbeaten = "no other candidate is better on the validation rows"
            reason = NAMED if self.is_named else unbeaten
            return f"The champion is the baseline itself: {reason}."
        who = f"The champion, {self.champion.candidate},"
        better, worse, unproven = INJECTED if metric == "injected_precision" else USUAL
        figure, baseline = scores[metric], scores["baseline"][metric]
        gain = scores["gain"][metric]
        if None in (figure, baseline):
            return f"{who} {unproven}: {metric} is not defined on the {self.test_size}."
        figures = (
            f"{metric} on {self.test_size} is {figure:.{count_decimals(figure)}f}, that of the "
            f"baseline {baseline:.{count_decimals(baseline)}f}"
        )
        if gain is None:
            return f"{who} {unproven}: {figures}, without an interval."
        low, high = gain
        form = f"+.{count_decimals(figure, low, high)}f"
        between = f"{self.confidence} interval {low:{form}} to {high:{form}}"
        if low > 0:
            return f"{who} {better}: {figures} (gain, {between})."
        if high < 0:
            return f"{who} {worse}: {figures} (gain, {between})."
        return (
            f"{who} {unproven}: {figures}, and chance alone may explain the difference (gain, "
            f"{between})."
        )

    @property
    def runner_up(self) -> str:
        """Whether the champion is better than the best of the others, in a sentence.

        Nothing where that is the baseline, which the verdict is about.
        """
        name = self.primary.name
        others = self.leaderboard.dropna(subset=f"{name}_mean").to_dict("records")
        others = [line for line in others if not line["champion"]]
        merits = [line[f"{name}_mean"] * self.primary.sign for line in others]
        if not others:
            return ""
        other = others[int(np.argmax(merits))]
        low, high = other["behind_low"], other["behind_high"]
        if other["candidate"] == BASELINE or pd.isna(low):
            return ""
        rank = "the best of the others" if self.is_named else "the runner-up"
        relation = "is not shown to be better than"
        if low > 0:
            relation = "is better than"
        elif high < 0:
            relation = "is worse than"
        form = f"+.{self.decimals}f"
        return (
            f"{self.champion.candidate} {relation} {other['candidate']}, {rank}: its {name} on the "
            f"same validation rows is better by {low:{form}} to {high:{form}} (95% interval)."
        )

    @property
    def headline(self) -> str:
        """How far the predictions can be relied on, in a sentence for everybody."""
        scores, baseline = self.metrics, self.metrics["baseline"]
        if self.contract.anomalies:
            doubt = [DOUBT] if self.primary.name == "injected_precision" else []
            return " ".join([*doubt, *self.decisions[1:3]])
        if self.contract.clusters:
            return " ".join(self.structure)
        if "decisions" in scores and self.champion.postprocessing.threshold is not None:
            return self.decisions[1]
        if self.params.kind == "multilabel":
            return summarise_labels(
                self.metrics, self._between(scores["intervals"]["f1_micro"], ".1%")
            )
        if self.rank_errors:
            return " ".join(self.rank_errors)
        if self.params.kind == "classification":
            rows, accuracy = scores["test_rows"], scores["accuracy"]
            interval = self._between(scores["intervals"]["accuracy"], ".1%")
            return (
                f"{round(accuracy * rows):,} of {self.test_size} are predicted right, "
                f"{accuracy:.1%}{interval}; the baseline is right for {baseline['accuracy']:.1%}."
            )
        unit = self._unit
        interval = self._between(scores["intervals"]["mae"], ".3g")
        if self.contract.forecasts:
            return describe_error(scores, interval, unit)
        return (
            f"Predictions are off by {scores['mae']:.3g}{unit} on average{interval}; the baseline "
            f"is off by {baseline['mae']:.3g}{unit}."
        )

    @property
    def _unit(self) -> str:
        """Of the target after a number."""
        return f" {self.target.unit}" if self.target.unit else ""

    def _between(self, ends: list[float] | None, form: str) -> str:
        """An interval in brackets; nothing where the test rows are of a single group."""
        if ends is None:
            return ""
        low, high = (format(end, form) for end in ends)
        return f" ({self.confidence} interval {low} to {high})"

    @property
    def rank_errors(self) -> list[str]:
        """By how many classes predictions are off, where these have an order; else nothing."""
        errors = self.metrics.get("rank_errors")
        return [describe_rank_errors(errors)] if errors else []

    @property
    def decisions(self) -> list[str]:
        """When a class or a label is predicted, and how that turns out; else nothing."""
        if self.contract.anomalies:
            return [
                describe_rule(self.contract, self.champion.postprocessing),
                describe_flagged(self.contract, self.metrics, self.confidence),
                describe_labels(self.contract, self.metrics),
                describe_injected(self.metrics),
            ]
        if self.params.kind == "multilabel":
            return describe_thresholds(self.champion.postprocessing)
        learnt = self.champion.postprocessing
        if "decisions" not in self.metrics:
            return describe_threshold(learnt)
        positive, counts = self.contract.classes[1], self.metrics["decisions"]
        threshold = 0.5 if learnt.threshold is None else learnt.threshold
        match learnt.decision:
            case None:
                why = "because it is the more probable class then"
            case str() as metric:
                why = f"because {metric} is best so on the validation rows"
            case dict() as costs:
                why = (
                    "because wrong decisions cost least so on the validation rows, where a missed "
                    f"row costs {costs['missed']:g} and a false alarm {costs['false_alarm']:g}"
                )
            case _:
                why = "as params.yaml says"
        hits, misses = counts["true_positives"], counts["false_negatives"]
        alarms = counts["false_positives"]
        return [
            f"{positive} is predicted from a probability of {threshold:.3g} on, {why}.",
            f"Of {hits + misses} test rows that are {positive}, {hits} are found; of "
            f"{hits + alarms} that are called so, {hits} are.",
        ]

    @property
    def structure(self) -> list[str]:
        """Whether there are clusters, and how many; else nothing."""
        if not self.contract.clusters:
            return []
        return [
            describe_structure(self.metrics, is_better=self.is_better_than_baseline),
            describe_number(self.champion, self.params),
        ]

    @property
    def labels(self) -> list[LabelLine]:
        """How each of several labels is told, the most frequent first; else nothing."""
        return list_labels(self.metrics)

    @property
    def intervals(self) -> list[str]:
        """How wide the intervals of numbers are, and whether they hold; nothing of classes."""
        learnt, unit = self.champion.postprocessing, self._unit
        if not predicts_numbers(self.params.kind):
            return []
        if learnt.coverage is None:
            return ["There were too few validation rows for intervals of single predictions."]
        share, measured = learnt.coverage, self.metrics["prediction_intervals"]
        if learnt.rate_margins is not None:
            return [*self._rates, *describe_rate_intervals(measured, share, self.confidence, unit)]
        if learnt.margins is None:
            return describe_intervals(measured, f"{share:.0%}", self.confidence, unit)
        low, high = learnt.margins
        least, most = measured["interval"]
        lines = [
            f"An interval from {low:+.3g} to {high:+.3g}{unit} around the prediction is to hold "
            f"{share:.0%} of rows, as it did the validation rows.",
            f"It holds {measured['coverage']:.1%} of the test rows ({self.confidence} interval "
            f"{least:.1%} to {most:.1%}), and is {measured['mean_width']:.3g}{unit} wide on "
            "average.",
        ]
        match self.params.split.by:
            case "time":
                lines.append(
                    "Rows to come may differ from those before, so the share is not assured."
                )
            case "group":
                lines.append(
                    f"The share is over all rows; within one {self.contract.group} it may be lower."
                )
            case _:
                lines.append(
                    "It is meant to hold such a share of rows that are drawn as these were."
                )
        return lines

    @property
    def has_slices(self) -> bool:
        """Whether parts of the test rows are held against each other.

        Of images alone there are none, and how wrong it is about a row that may be an anomaly, or
        of any cluster, nobody knows.
        """
        return self.has_columns and self.contract.is_supervised

    @property
    def _rates(self) -> list[str]:
        """Whether the level of counts or amounts is right, and what is explained."""
        d2 = self.metrics[COMPANIONS[self.primary.name][0]]
        return describe_rates(self.metrics["rates"], d2, self._unit, self.contract)

    @property
    def worst_slices(self) -> list[Any]:
        """The parts of the test rows that are predicted worse than chance explains, the worst."""
        worse = self.slices[is_worse(self.slices)]
        return list(worse.head(WORST_SLICES).itertuples(index=False))

    @property
    def slices_summary(self) -> str:
        """How many parts were looked at, and how many are worse."""
        count, worse = len(self.slices), int(is_worse(self.slices).sum())
        if not count:
            return (
                "There are no parts of the test rows to look at by themselves: that takes a "
                f"feature of numbers or categories, and {MIN_ROWS} rows in a part."
            )
        parts = (
            f"Of {count} parts of the test rows (a feature's values, quarters of its numbers; "
            f"those of fewer than {MIN_ROWS} rows are left out)"
        )
        if not worse:
            return f"{parts} none is predicted worse than the others by more than chance explains."
        return (
            f"{parts} {worse} {'is' if worse == 1 else 'are'} predicted worse than the others by "
            f"more than chance explains (false discovery rate {FALSE_DISCOVERIES:.0%})."
        )

    @property
    def loss(self) -> str:
        """What slices are compared by."""
        if self.contract.forecasts:
            return "absolute error over the spread of the latest values"
        return "absolute error" if predicts_numbers(self.params.kind) else "log loss"

    @property
    def subgroups(self) -> list[dict[str, Any]]:
        """Column, value, test rows and primary metric of each part that is told apart."""
        return [
            scores | {"estimate": Estimate.from_scores(scores, self.primary.name)}
            for scores in self.metrics["subgroups"]
        ]

    @property
    def is_better_than_baseline(self) -> bool:
        """Whether the whole interval of what the champion is better by is above zero."""
        gain = self.metrics["gain"][self.primary.name]
        return bool(gain and gain[0] > 0)

    @property
    def worse_metrics(self) -> list[str]:
        """The metrics in which the champion is worse than the baseline by more than chance."""
        gains = self.metrics["gain"]
        names = [metric.name for metric in run_metrics(self.params)]
        return [name for name in names if gains[name] and gains[name][1] < 0]

    @property
    def limits(self) -> list[str]:
        """What the champion is not known to be good for, a sentence each."""
        lines = []
        if self.worse_metrics:
            names = ", ".join(self.worse_metrics)
            lines.append(f"The champion is worse than the baseline in {names}.")
        return [
            *lines,
            *(f"{line}." for line in describe_gaps(self.metrics)),
            *(LIMITS if self.contract.anomalies else []),
            *(LIMITS_OF_CLUSTERS if self.contract.clusters else []),
            "The figures hold for rows like those in the data set.",
            "Rows outside the ranges of the data contract are refused, not predicted.",
            "Nothing here shows that a feature causes the outcome.",
        ]

    @property
    def versions(self) -> dict[str, str]:
        """Python and the libraries that models are made of."""
        versions = read_environment(["scikit-learn", "keras", self.params.keras_backend])
        return {name: version for name, version in versions.items() if name != "processor"}


def describe_test_size(rows: pd.DataFrame, contract: Contract) -> str:
    """How many test rows there are, by what a row is: a forecast, a sequence or a row.

    Args:
        rows: (n_rows, n_columns) as `predict_all` gives them.
        contract: Of the rows.
    """
    count = f"{len(rows):,}"
    if contract.points is not None:
        return f"{count} test sequences"
    if contract.history is None:
        return f"{count} test rows"
    return f"{count} forecasts from {describe_origins(rows, contract.history)}"


def describe_validation(params: Params) -> str:
    """Which rows the candidates were compared on."""
    if params.train.holdout is not None:
        return f"on {100 * params.train.holdout:g}% of the train rows, held out"
    folds = {
        "row": "cross-validation folds of the train rows",
        "group": "cross-validation folds of whole groups of the train rows",
        "time": "folds of the train rows, each learnt from what came before",
    }
    return f"over {params.train.folds} {folds[params.split.by]}"


def _chart(champion: Scores, baseline: Scores, metric: str) -> dict[str, list[float]] | None:
    """Both figures and their intervals on one line from 0 to 100."""
    if None in (champion[metric], baseline[metric]):
        return None
    figures = {
        name: [scores[metric], *(scores["intervals"][metric] or [scores[metric]] * 2)]
        for name, scores in (("champion", champion), ("baseline", baseline))
    }
    low, high = min(map(min, figures.values())), max(map(max, figures.values()))
    if low == high:
        return None
    return {
        name: [round(100 * (figure - low) / (high - low), 2) for figure in line]
        for name, line in figures.items()
    }
