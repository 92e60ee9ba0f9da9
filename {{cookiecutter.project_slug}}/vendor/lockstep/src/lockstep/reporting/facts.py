"""What is to be said of the champion, in words and figures ready to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.environment import current
from ..core.params import Params
from ..modeling.metrics import METRICS, Metric, primary_metric
from .markdown import code

if TYPE_CHECKING:
    import pandas as pd

    from ..core.contract import Column, Contract
    from ..modeling.model import SavedModel


@dataclass(frozen=True)
class Score:
    """One metric of the champion beside the baseline's."""

    metric: Metric
    champion: tuple[str, str]
    """The figure and its interval."""
    baseline: tuple[str, str]
    chart: dict[str, list[float]] | None
    """Figure and both ends of the interval of `champion` and `baseline`, from 0 to 100."""


@dataclass(frozen=True)
class Ranked:
    """One line of the leaderboard."""

    name: str
    champion: bool
    mean: str
    error: str
    learnt: str


@dataclass(frozen=True)
class Facts:
    """The champion: what it is, how it was chosen, how good it is and what it is not for."""

    champion: SavedModel
    params: Params
    leaderboard: pd.DataFrame
    """A line per candidate, as `train` writes them."""
    metrics: dict[str, Any]
    """Scores on the test rows, as `evaluate` writes them."""
    ingested: dict[str, Any]
    """What `ingest` reports of the raw rows."""
    train_rows: int
    given_split: bool
    """Whether somebody else has set the test rows apart."""

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
        return primary_metric(self.params.kind, self.params.train.metric)

    @property
    def learnt_from(self) -> str:
        """What a prediction is made from."""
        many = len(self.champion.features)
        return "an image" if self.contract.images else f"{many} feature{'s' if many > 1 else ''}"

    @property
    def confidence(self) -> str:
        """Coverage of the intervals."""
        return f"{100 * self.params.evaluate.confidence:g}%"

    @property
    def split(self) -> str:
        """How the test rows were set apart."""
        if self.given_split:
            return f"those that {code(self.contract.part or '')} calls test"
        share = f"{100 * self.params.split.test_fraction:g}%"
        match self.params.split.by:
            case "time":
                return f"the latest {share} by {code(self.contract.time or '')}"
            case "group":
                return f"about {share}, every {code(self.contract.group or '')} whole"
        return f"about {share}, each drawn by what it holds"

    @property
    def compared_on(self) -> str:
        """Which rows the candidates were compared on."""
        if self.params.train.holdout is not None:
            return f"on {100 * self.params.train.holdout:g}% of the train rows, held out"
        way = {
            "row": "cross-validation folds of the train rows",
            "group": "cross-validation folds of whole groups of the train rows",
            "time": "folds of the train rows, each learnt from what came before",
        }
        return f"over {self.params.train.folds} {way[self.params.split.by]}"

    @property
    def rule(self) -> str:
        """How the champion was picked from the leaderboard."""
        if self.params.train.one_standard_error:
            return "the first candidate within one standard error of the best is taken"
        return "a tie goes to the candidate listed first"

    @property
    def ranked(self) -> list[Ranked]:
        """Every candidate with the figures that it was compared by."""
        return [
            Ranked(
                line["candidate"],
                line["champion"],
                f"{line[f'{self.primary.name}_mean']:.4f}",
                f"{line['standard_error']:.4f}",
                line["learnt"],
            )
            for _, line in self.leaderboard.iterrows()
        ]

    @property
    def scores(self) -> list[Score]:
        """Every metric on the test rows."""
        baseline = self.metrics["baseline"]
        return [
            Score(
                metric,
                figure_and_interval(self.metrics, metric.name),
                figure_and_interval(baseline, metric.name),
                _chart(self.metrics, baseline, metric.name),
            )
            for metric in METRICS[self.params.kind]
        ]

    @property
    def in_short(self) -> str:
        """How far the predictions can be relied on, in a sentence for everybody."""
        baseline = self.metrics["baseline"]
        if self.params.kind == "classification":
            low, high = self.metrics["intervals"]["accuracy"]
            rows, right = self.metrics["test_rows"], self.metrics["accuracy"]
            return (
                f"{round(right * rows)} of {rows} test rows are predicted right, {right:.1%} "
                f"({self.confidence} interval {low:.1%} to {high:.1%}); always naming the "
                f"commonest class would be right for {baseline['accuracy']:.1%}."
            )
        unit = f" {self.target.unit}" if self.target.unit else ""
        low, high = self.metrics["intervals"]["mae"]
        return (
            f"Predictions are off by {self.metrics['mae']:.3g}{unit} on average "
            f"({self.confidence} interval {low:.3g} to {high:.3g}); always naming the mean would "
            f"be off by {baseline['mae']:.3g}{unit}."
        )

    @property
    def subgroups(self) -> list[tuple[str, str, int, str]]:
        """Column, value, test rows and primary metric of each part that is told apart."""
        return [
            (
                line["column"],
                line["value"],
                line["test_rows"],
                in_one(*figure_and_interval(line, self.primary.name)),
            )
            for line in self.metrics["subgroups"]
        ]

    @property
    def beats_the_baseline(self) -> bool:
        """Whether the whole interval of what the champion is better by is above zero."""
        gain = self.metrics["gain"][self.primary.name]
        return bool(gain and gain[0] > 0)

    @property
    def gain(self) -> str:
        """What the champion is better by in the primary metric; nothing if it is not."""
        if not self.beats_the_baseline:
            return ""
        low, high = self.metrics["gain"][self.primary.name]
        return (
            f"On the same resamples of the rows the champion's {self.primary.name} is better than "
            f"the baseline's by {low:.4f} to {high:.4f}."
        )

    @property
    def all_learnt_from(self) -> str:
        """What rows the candidates learnt from, if it is the same for all."""
        learnt = {*self.leaderboard["learnt"]}
        return str(learnt.pop()) if len(learnt) == 1 else ""

    @property
    def worse_in(self) -> list[str]:
        """The metrics in which the champion is worse than the baseline."""
        baseline = self.metrics["baseline"]
        return [
            metric.name
            for metric in METRICS[self.params.kind]
            if None not in (self.metrics[metric.name], baseline[metric.name])
            and self.metrics[metric.name] * metric.sign < baseline[metric.name] * metric.sign
        ]

    @property
    def limits(self) -> list[str]:
        """What the champion is not known to be good for, a sentence each."""
        rows = self.metrics["test_rows"]
        return [
            *(
                []
                if self.beats_the_baseline
                else [
                    f"On {rows} test rows the champion is not shown to be better than the "
                    f"baseline in {self.primary.name}."
                ]
            ),
            *(
                [f"The champion is worse than the baseline in {', '.join(self.worse_in)}."]
                if self.worse_in
                else []
            ),
            "The figures hold for rows like those in the data set.",
            "Rows outside the ranges of the data contract are refused, not predicted.",
            "Nothing here shows that a feature causes the outcome.",
        ]

    @property
    def versions(self) -> dict[str, str]:
        """Python and the libraries that models are made of."""
        found = current()
        names = ("python", "scikit-learn", "keras", self.params.keras_backend)
        return {name: found[name] for name in names}


def figure_and_interval(scores: dict[str, Any], metric: str) -> tuple[str, str]:
    """A figure and its interval, as `metrics.summary` gives them, for people."""
    if scores[metric] is None:
        return "undefined", ""
    low, high = scores["intervals"][metric]
    return f"{scores[metric]:.4f}", f"{low:.4f} to {high:.4f}"


def in_one(figure: str, interval: str) -> str:
    """The figure, and in brackets its interval if it has one."""
    return f"{figure} ({interval})" if interval else figure


def _chart(
    champion: dict[str, Any], baseline: dict[str, Any], metric: str
) -> dict[str, list[float]] | None:
    """Both figures and their intervals on one line from 0 to 100."""
    if None in (champion[metric], baseline[metric]):
        return None
    figures = {
        name: [scores[metric], *scores["intervals"][metric]]
        for name, scores in (("champion", champion), ("baseline", baseline))
    }
    low, high = min(map(min, figures.values())), max(map(max, figures.values()))
    if low == high:
        return None
    return {
        name: [round(100 * (figure - low) / (high - low), 2) for figure in found]
        for name, found in figures.items()
    }
