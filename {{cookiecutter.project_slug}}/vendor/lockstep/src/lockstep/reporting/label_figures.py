"""Pictures of how well several labels are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .figures import BLUE, INK, ORANGE, abbreviate, canvas, panels


def label_bars(lines: Sequence[dict[str, Any]], title: str) -> Figure:
    """Precision and recall of each label with their intervals, the most frequent on top.

    The lines are those of `labels.measure_labels`.
    """
    names = [f"{abbreviate(line['label'])} ({line['rows']})" for line in lines]
    places = np.arange(len(lines))[::-1]
    height = 1.7 + 0.42 * len(lines)
    with canvas(title, "share, with its interval", "", 6.4, height) as (figure, axes):
        for name, colour, shift in (("precision", BLUE, 0.17), ("recall", ORANGE, -0.17)):
            known = [number for number, line in enumerate(lines) if line[name] is not None]
            shares = np.array([lines[number][name] for number in known])
            ends = np.array([lines[number][f"{name}_interval"] for number in known]).reshape(-1, 2)
            errors = np.abs(ends.T - shares)
            axes.barh(places[known] + shift, shares, height=0.32, color=colour, label=name)
            axes.errorbar(shares, places[known] + shift, xerr=errors, fmt="none", ecolor=INK)
        axes.set_yticks(places, names)
        axes.set_xlim(0, 1)
        axes.grid(False, axis="y")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def labels_together(squares: dict[str, np.ndarray], labels: Sequence[str]) -> Figure:
    """Squares of how often the label of a column comes where that of the line is, by their titles.

    They are those of `labels.count_together`.
    """
    names, size = [abbreviate(name, 16) for name in labels], 1.6 + 0.3 * len(labels)
    title = "Labels together: of rows with the one on the left, the share with the one below"
    with panels(title, len(squares), "", 2, size, sharey=True) as (figure, plots):
        for axes, (what, shares) in zip(plots, squares.items(), strict=True):
            image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            axes.grid(False)
            axes.set_title(what, fontsize=10)
            axes.set_xticks(range(len(names)), names, rotation=90)
            axes.set_yticks(range(len(names)), names)
        figure.colorbar(image, ax=plots, label="share", shrink=0.7)
    return figure
