"""Rows like some others, but without clusters: what is found in them is found in anything.

They are drawn evenly over the box that the rows fill along their principal components, which is the
reference of the gap statistic (Tibshirani et al., 2001). Clusters are held against those of many
such draws, as in any Monte Carlo test (Barnard, 1963; Besag and Clifford, 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.decomposition import PCA

DRAWS = 19
"""As many as make it one in twenty that rows without clusters exceed those of all draws."""


@dataclass(frozen=True)
class Box:
    """What rows fill along their principal components."""

    components: PCA
    low: np.ndarray
    """(n_components,) the lowest value of each."""
    high: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray) -> Self:
        """The box of (n_rows, n_features) numbers."""
        components = PCA().fit(X)
        along = components.transform(X)
        return cls(components, along.min(axis=0), along.max(axis=0))

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count, n_features) rows, evenly over the box."""
        along = rng.uniform(self.low, self.high, (count, len(self.low)))
        rows: np.ndarray = self.components.inverse_transform(along)
        return rows


def judge_structure(figure: float | None, references: Sequence[float]) -> dict[str, Any]:
    """Whether clusters are better than all that are found in rows without any.

    Of 19 draws, rows that have no more structure than these exceed all with a probability of 0.05.

    Args:
        figure: The `stable_silhouette`; None where it is not defined.
        references: Those of rows without structure, one of each draw.

    Returns:
        `mean` and `highest` of the references, and whether that `is_exceeded`.
    """
    mean, highest = float(np.mean(references)), float(max(references))
    return {
        "mean": mean,
        "highest": highest,
        "is_exceeded": figure is not None and figure > highest,
    }
