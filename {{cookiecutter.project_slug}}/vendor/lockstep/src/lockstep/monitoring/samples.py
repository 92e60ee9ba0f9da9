"""A few rows of many, drawn such that whoever draws from the same rows draws the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .batches import Batch

MOST_ROWS = 2000
DAY = np.timedelta64(1, "D")


class Sample(NamedTuple):
    """The rows with the least keys, at most `MOST_ROWS` of them (bottom-k sampling).

    All parts have the keys as their index, in ascending order. Keys are hashes of requests and
    places, so that the sample is uniform, those of two versions that answered the same requests
    have the same rows, and a row that comes twice is there once, as it came last.
    """

    predictions: pd.DataFrame
    """(n_rows,) the columns of `Model.apply`."""
    places: pd.DataFrame
    """(n_rows, n_columns) the place of each value in the scale of its column, -1 of none."""
    outcomes: pd.Series
    """(n_rows,) what became true: a text or a number, or None where nobody knows."""
    lags: pd.Series
    """(n_rows,) days from the request to its outcome; nan where nobody knows."""
    groups: pd.Series
    """(n_rows,) the group that each belongs to; None where nobody knows."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.outcomes)

    def take(self, rows: Any) -> Sample:
        """Some of the rows, by their keys or a mask."""
        parts: list[Any] = [part.loc[rows] for part in self]
        return Sample(*parts)

    @classmethod
    def concatenate(cls, samples: Sequence[Sample]) -> Sample:
        """The rows of all, however many; one that comes twice is there as it came last."""
        whole = cls(*map(pd.concat, zip(*samples, strict=True)))
        return whole.take(~whole.outcomes.index.duplicated(keep="last"))

    def merge(self, other: Sample) -> Sample:
        """The sample of the rows of both."""
        keys = np.concatenate([self.outcomes.index, other.outcomes.index])
        order = np.lexsort((-np.arange(len(keys)), keys))
        is_first = np.diff(keys[order], prepend=np.uint64(0)) > 0
        is_first[:1] = True
        rows = order[is_first][:MOST_ROWS]
        pairs: Iterator[Any] = zip(self, other, strict=True)
        return Sample(*(pd.concat(pair).iloc[rows] for pair in pairs))


def draw(
    sample: Sample | None, batch: Batch, places: pd.DataFrame, is_eligible: np.ndarray
) -> Sample | None:
    """A sample of the rows of a former one and of some of a batch.

    Args:
        sample: The former one, if any.
        batch: Further rows.
        places: (n_rows, n_columns) the place of each value of theirs.
        is_eligible: (n_rows,) whether a row may be drawn.
    """
    keys = batch.keys
    if sample is not None and sample.rows == MOST_ROWS:
        is_eligible = is_eligible & (keys <= sample.outcomes.index[-1])
    rows = np.flatnonzero(is_eligible)
    if not len(rows):
        return sample
    index = pd.Index(keys[rows])
    groups = None if batch.groups is None else batch.groups[rows]
    further = Sample(
        batch.predictions.iloc[rows].set_axis(index),
        places.iloc[rows].set_axis(index),
        pd.Series(batch.outcomes[rows], index, dtype="object"),
        pd.Series((batch.outcome_times[rows] - batch.times[rows]) / DAY, index),
        pd.Series(groups, index, dtype="object"),
    )
    return (further if sample is None else sample).merge(further)
