"""Stage 4: measure the champion on the test rows, which no other stage opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import Project
from .data.tables import read_parquet
from .errors import end, exit_status
from .modeling.metrics import classes, interval, primary_metric, probabilities, score
from .params import Params
from .reproducibility.artifacts import (
    replacing_directory,
    write_csv,
    write_json,
    write_png,
    write_text,
)
from .reproducibility.stage import run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

ROC_COLUMNS = ["class", "false_positive_rate", "true_positive_rate"]


def summarise(
    params: Params, actual: np.ndarray, champion: pd.DataFrame, baseline: pd.DataFrame
) -> dict[str, Any]:
    """All metrics of the champion, an interval of the primary one, and the same for the baseline.

    Args:
        params: Names the primary metric and how the interval is made.
        actual: (n_rows,) true classes or values.
        champion: The champion's predictions.
        baseline: The baseline's predictions.
    """
    primary = primary_metric(params.kind, params.train.metric)

    def summary(predictions: pd.DataFrame) -> dict[str, float]:
        low, high = interval(
            primary,
            actual,
            predictions,
            resamples=params.evaluate.resamples,
            confidence=params.evaluate.confidence,
            seed=params.seed,
        )
        bounds = {f"{primary.name}_low": low, f"{primary.name}_high": high}
        return score(params.kind, actual, predictions) | bounds

    return summary(champion) | {"test_rows": len(actual), "baseline": summary(baseline)}


def roc(actual: np.ndarray, predictions: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, float]]:
    """The points of each class's ROC curve against the rest, and the area under it.

    A class without test rows, or with nothing but, has no curve.

    Returns:
        `class`, `false_positive_rate`, `true_positive_rate`; and the area by class.
    """
    import pandas as pd
    from sklearn import metrics

    curves, areas = [], {}
    for name, likely in zip(classes(predictions), probabilities(predictions).T, strict=True):
        positive = actual == name
        if positive.all() or not positive.any():
            continue
        false_rate, true_rate, _ = metrics.roc_curve(positive, likely)
        curve = dict(zip(ROC_COLUMNS, (name, false_rate, true_rate), strict=True))
        curves.append(pd.DataFrame(curve))
        areas[name] = float(metrics.auc(false_rate, true_rate))
    return pd.concat(curves) if curves else pd.DataFrame(columns=ROC_COLUMNS), areas


def mean_curve(history: pd.DataFrame) -> pd.DataFrame:
    """The mean loss per candidate and epoch, for as many epochs as every fold has."""
    epochs = history.groupby(["candidate", "epoch"])[["loss", "val_loss"]]
    every_fold = history.groupby("candidate")["fold"].nunique()
    complete = epochs.size().eq(every_fold, level="candidate")
    return epochs.mean()[complete].reset_index()


def figures(
    params: Params,
    target: str,
    actual: np.ndarray,
    predictions: pd.DataFrame,
    history: pd.DataFrame,
) -> tuple[dict[str, Figure], dict[str, pd.DataFrame]]:
    """The pictures, and the tables that `dvc plots` draws the same things from, by file name."""
    from .modeling import figures as draw

    predicted = predictions["prediction"].to_numpy()
    tables = {
        "predictions": predictions.assign(actual=actual),
        "learning_curve": mean_curve(history),
    }
    if params.kind == "classification":
        tables["roc"], areas = roc(actual, predictions)
        pictures = {
            "confusion_matrix": draw.confusion_matrix(actual, predicted, classes(predictions)),
            "roc_curve": draw.roc_curves(tables["roc"], areas),
        }
    else:
        pictures = {
            "predicted_against_actual": draw.predicted_against_actual(actual, predicted, target),
            "residuals": draw.residuals(actual, predicted, target),
        }
    for name, epochs in history.groupby("candidate"):
        pictures[f"learning_curve_{name}"] = draw.learning_curve(epochs)
    return pictures, tables


def main() -> None:
    """Run the stage in the project around the working directory."""
    import pandas as pd

    from .modeling.card import model_card
    from .modeling.saved import load

    project = Project.find()
    params = project.params()
    champion, baseline = (
        load(project.require(path, "train"), project.name(path))
        for path in (project.champion, project.baseline)
    )
    leaderboard = pd.read_csv(project.require(project.leaderboard, "train"))
    history = pd.read_csv(project.require(project.history, "train"))
    test = read_parquet(project.require(project.test, "preprocess"), project.name(project.test))
    target = champion.contract.target
    actual = test[target].to_numpy()
    predictions = champion.predict(test)

    metrics = summarise(params, actual, predictions, baseline.predict(test))
    pictures, tables = figures(params, target, actual, predictions, history)
    write_json(metrics, project.metrics)
    with replacing_directory(project.figures) as directory:
        for name, figure in pictures.items():
            write_png(figure, directory / f"{name}.png")
    with replacing_directory(project.plots) as directory:
        for name, table in tables.items():
            write_csv(table, directory / f"{name}.csv")
    write_text(
        model_card(params, champion, leaderboard, metrics, list(pictures)), project.model_card
    )
    name = params.train.metric
    print(
        f"evaluate: {champion.candidate} has {name} {metrics[name]:.4f} "
        f"({metrics[f'{name}_low']:.4f} to {metrics[f'{name}_high']:.4f}), the baseline "
        f"{metrics['baseline'][name]:.4f}, on {len(test)} test rows "
        f"-> {project.name(project.metrics)}"
    )


if __name__ == "__main__":
    end(exit_status(lambda: run("evaluate", main)))
