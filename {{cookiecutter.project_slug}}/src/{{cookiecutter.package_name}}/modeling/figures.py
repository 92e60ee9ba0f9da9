"""Pictures of how a model does; each function draws one figure and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY = "#1f5f99", "#d9730d", "#8a8f98"
STYLE = {
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


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: list[str]) -> Figure:
    """Rows per pair of true and predicted class, shaded by their share of the true class."""
    from sklearn import metrics

    counts = metrics.confusion_matrix(actual, predicted, labels=classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(4.5, 0.6 * len(classes) + 2)
    with _canvas("Confusion matrix of the test rows", size + 0.9, size - 0.2) as (figure, axes):
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        ticks = range(len(classes))
        axes.set_xticks(ticks, classes, rotation=45 if len(classes) > 4 else 0)
        axes.set_yticks(ticks, classes)
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
        figure.colorbar(image, ax=axes, label="share of the actual class", shrink=0.8)
    return figure


def roc_curves(roc: pd.DataFrame, areas: dict[str, float]) -> Figure:
    """One curve per class against all others.

    Args:
        roc: `class`, `false_positive_rate`, `true_positive_rate`; a row per threshold.
        areas: Area under the curve by class.
    """
    with _canvas("ROC curves, each class against the rest", 5.4, 5.2) as (figure, axes):
        colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(areas)))
        # Perfect curves coincide: earlier ones are drawn wider, so that each stays visible.
        widths = np.linspace(5, 1.8, len(areas))
        for (name, area), colour, width in zip(areas.items(), colours, widths, strict=True):
            curve = roc[roc["class"] == name]
            axes.plot(
                curve["false_positive_rate"],
                curve["true_positive_rate"],
                color=colour,
                linewidth=width,
                label=f"{name} (area {area:.3f})",
            )
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance (area 0.500)")
        axes.set_xlabel("false positive rate")
        axes.set_ylabel("true positive rate")
        axes.set_aspect("equal")
        axes.legend(loc="lower right")
    return figure


def learning_curve(history: pd.DataFrame) -> Figure:
    """Training and validation loss of one network by epoch, a thin line per fold.

    Args:
        history: `candidate`, `fold`, `epoch`, `loss`, `val_loss` of one candidate.
    """
    name = history["candidate"].iloc[0]
    with _canvas(f"Learning curve of {name}, a line per fold") as (figure, axes):
        for column, colour, label in (
            ("loss", BLUE, "training rows"),
            ("val_loss", ORANGE, "rows watched for early stopping"),
        ):
            for _, fold in history.groupby("fold"):
                axes.plot(fold["epoch"], fold[column], color=colour, linewidth=1, label=label)
                label = "_"
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
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
