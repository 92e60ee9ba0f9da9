"""Blocks of rows that depend on each other, counted block by block.

Where rows of a patient, or of a day, are alike, so many rows are far less evidence than they seem:
what chance does is told by whole blocks that change places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.examples import ORIGIN

By = Literal["group", "day"]
MOST_BLOCKS = 200
MOST_BARS = 16


@dataclass(frozen=True)
class Blocks:
    """How often each bar has come in each block of some rows."""

    by: By
    """Whether a block is a group of the contract, or a day."""
    counts: dict[str, np.ndarray]
    """(n_blocks, n_bars + 1) of each column; the last one counts missing values."""


class BlockTally:
    """Counts the rows of blocks, of which it keeps a sample that depends on no order of rows.

    Whole blocks with the smallest hashes stay: one that is let go of never comes back, since there
    always are enough with smaller ones.

    Args:
        by: What makes rows a block.
        bars: Of each column (n_places + 1,) the bar that each place belongs to, and, as the last
            one, that of missing values; see `Profile.block_bars`.
    """

    def __init__(self, by: By, bars: Mapping[str, np.ndarray]) -> None:
        self.by, self._bars = by, bars
        self._hashes = np.empty(0, dtype="uint64")
        self._counts = {name: np.zeros((0, of[-1] + 1), dtype="int64") for name, of in bars.items()}

    @property
    def blocks(self) -> Blocks:
        """Those of the sample."""
        return Blocks(self.by, self._counts)

    def add(self, keys: pd.Series, places: Mapping[str, np.ndarray]) -> None:
        """Count further rows.

        Args:
            keys: (n_rows,) their groups or, by day, their times; those without one are a block.
            places: (n_rows,) of each column, as `Scale.place` gives them.
        """
        keys = keys.dt.normalize() if self.by == "day" else keys.astype("str")
        hashes, codes = np.unique(
            pd.util.hash_pandas_object(keys, index=False), return_inverse=True
        )
        hashes = hashes[:MOST_BLOCKS]
        is_in = codes < len(hashes)
        counts = {}
        for name, bars in self._bars.items():
            width = bars[-1] + 1
            cells = codes[is_in] * width + bars[places[name][is_in]]
            counts[name] = np.bincount(cells, minlength=len(hashes) * width).reshape(-1, width)
        self._join(hashes, counts)

    def merge(self, other: BlockTally) -> None:
        """Count the rows of another one with the same bars, too."""
        self._join(other._hashes, other._counts)

    def _join(self, hashes: np.ndarray, counts: Mapping[str, np.ndarray]) -> None:
        both = np.union1d(self._hashes, hashes)[:MOST_BLOCKS]
        for name, mine in self._counts.items():
            joined = np.zeros((len(both), mine.shape[1]), dtype="int64")
            for own, part in ((self._hashes, mine), (hashes, counts[name])):
                is_in = own <= both[-1] if len(both) else np.empty(0, dtype=bool)
                joined[np.searchsorted(both, own[is_in])] += part[is_in]
            self._counts[name] = joined
        self._hashes = both


def find_block_column(contract: Contract) -> tuple[By, str] | None:
    """What makes rows depend on each other, and the column that tells it; None if nothing does.

    Forecasts do that are made at one time.
    """
    if contract.history is not None:
        return "group", ORIGIN
    if contract.group is not None:
        return "group", contract.group
    if contract.time is not None and contract.columns[contract.time].type == "datetime":
        return "day", contract.time
    return None
