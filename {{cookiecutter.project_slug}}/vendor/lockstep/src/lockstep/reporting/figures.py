"""Pictures of how a model does; each function draws one figure, and only `save` writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from sklearn import metrics

from ..modeling.outcome import Outcome

MOST_CURVES, MOST_FEATURES, MOST_CLASSES_WITH_ZEROS = 10, 15, 20
MOST_IN_A_LEGEND = 5
"""Curves from above which their legend, over the axes, would hide some."""
MOST_INTERVALS, MOST_CLASSES_IN_A_PANEL, MOST_LETTERS_IN_A_LINE = 150, 6, 30
RESOLUTION = 144
"""Pixels per inch."""
BLUE, ORANGE, GREY, INK = "#1f5f99", "#d9730d", "#8a8f98", "#1d2127"
STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e8eb",
    "legend.frameon": False,
    "text.parse_math": False,  # a dollar in a name begins no formula
}


@contextmanager
def canvas(
    title: str, x: str, y: str, width: float = 6.0, height: float = 4.5
) -> Iterator[tuple[Figure, Axes]]:
    """A figure with a title and one pair of axes, which say what they show."""
    # From the library's own defaults: a matplotlibrc of the user's must not change the bytes.
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel=x, ylabel=y)
        yield figure, axes


@contextmanager
def panels(
    title: str, count: int, y: str, columns: int, height: float = 2.7, **options: Any
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with a title and so many pairs of axes, in lines of at most so many `columns`.

    What `y` says stands at the first of each line, which is `height` inches high; `options` are
    those of `Figure.subplots`.
    """
    columns, lines = min(columns, count), -(-count // columns)
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(1.2 + 3.2 * columns, 1 + height * lines), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
        grid = figure.subplots(lines, columns, squeeze=False, **options)
        for axes in grid[:, 0]:
            axes.set_ylabel(y)
        for axes in grid.flat[count:]:
            axes.set_axis_off()
        yield figure, list(grid.flat[:count])


def save(figure: Figure, path: Path) -> None:
    """Write it as a picture that has the same bytes wherever it is drawn."""
    # As above, nothing of the user's settings counts; nor does the version of matplotlib.
    with matplotlib.style.context("default"):
        figure.savefig(path, dpi=RESOLUTION, metadata={"Software": None})


def confusion_matrix(outcome: Outcome) -> Figure:
    """Rows per pair of true and predicted class, shaded by their share of the true class."""
    names = [abbreviate(name) for name in outcome.classes]
    labels = range(len(names))
    counts = metrics.confusion_matrix(outcome.actual, outcome.decisions, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(max(4.5, 0.6 * len(names) + 2), 14)
    title = "Confusion matrix of the test rows"
    with canvas(title, "predicted", "actual", size + 0.9, size - 0.2) as (figure, axes):
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        crowded = len(names) > 4 or max(map(len, names)) > 10
        axes.set_xticks(labels, names, rotation=90 if crowded else 0)
        axes.set_yticks(labels, names)
        for (row, column), count in np.ndenumerate(counts):
            if count or len(names) <= MOST_CLASSES_WITH_ZEROS:
                colour = "white" if shares[row, column] > 0.6 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
        figure.colorbar(image, ax=axes, label="share of the actual class", shrink=0.8)
    return figure


def abbreviate(name: str, most: int = 24) -> str:
    """The name, or its beginning and dots in as many letters at most."""
    return name if len(name) <= most else f"{name[: most - 3]}..."


def roc_curves(roc: pd.DataFrame, areas: dict[str, float]) -> Figure:
    """A curve per class, of `curves.roc`."""
    columns = ("false_positive_rate", "true_positive_rate")
    with _class_curves("ROC curves", roc, columns, areas, "area") as (figure, axes):
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance (area 0.500)")
        axes.legend(loc="lower right")
    return figure


def precision_recall_curves(curves: pd.DataFrame, averages: dict[str, float]) -> Figure:
    """A curve per class, of `curves.precision_recall`."""
    title, columns = "Precision and recall", ("recall", "precision")
    with _class_curves(title, curves, columns, averages, "average") as (figure, axes):
        axes.set_ylim(-0.05, 1.05)
        if len(averages) > MOST_IN_A_LEGEND:
            figure.set_figwidth(8)
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        elif averages:
            axes.legend(loc="best")
    return figure


@contextmanager
def _class_curves(
    title: str, table: pd.DataFrame, columns: tuple[str, str], figures: dict[str, float], label: str
) -> Iterator[tuple[Figure, Axes]]:
    """A curve of two columns per class, of many classes the worst; its figure in the legend."""
    worst = sorted(figures, key=figures.__getitem__)[:MOST_CURVES]
    names = [name for name in figures if name in worst]
    if len(figures) > MOST_CURVES:
        title += f", the {MOST_CURVES} worst of {len(figures)} classes"
    elif len(figures) > 1:
        title += ", each against the rest"
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(names)))
    # Perfect curves coincide: earlier ones are drawn wider, so that each stays visible.
    widths = np.linspace(5 if 1 < len(names) < 5 else 1.8, 1.8, len(names))
    x, y = columns
    with canvas(title, words(x), words(y), 5.4, 5.2) as (figure, axes):
        for name, colour, width in zip(names, colours, widths, strict=True):
            curve = table[table["class"] == name]
            legend = f"{abbreviate(name)} ({label} {figures[name]:.3f})"
            axes.plot(curve[x], curve[y], color=colour, linewidth=width, label=legend)
        axes.set_aspect("equal")
        yield figure, axes


def words(name: str) -> str:
    """The name of a column or metric as people read it."""
    return name.replace("_", " ")


def calibration(table: pd.DataFrame, claim: str) -> Figure:
    """A point per range of the probability of `claim`, larger with more rows.

    The table is that of `curves.calibration`.
    """
    title = "Calibration: is 80% sure right 80% of the time?"
    with canvas(title, f"probability of {claim}", f"share of {claim}", 5.4, 5.2) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="as sure as right")
        x, y, rows = table["probability"], table["share_so"], table["rows"]
        axes.plot(x, y, color=BLUE, linewidth=1)
        axes.scatter(x, y, s=30 + 300 * rows / rows.sum(), color=BLUE, label="test rows")
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
        axes.legend(loc="best", markerscale=0.5)
    return figure


def decision_curve(table: pd.DataFrame, claim: str, threshold: float, most: float) -> Figure:
    """A line for each way to decide of `curves.decision_curve`, up to a probability of `most`.

    The `threshold` that is decided at is marked.
    """
    title = "What decisions are worth, by threshold"
    with canvas(title, f"probability from which on a row is called {claim}", "net benefit") as (
        figure,
        axes,
    ):
        curve = table[table["threshold"] <= most]
        for name, label, look in (
            # A baseline mostly calls all rows so or none: those are drawn over it.
            ("baseline", "baseline", {"color": ORANGE, "linewidth": 3, "alpha": 0.6}),
            ("all", f"call all rows {claim}", {"color": "#555b64", "linestyle": "--"}),
            ("none", "call none so", {"color": "#555b64", "linestyle": ":"}),
            ("champion", "champion", {"color": BLUE, "linewidth": 2.2}),
        ):
            axes.plot(curve["threshold"], curve[name], label=label, **look)
        top = max(curve[["champion", "all"]].max().max(), 0.001)
        axes.axvline(threshold, color=GREY, linewidth=1)
        axes.annotate(
            f" decided at {threshold:.3g} ",
            (threshold, 0.02),
            xycoords=("data", "axes fraction"),
            ha="left" if threshold < most / 2 else "right",
            color="#555b64",
        )
        axes.set(xlim=(0, most), ylim=(-0.15 * top, 1.08 * top))
        axes.legend(loc="upper right")
    return figure


def training_sizes(table: pd.DataFrame, metric: str, candidate: str) -> Figure:
    """The score over the number of rows learnt from, its mean over the folds and their spread.

    The table has the columns `rows`, `fold`, `train` and `validation`. Folds may have unequal
    rows, so the sizes of each are counted from its largest, and of each size the mean is drawn.
    """
    title = f"Would more rows help? {candidate} trained on a part"
    size = table.groupby("fold")["rows"].rank(method="first", ascending=False)
    rows = table["rows"].groupby(size).mean().sort_values()
    with canvas(title, "rows learnt from", words(metric)) as (figure, axes):
        for column, colour, label in (
            ("train", BLUE, "rows learnt from"),
            ("validation", ORANGE, "rows held out"),
        ):
            by_size = table[column].groupby(size)
            mean, spread = by_size.mean()[rows.index], by_size.std(ddof=0)[rows.index]
            low, high = mean - spread, mean + spread
            axes.plot(rows, mean, color=colour, marker="o", label=label)
            axes.fill_between(rows, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.legend()
    return figure


def importance(table: pd.DataFrame, metric: str) -> Figure:
    """A bar per feature of `curves.importance`, the most important on top."""
    top = table.head(MOST_FEATURES)[::-1]
    names = [abbreviate(name) for name in top["feature"]]
    title = "Importance: what shuffling a feature costs"
    label = f"how much worse {words(metric)} gets on test rows"
    with canvas(title, label, "", 6, 1.6 + 0.32 * len(top)) as (figure, axes):
        axes.barh(names, top["loss"], xerr=top["loss_std"], color=BLUE, ecolor=GREY, height=0.6)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.grid(False, axis="y")
    return figure


def mistakes(images: np.ndarray, titles: list[str], head: str, columns: int = 6) -> Figure:
    """(n_images, height, width, channels) shades from 0 to 255 in lines, below their titles."""
    lines = -(-len(images) // columns)
    style = STYLE | {"axes.grid": False, "axes.titlelocation": "center"}
    with matplotlib.style.context(["default", style]):
        figure = Figure(figsize=(1.45 * columns, 0.6 + 1.75 * lines), layout="constrained")
        figure.suptitle(f"{head} on the test rows", x=0.01, ha="left", fontsize=12)
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, image, title in zip(grid.flat, images, titles, strict=False):
            axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
            axes.set_title(title, fontsize=8, pad=4)
    return figure


def learning_curve(history: pd.DataFrame) -> Figure:
    """Training and validation loss of one network by epoch, a thin line per fold.

    The table has the columns `candidate`, `fold`, `epoch`, `loss` and `val_loss`.
    """
    name, folds = history["candidate"].iloc[0], history["fold"].nunique()
    title = f"Learning curve of {name}{', a line per fold' if folds > 1 else ''}"
    with canvas(title, "epoch", "loss") as (figure, axes):
        for column, colour, label in (
            ("loss", BLUE, "training rows"),
            ("val_loss", ORANGE, "rows watched for early stopping"),
        ):
            for _, fold in history.groupby("fold"):
                axes.plot(fold["epoch"], fold[column], color=colour, linewidth=1, label=label)
                label = "_"
        losses = history[["loss", "val_loss"]].to_numpy()
        if losses.min() > 0 and losses.max() > 50 * np.median(losses):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(LogFormatter())
            axes.yaxis.set_minor_formatter(LogFormatter())
        else:
            axes.set_ylim(bottom=0)
        axes.legend()
    return figure


def predicted_against_actual(actual: np.ndarray, predicted: np.ndarray, target: str) -> Figure:
    """A point per row; on the diagonal the prediction is right."""
    title = f"Predicted against actual {target}, test rows"
    with canvas(title, f"actual {target}", f"predicted {target}", 5.2, 5) as (figure, axes):
        ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
        axes.plot(ends, ends, color=GREY, linestyle=":")
        axes.scatter(actual, predicted, s=18, color=BLUE, alpha=0.7, linewidths=0)
        axes.set_aspect("equal")
    return figure


def residuals(actual: np.ndarray, predicted: np.ndarray, target: str) -> Figure:
    """How far each prediction is off, over the prediction."""
    title = f"Residuals of {target}, test rows"
    with canvas(title, f"predicted {target}", "actual - predicted") as (figure, axes):
        axes.axhline(0, color=GREY, linestyle=":")
        axes.scatter(predicted, actual - predicted, s=18, color=BLUE, alpha=0.7, linewidths=0)
    return figure


def prediction_intervals(outcome: Outcome, target: str, coverage: float) -> Figure:
    """A bar from low to high for each of some rows, over what was so; see `curves`."""
    actual, predicted, interval = outcome.actual, outcome.predicted, outcome.interval
    assert interval is not None
    rows = np.linspace(0, len(outcome) - 1, min(len(outcome), MOST_INTERVALS)).astype(int)
    order = np.argsort(actual, kind="stable")[rows]
    is_held = outcome.is_held[order]
    title = f"{coverage:.0%} intervals of {target}, test rows"
    with canvas(title, f"actual {target}", f"predicted {target}", 6, 5) as (figure, axes):
        ends = [actual[order].min(), actual[order].max()]
        axes.plot(ends, ends, color="black", linestyle=":", label="where the actual value is")
        for is_part, colour, label in (
            (is_held, BLUE, "interval holds it"),
            (~is_held, ORANGE, "interval misses it"),
        ):
            part = order[is_part]
            axes.vlines(actual[part], *interval[part].T, color=colour, alpha=0.35, linewidth=1.5)
            axes.scatter(actual[part], predicted[part], s=14, color=colour, label=label)
        axes.legend(loc="upper left")
    return figure


def partial_dependence(table: pd.DataFrame, label: str) -> Figure:
    """A panel per feature of `dependence.partial_dependence`, on one scale.

    Numbers are lines with a point at every twentieth of the rows, texts are points.
    """
    features = list(table["feature"].unique())
    spread = table.groupby(["class", "feature"])["prediction"].agg(np.ptp).groupby("class").max()
    classes = [
        name
        for name in table["class"].unique()
        if name in spread.nlargest(MOST_CLASSES_IN_A_PANEL).index
    ]
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(classes)))
    colours = [BLUE] if len(classes) == 1 else list(shades)
    title = "How predictions change with a feature"
    with panels(title, len(features), label, columns=2, sharey=True) as (figure, grid):
        for axes, feature in zip(grid, features, strict=True):
            axes.set_xlabel(abbreviate(feature))
            for name, colour in zip(classes, colours, strict=True):
                own = table[(table["feature"] == feature) & (table["class"] == name)]
                _draw_dependence(axes, own, colour, abbreviate(name))
        if len(classes) > 1:
            handles, labels = figure.axes[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw_dependence(axes: Axes, table: pd.DataFrame, colour: Any, label: str) -> None:
    values = list(table["value"])
    is_text = isinstance(values[0], str)
    look = {"linestyle": "none", "markersize": 7} if is_text else {"markersize": 3}
    x = np.arange(len(values)) if is_text else pd.Series(values)
    axes.plot(x, table["prediction"], color=colour, marker="o", label=label, **look)
    if is_text:
        names = [abbreviate(value, 14) for value in values]
        is_crowded = sum(map(len, names)) > MOST_LETTERS_IN_A_LINE
        axes.set_xticks(x, names, rotation=90 if is_crowded else 0)
        axes.margins(x=0.15)
    elif isinstance(values[0], pd.Timestamp):
        axes.tick_params(axis="x", rotation=45)
    else:
        is_whole = all(float(value).is_integer() for value in values)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=is_whole))
