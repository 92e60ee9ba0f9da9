"""Pictures of clusters: how many there are, how large, what they are like and how far apart."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .figures import BLUE, GREY, INK, MOST_FEATURES, ORANGE, abbreviate, canvas

COLOURS = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]
MOST_EFFECT = 2.0
"""Standard deviations from which on a shade is as dark as can be."""
MOST_BARS = 20
"""Clusters that a figure shows, the largest ones."""


def numbers(table: pd.DataFrame, chosen: int) -> Figure:
    """Agreement, silhouette and their product over the number, of `clusters.list_trials`."""
    title, y = "How many clusters: which are found again, and lie apart", "mean over the halves"
    with canvas(title, "number of clusters", y) as (figure, axes):
        for name, label, colour, style in (
            ("agreement", "agreement", GREY, "--"),
            ("silhouette", "silhouette", ORANGE, "--"),
            ("score", "product of both", BLUE, "-"),
        ):
            axes.plot(table["clusters"], table[name], style, marker="o", color=colour, label=label)
        axes.axvline(chosen, color=INK, linestyle=":", label="chosen")
        axes.set_xticks(table["clusters"])
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=4)
    return figure


def sizes(table: pd.DataFrame) -> Figure:
    """A bar per cluster of `clusters.measure_sizes`, with its share of the rows."""
    top = table.head(MOST_BARS)[::-1]
    title, height = "How large the clusters are", 1.4 + 0.36 * len(top)
    with canvas(title, "share of the test rows", "cluster", 6, height) as (figure, axes):
        bars = axes.barh(range(len(top)), top["share"], 0.6, color=BLUE)
        axes.set_yticks(range(len(top)), top["cluster"])
        texts = [f"{one.share:.1%} ({one.rows:,})" for one in top.itertuples()]
        axes.bar_label(bars, texts, padding=3, fontsize=9)
        axes.set_xlim(0, min(1.0, 1.25 * table["share"].max()) or 1)
        axes.grid(False, axis="y")
    return figure


def profiles(table: pd.DataFrame, names: list[str]) -> Figure:
    """Shades of how clusters differ from all rows in each column, of `clusters.tabulate_traits`."""
    names = names[:MOST_BARS]
    effects = table.pivot_table(index="column", columns="cluster", values="effect", sort=False)
    effects = effects.reindex(columns=names)
    order = effects.abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    effects = effects.loc[order[:MOST_FEATURES]]
    keys = zip(table["column"], table["cluster"], strict=True)
    texts = dict(zip(keys, table["typical"], strict=True))
    width, height = 2.6 + 1.3 * len(names), 1.6 + 0.42 * len(effects)
    title = "What the clusters are like, beside all rows"
    with canvas(title, "cluster", "", max(5.0, min(width, 16)), height) as (figure, axes):
        image = axes.imshow(
            effects.fillna(0), cmap="RdBu_r", vmin=-MOST_EFFECT, vmax=MOST_EFFECT, aspect="auto"
        )
        axes.grid(False)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(effects)), [abbreviate(str(name)) for name in effects.index])
        for (row, column), effect in np.ndenumerate(effects.to_numpy()):
            if not np.isnan(effect):
                colour = "white" if abs(effect) > 0.6 * MOST_EFFECT else "black"
                text = abbreviate(texts[effects.index[row], names[column]], 16)
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
        figure.colorbar(image, ax=axes, label="standard deviations from all rows", shrink=0.8)
    return figure


def components(table: pd.DataFrame, names: list[str]) -> Figure:
    """A point per row of `clusters.map_rows`, in the colour of its cluster."""
    title = "Test rows by their two leading components"
    with canvas(title, "first component", "second component", 6.4, 5) as (figure, axes):
        for place, name in enumerate(names[: len(COLOURS)]):
            part = table[table["cluster"] == name]
            colour = COLOURS[place]
            axes.scatter(part["first"], part["second"], s=10, color=colour, label=name, lw=0)
        rest = table[~table["cluster"].isin(names[: len(COLOURS)])]
        if len(rest):
            axes.scatter(rest["first"], rest["second"], s=10, color=GREY, label="others", lw=0)
        axes.legend(title="cluster", loc="upper left", bbox_to_anchor=(1, 1), markerscale=2)
    return figure


def silhouettes(table: pd.DataFrame, names: list[str]) -> Figure:
    """The silhouettes of each cluster's rows, the largest on top, of `tabulate_silhouettes`."""
    names = names[: len(COLOURS)]
    title = "How clearly rows are of their cluster"
    with canvas(title, "silhouette", "test rows, cluster by cluster") as (figure, axes):
        start, middles = 0, []
        for place, name in enumerate(names):
            values = np.sort(table.loc[table["cluster"] == name, "silhouette"])[::-1]
            rows = start + np.arange(len(values))
            axes.fill_betweenx(rows, values, color=COLOURS[place], lw=0, step="mid")
            middles.append(start + len(values) / 2)
            start += len(values) + max(2, len(table) // 50)
        axes.axvline(0, color=INK, linewidth=0.8)
        mean = table["silhouette"].mean()
        axes.axvline(mean, color=INK, linestyle=":", label=f"mean {mean:.2f}")
        axes.set_yticks(middles, names)
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15))
    return figure
