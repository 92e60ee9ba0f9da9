"""Tallies: how often each place of a scale has come, which is all that is kept of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..core.errors import shorten
from ..data.conformity import LONGEST_VALUE
from .scales import MISSING, Scale

MOST_OTHERS = 20
"""Different texts without a place of their own that are kept; of more, the most frequent."""


@dataclass
class Tally:
    """The values of some rows of a column, counted."""

    counts: np.ndarray
    """(size,) how many rows have each place of the scale."""
    missing: int = 0
    """How many have no value."""
    others: Counter[str] = field(default_factory=Counter)
    """How often texts have come that have no place: those of a level that share the last one, and
    of what is watched those that the contract forbids."""

    @classmethod
    def empty(cls, scale: Scale) -> Tally:
        """A tally of no rows."""
        return cls(np.zeros(scale.size, dtype="int64"))

    @property
    def rows(self) -> int:
        """How many rows are counted."""
        return int(self.counts.sum()) + self.missing

    def add(self, values: pd.Series, scale: Scale) -> np.ndarray:
        """Count further values; returns their (n_rows,) places."""
        places = scale.place(values)
        is_missing = places == MISSING
        self.counts += np.bincount(places[~is_missing], minlength=scale.size)
        self.missing += int(is_missing.sum())
        if not scale.is_number:
            others = values[places == scale.size - 1].value_counts()
            self.count_others({str(text): int(count) for text, count in others.items()})
        return places

    def merge(self, other: Tally) -> None:
        """Count the rows of another tally on the same scale, too."""
        self.counts += other.counts
        self.missing += other.missing
        self.count_others(other.others)

    def count_others(self, others: Mapping[str, int]) -> None:
        """Count texts that have no place of their own, of which only the most frequent are kept."""
        for text, count in others.items():
            self.others[shorten(text, LONGEST_VALUE)] += count
        if len(self.others) > MOST_OTHERS:
            order = sorted(self.others.items(), key=lambda one: (-one[1], one[0]))
            self.others = Counter(dict(order[:MOST_OTHERS]))
