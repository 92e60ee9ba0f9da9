"""What is to be said of forecasts, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..core.contract import Contract
from ..core.examples import ORIGIN, list_channels
from ..core.params import Params
from .markdown import code


def describe_task(contract: Contract) -> str:
    """What is forecast, of the contract of the series."""
    steps = "1 step" if contract.horizon == 1 else f"1 to {contract.horizon} steps"
    return f"a forecast of {steps} of {contract.every} ahead"


def describe_inputs(contract: Contract) -> str:
    """What a forecast is made from, of the contract of the series."""
    future = sum(contract.columns[name].future for name in contract.features)
    past = len(list_channels(contract)) - 1
    of = "the series" if contract.series is None else "its series"
    sources = [f"the latest {contract.window} values of {of}"]
    sources += [f"those of {past} other column{'s' if past > 1 else ''}"] if past else []
    sources += [f"{future} column{'s' if future > 1 else ''} known ahead"] if future else []
    return " and ".join(sources)


def describe_origins(rows: pd.DataFrame, contract: Contract) -> str:
    """How many origins some examples are of, of the contract of the series."""
    origins = rows[ORIGIN].nunique()
    text = f"{origins:,} origin{'s' if origins > 1 else ''}"
    return (
        text if contract.series is None else f"{text} of {rows[contract.series].nunique():,} series"
    )


def describe_split(contract: Contract, params: Params) -> str:
    """How the test rows were set apart, of the contract of the series."""
    share = f"{100 * params.split.test_fraction:g}%"
    return (
        f"those with an origin in the latest {share} of the times in {code(contract.time or '')}, "
        "and nothing that was learnt from is later than the first of these"
    )


def describe_error(metrics: Mapping[str, Any], interval: str, unit: str) -> str:
    """How far forecasts are off, in a sentence for everybody.

    Args:
        metrics: What metrics.json says.
        interval: Of the mean absolute error, in brackets.
        unit: Of the target, after a space, or nothing.
    """
    mase = metrics["mase"]
    comparison = (
        ""
        if mase is None
        else f", {mase:.3g} times as far as the value a season before was in the train rows"
    )
    return (
        f"Forecasts are off by {metrics['mae']:.3g}{unit} on average{interval}{comparison}; the "
        f"baseline is off by {metrics['baseline']['mae']:.3g}{unit}."
    )


def describe_intervals(
    intervals: Mapping[str, Any], promise: str, confidence: str, unit: str
) -> list[str]:
    """How wide the intervals are by step ahead, and whether they hold, a sentence each.

    Args:
        intervals: What metrics.json says of them.
        promise: The share of rows that they are to hold.
        confidence: Of the interval of the share that they hold.
        unit: Of the target, after a space, or nothing.
    """
    (least, most), steps = intervals["interval"], intervals["by_step"]
    shares, widths = ([step[key] for step in steps] for key in ("coverage", "mean_width"))
    by_step = f"{widths[0]:.3g}{unit} wide on average"
    span = ""
    if len(steps) > 1:
        by_step += f" at 1 step ahead and {widths[-1]:.3g}{unit} at {steps[-1]['step']}"
        span = f", at single steps from {min(shares):.1%} to {max(shares):.1%}"
    return [
        f"At each step ahead an interval is to hold {promise} of rows, as it did the validation "
        f"rows; it is the wider, the more the latest values vary: {by_step}.",
        f"Intervals hold {intervals['coverage']:.1%} of the test rows ({confidence} interval "
        f"{least:.1%} to {most:.1%}){span}.",
        "Times to come may differ from those before, so the share is not assured; and that all "
        "steps of one forecast stay within their intervals is rarer than that one does.",
    ]


def describe_gaps(metrics: Mapping[str, Any]) -> list[str]:
    """Which forecasts of the test have no scale, if there are some."""
    count, rows = metrics.get("unscaled_rows", 0), metrics["test_rows"]
    if not count:
        return []
    return [
        f"{count:,} of {rows:,} forecasts count neither in mase nor in rmsse and pinball: their "
        "series do not change from one season to the next in the train rows, or are too short to "
        "tell"
    ]
