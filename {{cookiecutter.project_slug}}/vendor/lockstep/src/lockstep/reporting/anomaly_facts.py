"""What is to be said of detectors of anomalies, in words."""

from __future__ import annotations

from typing import Any

from ..core.contract import Contract
from ..modeling.postprocessing import Postprocessing

DOUBT = (
    "Which detector finds more of the true anomalies, rows made odd on purpose do not tell, and "
    "without labels nothing does."
)
INJECTED = (
    "tells rows made odd on purpose better than the baseline",
    "tells rows made odd on purpose less well than the baseline",
    "is not shown to tell rows made odd on purpose better than the baseline",
)
"""Of such rows what an interval says of the champion that is above zero, below it, or neither."""
LIMITS = [
    "An anomaly is a row unlike the others; that it is wrong, or harmful, does not follow.",
    "Oddness puts rows into an order. It is no probability of being an anomaly.",
    "Anomalies that are odd in other ways than those tried here may be missed.",
]


def describe_rule(contract: Contract, learnt: Postprocessing) -> str:
    """From when on a row is called an anomaly, in a sentence."""
    name, threshold = contract.classes[1], 0.5 if learnt.threshold is None else learnt.threshold
    share = f"{100 * threshold:.4g}%"
    what = f"A row is called {name} if at least {share} of the validation rows are less odd"
    match learnt.decision:
        case None:
            return f"{what}, as train.contamination says."
        case str() as metric:
            return f"{what}, because {metric} of the rows with a label is best so."
        case dict() as costs:
            return (
                f"{what}, because wrong decisions cost least so on the validation rows with a "
                f"label, where a missed row costs {costs['missed']:g} and a false alarm "
                f"{costs['false_alarm']:g}."
            )
        case _:
            return f"{what}, as params.yaml says."


def describe_flagged(contract: Contract, metrics: dict[str, Any], confidence: str) -> str:
    """How many test rows are called anomalies, in a sentence."""
    flagged = metrics["flagged"]
    low, high = flagged["interval"]
    return (
        f"{flagged['rows']:,} of {metrics['test_rows']:,} test rows are called "
        f"{contract.classes[1]}, {flagged['share']:.2%} ({confidence} interval {low:.2%} to "
        f"{high:.2%})."
    )


def describe_labels(contract: Contract, metrics: dict[str, Any]) -> str:
    """How many known anomalies are found, in a sentence."""
    if "decisions" not in metrics:
        return "No test row has a label, so nobody knows how many anomalies are found."
    name, counts = contract.classes[1], metrics["decisions"]
    hits, misses, alarms = (
        counts[key] for key in ("true_positives", "false_negatives", "false_positives")
    )
    return (
        f"Of {hits + misses} test rows with a label that are {name}, {hits} are found; of "
        f"{hits + alarms} with a label that are called so, {hits} are."
    )


def describe_injected(metrics: dict[str, Any]) -> str:
    """Which rows made odd on purpose are told from others, in sentences."""
    if not metrics["injected"]:
        return "No column allows making rows odd on purpose."
    ways = ", ".join(f"{way} {one['recall']:.0%}" for way, one in metrics["injected"].items())
    return (
        "Test rows were made odd on purpose: by one number far out (far), by half of the values "
        "from other rows (mixed), by half of the numbers at their lowest (stuck). Of these are "
        f"called so: {ways}. That says which oddness it sees, and not how many of the true "
        "anomalies it finds."
    )
