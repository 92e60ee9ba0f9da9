"""Drawing rows from a table that comes in batches, in memory that does not grow with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.batches import prefetch
from ..data.conformity import as_texts, mask_missing
from .inference import MISSING_TEXTS, MOST_CATEGORIES, guess_missing

MOST_CELLS = 10_000_000
"""Cells that a table may have to be looked at whole; as many are drawn from a larger one."""
SIGNS_OF_A_CELL = 100
"""What a text may have to count for one cell; a longer one counts for several."""
FIRST_OF_A_CLASS = 10
"""Rows of each class that are drawn in any case, so that a rare one can be learnt and tested."""
SPARE = 1.25
"""How many times as many cells may be held until those not to be drawn are let go."""


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


def draw_sample(
    batches: Iterable[pd.DataFrame], target: str | None, whole: Sequence[str] | None = None
) -> Sample:
    """Draw rows at random, each with the same chance, and the first ones of each class.

    The same rows are drawn however the table comes in batches; of at most `MOST_CELLS` cells all.

    Args:
        batches: The table.
        target: The column of the classes, if it has any.
        whole: The columns by whose values rows belong together, such as those of a series: all of
            them are drawn or none. Of rows too many to be held that are all there are, or that
            belong together, the last ones are.
    """
    reservoir, texts = _Reservoir(target, whole), set[str]()
    for batch in prefetch(batches):
        cells = mask_missing(batch, ("",))
        texts.update(guess_missing(cells))
        reservoir.add(cells)
    missing = tuple(text for text in MISSING_TEXTS if text in texts)
    return Sample(mask_missing(reservoir.empty(), missing), reservoir.rows, missing)


class _Part(NamedTuple):
    frame: pd.DataFrame
    keys: np.ndarray
    """(n_rows,) at random, from 0 to 1; the same of rows that belong together."""
    is_first: np.ndarray
    """(n_rows,) whether each is among the first of its class."""
    sizes: np.ndarray
    """(n_rows,) how many cells each counts for."""

    def keep(self, bar: float, *, with_first: bool) -> _Part:
        is_kept = (self.keys < bar) | (self.is_first & with_first)
        return self.take(is_kept)

    def take(self, is_kept: np.ndarray) -> _Part:
        frame, *others = self
        return _Part(frame[is_kept], *(cells[is_kept] for cells in others))


class _Reservoir:
    """The rows with the smallest of random keys, one for each row or for what belongs together."""

    def __init__(self, target: str | None, whole: Sequence[str] | None) -> None:
        self.target, self.rows, self.least_size = target, 0, 0
        self.whole, self.chosen = whole, set[float]()
        self.random, self.bar = np.random.default_rng(0), 1.0
        self.parts: list[_Part] = []
        self.classes: Counter[str] = Counter()

    def add(self, batch: pd.DataFrame) -> None:
        keys = self._draw_keys(batch)
        is_first = self._mark_first_of_classes(batch, keys)
        batch = batch.set_axis(pd.RangeIndex(self.rows, self.rows + len(batch)))
        part = _Part(batch, keys, is_first, _measure(batch))
        self.parts.append(part.keep(self.bar, with_first=True))
        self.rows += len(batch)
        if self._size() > SPARE * max(MOST_CELLS, self.least_size):
            self._thin()
            self.least_size = self._size()

    def empty(self) -> pd.DataFrame:
        """The rows drawn, which are no longer held then."""
        self._thin()
        frames = [part.frame for part in self.parts]
        self.parts.clear()
        return pd.concat(frames)

    def _size(self) -> int:
        return sum(int(part.sizes.sum()) for part in self.parts)

    def _draw_keys(self, batch: pd.DataFrame) -> np.ndarray:
        if self.whole is None or not {*self.whole} <= {*batch}:
            return self.random.random(len(batch))
        if not self.whole:
            return np.zeros(len(batch))
        names = batch[[*self.whole]].apply(as_texts)
        return pd.util.hash_pandas_object(names, index=False).to_numpy() / 2.0**64

    def _mark_first_of_classes(self, batch: pd.DataFrame, keys: np.ndarray) -> np.ndarray:
        if self.target not in batch or self._has_many_classes():
            return np.zeros(len(batch), dtype=bool)
        texts = as_texts(batch[self.target]).dropna()
        if self.whole is not None:
            # The first row of each that is not chosen yet stands for it.
            own = pd.Series(keys, batch.index)[texts.index]
            texts = texts[~(own.isin(self.chosen) | own.duplicated()).to_numpy()]
        codes, classes = texts.factorize()
        offsets = np.array([self.classes[text] for text in classes], dtype="int64")
        places = pd.Series(codes, texts.index).groupby(codes).cumcount() + offsets[codes]
        self.classes.update(dict(zip(classes, np.bincount(codes).tolist(), strict=True)))
        is_early = np.asarray((places < FIRST_OF_A_CLASS).reindex(batch.index, fill_value=False))
        if self.whole is None:
            return is_early
        self.chosen.update(keys[is_early].tolist())
        return np.isin(keys, [*self.chosen])

    def _has_many_classes(self) -> bool:
        return len(self.classes) > MOST_CATEGORIES

    def _thin(self) -> None:
        keys = np.concatenate([part.keys for part in self.parts])
        sizes = np.concatenate([part.sizes for part in self.parts])
        order = np.argsort(keys, kind="stable")
        last = max(1, int(np.searchsorted(sizes[order].cumsum(), MOST_CELLS, side="right")))
        if last < len(keys):
            bar = float(keys[order[last]])
            if self.whole is not None and bar == keys.min():
                self._cut(bar)
                bar = np.nextafter(bar, 1)
            self.bar = min(self.bar, bar)
        with_first = not self._has_many_classes()
        self.parts = [part.keep(self.bar, with_first=with_first) for part in self.parts]

    def _cut(self, key: float) -> None:
        """Let go of the earlier rows of what alone is more than may be held."""
        held = 0
        for number, part in reversed([*enumerate(self.parts)]):
            is_of_it = part.keys == key
            later = held + np.where(is_of_it, part.sizes, 0)[::-1].cumsum()[::-1]
            held = int(later.max(initial=held))
            is_kept = ~is_of_it | (later <= MOST_CELLS)
            self.parts[number] = part.take(is_kept)


def _measure(batch: pd.DataFrame) -> np.ndarray:
    """(n_rows,) how many cells each row counts for, of which long texts are several."""
    sizes = np.full(len(batch), len(batch.columns), dtype="int64")
    for _, cells in batch.items():
        if isinstance(cells.dtype, pd.StringDtype):
            sizes += cells.str.len().fillna(0).to_numpy(dtype="int64") // SIGNS_OF_A_CELL
    return sizes
