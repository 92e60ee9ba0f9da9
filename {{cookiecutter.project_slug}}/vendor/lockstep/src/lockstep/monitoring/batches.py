"""Rows that a version was asked, with its answers and what became true, a few at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..data.conformity import conform
from ..serving.entries import Role

REFUSED = 422
"""The status of a row that got no prediction."""


class Subject(NamedTuple):
    """Whose answers they are."""

    model: str
    version: str
    run: str
    """The digest of the record of the run that has made the model."""
    role: Role
    """Whether clients got these answers, or a version in the shadow gave them."""


class Batch(NamedTuple):
    """Some rows of one version, in the order in which they came."""

    subject: Subject
    times: np.ndarray
    """(n_rows,) datetime64[us] when each was asked, in UTC; NaT where nobody knows."""
    requests: np.ndarray
    """(n_rows,) texts, the ids of their requests."""
    places: np.ndarray
    """(n_rows,) place of each in its request, from 0."""
    status: np.ndarray
    """(n_rows,) 200, or 422 of a row that got no prediction."""
    seconds: np.ndarray
    """(n_rows,) from the request's coming to the answer; nan where nobody knows."""
    X: pd.DataFrame
    """(n_rows, n_columns) the features that are kept, typed by the contract, or the numbers that an
    image was projected to; missing where a value cannot be read, and as it is where it is none that
    the contract allows."""
    is_kept: np.ndarray
    """(n_rows,) whether `X` tells anything of a row."""
    breaches: pd.DataFrame
    """What breaks the contract, cell by cell, as `data.conformity` gives it."""
    groups: np.ndarray | None
    """(n_rows,) the group that each belongs to, where the contract has groups and they are kept."""
    predictions: pd.DataFrame
    """(n_rows,) the columns of `Model.apply`; missing where there is no prediction."""
    outcomes: np.ndarray
    """(n_rows,) what became true: a text or a number, or None where nobody knows yet."""
    outcome_times: np.ndarray
    """(n_rows,) datetime64[us] when that was told, in UTC; NaT where it was not."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.times)

    @property
    def is_refused(self) -> np.ndarray:
        """(n_rows,) whether a row got no prediction."""
        return np.asarray(self.status == REFUSED)

    @property
    def keys(self) -> np.ndarray:
        """(n_rows,) uint64 hash of request and place, by which rows are drawn."""
        names = pd.Series(self.requests, dtype="str")
        frame = pd.DataFrame({"request": names, "place": self.places})
        return pd.util.hash_pandas_object(frame, index=False).to_numpy()

    def take(self, rows: np.ndarray) -> Batch:
        """Some rows, by their places in ascending order."""
        numbers = pd.Series(np.arange(1, len(rows) + 1), index=rows + 1)
        breaches = self.breaches[self.breaches["row"].isin(numbers.index)]
        return self._replace(
            **{
                name: getattr(self, name)[rows]
                for name in (
                    *("times", "requests", "places", "status", "seconds"),
                    *("is_kept", "outcomes", "outcome_times"),
                )
            },
            X=self.X.iloc[rows].reset_index(drop=True),
            predictions=self.predictions.iloc[rows].reset_index(drop=True),
            groups=None if self.groups is None else self.groups[rows],
            breaches=breaches.assign(row=breaches["row"].map(numbers)),
        )


def make_relative(batch: Batch, level: np.ndarray, spread: np.ndarray) -> Batch:
    """A batch of forecasts with its numbers as models learn them: see `Outcome.relative_to`.

    Args:
        batch: With numbers in the target's unit.
        level: (n_rows,) where the latest values lay that each was made from.
        spread: (n_rows,) how far these lay apart; both nan where nobody knows.
    """
    numbers = batch.predictions.astype("float64")
    predictions = numbers.sub(level, axis=0).div(spread, axis=0)
    actual = (pd.Series(batch.outcomes, dtype="float64") - level) / spread
    outcomes = actual.astype("object").where(actual.notna(), None).to_numpy()
    return batch._replace(predictions=predictions, outcomes=outcomes)


def read_outcomes(cells: pd.Series, contract: Contract) -> np.ndarray:
    """(n_rows,) outcomes as values of the target; None where one is unknown, or no such value."""
    target = contract.columns[contract.target]
    frame = pd.DataFrame({contract.target: cells})
    values, breaches = conform({contract.target: target}, frame, contract.layout, contract.missing)
    outcomes = values[contract.target].astype("object")
    outcomes[breaches["row"] - 1] = None
    outcomes[cells.isna().to_numpy()] = None  # though an empty cell may say that there is no label
    return outcomes.where(outcomes.notna(), None).to_numpy()
