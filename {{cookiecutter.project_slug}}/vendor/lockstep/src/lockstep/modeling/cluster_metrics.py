"""How good clusters are where nobody knows the true ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .adjusted_rand import adjusted_rand
from .outcome import PART, SILHOUETTE, Outcome
from .ratios import ratio


def judge(agreement: np.ndarray, silhouette: np.ndarray) -> np.ndarray:
    """How well clusters are told apart, and found again: the product of both.

    Clusters that agree less than by chance do not agree at all.
    """
    scores: np.ndarray = np.maximum(agreement, 0) * silhouette
    return scores


def stable_silhouette(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """How far apart the clusters lie, times how well other rows find the same ones.

    It is the product of `silhouette` and `agreement`, where that is above 0.
    """
    return judge(agreement(outcome, weights), silhouette(outcome, weights))


def silhouette(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """How much nearer a row lies to those of its cluster than to those of the next one.

    The mean silhouette (Rousseeuw, 1987): 1 of clusters that are points, 0 where they run into each
    other.
    """
    silhouettes = _table(outcome)[SILHOUETTE].to_numpy("float64")
    return ratio(weights @ silhouettes, weights.sum(axis=1))


def agreement(outcome: Outcome, weights: np.ndarray) -> np.ndarray:
    """Whether the same rows are together as in clusters that are found in the held-out rows alone.

    The adjusted Rand index (Hubert and Arabie, 1985): 1 if all are, 0 as by chance. Rows that are
    too few to find clusters in do not count.
    """
    parts, is_known = _table(outcome)[PART].to_numpy(), outcome.actual >= 0
    total, rows = np.zeros(len(weights)), np.zeros(len(weights))
    for part in np.unique(parts[is_known]):
        own = is_known & (parts == part)
        indices = adjusted_rand(outcome.actual[own], outcome.predicted[own], weights[:, own])
        indices *= np.ptp(outcome.predicted[own]) > 0  # a single cluster tells nothing apart
        counts = np.where(np.isnan(indices), 0, weights[:, own].sum(axis=1))
        total += np.nan_to_num(indices) * counts
        rows += counts
    return ratio(total, rows)


def _table(outcome: Outcome) -> pd.DataFrame:
    assert outcome.clusters is not None
    return outcome.clusters
