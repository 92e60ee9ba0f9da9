"""Pictures of how anomalies are told from other rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from .figures import BLUE, GREY, MOST_FEATURES, ORANGE, abbreviate, canvas

BINS, SKEW = 60, 20


def scores(table: pd.DataFrame, threshold: float | None, anomaly: str) -> Figure:
    """How often each score comes; the table has `score`, and `is_known` of known anomalies."""
    values = table["score"].to_numpy()
    low, high = values.min(), values.max()
    is_skewed = low >= 0 and high > SKEW * max(np.median(values), 1e-12)
    edges = np.linspace(low, high, BINS + 1).tolist()
    if is_skewed:
        least = max(np.quantile(values, 0.001), high / 1e6, 1e-12)
        edges = np.geomspace(least, high, BINS + 1).tolist()
    title = "How odd the detector finds the test rows"
    with canvas(title, "score of the detector, higher is odder", "test rows") as (figure, axes):
        axes.hist(np.clip(values, edges[0], None), edges, color=BLUE, label="test rows")
        known = table.loc[table["is_known"], "score"]
        if len(known):
            axes.hist(
                np.clip(known, edges[0], None), edges, color=ORANGE, label=f"known to be {anomaly}"
            )
        if threshold is not None:
            axes.axvline(threshold, color="black", linestyle="--", label=f"{anomaly} from here on")
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g}")
        if is_skewed:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(LogFormatter())
            axes.xaxis.set_minor_formatter(LogFormatter())
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
    return figure


def ways(table: pd.DataFrame) -> Figure:
    """A pair of bars per way to make rows odd: `way`, `champion` and, of others, `baseline`."""
    title = "Telling rows made odd on purpose from others"
    with canvas(title, "average precision, one row in ten being odd", "", 6, 3.4) as (figure, axes):
        places = np.arange(len(table))[::-1]
        axes.barh(places + 0.2, table["champion"], 0.38, color=BLUE, label="champion")
        if "baseline" in table:
            axes.barh(places - 0.2, table["baseline"], 0.38, color=ORANGE, label="baseline")
        axes.axvline(0.1, color=GREY, linestyle=":", label="chance")
        axes.set_yticks(places, table["way"])
        axes.set_xlim(0, 1)
        axes.grid(False, axis="y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return figure


def importance(table: pd.DataFrame) -> Figure:
    """A bar per feature of `anomalies.measure_importance`, the most important on top."""
    top = table.head(MOST_FEATURES)[::-1]
    title = "Importance: what makes the oddest rows odd"
    label = "share of the oddness that goes with the column's typical value"
    with canvas(title, label, "", 6, 1.6 + 0.32 * len(top)) as (figure, axes):
        axes.barh([abbreviate(name) for name in top["feature"]], top["share"], 0.6, color=BLUE)
        axes.grid(False, axis="y")
    return figure


def components(table: pd.DataFrame, anomaly: str) -> Figure:
    """A point per row of `anomalies.project_rows`, those called anomalies marked."""
    title = "Test rows by their two leading components"
    with canvas(title, "first component", "second component", 6, 5) as (figure, axes):
        for is_odd, colour, label, size in (
            (False, BLUE, "other rows", 10),
            (True, ORANGE, f"called {anomaly}", 26),
        ):
            part = table[table["is_odd"] == is_odd]
            axes.scatter(part["first"], part["second"], s=size, color=colour, label=label, lw=0)
        axes.legend()
    return figure
