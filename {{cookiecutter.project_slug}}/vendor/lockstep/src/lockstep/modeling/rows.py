"""The train rows, in memory or too many for it, and fitting candidates on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ..core.contract import Contract
from ..core.params import Params
from ..core.table import Table
from ..data.folds import Fold, is_unrelated
from ..data.sample import sample
from . import from_file


@dataclass(frozen=True)
class TrainRows:
    """The train rows, or a sample of them where they are too many for memory."""

    table: pd.DataFrame
    """Those in memory."""
    file: Table
    """All of them."""
    contract: Contract
    params: Params
    places: np.ndarray
    """(n_rows,) where those in memory are in the file, from 0."""

    @property
    def X(self) -> pd.DataFrame:  # noqa: N802 - the field's name
        """(n_rows, n_features) features of the rows in memory."""
        return self.table[self.contract.features]

    @property
    def y(self) -> np.ndarray:
        """(n_rows,) labels or targets of the rows in memory."""
        return self.table[self.contract.target].to_numpy()

    @property
    def whole(self) -> bool:
        """Whether all rows are in memory."""
        return len(self.table) == len(self.file)

    def samples(self, pipeline: Pipeline) -> bool:
        """Whether a candidate learns from the rows in memory although there are more."""
        return not self.whole and not from_file.learns_in_batches(pipeline[-1])

    def fit(self, pipeline: Pipeline, fold: Fold | None = None) -> Pipeline:
        """Fit a clone of `pipeline` on all rows that it can take, or on those a fold leaves it.

        Args:
            pipeline: Features and estimator.
            fold: Of the rows in memory; what it is tried on, or equals that, is not learnt from.
        """
        learnt = np.arange(len(self.table)) if fold is None else fold[0]
        if self.whole or self.samples(pipeline):
            return clone(pipeline).fit(self.X.iloc[learnt], self.y[learnt])
        allowed = (
            np.ones(len(self.file), dtype=bool)
            if fold is None
            else is_unrelated(self.table.iloc[fold[1]], self.file.batches, self.contract, self.params)
        )
        return from_file.fit(
            pipeline,
            self.table.iloc[learnt],
            self.places[learnt],
            self.file,
            allowed,
            self.contract,
        )


def train_rows(file: Table, contract: Contract, params: Params) -> TrainRows:
    """All rows of the file or, above `train.max_rows_in_memory`, a seeded sample of so many.

    Of a classification, each class keeps its share.
    """
    strata = contract.target if params.kind == "classification" else None
    table, places = sample(file, strata, params.train.max_rows_in_memory, params.seed)
    return TrainRows(table, file, contract, params, places)
