"""Fitting a candidate that learns batch by batch on a file of more rows than fit into memory.

A sample of its rows is in memory. The features are fitted on that, and early stopping watches a
part of it while the network learns from all other rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from ..core.batches import prefetch
from ..core.contract import Contract
from ..core.params import Params
from ..core.table import Table
from ..data.folds import make_filter
from ..data.split import IsOnSide
from .exposure import WEIGHT, weigh_rows
from .series import encode_target

ROWS_IN_BLOCK = 2**10
BLOCKS_MIXED = 2**7
"""Blocks whose rows are shuffled together; they come from anywhere, since neighbours are alike."""
Targets: TypeAlias = "np.ndarray | pd.Categorical[str]"
"""Numbers, or labels as codes, which are looked up once for each class."""


def learns_in_batches(estimator: BaseEstimator) -> bool:
    """Whether a candidate can learn from a file; any other needs its rows in memory."""
    return hasattr(estimator, "fit_batches")


def fit_on_table(
    pipeline: Pipeline,
    sample: pd.DataFrame,
    places: np.ndarray,
    table: Table,
    is_allowed: IsOnSide,
    contract: Contract,
    params: Params,
) -> Pipeline:
    """Fit a clone of `pipeline` on a file.

    In memory are the rows `sample`, which stand at (n_sampled,) `places` in the file. Learnt from
    are they and those of its other rows that `is_allowed` admits; while some of the sample are
    watched, none that are related to these.
    """
    fitted = clone(pipeline)
    features, estimator = fitted[0], fitted[-1]
    y = encode_target(sample, contract)
    # Of the sample, a step such as target_encode makes other numbers than of rows it has not met.
    X = np.asarray(features.fit_transform(sample[contract.features], y))
    learn, watch = estimator.hold_out(y)
    is_other = np.ones(len(table), dtype=bool)
    is_other[places] = False
    may_be_learnt = make_filter(sample.iloc[watch], contract, params)
    is_learnt = [np.isin(np.arange(len(y)), learn)]
    with NumbersOnDisk(table.path.parent, contract.classes) as rows:
        weights = weigh_rows(estimator, sample, contract)
        rows.append(X, y, weights)
        above = 0
        for batch in prefetch(table.batches()):
            own = batch[is_other[above : above + len(batch)] & is_allowed(batch)]
            above += len(batch)
            if len(own):
                numbers = np.asarray(features.transform(own[contract.features]))
                weights_of_own = weigh_rows(estimator, own, contract, sample)
                rows.append(numbers, encode_target(own, contract), weights_of_own)
                is_learnt.append(may_be_learnt(own))
        options = {} if weights is None else {WEIGHT: weights[watch]}
        learnt = rows.select(np.concatenate(is_learnt))
        estimator.fit_batches(rows, learnt, X[watch], y[watch], **options)
    return fitted


class NumbersOnDisk:
    """Features as numbers, and targets, kept on disk and read back in any order.

    Labels are any of `classes`, of which a regression has none.
    """

    def __init__(self, folder: Path, classes: list[str]) -> None:
        self.labels = pd.Index(classes) if classes else None
        self.X, self.y = Matrix(folder, "float32"), Matrix(folder, "float64")
        self.weights = Matrix(folder, "float32")
        self.is_selected: np.ndarray | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for matrix in (self.X, self.y, self.weights):
            matrix.file.close()

    def __len__(self) -> int:
        return self.X.rows if self.is_selected is None else int(self.is_selected.sum())

    def select(self, is_selected: np.ndarray) -> NumbersOnDisk:
        """Those of the rows where (n_rows,) `is_selected`, in the same files."""
        selection = copy(self)
        selection.is_selected = is_selected
        return selection

    def append(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Keep (n_rows, n_features) further numbers and their (n_rows,) labels or targets.

        There may be (n_rows, n_targets) of these. Rows count (n_rows,) `weights`, or 1 each.
        """
        numbers = y if self.labels is None else self.labels.get_indexer(pd.Index(y))
        self.X.append(X)
        self.y.append(numbers.reshape(len(X), -1))
        self.weights.append(np.ones((len(X), 1)) if weights is None else weights.reshape(-1, 1))

    def targets(self) -> Iterator[Targets]:
        """(n_rows,) labels or targets, block by block."""
        for number in range(self.y.blocks):
            numbers = np.array([number])
            yield self._decode(self.y.read(numbers)[self._find_places(numbers)])

    def shuffle(self, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, Targets, np.ndarray]]:
        """(n_rows, n_features) numbers, (n_rows,) labels or targets and weights, in another
        order."""
        blocks = rng.permutation(self.X.blocks)
        for start in range(0, len(blocks), BLOCKS_MIXED):
            numbers = blocks[start : start + BLOCKS_MIXED]
            places = rng.permutation(self._find_places(numbers))
            # It copies rows whole, in a third of the time that an index takes.
            X, y, weights = (
                matrix.read(numbers).take(places, axis=0)
                for matrix in (self.X, self.y, self.weights)
            )
            yield X, self._decode(y), weights[:, 0]

    def _find_places(self, numbers: np.ndarray) -> np.ndarray:
        """Where the selected rows are among those of some blocks."""
        rows = (numbers[:, np.newaxis] * ROWS_IN_BLOCK + np.arange(ROWS_IN_BLOCK)).ravel()
        rows = rows[rows < self.X.rows]
        selected = np.arange(len(rows))
        return selected if self.is_selected is None else selected[self.is_selected[rows]]

    def _decode(self, y: np.ndarray) -> Targets:
        if self.labels is not None:
            return pd.Categorical.from_codes(y[:, 0].astype(int), self.labels)
        return y[:, 0] if y.shape[1] == 1 else y


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

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """(n_rows, n_columns) numbers of the blocks (n_blocks,) `numbers`, below each other."""
        starts = numbers * ROWS_IN_BLOCK
        sizes = np.minimum(ROWS_IN_BLOCK, self.rows - starts)
        rows = np.empty((sizes.sum(), self.columns), self.dtype)
        for start, end, size in zip(starts, sizes.cumsum(), sizes, strict=True):
            self.file.seek(int(start) * self.columns * self.dtype.itemsize)
            self.file.readinto(rows[end - size : end].data)
        return rows

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return ceil(self.rows / ROWS_IN_BLOCK)
