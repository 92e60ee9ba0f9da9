"""The tables behind the figures, which `dvc plots` draws as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.inspection import permutation_importance

from ..core.sequences import SIGNAL
from ..modeling.metrics import Metric, bin_probabilities
from ..modeling.model import Model
from ..modeling.outcome import Outcome
from ..modeling.signals import join_channels, part_channels

IMPORTANCE_REPEATS, IMPORTANCE_ROWS = 5, 2000


def roc(outcome: Outcome) -> tuple[pd.DataFrame, dict[str, float]]:
    """`class`, `false_positive_rate`, `true_positive_rate`; and the area below, by class."""
    columns = ["false_positive_rate", "true_positive_rate"]
    return _trace_classes(outcome, columns, metrics.roc_curve, metrics.roc_auc_score)


def precision_recall(outcome: Outcome) -> tuple[pd.DataFrame, dict[str, float]]:
    """`class`, `recall`, `precision`; and the average precision by class."""
    points, averages = _trace_classes(
        outcome,
        ["precision", "recall"],
        metrics.precision_recall_curve,
        metrics.average_precision_score,
    )
    return points[["class", "recall", "precision"]], averages


def _trace_classes(
    outcome: Outcome, columns: list[str], curve: Callable[..., Any], merit: Callable[..., Any]
) -> tuple[pd.DataFrame, dict[str, float]]:
    """The points of each class's curve against the rest, and a figure of it.

    Of two classes the second one alone, since the first one's curve is its mirror.
    """
    curves, figures = [], {}
    for place in outcome.positives:
        truth, probabilities = outcome.has(place), outcome.predicted[:, place]
        if truth.any() and not truth.all():
            points = curve(truth, probabilities, drop_intermediate=True)[:2]
            name = outcome.names[place]
            curves.append(pd.DataFrame({"class": name, **dict(zip(columns, points, strict=True))}))
            figures[name] = float(merit(truth, probabilities))
    return pd.concat(curves) if curves else pd.DataFrame(columns=["class", *columns]), figures


def calibration(outcome: Outcome) -> pd.DataFrame:
    """How often what is claimed is so, by the range of its probability; see `Outcome.claims`.

    Returns:
        `probability` (the mean in the range), `share_so` and `rows` of each range with rows.
    """
    probabilities, truth = map(np.ravel, outcome.claims)
    rows = pd.DataFrame({"probability": probabilities, "truth": truth})
    bins = rows.groupby(bin_probabilities(probabilities))
    return bins.agg(
        probability=("probability", "mean"), share_so=("truth", "mean"), rows=("truth", "size")
    ).reset_index(drop=True)


def decision_curve(champion: Outcome, baseline: Outcome) -> pd.DataFrame:
    """What decisions between two classes are worth, by threshold (Vickers and Elkin, 2006).

    The net benefit is the share of rows that are rightly called the second class, minus that of
    false alarms, each of which counts as threshold / (1 - threshold): who acts from 10% on takes
    nine false alarms for a row that is found.

    Returns:
        `threshold`, and the net benefit of `champion`, `baseline`, of calling `all` rows the second
        class, and of calling `none` so.
    """
    thresholds = np.unique(np.concatenate([np.geomspace(0.001, 0.1, 50), np.arange(1, 100) / 100]))
    odds = thresholds / (1 - thresholds)
    benefits = {"threshold": thresholds}
    for name, outcome in (("champion", champion), ("baseline", baseline)):
        is_called = outcome.predicted[:, [1]] >= thresholds
        is_so = outcome.actual == 1
        hits, alarms = (is_called[rows].sum(axis=0) / len(outcome) for rows in (is_so, ~is_so))
        benefits[name] = hits - alarms * odds
    share = (champion.actual == 1).mean()
    return pd.DataFrame(benefits).assign(all=share - (1 - share) * odds, none=0.0)


def mean_history(history: pd.DataFrame) -> pd.DataFrame:
    """The mean loss per candidate and epoch, for as many epochs as every fold has."""
    epochs = history.groupby(["candidate", "epoch"])[["loss", "val_loss"]]
    every_fold = history.groupby("candidate")["fold"].nunique()
    complete = epochs.size().eq(every_fold, level="candidate")
    return epochs.mean()[complete].reset_index()


def importance(model: Model, rows: pd.DataFrame, metric: Metric, seed: int) -> pd.DataFrame:
    """How much worse the metric gets when a feature's values are shuffled (Breiman, 2001).

    Returns:
        `feature`, `loss` (mean over the repeats) and `loss_std`, the most important first; of very
        many rows some are drawn. Of sequences each channel is a feature, its points as they are.
    """
    contract = model.contract
    others = rows.drop(columns=contract.features)
    features = rows[contract.features]
    used = [name for name in model.features if name != contract.exposure]
    if contract.points is not None:
        features = part_channels(features, contract)
        used += contract.columns[SIGNAL].channels if SIGNAL in used else []

    def merit(_: object, X: pd.DataFrame, y: pd.Series) -> float:
        X = X if contract.points is None else join_channels(X, contract)
        return metric.score(model.try_on(others.loc[y.index].join(X))) * metric.sign

    result = permutation_importance(
        model.pipeline,
        features,
        rows[contract.target],
        scoring=merit,
        n_repeats=IMPORTANCE_REPEATS,
        random_state=seed,
        max_samples=min(len(rows), IMPORTANCE_ROWS),
    )
    losses = {"loss": result.importances_mean, "loss_std": result.importances_std}
    table = pd.DataFrame({"feature": [*features], **losses})
    table = table[table["feature"].isin(used)]
    return table.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def largest_errors(outcome: Outcome, most: int) -> pd.DataFrame:
    """`row` (from 0), `actual` and `predicted` of the numbers that are furthest apart."""
    actual, predicted = outcome.actual, outcome.predicted
    rows = np.argsort(-np.abs(actual - predicted), kind="stable")[:most]
    return pd.DataFrame({"row": rows, "actual": actual[rows], "predicted": predicted[rows]})


def worst_labels(outcome: Outcome) -> pd.DataFrame:
    """The rows with the most wrong labels, those first; of equally many the earlier ones.

    Returns:
        `row` (from 0), and the labels of it that are `actual` and `predicted`, as texts.
    """
    wrong = (outcome.decisions != outcome.actual).sum(axis=1)
    rows = np.argsort(-wrong, kind="stable")[: np.count_nonzero(wrong)]
    return pd.DataFrame(
        {
            "row": rows,
            "actual": name_labels(outcome, outcome.actual[rows]),
            "predicted": name_labels(outcome, outcome.decisions[rows]),
        }
    )


def name_labels(outcome: Outcome, matrix: np.ndarray) -> list[str]:
    """The labels of each row of (n_rows, n_labels) zeros and ones, as a text."""
    return [
        ", ".join(outcome.labels[place] for place in np.flatnonzero(labels)) or "none"
        for labels in matrix
    ]


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
            "probability": outcome.predicted[rows, outcome.decisions[rows]],
        }
    )
    return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
