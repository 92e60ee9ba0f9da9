"""Which figures an evaluation has, and the tables that they are drawn from, by file name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..data.contract import FILE, IMAGE
from ..data.images import pixels
from . import curves, figures
from .metrics import Metric, Outcome

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from .saved import SavedModel

MISTAKES_SHOWN = 12


class Gallery(NamedTuple):
    """Figures and tables by file name, without extension."""

    figures: dict[str, Figure]
    tables: dict[str, pd.DataFrame]


def of_classes(found: Outcome) -> Gallery:
    """How well classes are told apart, and how far the probabilities can be trusted."""
    roc, areas = curves.roc(found)
    precision_recall, averages = curves.precision_recall(found)
    calibration = curves.calibration(found)
    claim = found.classes[1] if len(found.classes) == 2 else "the predicted class"
    return Gallery(
        {
            "confusion_matrix": figures.confusion_matrix(found),
            "roc_curve": figures.roc_curves(roc, areas),
            "precision_recall": figures.precision_recall_curves(precision_recall, averages),
            "calibration": figures.calibration(calibration, claim),
        },
        {"roc": roc, "precision_recall": precision_recall, "calibration": calibration},
    )


def of_numbers(found: Outcome, target: str) -> Gallery:
    """How far predicted numbers are off."""
    against = figures.predicted_against_actual(found.actual, found.predicted, target)
    residuals = figures.residuals(found.actual, found.predicted, target)
    return Gallery({"predicted_against_actual": against, "residuals": residuals}, {})


def of_training(
    history: pd.DataFrame, sizes: pd.DataFrame, candidate: str, metric: Metric
) -> Gallery:
    """How the networks learnt, and whether more rows would help the champion.

    Args:
        history: `candidate`, `fold`, `epoch`, `loss`, `val_loss` of every network.
        sizes: `rows`, `fold`, `train`, `validation` of the champion.
        candidate: The champion's name.
        metric: What the sizes were scored by.
    """
    drawn = {
        f"learning_curve_{name}": figures.learning_curve(epochs)
        for name, epochs in history.groupby("candidate")
    }
    if not sizes.empty:
        drawn["training_sizes"] = figures.training_sizes(sizes, metric.name, candidate)
    return Gallery(drawn, {"learning_curve": curves.mean_curve(history), "training_sizes": sizes})


def of_features(model: SavedModel, rows: pd.DataFrame, metric: Metric, seed: int) -> Gallery:
    """What each column of a table contributes."""
    importance = curves.importance(model, rows, metric, seed)
    drawn = {"importance": figures.importance(importance, metric.name)}
    return Gallery(drawn, {"importance": importance})


def of_images(model: SavedModel, rows: pd.DataFrame, found: Outcome) -> Gallery:
    """The images that the model is most surely wrong about."""
    assert model.contract.images is not None
    mistakes = curves.confident_mistakes(found)
    files = rows[FILE].iloc[mistakes["row"]].to_numpy()
    tables = {"mistakes": mistakes.assign(file=files)}
    shown = mistakes.head(MISTAKES_SHOWN)
    if shown.empty:
        return Gallery({}, tables)
    images = pixels(rows[IMAGE].iloc[shown["row"]], model.contract.images.shape)
    titles = [
        f"{line.predicted}, {line.probability:.0%} sure\nis {line.actual}"
        for line in shown.itertuples()
    ]
    return Gallery({"mistakes": figures.mistakes(images, titles)}, tables)
