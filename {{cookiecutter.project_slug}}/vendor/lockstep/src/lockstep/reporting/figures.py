"""Pictures of how a model does; each function draws one figure and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType
from sklearn import metrics

from ..modeling.outcome import Outcome

MOST_CURVES, MOST_CLASSES_WITH_ZEROS = 10, 20
BLUE, ORANGE, GREY = "#1f5f99", "#d9730d", "#8a8f98"
STYLE: dict[RcKeyType, Any] = {
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
}


@contextmanager
def _canvas(title: str, width: float = 6.0, height: float = 4.5) -> Iterator[tuple[Figure, Axes]]:
    # From the library's own defaults: a matplotlibrc of the user's must not change the bytes.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title)
        yield figure, axes


def confusion_matrix(outcome: Outcome) -> Figure:
    """Rows per pair of true and predicted class, shaded by their share of the true class."""
    classes = outcome.classes
    labels = range(len(classes))
    counts = metrics.confusion_matrix(outcome.actual, outcome.decisions, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(max(4.5, 0.6 * len(classes) + 2), 14)
    with _canvas("Confusion matrix of the test rows", size + 0.9, size - 0.2) as (figure, axes):
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        names = [_abbreviate(name) for name in classes]
        crowded = len(classes) > 4 or max(map(len, names)) > 10
        axes.set_xticks(labels, names, rotation=90 if crowded else 0)
        axes.set_yticks(labels, names)
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")
        for (row, column), count in np.ndenumerate(counts):
            if len(classes) > MOST_CLASSES_WITH_ZEROS and not count:
                continue
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
        figure.colorbar(image, ax=axes, label="share of the actual class", shrink=0.8)
    return figure


def _title(curves: str, figures: dict[str, float]) -> str:
    if len(figures) > MOST_CURVES:
        return f"{curves}, the {MOST_CURVES} worst of {len(figures)} classes"
    return f"{curves}, each class against the rest" if len(figures) > 1 else curves


def _abbreviate(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"{name[: most - 3]}..."


def _class_curves(
    axes: Axes, table: pd.DataFrame, x: str, y: str, figures: dict[str, float], label: str
) -> None:
    """A curve per class of the columns `x` and `y`, its figure in the legend."""
    worst = sorted(figures, key=figures.__getitem__)[:MOST_CURVES]
    names = [name for name in figures if name in worst]
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(names)))
    # Perfect curves coincide: earlier ones are drawn wider, so that each stays visible.
    widths = np.linspace(5 if 1 < len(names) < 5 else 1.8, 1.8, len(names))
    for name, colour, width in zip(names, colours, widths, strict=True):
        curve = table[table["class"] == name]
        legend = f"{_abbreviate(name)} ({label} {figures[name]:.3f})"
        axes.plot(curve[x], curve[y], color=colour, linewidth=width, label=legend)
    axes.set_xlabel(x.replace("_", " "))
    axes.set_ylabel(y.replace("_", " "))
    axes.set_aspect("equal")


def roc_curves(roc: pd.DataFrame, areas: dict[str, float]) -> Figure:
    """One curve per class against all others.

    Args:
        roc: `class`, `false_positive_rate`, `true_positive_rate`; a row per threshold.
        areas: Area under the curve by class.
    """
    with _canvas(_title("ROC curves", areas), 5.4, 5.2) as (figure, axes):
        _class_curves(axes, roc, "false_positive_rate", "true_positive_rate", areas, "area")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance (area 0.500)")
        axes.legend(loc="lower right")
    return figure


def precision_recall_curves(curves: pd.DataFrame, averages: dict[str, float]) -> Figure:
    """One curve per class against all others.

    Args:
        curves: `class`, `recall`, `precision`; a row per threshold.
        averages: Average precision by class.
    """
    with _canvas(_title("Precision and recall", averages), 5.4, 5.2) as (figure, axes):
        _class_curves(axes, curves, "recall", "precision", averages, "average")
        axes.set_ylim(-0.05, 1.05)
        if averages:
            axes.legend(loc="lower left")
    return figure


def calibration(table: pd.DataFrame, claim: str) -> Figure:
    """A point per range of probabilities, larger with more rows; the diagonal is right.

    Args:
        table: `probability`, `share_so`, `rows`; a row per range.
        claim: What the probability is of.
    """
    with _canvas("Calibration: is 80% sure right 80% of the time?", 5.4, 5.2) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="as sure as right")
        sizes = 30 + 300 * table["rows"] / table["rows"].sum()
        axes.plot(table["probability"], table["share_so"], color=BLUE, linewidth=1)
        axes.scatter(
            table["probability"], table["share_so"], s=sizes, color=BLUE, label="test rows"
        )
        axes.set_xlabel(f"probability of {claim}")
        axes.set_ylabel(f"share of {claim}")
        axes.set_xlim(-0.05, 1.05)
        axes.set_ylim(-0.05, 1.05)
        axes.set_aspect("equal")
        axes.legend(loc="best", markerscale=0.5)
    return figure


def training_sizes(table: pd.DataFrame, metric: str, candidate: str) -> Figure:
    """The score over the number of rows learnt from, its mean over the folds and their spread.

    Args:
        table: `rows`, `fold`, `train`, `validation`.
        metric: What the scores are called.
        candidate: What was trained.
    """
    title = f"Would more rows help? {candidate} trained on a part"
    with _canvas(title) as (figure, axes):
        for column, colour, label in (
            ("train", BLUE, "rows learnt from"),
            ("validation", ORANGE, "rows held out"),
        ):
            by_rows = table.groupby("rows")[column]
            mean, spread = by_rows.mean(), by_rows.std(ddof=0)
            axes.plot(mean.index, mean, color=colour, marker="o", label=label)
            axes.fill_between(
                mean.index, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0
            )
        axes.set_xlabel("rows learnt from")
        axes.set_ylabel(metric.replace("_", " "))
        axes.legend()
    return figure


def importance(table: pd.DataFrame, metric: str, most: int = 15) -> Figure:
    """A bar per feature, the most important on top.

    Args:
        table: `feature`, `loss`, `loss_std`, sorted.
        metric: What gets worse.
        most: Features shown.
    """
    top = table.head(most)[::-1]
    title = "Importance: what shuffling a feature costs"
    with _canvas(title, 6, 1.6 + 0.32 * len(top)) as (figure, axes):
        axes.barh(
            [_abbreviate(name) for name in top["feature"]],
            top["loss"],
            xerr=top["loss_std"],
            color=BLUE,
            ecolor=GREY,
            height=0.6,
        )
        axes.axvline(0, color=GREY, linewidth=1)
        axes.grid(False, axis="y")
        axes.set_xlabel(f"how much worse {metric.replace('_', ' ')} gets on test rows")
    return figure


def mistakes(images: np.ndarray, titles: list[str], columns: int = 6) -> Figure:
    """Images in lines, each with what was predicted and what it is.

    Args:
        images: (n_images, height, width, channels) shades from 0 to 255.
        titles: What stands above each.
        columns: Images per line.
    """
    lines = -(-len(images) // columns)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE | {"axes.grid": False, "axes.titlelocation": "center"})
        figure = Figure(figsize=(1.45 * columns, 0.6 + 1.75 * lines), layout="constrained")
        figure.suptitle("Most confident mistakes on the test rows", x=0.01, ha="left", fontsize=12)
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, image, title in zip(grid.flat, images, titles, strict=False):
            axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
            axes.set_title(title, fontsize=8, pad=4)
    return figure


def learning_curve(history: pd.DataFrame) -> Figure:
    """Training and validation loss of one network by epoch, a thin line per fold.

    Args:
        history: `candidate`, `fold`, `epoch`, `loss`, `val_loss` of one candidate.
    """
    name, folds = history["candidate"].iloc[0], history["fold"].nunique()
    title = f"Learning curve of {name}{', a line per fold' if folds > 1 else ''}"
    with _canvas(title) as (figure, axes):
        for column, colour, label in (
            ("loss", BLUE, "training rows"),
            ("val_loss", ORANGE, "rows watched for early stopping"),
        ):
            for _, fold in history.groupby("fold"):
                axes.plot(fold["epoch"], fold[column], color=colour, linewidth=1, label=label)
                label = "_"
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        losses = history[["loss", "val_loss"]].to_numpy()
        if losses.min() > 0 and losses.max() > 50 * np.median(losses):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.legend()
    return figure


def predicted_against_actual(actual: np.ndarray, predicted: np.ndarray, target: str) -> Figure:
    """A point per row; on the diagonal the prediction is right."""
    with _canvas(f"Predicted against actual {target}, test rows", 5.2, 5) as (figure, axes):
        ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
        axes.plot(ends, ends, color=GREY, linestyle=":")
        axes.scatter(actual, predicted, s=18, color=BLUE, alpha=0.7, linewidths=0)
        axes.set_xlabel(f"actual {target}")
        axes.set_ylabel(f"predicted {target}")
        axes.set_aspect("equal")
    return figure


def residuals(actual: np.ndarray, predicted: np.ndarray, target: str) -> Figure:
    """How far each prediction is off, over the prediction."""
    with _canvas(f"Residuals of {target}, test rows") as (figure, axes):
        axes.axhline(0, color=GREY, linestyle=":")
        axes.scatter(predicted, actual - predicted, s=18, color=BLUE, alpha=0.7, linewidths=0)
        axes.set_xlabel(f"predicted {target}")
        axes.set_ylabel("actual - predicted")
    return figure
