"""Pictures of a search; each function draws one figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..core.params import Domain, Space
from ..modeling.metrics import Metric
from ..reporting.figures import BLUE, GREY, ORANGE, abbreviate, panels, words
from .space import LENGTH, encode, label
from .trials import Trial, as_text, find_best

COLUMNS, MOST_LETTERS, MOST_LETTERS_IN_A_LINE = 3, 16, 32
INK = "#555b64"
LATER = ListedColormap(matplotlib.colormaps["viridis_r"](np.linspace(0.15, 1, 256)))
"""The later a trial, the darker."""
GOLDEN_RATIO = (5**0.5 - 1) / 2
"""The fractional parts of its multiples fill a strip evenly."""


def history(trials: Mapping[str, Sequence[Trial]], metric: Metric) -> Figure:
    """A panel per candidate: the figure of each of its trials, and the best so far."""
    title, label = f"All trials, by {words(metric.name)}", words(metric.name)
    with panels(title, len(trials), label, COLUMNS) as (figure, grid):
        for axes, (name, own) in zip(grid, trials.items(), strict=True):
            x = np.arange(len(own))
            best = [find_best(own[:count], metric) for count in range(1, len(own) + 1)]
            means = [np.nan if trial is None else trial.mean for trial in best]
            axes.step(x, means, where="post", color=BLUE, label="best so far")
            before = own[0].mean
            axes.axhline(before, color=ORANGE, linestyle="--", label="before the search")
            View.of(own, metric).draw(axes, x, np.full(len(own), BLUE), own)
            gain = f"{before:.4g}" if means[-1] == before else f"{before:.4g} → {means[-1]:.4g}"
            axes.set_title(abbreviate(name, MOST_LETTERS), pad=8)
            axes.set_title(gain, loc="right", pad=8, fontsize=9, color=INK)
            axes.set(xlabel="trial", xlim=(-0.04 * len(x), 1.04 * max(len(x) - 1, 1)))
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        _add_legend(figure, grid)
    return figure


def slices(trials: Sequence[Trial], space: Space, metric: Metric) -> Figure:
    """A panel per option of one candidate: the figures of its trials over its values."""
    title, label = f"{trials[0].candidate}, option by option", words(metric.name)
    marks = {"before the search": (trials[0], ORANGE, 60)}
    if best := find_best(trials, metric):
        marks["best"] = (best, BLUE, 130)
    parts = [part for name, domain in space.items() for part in _slice(trials, name, domain)]
    view, colours = View.of(trials, metric), LATER(np.linspace(0, 1, len(trials)))
    with panels(title, len(parts), label, COLUMNS, sharey=True) as (figure, grid):
        for axes, part in zip(grid, parts, strict=True):
            x = part.arrange(axes)
            view.draw(axes, x, colours, trials)
            for mark, (trial, colour, size) in marks.items():
                look = POINT | {"s": size, "linewidths": 1.8, "edgecolors": colour}
                place, y = x[trials.index(trial)], view.clip(trial.mean)
                if np.isfinite(place):
                    axes.scatter(place, y, facecolors="none", label=mark, **look)
        shades = ScalarMappable(Normalize(0, max(len(trials) - 1, 1)), LATER)
        bar = figure.colorbar(shades, ax=grid, label="trial", pad=0.02, fraction=0.05, aspect=25)
        bar.ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        _add_legend(figure, grid)
    return figure


def importance(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """A panel per candidate with a bar per option, of `importance.measure_importance`."""
    title = "What the best trials have in common"
    counts = [len(options) for options in shares.values()]
    most = [max(counts[start : start + COLUMNS]) for start in range(0, len(counts), COLUMNS)]
    heights = [1.0 + 0.26 * count for count in most]
    height = sum(heights) / len(heights)
    with panels(title, len(shares), "", COLUMNS, height, height_ratios=heights) as (figure, grid):
        for place, (name, own) in enumerate(shares.items()):
            axes = grid[place]
            axes.barh([abbreviate(option) for option in own], [*own.values()], 0.6, color=BLUE)
            axes.set_title(abbreviate(name, MOST_LETTERS), pad=8)
            axes.set(xlim=(0, 1), ylim=(most[place // COLUMNS] - 0.5, -0.5), xlabel="share")
            axes.grid(False, axis="y")
    return figure


POINT: dict[str, Any] = {"s": 16, "linewidths": 1, "clip_on": False, "zorder": 3}


class View(NamedTuple):
    """The part of an axis that shows trials, without those that are far worse than the others."""

    low: float
    high: float
    worst: float
    """That of the two which is worse."""

    @classmethod
    def of(cls, trials: Sequence[Trial], metric: Metric) -> View:
        """From the best figure to the worst that is no outlier (Tukey, 1977)."""
        losses = -metric.sign * np.array([trial.mean for trial in trials])
        losses = losses[np.isfinite(losses)] if np.isfinite(losses).any() else np.zeros(1)
        quarter, three_quarters = np.quantile(losses, [0.25, 0.75])
        is_usual = losses <= three_quarters + 1.5 * (three_quarters - quarter)
        best, worst = losses.min(), losses[is_usual].max()
        margin = 0.06 * (worst - best) or 0.01 * abs(best) or 0.01
        ends = -metric.sign * np.array([best - margin, worst + margin])
        return cls(ends.min(), ends.max(), ends[1])

    def clip(self, figure: float) -> float:
        """Where a figure is drawn; one that is not defined is as bad as can be."""
        return self.worst if np.isnan(figure) else float(np.clip(figure, self.low, self.high))

    def draw(self, axes: Axes, x: np.ndarray, colours: np.ndarray, trials: Sequence[Trial]) -> None:
        """A point for each trial; one that is worse than what is shown is an arrow at the end."""
        axes.set_ylim(self.low, self.high)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.ticklabel_format(axis="y", useOffset=False)
        y = np.array([self.clip(trial.mean) for trial in trials])
        states = np.array([trial.state for trial in trials])
        is_failed, is_dropped = states == "failed", states == "dropped"
        is_beyond = (y == self.worst) & ~is_failed
        faces = to_rgba_array(colours, np.where(is_dropped, 0.0, 0.7))
        edges = to_rgba_array(colours, 0.8)
        arrow = "^" if self.worst == self.high else "v"
        for meaning, marker, own in (
            ("_", "o", ~is_beyond & ~is_dropped & ~is_failed),
            ("dropped early", "o", ~is_beyond & is_dropped),
            ("worse than shown", arrow, is_beyond),
        ):
            look = POINT | {"facecolors": faces[own], "edgecolors": edges[own]}
            if own.any():
                axes.scatter(x[own], y[own], marker=marker, label=meaning, **look)
        if is_failed.any():
            own = is_failed
            axes.scatter(x[own], y[own], marker="x", color=GREY, label="failed", **POINT)


class Slice(NamedTuple):
    """An option, or the length of one that is a list, with where its trials are."""

    name: str
    places: Sequence[float]
    """nan where a trial is outside the space, as what params.yaml had may be."""
    domain: Domain
    labels: Sequence[str] = ()
    """Of choices, which the places count; without it they are numbers of the range."""

    def arrange(self, axes: Axes) -> np.ndarray:
        """(n_trials,) places on an axis, which is made fit for them."""
        axes.set_xlabel(abbreviate(self.name))
        x = np.array(self.places, dtype="float64")
        if self.labels:
            labels = [abbreviate(text, MOST_LETTERS) for text in self.labels]
            is_crowded = max(map(len, labels)) * len(labels) > MOST_LETTERS_IN_A_LINE
            axes.set_xticks(range(len(labels)), labels, rotation=90 if is_crowded else 0)
            axes.set_xlim(-0.5, len(labels) - 0.5)
            axes.grid(False, axis="x")
            x += 0.6 * (np.arange(len(x)) * GOLDEN_RATIO % 1 - 0.5)
            return x
        low, high, margin = self.domain.low, self.domain.high, 0.04
        if self.domain.log:
            decades = math.log10(high / low)
            subs = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 2.5 else (1,)
            axes.set_xscale("log")
            axes.set_xlim(low / 10 ** (margin * decades), high * 10 ** (margin * decades))
            axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_xlim(low - margin * (high - low), high + margin * (high - low))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=self.domain.is_whole))
        return x


def _slice(trials: Sequence[Trial], name: str, domain: Domain) -> Iterator[Slice]:
    # Option by option, since what params.yaml had may be outside the space of others.
    coordinates = [encode({name: domain}, trial.options) or {} for trial in trials]

    def count(key: str, values: Sequence[Any]) -> list[float]:
        return [values.index(each[key]) if key in each else np.nan for each in coordinates]

    if domain.choices:
        places = count(name, [label(choice) for choice in domain.choices])
        yield Slice(name, places, domain, [*map(as_text, domain.choices)])
        return
    yield Slice(name, [each.get(name, np.nan) for each in coordinates], domain)
    if domain.length:
        lengths = range(domain.length[0], domain.length[1] + 1)
        key = LENGTH.format(name)
        yield Slice(key, count(key, lengths), domain, [*map(str, lengths)])


def _add_legend(figure: Figure, grid: Sequence[Axes]) -> None:
    """One for all panels: what each kind of line and point is, once."""
    entries = {
        label: handle
        for axes in grid
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    columns = 2 * min(len(grid), COLUMNS)
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=columns)
