"""From a detector's scores, each on a scale of its own, to the share of rows that are less odd."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import FiniteFloat

from ..core.validation import Strict

POINTS, OUTERMOST = 101, 50
"""Scores that are kept: quantiles, and those of the oddest rows."""


class Oddness(Strict):
    """The share of validation rows that are less odd than a row, by its score.

    It is no probability. Between two scores it goes up evenly, so that it puts rows into the same
    order as the scores. Beyond the largest it comes near to 1 with the distance, counted in that
    from the median to the largest; there it is an order and no share any more.
    """

    scores: tuple[FiniteFloat, ...]
    """Some of the scores of the validation rows, ascending."""
    shares: tuple[float, ...]
    """The share of the rows that are less odd than each of these, itself by a half."""
    unit: FiniteFloat
    """How far the largest is from the median; 1 if all are the same."""

    @classmethod
    def fit(cls, scores: np.ndarray) -> Self:
        """Learn from (n_rows,) scores of rows that detectors had not learnt from."""
        values, starts, counts = np.unique(np.sort(scores), return_index=True, return_counts=True)
        last = len(values) - 1
        places = np.round(np.linspace(0, last, POINTS)).astype(int)
        places = np.unique([*places, *range(max(0, last - OUTERMOST), last + 1)])
        shares = (starts + counts / 2) / len(scores)
        unit = float(values[-1] - np.median(scores)) or 1.0
        return cls(
            scores=tuple(values[places].tolist()), shares=tuple(shares[places].tolist()), unit=unit
        )

    def rank(self, scores: np.ndarray) -> np.ndarray:
        """(n_rows,) shares from 0 to 1 of (n_rows,) scores."""
        lowest, highest = self.scores[0], self.scores[-1]
        below = self.unit / (self.unit + np.maximum(lowest - scores, 0))
        above = self.unit / (self.unit + np.maximum(scores - highest, 0))
        shares = np.interp(scores, self.scores, self.shares)
        far = 1 - (1 - self.shares[-1]) * above
        ranks: np.ndarray = np.where(scores > highest, far, shares * below)
        return ranks
