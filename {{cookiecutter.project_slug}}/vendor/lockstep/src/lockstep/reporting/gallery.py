"""Which figures an evaluation has, and the tables that they are drawn from, by file name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..core.contract import FILE, IMAGE
from ..data.pixels import pixels
from ..modeling.metrics import Metric, Outcome
from . import curves, figures

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..modeling.model import SavedModel

MISTAKES_SHOWN = 12


class Picture(NamedTuple):
    """A figure, and what it shows in a sentence."""

    figure: Figure
    caption: str


class Gallery(NamedTuple):
    """Pictures and tables by file name, without extension."""

    pictures: dict[str, Picture]
    tables: dict[str, pd.DataFrame]


def of_classes(found: Outcome) -> Gallery:
    """How well classes are told apart, and how far the probabilities can be trusted."""
    roc, areas = curves.roc(found)
    precision_recall, averages = curves.precision_recall(found)
    calibration = curves.calibration(found)
    claim = found.classes[1] if len(found.classes) == 2 else "the predicted class"
    return Gallery(
        {
            "confusion_matrix": Picture(
                figures.confusion_matrix(found),
                "Test rows by what they are and what was predicted; on the diagonal both agree.",
            ),
            "roc_curve": Picture(
                figures.roc_curves(roc, areas),
                "Rows of a class that are found, over false alarms; best is the upper left corner.",
            ),
            "precision_recall": Picture(
                figures.precision_recall_curves(precision_recall, averages),
                "How many of the rows given a class have it, over how many of its rows are found; "
                "best is the upper right corner.",
            ),
            "calibration": Picture(
                figures.calibration(calibration, claim),
                f"How often {claim} is so, over its predicted probability; on the dotted line "
                "probabilities are right.",
            ),
        },
        {"roc": roc, "precision_recall": precision_recall, "calibration": calibration},
    )


def of_numbers(found: Outcome, target: str) -> Gallery:
    """How far predicted numbers are off."""
    against = Picture(
        figures.predicted_against_actual(found.actual, found.predicted, target),
        f"Predicted over actual {target} of each test row; on the dotted line both are the same.",
    )
    residuals = Picture(
        figures.residuals(found.actual, found.predicted, target),
        f"How far the prediction of {target} is off for each test row, over what was predicted.",
    )
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
        f"learning_curve_{name}": Picture(
            figures.learning_curve(epochs),
            f"Loss of {name} by epoch, on the rows it learns from and on those that stop it early.",
        )
        for name, epochs in history.groupby("candidate")
    }
    if not sizes.empty:
        drawn["training_sizes"] = Picture(
            figures.training_sizes(sizes, metric.name, candidate),
            f"{metric.name} of {candidate} over the number of rows learnt from: where the curve of "
            "the rows held out still gets better at its end, more rows would help.",
        )
    return Gallery(drawn, {"learning_curve": curves.mean_curve(history), "training_sizes": sizes})


def of_features(model: SavedModel, rows: pd.DataFrame, metric: Metric, seed: int) -> Gallery:
    """What each column of a table contributes."""
    importance = curves.importance(model, rows, metric, seed)
    picture = Picture(
        figures.importance(importance, metric.name),
        f"How much worse {metric.name} gets when the values of one feature are shuffled.",
    )
    return Gallery({"importance": picture}, {"importance": importance})


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
    picture = Picture(
        figures.mistakes(images, titles),
        f"The {len(titles)} test images that the champion is most surely wrong about.",
    )
    return Gallery({"mistakes": picture}, tables)
