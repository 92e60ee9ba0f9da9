"""Pictures of how forecasts do; each function draws one figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..modeling.outcome import HIGH, LOW
from .figures import BLUE, GREY, INK, ORANGE, abbreviate, canvas, panels, words

MOST_SERIES, FEWEST_IN_HISTOGRAM = 15, 40
"""That are named, the worst, where there are so many as a histogram takes; else all are."""
NAMES = {
    ("1 day", 7): ("day of the week", ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
    ("1 month", 12): ("month", [*"JFMAMJJASOND"]),
    ("1 quarter", 4): ("quarter", ["Q1", "Q2", "Q3", "Q4"]),
    ("1 hour", 24): ("hour of the day", None),
}
"""Of a step and a season, what its places are called, and each of them."""

DAY_FORMATS = {
    "formats": ["%Y", "%b", *["%d"] * 4],
    "zero_formats": ["", "%Y", "%b", *["%d"] * 3],
    "offset_formats": ["", "%Y", *["%Y-%b"] * 4],
}
"""What stands at the ticks of an axis where all times are whole days, never a time of the day."""


@contextmanager
def _pairs(title: str, titles: Sequence[str], y: str) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with a pair of axes below each of some titles, two side by side."""
    with panels(title, len(titles), y, 2) as (figure, grid):
        figure.set_size_inches(6.4, 1 + 2.2 * -(-len(titles) // 2))
        for axes, name in zip(grid, titles, strict=True):
            axes.set_title(name, fontsize=10, pad=6)
        yield figure, grid


def forecast_fans(
    table: pd.DataFrame, titles: Sequence[str], target: str, coverage: float | None
) -> Figure:
    """A panel per forecast of `Forecasts.tabulate_selection`: what was known, what came, the fan.

    Args:
        table: The forecasts.
        titles: Of each.
        target: What is forecast.
        coverage: Share that the intervals are to hold, if there are some.
    """
    title = "Forecasts of test rows, from the best to the worst"
    with _pairs(title, titles, target) as (figure, grid):
        for axes, (_, rows) in zip(grid, table.groupby("forecast"), strict=True):
            _draw_fan(axes, rows, coverage)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _draw_fan(axes: Axes, rows: pd.DataFrame, coverage: float | None) -> None:
    rows = rows.set_index("time")
    fan = rows[rows["step"] >= 0]
    fan = fan.fillna(dict.fromkeys(fan, fan["actual"].iloc[0]))  # it begins at what is known
    axes.plot(rows["actual"], color=INK, linewidth=1.3, label="actual")
    axes.plot(fan["baseline"], color=ORANGE, linewidth=1.2, linestyle="--", label="baseline")
    axes.plot(fan["prediction"], color=BLUE, linewidth=2, label="forecast")
    if coverage is not None:
        label = f"{coverage:.0%} interval"
        axes.fill_between(fan.index, fan[LOW], fan[HIGH], color=BLUE, alpha=0.18, label=label)
    axes.axvline(fan.index[0], color=GREY, linestyle=":", linewidth=1)
    if isinstance(rows.index, pd.DatetimeIndex):
        is_days = (rows.index == rows.index.normalize()).all()
        most, formats = (6, DAY_FORMATS) if is_days else (5, {})
        locator = dates.AutoDateLocator(minticks=2, maxticks=most)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        formatter = dates.ConciseDateFormatter(locator, **formats)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
    else:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(5))


def error_by_step(table: pd.DataFrame, metric: str, every: str) -> Figure:
    """The champion's and the baseline's error over the steps ahead, of `Forecasts.by_step`."""
    title = "Error by steps ahead, test rows"
    with canvas(title, f"steps of {every} ahead", words(metric)) as (figure, axes):
        for name, colour, mark in (("baseline", ORANGE, "s"), ("champion", BLUE, "o")):
            axes.plot(
                *(table["step"], table[name]), color=colour, marker=mark, markersize=4, label=name
            )
        figures = table[["baseline", "champion"]]
        axes.set_ylim(min(0, figures.min().min()), 1.08 * figures.max().max())
        axes.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True))
        axes.legend()
    return figure


def error_by_series(table: pd.DataFrame, metric: str) -> Figure:
    """The champion's and the baseline's error of the worst series; of many also how all do.

    The table has the columns `series`, `champion` and `baseline`, the worst series first.
    """
    has_more = len(table) >= FEWEST_IN_HISTOGRAM
    worst = table.head(MOST_SERIES if has_more else len(table))[::-1]
    height = 1.3 + 0.3 * len(worst)
    title = "Error by series"
    if has_more:
        title += f": all {len(table)}, and the {len(worst)} worst"
    heights = [2.0, height] if has_more else [height]
    with panels(title, len(heights), "", 1, 2.7, height_ratios=heights) as (figure, grid):
        figure.set_size_inches(6, 0.6 + sum(heights))
        if has_more:
            figures = table[["champion", "baseline"]].to_numpy()
            bins = np.histogram_bin_edges(figures, bins=30).tolist()
            grid[0].hist(table["champion"], bins, histtype="stepfilled", color=BLUE, alpha=0.6)
            grid[0].hist(table["baseline"], bins, histtype="step", color=ORANGE, linewidth=1.8)
            grid[0].set_ylabel("series")
            grid[0].set_xlabel(words(metric))
        axes, names = grid[-1], [abbreviate(str(name)) for name in worst["series"]]
        places = np.arange(len(worst))
        ends = worst[["champion", "baseline"]]
        axes.hlines(places, ends.min(axis=1), ends.max(axis=1), color="#c5cad1", linewidth=2)
        axes.plot(worst["baseline"], places, "s", color=ORANGE, markersize=5, label="baseline")
        axes.plot(worst["champion"], places, "o", color=BLUE, markersize=6, label="champion")
        axes.set_yticks(places, names)
        axes.set_ylim(-0.7, len(worst) - 0.3)
        axes.set_xlabel(words(metric))
        axes.grid(False, axis="y")
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def season_plot(
    table: pd.DataFrame, titles: Sequence[str], target: str, every: str, season: int
) -> Figure:
    """A panel per series of `Forecasts.tabulate_seasons`: a line per season, and their mean."""
    where, names = NAMES.get((every, season), (f"steps of {every} into the season", None))
    seasons = int(-table["season"].min()) + 1
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, seasons))
    title = "Season by season, train rows: the darker, the later"
    with _pairs(title, titles, target) as (figure, grid):
        for axes, (_, rows) in zip(grid, table.groupby("series"), strict=True):
            lines = rows.pivot_table(index="place", columns="season", values="value")
            for number, line in lines.reindex(range(season)).items():
                axes.plot(line, color=shades[-int(str(number))], linewidth=0.9, alpha=0.7)
            means = rows.groupby("place")["value"].mean()
            axes.plot(means, color=ORANGE, linewidth=2.4, label="mean of the seasons")
            axes.set_xlabel(where)
            if names:
                axes.set_xticks(range(season), names)
            else:
                axes.xaxis.set_major_locator(ticker.MaxNLocator(6, integer=True))
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center")
    return figure


def coverage_by_step(table: pd.DataFrame, coverage: float, target: str, every: str) -> Figure:
    """How many intervals hold at each step ahead, and how wide they are.

    The table has the columns `step`, `coverage`, `low`, `high` (the ends of its interval) and
    `mean_width`.
    """
    title = "Intervals by steps ahead, test rows"
    with panels(title, 2, "", 1, 2.2, sharex=True) as (figure, [upper, lower]):
        figure.set_size_inches(6, 5)
        steps, share = table["step"], table["coverage"]
        upper.fill_between(steps, table["low"], table["high"], color=BLUE, alpha=0.18, linewidth=0)
        upper.plot(steps, share, color=BLUE, marker="o", markersize=4, label="share held")
        upper.axhline(coverage, color=INK, linestyle=":", label=f"{coverage:.0%} were asked for")
        upper.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        upper.set_ylim(top=1.02)
        upper.set_ylabel("intervals that hold")
        upper.legend(loc="lower left")
        lower.plot(steps, table["mean_width"], color=BLUE, marker="o", markersize=4)
        lower.set_ylim(0, 1.08 * table["mean_width"].max())
        lower.set_ylabel(f"mean width in {target}")
        lower.set_xlabel(f"steps of {every} ahead")
        lower.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True))
    return figure
