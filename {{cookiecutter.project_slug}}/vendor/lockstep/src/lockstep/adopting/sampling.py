"""Drawing rows from a table that comes in batches, in memory that does not grow with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..core.batches import prefetch
from ..reading.conformity import as_texts
from ..reading.tables import with_gaps
from .inference import MOST_CATEGORIES, NOTHING, guess_missing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_CELLS = 10_000_000
"""Cells that a table may have to be looked at whole; as many are drawn from a larger one."""
FIRST_OF_A_CLASS = 10
"""Rows of each class that are drawn in any case, so that a rare one can be learnt and tested."""
SPARE = 1.25
"""How many times as many rows may be held until those not to be drawn are let go."""


class Sample(NamedTuple):
    """Rows drawn from a table, or all of them."""

    frame: pd.DataFrame
    """In their order, with gaps; the index has the place of each in the table, from 0."""
    rows: int
    """How many the table has."""
    missing: tuple[str, ...]
    """The texts that stand for a missing value anywhere in the table."""

    @property
    def is_whole(self) -> bool:
        """Whether all rows were drawn."""
        return len(self.frame) == self.rows


def sample(batches: Iterable[pd.DataFrame], target: str | None) -> Sample:
    """Draw rows at random, each with the same chance, and the first ones of each class.

    The same rows are drawn however the table comes in batches.

    Args:
        batches: The table, part by part; of at most `MOST_CELLS` cells all rows are drawn.
        target: The column with the classes, where it has few different values.
    """
    drawing, found = _Drawing(target), set[str]()
    for batch in prefetch(batches):
        cells = with_gaps(batch, ("",))
        found.update(guess_missing(cells))
        drawing.add(cells)
    missing = tuple(text for text in NOTHING if text in found)
    return Sample(with_gaps(drawing.end(), missing), drawing.rows, missing)


class _Part(NamedTuple):
    """Some rows that may be drawn."""

    frame: pd.DataFrame
    keys: np.ndarray
    """(n_rows,) at random, from 0 to 1."""
    first: np.ndarray
    """(n_rows,) whether each is among the first of its class."""

    def below(self, bar: float, *, with_first: bool) -> _Part:
        kept = (self.keys < bar) | (self.first & with_first)
        return _Part(self.frame[kept], self.keys[kept], self.first[kept])


class _Drawing:
    """The rows with the smallest of random keys, one key for each row."""

    def __init__(self, target: str | None) -> None:
        import numpy as np

        self.target, self.rows, self.most, self.held = target, 0, 0, 0
        self.random, self.bar = np.random.default_rng(0), 1.0
        self.parts: list[_Part] = []
        self.classes: Counter[str] = Counter()

    def add(self, batch: pd.DataFrame) -> None:
        import pandas as pd

        self.most = max(1, MOST_CELLS // len(batch.columns))
        keys, first = self.random.random(len(batch)), self._first_of_classes(batch)
        numbered = batch.set_axis(pd.RangeIndex(self.rows, self.rows + len(batch)))
        self.parts.append(_Part(numbered, keys, first).below(self.bar, with_first=True))
        self.rows += len(batch)
        if self._holding() > SPARE * max(self.most, self.held):
            self._thin()
            self.held = self._holding()

    def _holding(self) -> int:
        return sum(len(part.keys) for part in self.parts)

    def _first_of_classes(self, batch: pd.DataFrame) -> np.ndarray:
        import numpy as np
        import pandas as pd

        if self.target not in batch or self._has_many_classes():
            return np.zeros(len(batch), dtype=bool)
        texts = as_texts(batch[self.target]).dropna()
        codes, classes = texts.factorize()
        above = np.array([self.classes[text] for text in classes], dtype="int64")
        places = pd.Series(codes, texts.index).groupby(codes).cumcount() + above[codes]
        self.classes.update(dict(zip(classes, np.bincount(codes).tolist(), strict=True)))
        early = (places < FIRST_OF_A_CLASS).reindex(batch.index, fill_value=False)
        first: np.ndarray = early.to_numpy()
        return first

    def _has_many_classes(self) -> bool:
        return len(self.classes) > MOST_CATEGORIES

    def _thin(self) -> None:
        import numpy as np

        keys = np.concatenate([part.keys for part in self.parts])
        if len(keys) > self.most:
            self.bar = min(self.bar, float(np.partition(keys, self.most)[self.most]))
        with_first = not self._has_many_classes()
        self.parts = [part.below(self.bar, with_first=with_first) for part in self.parts]

    def end(self) -> pd.DataFrame:
        """The rows drawn, which are no longer held then."""
        import pandas as pd

        self._thin()
        frames = [part.frame for part in self.parts]
        self.parts.clear()
        return pd.concat(frames)
