"""What is to be said of several labels, in words and figures ready to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..modeling.metrics import find_metric
from ..modeling.outcome import EVEN
from ..modeling.postprocessing import KEY, Postprocessing

MOST_LISTED = 50
"""Labels that a page has a line for, the most frequent ones."""


class LabelLine(NamedTuple):
    """One label, as a page tells it; intervals are in brackets."""

    label: str
    rows: int
    predicted: int
    precision: str
    recall: str
    f1: str
    average_precision: str
    threshold: str


def list_labels(metrics: Mapping[str, Any]) -> list[LabelLine]:
    """A line for each label, the most frequent first."""
    lines = sorted(metrics.get("labels", []), key=lambda line: -line["rows"])
    return [
        LabelLine(
            line["label"],
            line["rows"],
            line["predicted"],
            _format_share(line, "precision"),
            _format_share(line, "recall"),
            _format(line["f1"]),
            _format(line["average_precision"]),
            f"{line['threshold']:.3g}",
        )
        for line in lines[:MOST_LISTED]
    ]


def _format(figure: float | None) -> str:
    return "undefined" if figure is None else f"{figure:.3f}"


def _format_share(line: Mapping[str, Any], name: str) -> str:
    if line[name] is None:
        return "undefined"
    low, high = line[f"{name}_interval"]
    return f"{line[name]:.0%} ({low:.0%} to {high:.0%})"


def summarise_labels(metrics: Mapping[str, Any], interval: str) -> str:
    """How far labels can be relied on, in a sentence for everybody.

    Args:
        metrics: What metrics.json says.
        interval: That of `f1_micro`, in brackets.
    """
    hits = sum((line["recall"] or 0) * line["rows"] for line in metrics["labels"])
    there, said = (sum(line[key] for line in metrics["labels"]) for key in ("rows", "predicted"))
    return (
        f"Of the {there:,} labels that the test rows have, {round(hits):,} are found; of the "
        f"{said:,} that are given them, as many are right: an F1 of {metrics['f1_micro']:.1%}"
        f"{interval}. All labels of a row are right for {metrics['exact_match']:.1%} of the rows, "
        f"by the baseline for {metrics['baseline']['exact_match']:.1%}."
    )


def describe_thresholds(learnt: Postprocessing) -> list[str]:
    """From which probability on a label is given, and why."""
    match learnt.decision:
        case None:
            return ["A label is given where it is more probable than not."]
        case str() as metric if not find_metric("multilabel", metric, KEY).is_by_label:
            threshold = (learnt.thresholds or (EVEN,))[0]
            return [
                f"A label is given from a probability of {threshold:.3g} on, at which {metric} is "
                "best on the validation rows."
            ]
        case str() as metric:
            why = f"at which {metric} of it is best on the validation rows"
        case dict() as costs:
            why = (
                "at which wrong decisions cost least on the validation rows, where a missed one "
                f"costs {costs['missed']:g} and a false alarm {costs['false_alarm']:g}"
            )
        case _:
            return [f"A label is given from a probability of {learnt.decision:.3g} on."]
    return [f"A label is given from a probability on that is its own: that {why}."]
