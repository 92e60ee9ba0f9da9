"""Which figures an evaluation has, with captions, and the tables that they are drawn from."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from ..core.contract import FILE, IMAGE, Contract
from ..core.examples import STEP
from ..data.pixels import pixels
from ..modeling.metrics import Metric
from ..modeling.model import Model
from ..modeling.outcome import Outcome
from . import curves, figures
from .dependence import partial_dependence

MOST_MISTAKES, MOST_PANELS = 12, 4
"""Images in a figure, and features."""


class Picture(NamedTuple):
    """A figure, and what it shows in a sentence."""

    figure: Figure
    caption: str


class Gallery(NamedTuple):
    """Pictures and tables by file name, without extension."""

    pictures: dict[str, Picture]
    tables: dict[str, pd.DataFrame]


def join(*parts: Gallery) -> Gallery:
    """All their pictures and tables, in their order."""
    return Gallery(
        {name: each for part in parts for name, each in part.pictures.items()},
        {name: each for part in parts for name, each in part.tables.items()},
    )


def show_classes(outcome: Outcome) -> Gallery:
    """How well classes are told apart, and how far the probabilities can be trusted."""
    roc, areas = curves.roc(outcome)
    precision_recall, averages = curves.precision_recall(outcome)
    calibration = curves.calibration(outcome)
    are_two = len(outcome.classes) == 2
    claim = outcome.classes[1] if are_two else "the predicted class"
    return Gallery(
        {
            "confusion_matrix": Picture(
                figures.confusion_matrix(outcome),
                "Test rows by what they are and what was predicted; on the diagonal both agree."
                + (
                    f" {outcome.classes[1]} is predicted from a probability of "
                    f"{outcome.threshold:.3g} on."
                    if are_two and outcome.threshold is not None
                    else ""
                ),
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


def show_decisions(outcome: Outcome, baseline: Outcome) -> Gallery:
    """What it is worth to decide between two classes by the model."""
    table, claim = curves.decision_curve(outcome, baseline), outcome.classes[1]
    threshold = 0.5 if outcome.threshold is None else outcome.threshold
    # No row is called so from above its highest probability on.
    most = min(0.99, 1.05 * max(threshold, outcome.predicted[:, 1].max()))
    picture = Picture(
        figures.decision_curve(table, claim, threshold, most),
        f"What deciding by the model is worth, beside calling all rows {claim} or none: rows "
        "found, less false alarms as the threshold weighs them. Where the champion's line is on "
        "top, deciding by it is best.",
    )
    return Gallery({"decision_curve": picture}, {"decision_curve": table})


def show_intervals(outcome: Outcome, target: str, coverage: float) -> Gallery:
    """How wide the intervals of numbers are, and how often they hold what is so."""
    picture = Picture(
        figures.prediction_intervals(outcome, target, coverage),
        f"Predicted {target} with its interval, over the actual one: an interval holds it where it "
        f"crosses the dotted line, as {outcome.is_held.mean():.1%} of the test rows' do.",
    )
    return Gallery({"prediction_intervals": picture}, {})


def show_numbers(outcome: Outcome, target: str) -> Gallery:
    """How far predicted numbers are off."""
    comparison = Picture(
        figures.predicted_against_actual(outcome.actual, outcome.predicted, target),
        f"Predicted over actual {target} of each test row; on the dotted line both are the same.",
    )
    residuals = Picture(
        figures.residuals(outcome.actual, outcome.predicted, target),
        f"How far the prediction of {target} is off for each test row, over what was predicted.",
    )
    return Gallery({"predicted_against_actual": comparison, "residuals": residuals}, {})


def show_training(
    history: pd.DataFrame, sizes: pd.DataFrame, candidate: str, metric: Metric
) -> Gallery:
    """How the networks learnt, and whether more rows would help the champion."""
    pictures = {
        f"learning_curve_{name}": Picture(
            figures.learning_curve(epochs),
            f"Loss of {name} by epoch, on the rows it learns from and on those that stop it early.",
        )
        for name, epochs in history.groupby("candidate")
    }
    if not sizes.empty:
        pictures["training_sizes"] = Picture(
            figures.training_sizes(sizes, metric.name, candidate),
            f"{metric.name} of {candidate} over the number of rows learnt from: where the curve of "
            "the rows held out still gets better at its end, more rows would help.",
        )
    tables = {"learning_curve": curves.mean_history(history), "training_sizes": sizes}
    return Gallery(pictures, tables)


def show_features(model: Model, rows: pd.DataFrame, metric: Metric, seed: int) -> Gallery:
    """What each column of a table contributes, and how predictions change with the leading ones."""
    importance = curves.importance(model, rows, metric, seed)
    what = "values of one feature"
    if model.contract.points is not None:
        what = "whole signals of one channel, or the values of one feature,"
    picture = Picture(
        figures.importance(importance, metric.name),
        f"How much worse {metric.name} gets when the {what} are shuffled.",
    )
    alone = Gallery({"importance": picture}, {"importance": importance})
    leading = importance.loc[importance["loss"] > 0, "feature"]
    leading = leading[leading.isin(_list_single(model.contract))].head(MOST_PANELS)
    if leading.empty:
        return alone
    classes = model.contract.classes
    what = f"predicted {model.contract.target}"
    if model.contract.labels:
        what = "probability"
    if classes:
        what = f"probability of {classes[1]}" if len(classes) == 2 else "probability"
    dependence = partial_dependence(model, rows, list(leading), seed)
    picture = Picture(
        figures.partial_dependence(dependence, f"mean {what}"),
        f"The mean {what} if all rows had the same value of a feature, the others as they are; a "
        "line has a point for every twentieth of the rows. It shows what the model does, not what "
        "causes the outcome.",
    )
    return join(alone, Gallery({"partial_dependence": picture}, {"partial_dependence": dependence}))


def _list_single(contract: Contract) -> list[str]:
    """The features that one value for all rows can be thought of."""
    columns = contract.features_only()
    many = ("image", "sequence", "text")
    single = [name for name, column in columns.items() if column.type not in many]
    if contract.forecasts:  # another time or step would not go with the past as it is
        single = [name for name in single if name not in (contract.time, STEP)]
    return single


def show_mistakes(model: Model, rows: pd.DataFrame, outcome: Outcome) -> Gallery:
    """The images that the model is most surely, or most, wrong about."""
    assert model.contract.images is not None
    if outcome.classes:
        mistakes = curves.confident_mistakes(outcome)
        head, which = "Most confident mistakes", "that the champion is most surely wrong about"
    elif outcome.labels:
        mistakes = curves.worst_labels(outcome)
        head, which = "Most wrong labels", "of which the champion gets the most labels wrong"
    else:
        mistakes = curves.largest_errors(outcome, len(outcome.actual))
        head, which = "Largest errors", "that the champion is furthest off about"
    tables = {"mistakes": mistakes.assign(file=rows[FILE].iloc[mistakes["row"]].to_numpy())}
    top = mistakes.head(MOST_MISTAKES)
    if top.empty:
        return Gallery({}, tables)
    images = pixels(rows[IMAGE].iloc[top["row"]], model.contract.images.shape)
    titles = [_title_mistake(outcome, line) for line in top.to_dict("records")]
    picture = Picture(
        figures.mistakes(images, titles, head),
        f"The {name_some(len(titles), 'test image')} {which}.",
    )
    return Gallery({"mistakes": picture}, tables)


def name_some(count: int, noun: str) -> str:
    """So many things: `test image` where there is one, else such as `2 test images`."""
    return noun if count == 1 else f"{count} {noun}s"


def _title_mistake(outcome: Outcome, line: dict[Hashable, Any]) -> str:
    actual, predicted = line["actual"], line["predicted"]
    if outcome.classes:
        return f"{predicted}, {line['probability']:.0%} sure\nis {actual}"
    if outcome.labels:
        return f"{figures.abbreviate(predicted)}\nis {figures.abbreviate(actual)}"
    return f"{predicted:.4g}\nis {actual:.4g}"
