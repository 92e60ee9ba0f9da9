"""Fitting a candidate that learns batch by batch on a file of more rows than fit into memory.

A sample of its rows is in memory. The features are fitted on that, and early stopping watches a
part of it; the network learns from all other rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone

from ..core.batches import prefetch
from ..core.contract import Contract
from ..core.table import Table

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ROWS_IN_BLOCK = 2**10
BLOCKS_MIXED = 2**7
"""Blocks whose rows are shuffled together; they come from anywhere, since neighbours are alike."""


def learns_in_batches(estimator: BaseEstimator) -> bool:
    """Whether a candidate can learn from a file; any other needs its rows in memory."""
    return hasattr(estimator, "fit_batches")


class Matrix:
    """(n_rows, n_columns) numbers in a file that is gone with this object, or with the process."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self.file = TemporaryFile(dir=folder, prefix=".matrix.", suffix=".tmp")  # noqa: SIM115
        self.dtype = np.dtype(dtype)
        self.rows, self.columns = 0, 1

    def append(self, numbers: np.ndarray) -> None:
        """Write (n_rows, n_columns) further numbers below the others."""
        self.rows += len(numbers)
        self.columns = numbers.shape[1]
        self.file.write(np.ascontiguousarray(numbers, dtype=self.dtype).data)

    def block(self, number: int) -> np.ndarray:
        """(ROWS_IN_BLOCK, n_columns) numbers, or fewer in the last block."""
        size = ROWS_IN_BLOCK * self.columns * self.dtype.itemsize
        self.file.seek(number * size)
        return np.frombuffer(self.file.read(size), dtype=self.dtype).reshape(-1, self.columns)

    @property
    def blocks(self) -> int:
        """How many there are."""
        return ceil(self.rows / ROWS_IN_BLOCK)


class Learnable:
    """Those rows of a file that may be learnt from, transformed once and kept as numbers on disk.

    Args:
        rows: The file.
        contract: Names the columns.
        allowed: (n_rows,) whether each row of the file may be learnt from.
        features: The fitted transformer.
        first: (n_rows, n_features) numbers of further rows and their (n_rows,) labels or targets.
    """

    def __init__(
        self,
        rows: Table,
        contract: Contract,
        allowed: np.ndarray,
        features: TransformerMixin,
        first: tuple[np.ndarray, pd.Series],
    ) -> None:
        self.labels = np.array(contract.classes, dtype="object") if contract.classes else None
        folder = rows.path.parent
        self.X, self.y = Matrix(folder, "float32"), Matrix(folder, "float64")
        self._append(*first)
        above = 0
        for batch in prefetch(rows.batches([*contract.features, contract.target])):
            own = batch[allowed[above : above + len(batch)]]
            above += len(batch)
            if len(own):
                self._append(features.transform(own[contract.features]), own[contract.target])

    def _append(self, X: np.ndarray, y: pd.Series) -> None:
        self.X.append(np.asarray(X))
        self.y.append(self._as_numbers(y)[:, np.newaxis])

    def _as_numbers(self, y: pd.Series) -> np.ndarray:
        if self.labels is None:
            return y.to_numpy(dtype="float64")
        places: np.ndarray = pd.Index(self.labels).get_indexer(y)
        return places

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for matrix in (self.X, self.y):
            matrix.file.close()

    def __len__(self) -> int:
        return self.X.rows

    def targets(self) -> Iterator[np.ndarray]:
        """(n_rows,) places in `labels`, or targets, block by block."""
        for number in range(self.y.blocks):
            yield self.y.block(number)[:, 0]

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(n_rows, n_features) numbers, and places in `labels` or targets, in another order."""
        order = rng.permutation(self.X.blocks)
        for start in range(0, len(order), BLOCKS_MIXED):
            X, y = (
                np.concatenate([of.block(number) for number in order[start : start + BLOCKS_MIXED]])
                for of in (self.X, self.y)
            )
            mixed = rng.permutation(len(X))
            yield X[mixed], y[mixed, 0]


def fit(
    pipeline: Pipeline,
    sample: pd.DataFrame,
    places: np.ndarray,
    rows: Table,
    allowed: np.ndarray,
    contract: Contract,
) -> Pipeline:
    """Fit a clone of `pipeline` on a file.

    Args:
        pipeline: Features, and an estimator with `fit_batches`.
        sample: (n_sampled, n_columns) rows of the file that are in memory.
        places: (n_sampled,) where each is in the file.
        rows: The file.
        allowed: (n_rows,) whether each row of the file may be learnt from.
        contract: Names the columns.
    """
    fitted = clone(pipeline)
    features, estimator = fitted[0], fitted[-1]
    y = sample[contract.target]
    # Of the sample, a step such as target_encode makes other numbers than of rows it has not met.
    numbers = np.asarray(features.fit_transform(sample[contract.features], y.to_numpy()))
    learnt, watched = estimator.watched_apart(y.to_numpy())
    others = allowed.copy()
    others[places] = False
    first = numbers[learnt], y.iloc[learnt]
    with Learnable(rows, contract, others, features, first) as learnable:
        estimator.fit_batches(learnable, numbers[watched], y.to_numpy()[watched])
    return fitted
