"""Pictures of sequences; each function draws one figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figures import BLUE, INK, ORANGE, abbreviate, panels

MOST_BANDS = 3
"""Parts above which bands would hide each other."""


@contextmanager
def _pairs(title: str, count: int) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with so many panels over the points, two side by side, and one legend."""
    with panels(title, count, "", 2, 2.5) as (figure, grid):
        yield figure, grid
        for axes in grid:
            axes.xaxis.set_major_locator(ticker.MaxNLocator(5, integer=True))
        for axes in grid[-2:]:
            axes.set_xlabel("points from the last one")
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)


def mean_signals(table: pd.DataFrame, title: str) -> Figure:
    """A panel per channel of `Signals.tabulate_means`, with a line for each part.

    The band is one standard deviation wide to either side.
    """
    channels, parts = table["channel"].unique(), table["part"].unique()
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(parts)))
    with _pairs(title, len(channels)) as (figure, grid):
        for axes, channel in zip(grid, channels, strict=True):
            axes.set_title(abbreviate(channel), fontsize=10, pad=6)
            for part, colour in zip(parts, colours, strict=True):
                own = table[(table["channel"] == channel) & (table["part"] == part)]
                axes.plot(own["point"], own["mean"], color=colour, label=abbreviate(part))
                if len(parts) <= MOST_BANDS:
                    low, high = own["mean"] - own["spread"], own["mean"] + own["spread"]
                    axes.fill_between(own["point"], low, high, color=colour, alpha=0.15, lw=0)
    return figure


def signal_mistakes(table: pd.DataFrame, titles: Sequence[str], means: tuple[str, str]) -> Figure:
    """A panel per sequence of `Signals.trace_mistakes`, below its title.

    Args:
        table: The sequences.
        titles: Of each.
        means: What the mean signals are called that each is shown beside: of what is so, and of
            what was predicted.
    """
    with _pairs("Worst mistakes on the test rows", len(titles)) as (figure, grid):
        shown = zip(grid, titles, table.groupby("row", sort=False), strict=True)
        for axes, title, (_, own) in shown:
            axes.set_title(title, fontsize=9, pad=4)
            axes.set_ylabel(abbreviate(own["channel"].iloc[0]))
            axes.plot(own["point"], own["predicted"], color=ORANGE, label=means[1])
            axes.plot(own["point"], own["actual"], color=BLUE, linestyle="--", label=means[0])
            axes.plot(own["point"], own["value"], color=INK, linewidth=1.2, label="the sequence")
    return figure
