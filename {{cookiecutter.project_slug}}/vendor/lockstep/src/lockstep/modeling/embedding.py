"""A few numbers that stand for an image, so that images can be watched as columns are.

They are projections of what the model makes of an image before it decides: what the last layer of
a network takes in, or the numbers that another estimator learns from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline

from .networks import Network

MOST_COMPONENTS = 8
MOST_NUMBERS = 4096
"""Of more, neighbours are replaced by their mean."""
ROWS_FITTED, ROWS_AT_ONCE = 4096, 256
DIGITS = 6
DISTANCE = "distance"


@dataclass(frozen=True)
class Embedding:
    """Principal components of what a model makes of an image, and how far it is from the others.

    The distance is Mahalanobis' for the normal distribution of probabilistic principal components
    (Tipping and Bishop, 1999), in which what the components leave has one variance everywhere.
    """

    mean: np.ndarray
    """(n_numbers,)"""
    components: np.ndarray
    """(n_components, n_numbers), of length 1."""
    variances: np.ndarray
    """(n_components,) of the train images along each."""
    noise: float
    """Their variance in each other direction."""

    @property
    def names(self) -> tuple[str, ...]:
        """What its numbers are called."""
        return (*(f"embedding_{place + 1}" for place in range(len(self.variances))), DISTANCE)

    @classmethod
    def fit(cls, pipeline: Pipeline, images: pd.DataFrame) -> Self:
        """The components of (n_rows, 1) images that a fitted pipeline takes, or a part of them."""
        rows = np.unique(np.linspace(0, len(images) - 1, ROWS_FITTED).astype(int))
        numbers = np.concatenate(
            [_find_numbers(pipeline, part) for part in _divide(images.iloc[rows])]
        )
        count = min(MOST_COMPONENTS, *numbers.shape)
        with np.errstate(invalid="ignore"):  # it divides by the variance of all, which may be 0
            pca = PCA(count, svd_solver="randomized", random_state=0).fit(numbers)
        is_used = pca.explained_variance_ > pca.explained_variance_.max() * np.finfo("float32").eps
        return cls(
            _round(pca.mean_),
            _round(pca.components_[is_used]),
            _round(pca.explained_variance_[is_used]),
            float(_round(pca.noise_variance_)),
        )

    @classmethod
    def parse(cls, content: dict[str, Any]) -> Self:
        """What `describe` has made JSON of."""
        components = np.array(content["components"]).reshape(-1, len(content["mean"]))
        return cls(
            np.array(content["mean"]), components, np.array(content["variances"]), content["noise"]
        )

    def describe(self) -> dict[str, Any]:
        """It as JSON has it."""
        return {name: np.asarray(part).tolist() for name, part in vars(self).items()}

    def embed(self, pipeline: Pipeline, images: pd.DataFrame) -> pd.DataFrame:
        """(n_rows, n_components + 1) numbers of images, none of which depends on the others."""
        parts = [self._project(_find_numbers(pipeline, part)) for part in _divide(images)]
        table = np.concatenate([np.empty((0, len(self.names))), *parts])
        return pd.DataFrame(table, images.index, self.names)

    def _project(self, numbers: np.ndarray) -> np.ndarray:
        centred = numbers - self.mean
        # Not by BLAS, whose sums depend on how many rows there are.
        places = np.einsum("ij,kj->ik", centred, self.components)
        rest = np.maximum(np.einsum("ij,ij->i", centred, centred) - (places**2).sum(axis=1), 0)
        squares = (places**2 / self.variances).sum(axis=1) + rest / (self.noise or 1)
        return np.column_stack([places, np.sqrt(squares)])


def _divide(images: pd.DataFrame) -> list[pd.DataFrame]:
    return [images[start : start + ROWS_AT_ONCE] for start in range(0, len(images), ROWS_AT_ONCE)]


def _find_numbers(pipeline: Pipeline, images: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_numbers) what the model decides by."""
    numbers, estimator = pipeline[:-1].transform(images), pipeline[-1]
    if isinstance(estimator, Network):
        numbers = estimator.embed(numbers)
    numbers = np.asarray(numbers, dtype="float64")
    if numbers.shape[1] <= MOST_NUMBERS:
        return numbers
    starts = np.linspace(0, numbers.shape[1], MOST_NUMBERS, endpoint=False).astype(int)
    sums = np.add.reduceat(numbers, starts, axis=1)
    means: np.ndarray = sums / np.diff(starts, append=numbers.shape[1])
    return means


def _round(numbers: Any) -> Any:
    """Numbers of few digits, which keep the file small."""
    return np.vectorize(lambda number: float(f"{number:.{DIGITS}g}"), otypes=["float64"])(numbers)
