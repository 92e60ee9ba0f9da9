"""What happened and what was predicted, row by row: what every metric is measured of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

PROBABILITY = "probability_"
"""What the column of a class begins with, in a table of predictions."""


@dataclass(frozen=True)
class Outcome:
    """What happened and what was predicted.

    For a classification: `actual` are (n_rows,) places of the true classes in `classes`, and
    `predicted` are (n_rows, n_classes) probabilities. For a regression both are (n_rows,) numbers.
    """

    actual: np.ndarray
    predicted: np.ndarray
    classes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    """(n_rows,) number of each row's group, from 0; a resample draws whole groups."""

    def __len__(self) -> int:
        return len(self.actual)

    @classmethod
    def from_predictions(
        cls, actual: np.ndarray, predictions: pd.DataFrame, classes: Sequence[str]
    ) -> Outcome:
        """The outcome of (n_rows,) true classes or values and what `Model.predict` gives of them.

        `classes` are all there may be; none of a regression.
        """
        if not classes:
            return cls(actual.astype("float64"), predictions["prediction"].to_numpy())
        places = pd.Index(classes).get_indexer(pd.Index(actual))
        probabilities = predictions[[f"{PROBABILITY}{name}" for name in classes]].to_numpy()
        return cls(places, probabilities, tuple(classes))

    @classmethod
    def concatenate(cls, parts: Sequence[Outcome], groups: pd.Series | None) -> Outcome:
        """The outcome of all rows of some parts; rows without a group are one together."""
        return cls(
            np.concatenate([part.actual for part in parts]),
            np.concatenate([part.predicted for part in parts]),
            parts[0].classes,
            None if groups is None else pd.factorize(groups, use_na_sentinel=False)[0],
        )

    def take(self, rows: np.ndarray) -> Outcome:
        """The outcome of some rows, by their places or a mask."""
        groups = None
        if self.groups is not None:
            groups = np.unique(self.groups[rows], return_inverse=True)[1]
        return Outcome(self.actual[rows], self.predicted[rows], self.classes, groups)

    @property
    def decisions(self) -> np.ndarray:
        """(n_rows,) place of the most probable class."""
        places: np.ndarray = self.predicted.argmax(axis=1)
        return places

    @property
    def positives(self) -> range:
        """Places of the classes to set against the rest; of two classes the second one alone."""
        places = range(len(self.classes))
        return places[-1:] if len(places) == 2 else places

    @property
    def claims(self) -> tuple[np.ndarray, np.ndarray]:
        """(n_rows,) probability of something, and whether it is so.

        Of two classes it is the second one; of more, that the decision is right.
        """
        if len(self.classes) == 2:
            return self.predicted[:, 1], self.actual == 1
        return self.predicted.max(axis=1), self.decisions == self.actual
