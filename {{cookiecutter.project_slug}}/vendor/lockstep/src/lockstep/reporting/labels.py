"""How well each of several labels is predicted, and which of them come together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ..modeling.intervals import find_share_interval
from ..modeling.metrics import average_precision, f1_macro, roc_auc
from ..modeling.outcome import EVEN, Outcome

LABEL_FIGURES = {
    "f1": f1_macro,
    "average_precision": average_precision,
    "roc_auc": roc_auc,
}
"""Metrics that are of a single label, too."""


def measure_labels(outcome: Outcome, confidence: float) -> list[dict[str, Any]]:
    """How each label is told: precision and recall with Wilson's intervals (1927), and the rest.

    Rows of a group may be alike, so that they count as one in an interval.

    Returns:
        Of each label its name as `label`, the `threshold`, in how many `rows` it is and in how many
        it is `predicted`, and the figures; None where one is not defined.
    """
    weights, thresholds = np.ones((1, len(outcome))), outcome.thresholds
    lines = []
    for place, label in enumerate(outcome.labels):
        one, truth, decision = outcome.take_labels([place]), outcome.has(place), outcome.says(place)
        line: dict[str, Any] = {
            "label": label,
            "threshold": EVEN if thresholds is None else thresholds[place],
            "rows": int(truth.sum()),
            "predicted": int(decision.sum()),
        }
        for name, among in (("precision", decision), ("recall", truth)):
            line |= _measure_share(name, truth & decision, among, outcome.groups, confidence)
        figures = {name: float(measure(one, weights)[0]) for name, measure in LABEL_FIGURES.items()}
        line |= {name: None if np.isnan(figure) else figure for name, figure in figures.items()}
        lines.append(line)
    return lines


def _measure_share(
    name: str, hits: np.ndarray, among: np.ndarray, groups: np.ndarray | None, confidence: float
) -> dict[str, Any]:
    """The share of some rows that are hits, and its interval."""
    key = f"{name}_interval"
    if not among.any():
        return {name: None, key: None}
    share = float(hits.sum() / among.sum())
    count = int(among.sum()) if groups is None else len(np.unique(groups[among]))
    return {name: share, key: [*find_share_interval(share, count, ndtri((1 + confidence) / 2))]}


def count_together(matrix: np.ndarray) -> np.ndarray:
    """(n_labels, n_labels) the share of the rows with one label, by line, that have another one.

    Args:
        matrix: (n_rows, n_labels) 1 where a row has a label, else 0.
    """
    counts = matrix.T @ matrix
    own = np.diag(counts)[:, np.newaxis]
    shares: np.ndarray = np.divide(counts, own, out=np.full(counts.shape, np.nan), where=own > 0)
    return shares


def tabulate_together(outcome: Outcome) -> pd.DataFrame:
    """`label`, `other`, and how often the latter comes where the former is: actual, predicted."""
    pairs = pd.MultiIndex.from_product([outcome.labels] * 2, names=["label", "other"])
    columns = {
        "actual": count_together(outcome.actual).ravel(),
        "predicted": count_together(outcome.decisions).ravel(),
    }
    return pd.DataFrame(columns, index=pairs).reset_index()


def list_frequent(outcome: Outcome, most: int) -> np.ndarray:
    """The places of so many labels that most rows have, in their order."""
    order = np.argsort(-outcome.actual.sum(axis=0), kind="stable")
    return np.sort(order[:most])
