"""What is to be said of counts and amounts, and of their predicted means."""

from __future__ import annotations

from typing import Any

from ..core.contract import Contract
from ..modeling.outcome import Outcome


def measure_rates(outcome: Outcome) -> dict[str, float]:
    """The mean of what came about and of what was predicted, and the share of zeros."""
    return {
        "actual_mean": float(outcome.actual.mean()),
        "predicted_mean": float(outcome.predicted.mean()),
        "zeros": float((outcome.actual == 0).mean()),
    }


def describe_rates(
    rates: dict[str, float], d2: float | None, unit: str, contract: Contract
) -> list[str]:
    """Whether the level is right, and what is explained, a sentence each.

    Args:
        rates: Of `measure_rates`.
        d2: Share of the deviance that is explained; None where it is not defined.
        unit: Of the target, after a space.
        contract: It names the exposure, if any.
    """
    lines = [
        f"The predictions have a mean of {rates['predicted_mean']:.3g}{unit}, the test rows one of "
        f"{rates['actual_mean']:.3g}{unit}; {rates['zeros']:.1%} of these are zero."
    ]
    mean = "the mean"
    if contract.exposure is not None:
        mean = f"the mean {contract.target} per unit of {contract.exposure}"
        lines.append(
            f"{contract.target} is learnt per unit of {contract.exposure}, and rows count as much "
            "as they have of it in the deviance, the ranking and the figures of both; predictions, "
            "their intervals and errors are of the whole of a row."
        )
    if d2 is not None:
        lines.append(f"The champion explains {d2:.1%} of the deviance that {mean} leaves.")
    return lines


def describe_rate_intervals(
    measured: dict[str, Any], share: float, confidence: str, unit: str
) -> list[str]:
    """How wide the intervals of single predictions are, and whether they hold, a sentence each.

    Args:
        measured: What metrics.json says of them.
        share: Of the rows, that they are to hold.
        confidence: Coverage of the interval of the share that they hold, in words.
        unit: Of the target, after a space.
    """
    least, most = measured["interval"]
    return [
        f"An interval is to hold {share:.0%} of the rows of low and of high predictions alike, and "
        "is the wider the higher the prediction is.",
        f"Intervals hold {measured['coverage']:.1%} of the test rows ({confidence} interval "
        f"{least:.1%} to {most:.1%}), and are {measured['mean_width']:.3g}{unit} wide on average; "
        "of whole numbers they may hold more, since they end at whole numbers.",
    ]
