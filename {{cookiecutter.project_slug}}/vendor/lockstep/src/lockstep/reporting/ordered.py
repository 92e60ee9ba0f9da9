"""Classes in an order: how far predictions are off, in the tables and figures of an evaluation."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..modeling.metrics import bin_probabilities
from ..modeling.outcome import Outcome
from .figures import BLUE, GREY, MOST_CURVES, abbreviate, canvas
from .gallery import Gallery, Picture


def count_rank_errors(outcome: Outcome) -> pd.DataFrame:
    """`off`, by how many classes predictions are above (below zero: below) the true one; `rows`."""
    off = outcome.decisions - outcome.actual
    places = np.arange(off.min(), off.max() + 1)
    return pd.DataFrame({"off": places, "rows": [int((off == place).sum()) for place in places]})


def show_order(outcome: Outcome) -> Gallery:
    """How far predictions are off, and whether the chances of at most a class are right."""
    errors, calibration = count_rank_errors(outcome), calibrate_ranks(outcome)
    return Gallery(
        {
            "rank_errors": Picture(
                draw_rank_errors(errors),
                "Test rows by how many classes the predicted one is above the true one; below zero "
                "it is below.",
            ),
            "cumulative_calibration": Picture(
                draw_calibration(calibration),
                "How often the class is at most such a one, over the predicted probability of "
                "that; on the dotted line probabilities are right, and a larger dot is more rows.",
            ),
        },
        {"rank_errors": errors, "cumulative_calibration": calibration},
    )


def calibrate_ranks(outcome: Outcome) -> pd.DataFrame:
    """Of each class but the highest: how often the true one is at most that, by its probability.

    Returns:
        `class`, `probability` (the mean in a tenth of its range), `share_so` and `rows`.
    """
    chances = outcome.predicted.cumsum(axis=1)
    parts = []
    for place, name in enumerate(outcome.classes[:-1]):
        chance = np.clip(chances[:, place], 0, 1)
        rows = pd.DataFrame({"probability": chance, "truth": outcome.actual <= place})
        bins = rows.groupby(bin_probabilities(chance)).agg(
            probability=("probability", "mean"), share_so=("truth", "mean"), rows=("truth", "size")
        )
        parts.append(bins.assign(**{"class": name}))
    table = pd.concat(parts, ignore_index=True)
    return table[["class", "probability", "share_so", "rows"]]


def draw_rank_errors(table: pd.DataFrame) -> Figure:
    """A bar per number of classes of `count_rank_errors`."""
    title = "By how many classes predictions are off"
    label = "predicted class above the true one"
    with canvas(title, label, "test rows") as (figure, axes):
        colours = [BLUE if off == 0 else GREY for off in table["off"]]
        axes.bar(table["off"], table["rows"], color=colours)
        axes.set_xticks(table["off"], [f"{off:+d}" if off else "0" for off in table["off"]])
        axes.grid(False, axis="x")
        for off, rows in zip(table["off"], table["rows"], strict=True):
            axes.text(off, rows, str(rows), ha="center", va="bottom")
    return figure


def draw_calibration(table: pd.DataFrame) -> Figure:
    """A line per class of `calibrate_ranks`, of many classes some."""
    names = list(table["class"].unique())
    shown = [
        names[place]
        for place in np.unique(np.linspace(0, len(names) - 1, MOST_CURVES) // 1).astype(int)
    ]
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(shown)))
    title = "Calibration of the chance of at most a class"
    with canvas(title, "probability", "share of the rows", 5.4, 5.2) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="as sure as right")
        for name, colour in zip(shown, colours, strict=True):
            own = table[table["class"] == name]
            x, y, rows = own["probability"], own["share_so"], own["rows"]
            axes.plot(x, y, color=colour, label=f"at most {abbreviate(name)}")
            axes.scatter(x, y, s=10 + 300 * rows / rows.sum(), color=colour)
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
        axes.legend(loc="upper left")
    return figure
