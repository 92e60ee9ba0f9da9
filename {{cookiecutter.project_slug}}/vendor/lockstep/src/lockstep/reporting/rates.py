"""Counts and amounts beside their predicted means: the tables and figures of an evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import gammaln, stdtrit, xlogy

from ..modeling.outcome import Outcome
from .figures import BLUE, GREY, INK, ORANGE, canvas
from .gallery import Gallery, Picture

TENTHS = 10
CONFIDENCE = 0.95
MOST_COUNTS = 20
"""Counts that have a bar of their own; the last one stands for all above as well."""
MOST_POINTS = 200
"""Of a curve, above its first."""
SMALLEST = 1e-12


def show_rates(
    outcome: Outcome, target: str, exposure: str | None = None, *, is_whole: bool
) -> Gallery:
    """Whether means are right at every level, how well rows are ranked, and which counts come.

    They are of the target, or of what it is per unit of an exposure.
    """
    tenths, lorenz = calibrate_means(outcome), trace_lorenz(outcome)
    rate = target if exposure is None else f"{target} per unit of {exposure}"
    rows = "the rows" if exposure is None else f"all {exposure}"
    pictures = {
        "mean_calibration": Picture(
            draw_calibration(tenths, target, rate),
            f"Mean {rate} of the test rows beside the predicted mean, by tenths of the "
            "prediction, with 95% intervals; on the dotted line both are the same.",
        )
    }
    tables = {"mean_calibration": tenths}
    if not lorenz.empty:
        pictures["lorenz_curve"] = Picture(
            draw_lorenz(lorenz, target, rows),
            f"Share of all {target} over the share of {rows}, those of the lowest prediction "
            "first: the further below the dotted line, the better the rows are ranked. No order "
            "could be below the grey line.",
        )
        tables["lorenz_curve"] = lorenz
    if is_whole:
        frequencies = count_frequencies(outcome)
        pictures["rootogram"] = Picture(
            draw_rootogram(frequencies, target, is_cut=outcome.actual.max() > MOST_COUNTS),
            "How often each count comes, hung from how often it would if each row's count had a "
            "Poisson distribution around its prediction, on a scale of square roots: a bar that "
            "ends below zero comes more often than that, one that ends above it less often.",
        )
        tables["rootogram"] = frequencies
    return Gallery(pictures, tables)


def calibrate_means(outcome: Outcome) -> pd.DataFrame:
    """Predicted and actual mean of each tenth of the rows by their prediction.

    Where rows have an exposure, means are ratios of sums to that of the exposure, whose standard
    errors are those of a ratio estimator (Cochran, 1977).

    Returns:
        `rows`, `predicted`, `actual`, and both ends of the interval of the latter, `low` and
        `high`, from zero; there are fewer tenths where many rows share a prediction.
    """
    _, predicted, exposure = outcome.rates
    edges = np.unique(np.quantile(predicted, np.arange(1, TENTHS) / TENTHS))
    places = np.searchsorted(edges, predicted, side="left")
    sums = pd.DataFrame(
        {"predicted": outcome.predicted, "actual": outcome.actual, "exposure": exposure}
    ).groupby(places)
    means = sums.sum()
    means = means[["predicted", "actual"]].div(means["exposure"], axis=0)
    table = pd.DataFrame({"rows": sums.size(), **means})
    residuals = outcome.actual - means["actual"].reindex(places).to_numpy() * exposure
    squares = pd.Series(residuals**2).groupby(places).sum()
    degrees = np.maximum(table["rows"] - 1, 1)
    errors = np.sqrt(squares * table["rows"] / degrees) / sums["exposure"].sum()
    half = errors * stdtrit(degrees, (1 + CONFIDENCE) / 2)
    low = np.maximum(table["actual"] - half, 0)
    return table.assign(low=low, high=table["actual"] + half).reset_index(drop=True)


def trace_lorenz(outcome: Outcome) -> pd.DataFrame:
    """The ordered Lorenz curve (Frees et al., 2011); nothing where all is zero.

    Returns:
        `share_of_rows`, or of their exposure, and the shares of the sum of what came about of those
        with the lowest prediction (`share`) and of those with the lowest true value
        (`least_share`).
    """
    total = outcome.actual.sum()
    if total <= 0:
        return pd.DataFrame(columns=["share_of_rows", "share", "least_share"])
    rates, predicted, exposure = outcome.rates
    grid = np.linspace(0, 1, min(len(outcome), MOST_POINTS) + 1)
    curves = []
    for key in (predicted, rates):
        # Rows of one prediction share what they have, in whatever order they come.
        sums = pd.DataFrame({"rows": exposure, "share": outcome.actual}).groupby(key).sum()
        shares = sums.cumsum() / sums.sum()
        curves.append(np.interp(grid, [0, *shares["rows"]], [0, *shares["share"]]))
    return pd.DataFrame({"share_of_rows": grid, "share": curves[0], "least_share": curves[1]})


def count_frequencies(outcome: Outcome) -> pd.DataFrame:
    """How often each count comes, and would if counts had Poisson distributions around their means.

    Returns:
        `count`, `seen` and `expected` rows; the last count stands for all above it as well.
    """
    most = int(min(outcome.actual.max(), MOST_COUNTS))
    counts = np.arange(most + 1)
    seen = np.bincount(np.minimum(outcome.actual, most).astype(int), minlength=most + 1)
    means = np.maximum(outcome.predicted, SMALLEST)[:, np.newaxis]
    expected = np.exp(xlogy(counts, means) - means - gammaln(counts + 1)).sum(axis=0)
    expected[-1] += len(outcome) - expected.sum()
    return pd.DataFrame({"count": counts, "seen": seen, "expected": expected})


def draw_calibration(table: pd.DataFrame, target: str, rate: str) -> Figure:
    """A point per tenth of `calibrate_means`; the axes are of the rate."""
    title = f"Are means of {target} right, by tenths of the prediction?"
    with canvas(title, f"mean predicted {rate}", f"mean actual {rate}") as (figure, axes):
        most = max(table["predicted"].max(), table["actual"].max())
        axes.plot([0, most], [0, most], color=GREY, linestyle=":", label="as predicted")
        ends = np.abs(table[["low", "high"]].to_numpy().T - table["actual"].to_numpy())
        look: dict[str, Any] = {"color": BLUE, "ecolor": GREY, "marker": "o", "capsize": 3}
        axes.errorbar(table["predicted"], table["actual"], yerr=ends, label="test rows", **look)
        axes.legend(loc="upper left")
    return figure


def draw_lorenz(table: pd.DataFrame, target: str, rows: str = "the rows") -> Figure:
    """The curves of `trace_lorenz`."""
    title = f"Lorenz curve of {target}, ordered by the prediction"
    labels = (f"share of {rows}, lowest prediction first", f"share of all {target}")
    with canvas(title, *labels, 5.4, 5.2) as (figure, axes):
        x = table["share_of_rows"]
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="no order")
        axes.plot(x, table["least_share"], color=GREY, label="order of the true values")
        axes.plot(x, table["share"], color=BLUE, linewidth=2, label="order of the predictions")
        axes.set_aspect("equal")
        axes.legend(loc="upper left")
    return figure


def draw_rootogram(table: pd.DataFrame, target: str, *, is_cut: bool) -> Figure:
    """A hanging rootogram (Tukey, 1977; Kleiber and Zeileis, 2016) of `count_frequencies`.

    The last bar is labelled as one of larger counts as well where `is_cut` says that some came.
    """
    with canvas(f"Which counts of {target} come", target, "square root of rows") as (figure, axes):
        expected, seen = np.sqrt(table["expected"]), np.sqrt(table["seen"])
        look: dict[str, Any] = {"width": 0.8, "color": BLUE, "alpha": 0.6, "label": "seen"}
        axes.bar(table["count"], seen, bottom=expected - seen, **look)
        axes.plot(table["count"], expected, color=ORANGE, marker="o", label="expected")
        axes.axhline(0, color=INK, linewidth=1)
        if is_cut:
            ticks = [*range(0, MOST_COUNTS, 5), MOST_COUNTS]
            axes.set_xticks(ticks, [*map(str, ticks[:-1]), f"{MOST_COUNTS}+"])
        axes.legend(loc="upper right")
    return figure
