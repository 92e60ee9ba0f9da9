"""The tables behind the figures, which `dvc plots` draws as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.inspection import permutation_importance

from ..modeling.metrics import Metric, Outcome, calibration_bin, outcome

if TYPE_CHECKING:
    from ..modeling.model import SavedModel

ROC_COLUMNS = ["class", "false_positive_rate", "true_positive_rate"]
PRECISION_COLUMNS = ["class", "recall", "precision"]
IMPORTANCE_REPEATS, IMPORTANCE_ROWS = 5, 2000


def _against_the_rest(found: Outcome) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """For each class with test rows and others: its name, its rows, its probabilities.

    Of two classes the second one alone, since the first one's curve is its mirror.
    """
    rows = [(place, found.actual == place) for place in found.judged]
    return [
        (found.classes[place], positive, found.predicted[:, place])
        for place, positive in rows
        if positive.any() and not positive.all()
    ]


def roc(found: Outcome) -> tuple[pd.DataFrame, dict[str, float]]:
    """The points of each class's ROC curve against the rest, and the area under it.

    Returns:
        `class`, `false_positive_rate`, `true_positive_rate`; and the area by class.
    """
    curves, areas = [], {}
    for name, positive, likely in _against_the_rest(found):
        false_rate, true_rate, _ = metrics.roc_curve(positive, likely)
        curves.append(
            pd.DataFrame(dict(zip(ROC_COLUMNS, (name, false_rate, true_rate), strict=True)))
        )
        areas[name] = float(metrics.auc(false_rate, true_rate))
    return pd.concat(curves) if curves else pd.DataFrame(columns=ROC_COLUMNS), areas


def precision_recall(found: Outcome) -> tuple[pd.DataFrame, dict[str, float]]:
    """The points of each class's precision-recall curve, and its average precision.

    Returns:
        `class`, `recall`, `precision`; and the average precision by class.
    """
    curves, averages = [], {}
    for name, positive, likely in _against_the_rest(found):
        precision, recall, _ = metrics.precision_recall_curve(
            positive, likely, drop_intermediate=True
        )
        curves.append(
            pd.DataFrame(dict(zip(PRECISION_COLUMNS, (name, recall, precision), strict=True)))
        )
        averages[name] = float(metrics.average_precision_score(positive, likely))
    return pd.concat(curves) if curves else pd.DataFrame(columns=PRECISION_COLUMNS), averages


def calibration(found: Outcome) -> pd.DataFrame:
    """How often what is claimed is so, by the range of its probability; see `Outcome.claimed`.

    Returns:
        `probability` (the mean in the range), `share_so` and `rows` of each range with rows.
    """
    likely, so = found.claimed
    rows = pd.DataFrame({"probability": likely, "so": so})
    grouped = rows.groupby(calibration_bin(likely))
    return pd.DataFrame(
        {
            "probability": grouped["probability"].mean(),
            "share_so": grouped["so"].mean(),
            "rows": grouped.size(),
        }
    ).reset_index(drop=True)


def mean_curve(history: pd.DataFrame) -> pd.DataFrame:
    """The mean loss per candidate and epoch, for as many epochs as every fold has."""
    epochs = history.groupby(["candidate", "epoch"])[["loss", "val_loss"]]
    every_fold = history.groupby("candidate")["fold"].nunique()
    complete = epochs.size().eq(every_fold, level="candidate")
    return epochs.mean()[complete].reset_index()


def importance(model: SavedModel, rows: pd.DataFrame, metric: Metric, seed: int) -> pd.DataFrame:
    """How much worse the metric gets when a feature's values are shuffled (Breiman, 2001).

    Args:
        model: The model.
        rows: Test rows with the features and the target; of very many some are drawn.
        metric: What to measure.
        seed: Seed of the shuffling.

    Returns:
        `feature`, `loss` (mean over the repeats) and `loss_std`, the most important first.
    """
    contract = model.contract

    def merit(_: object, X: pd.DataFrame, y: pd.Series) -> float:
        found = outcome(y.to_numpy(), model.predict(X), contract.classes)
        return metric.of(found) * metric.sign

    result = permutation_importance(
        model.pipeline,
        rows[contract.features],
        rows[contract.target],
        scoring=merit,
        n_repeats=IMPORTANCE_REPEATS,
        random_state=seed,
        max_samples=min(len(rows), IMPORTANCE_ROWS),
    )
    table = pd.DataFrame(
        {
            "feature": contract.features,
            "loss": result.importances_mean,
            "loss_std": result.importances_std,
        }
    )
    table = table[table["feature"].isin(model.features)]
    return table.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def confident_mistakes(found: Outcome) -> pd.DataFrame:
    """The wrong decisions, those with the highest probability first.

    Returns:
        `row` (from 0), `actual`, `predicted`, and the `probability` of what was predicted.
    """
    rows = np.flatnonzero(found.decided != found.actual)
    classes = np.array(found.classes, dtype=object)
    table = pd.DataFrame(
        {
            "row": rows,
            "actual": classes[found.actual[rows]],
            "predicted": classes[found.decided[rows]],
            "probability": found.predicted[rows].max(axis=1),
        }
    )
    return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
