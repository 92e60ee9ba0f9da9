"""The tables behind the figures, which `dvc plots` draws as well."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.inspection import permutation_importance

from ..modeling.metrics import Metric, bin_probabilities
from ..modeling.model import Model
from ..modeling.outcome import Outcome

ROC_COLUMNS = ["class", "false_positive_rate", "true_positive_rate"]
PRECISION_COLUMNS = ["class", "recall", "precision"]
IMPORTANCE_REPEATS, IMPORTANCE_ROWS = 5, 2000


def _one_vs_rest(outcome: Outcome) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """For each class with test rows and others: its name, its rows, its probabilities.

    Of two classes the second one alone, since the first one's curve is its mirror.
    """
    rows = [(place, outcome.actual == place) for place in outcome.positives]
    return [
        (outcome.classes[place], truth, outcome.predicted[:, place])
        for place, truth in rows
        if truth.any() and not truth.all()
    ]


def roc(outcome: Outcome) -> tuple[pd.DataFrame, dict[str, float]]:
    """The points of each class's ROC curve against the rest, and the area under it.

    Returns:
        `class`, `false_positive_rate`, `true_positive_rate`; and the area by class.
    """
    curves, areas = [], {}
    for name, truth, probabilities in _one_vs_rest(outcome):
        false_rate, true_rate, _ = metrics.roc_curve(truth, probabilities)
        curves.append(
            pd.DataFrame(dict(zip(ROC_COLUMNS, (name, false_rate, true_rate), strict=True)))
        )
        areas[name] = float(metrics.auc(false_rate, true_rate))
    return pd.concat(curves) if curves else pd.DataFrame(columns=ROC_COLUMNS), areas


def precision_recall(outcome: Outcome) -> tuple[pd.DataFrame, dict[str, float]]:
    """The points of each class's precision-recall curve, and its average precision.

    Returns:
        `class`, `recall`, `precision`; and the average precision by class.
    """
    curves, averages = [], {}
    for name, truth, probabilities in _one_vs_rest(outcome):
        precision, recall, _ = metrics.precision_recall_curve(
            truth, probabilities, drop_intermediate=True
        )
        curves.append(
            pd.DataFrame(dict(zip(PRECISION_COLUMNS, (name, recall, precision), strict=True)))
        )
        averages[name] = float(metrics.average_precision_score(truth, probabilities))
    return pd.concat(curves) if curves else pd.DataFrame(columns=PRECISION_COLUMNS), averages


def calibration(outcome: Outcome) -> pd.DataFrame:
    """How often what is claimed is so, by the range of its probability; see `Outcome.claims`.

    Returns:
        `probability` (the mean in the range), `share_so` and `rows` of each range with rows.
    """
    probabilities, truth = outcome.claims
    rows = pd.DataFrame({"probability": probabilities, "truth": truth})
    bins = rows.groupby(bin_probabilities(probabilities))
    return pd.DataFrame(
        {
            "probability": bins["probability"].mean(),
            "share_so": bins["truth"].mean(),
            "rows": bins.size(),
        }
    ).reset_index(drop=True)


def mean_history(history: pd.DataFrame) -> pd.DataFrame:
    """The mean loss per candidate and epoch, for as many epochs as every fold has."""
    epochs = history.groupby(["candidate", "epoch"])[["loss", "val_loss"]]
    every_fold = history.groupby("candidate")["fold"].nunique()
    complete = epochs.size().eq(every_fold, level="candidate")
    return epochs.mean()[complete].reset_index()


def importance(model: Model, rows: pd.DataFrame, metric: Metric, seed: int) -> pd.DataFrame:
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
        outcome = Outcome.from_predictions(y.to_numpy(), model.predict(X), contract.classes)
        return metric.score(outcome) * metric.sign

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


def confident_mistakes(outcome: Outcome) -> pd.DataFrame:
    """The wrong decisions, those with the highest probability first.

    Returns:
        `row` (from 0), `actual`, `predicted`, and the `probability` of what was predicted.
    """
    rows = np.flatnonzero(outcome.decisions != outcome.actual)
    classes = np.array(outcome.classes, dtype=object)
    table = pd.DataFrame(
        {
            "row": rows,
            "actual": classes[outcome.actual[rows]],
            "predicted": classes[outcome.decisions[rows]],
            "probability": outcome.predicted[rows].max(axis=1),
        }
    )
    return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
