"""Rows like some others, but without clusters: what is found in them is found in anything.

They are drawn evenly over the box that the rows fill along their principal components, which is the
reference of the gap statistic (Tibshirani et al., 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def draw_structureless(X: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, n_features) rows without clusters, over the box of (n_rows, n_features) numbers."""
    mean = X.mean(axis=0)
    directions = np.linalg.svd(X - mean, full_matrices=False)[2]
    along = (X - mean) @ directions.T
    low, high = along.min(axis=0), along.max(axis=0)
    drawn = np.random.default_rng(seed).uniform(low, high, (count, len(low)))
    rows: np.ndarray = drawn @ directions + mean
    return rows


def judge_structure(
    figure: float | None, interval: list[float] | None, references: Sequence[float]
) -> dict[str, Any]:
    """Whether clusters are better than those that are found in rows without any.

    They are if chance is not enough to explain why they are better than these are in the mean, and
    if they are better than the best of them.

    Args:
        figure: The `stable_silhouette`; None where it is not defined.
        interval: Its ends.
        references: Those of rows without structure, each time that some were drawn.

    Returns:
        `mean` and `highest` of the references, and whether that `is_exceeded`.
    """
    mean, highest = float(np.mean(references)), float(max(references))
    is_exceeded = False
    if figure is not None and interval is not None:
        is_exceeded = interval[0] > mean and figure > highest
    return {"mean": mean, "highest": highest, "is_exceeded": is_exceeded}
