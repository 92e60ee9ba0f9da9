"""The train rows, in memory or too many for it, and fitting candidates on them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ..core.contract import Contract
from ..core.errors import UserError, shorten
from ..core.params import Params
from ..core.project import Project
from ..core.table import Table
from ..data.folds import Fold, make_filter
from ..data.inner_folds import Units, learning_from
from ..data.sample import sample_rows
from ..data.split import IsOnSide
from .exposure import pass_weights, weigh_rows
from .fit_names import naming
from .marginals import Marginals
from .postprocessing import NONE, Postprocessing
from .rows_on_disk import fit_on_table, learns_in_batches
from .series import encode_target

LONGEST_WARNING = 200
"""Signs of what a library says that are passed on."""


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

    @classmethod
    def load(cls, project: Project) -> TrainRows:
        """All train rows or, above `train.max_rows_in_memory`, a seeded sample of so many.

        Of a classification, each class keeps its share.

        Raises:
            UserError: All of them are known anomalies.
        """
        params, contract = project.params, project.examples
        file = project.table(project.train)
        strata = contract.target if params.kind == "classification" else None
        table, places = sample_rows(file, strata, params.train.max_rows_in_memory, params.seed)
        rows = cls(table, file, contract, params, places)
        if not rows.is_learnt.any():
            raise UserError(
                f"references/schema.yaml: target: all train rows are {contract.classes[1]!r}, the "
                "anomaly; what is usual is learnt from the others"
            )
        return rows

    @property
    def X(self) -> pd.DataFrame:  # noqa: N802 - the field's name
        """(n_rows, n_features) features of the rows in memory."""
        return self.table[self.contract.features]

    @property
    def y(self) -> np.ndarray:
        """(n_rows,) or (n_rows, n_labels) what candidates learn of the rows in memory."""
        return encode_target(self.table, self.contract)

    @cached_property
    def is_learnt(self) -> np.ndarray:
        """(n_rows,) whether each of the rows in memory is learnt from: all but known anomalies."""
        return find_learnt(self.table, self.contract)

    @cached_property
    def start(self) -> Postprocessing:
        """What is known of using a candidate before it is tried: of anomalies what is usual."""
        if self.params.kind != "anomalies":
            return NONE
        usual = self.table[self.is_learnt]
        return Postprocessing(marginals=Marginals.fit(usual, self.contract, self.params.seed))

    @cached_property
    def units(self) -> Units:
        """What each of the rows in memory must stay together with where they are divided."""
        return Units.of_rows(self.table, self.contract, self.params)

    @property
    def is_whole(self) -> bool:
        """Whether all rows are in memory."""
        return len(self.table) == len(self.file)

    def is_sampled_by(self, pipeline: Pipeline) -> bool:
        """Whether a candidate learns from the rows in memory although there are more."""
        return not self.is_whole and not learns_in_batches(pipeline[-1])

    def fit(self, name: str, pipeline: Pipeline) -> Pipeline:
        """Fit a clone of `pipeline` on all rows that it can take.

        What libraries warn of is printed once, in a line that names the candidate.

        Args:
            name: What messages call the candidate.
            pipeline: Features and estimator.

        Raises:
            UserError: The candidate cannot learn from these rows, for its library's reason.
        """
        with print_warnings(name), naming(f"{name}, all"):
            return self.fit_fold(pipeline)

    def fit_fold(self, pipeline: Pipeline, fold: Fold | None = None) -> Pipeline:
        """Fit a clone of `pipeline` on what a fold leaves it of the rows that it can take.

        Args:
            pipeline: Features and estimator.
            fold: Of the rows in memory; what it is tried on, or equals that, is not learnt from.
        """
        learn = np.arange(len(self.table)) if fold is None else fold[0]
        if self.is_whole or self.is_sampled_by(pipeline):
            return self.fit_in_memory(pipeline, learn)
        learn = learn[self.is_learnt[learn]]
        sample, places, contract = self.table.iloc[learn], self.places[learn], self.contract
        is_allowed: IsOnSide = lambda batch: find_learnt(batch, contract)  # noqa: E731
        if fold is not None:
            is_apart = make_filter(self.table.iloc[fold[1]], contract, self.params)
            is_allowed = lambda batch: is_apart(batch) & find_learnt(batch, contract)  # noqa: E731
        with learning_from(self.units.take(learn)):
            return fit_on_table(
                pipeline, sample, places, self.file, is_allowed, contract, self.params
            )

    def fit_in_memory(self, pipeline: Pipeline, learn: np.ndarray) -> Pipeline:
        """Fit a clone of `pipeline` on those of the rows in memory that stand at these places."""
        learn = learn[self.is_learnt[learn]]
        with learning_from(self.units.take(learn)):
            weights = weigh_rows(pipeline[-1], self.table.iloc[learn], self.contract)
            options = pass_weights(pipeline, weights)
            return clone(pipeline).fit(self.X.iloc[learn], self.y[learn], **options)


def find_learnt(rows: pd.DataFrame, contract: Contract) -> np.ndarray:
    """(n_rows,) whether each is learnt from: known anomalies say nothing of what is usual."""
    if not contract.anomalies:
        return np.ones(len(rows), dtype=bool)
    return (rows[contract.target] != contract.classes[1]).fillna(True).to_numpy(dtype=bool)


@contextmanager
def print_warnings(name: str) -> Iterator[None]:
    """Print each different warning of the libraries once, in a line that names the candidate."""
    with gather_warnings(name) as texts:
        yield
    print_once(name, texts)


def print_once(name: str, texts: Iterable[str]) -> None:
    """Print each different text once to stderr, in a line that names the candidate."""
    for text in dict.fromkeys(texts):
        print(f"train: {name}: {text}", file=sys.stderr)


@contextmanager
def gather_warnings(name: str) -> Iterator[list[str]]:
    """Gives a list that has the warnings of the libraries once the block has ended.

    What they refuse to learn from, by a ValueError, is the user's to mend.
    """
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        # Equal quantiles, or a constant, make fewer bins: that is what was asked for.
        fewer_bins = "Bins whose width|Feature .* is constant"
        warnings.filterwarnings("ignore", fewer_bins, UserWarning)
        try:
            yield texts
        except ValueError as error:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it cannot learn from these rows: "
                f"{shorten(str(error), LONGEST_WARNING)}"
            ) from error
    texts += (shorten(str(warning.message), LONGEST_WARNING) for warning in caught)
