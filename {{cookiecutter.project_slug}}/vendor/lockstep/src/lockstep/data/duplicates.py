"""Finding values that come twice among any number of rows, by their hashes.

Among twenty million values the chance that any two have one hash is about one in a hundred
thousand.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from .draws import shuffle_hashes

MOST_BITS = 26
"""Leading bits of a hash, at most, that tell of most hashes that they are new."""
WORD = 8
"""Bytes of a text that are hashed at a time."""


class Repeats:
    """Tells the rows whose value a row above has.

    It takes eight bytes of memory per different value, and up to eight more of the first ones.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []
        """All hashes so far: ordered arrays, each more than twice as long as the next."""
        self._starts = np.zeros(2, dtype=bool)
        """Of each start of a hash, whether one so far has it."""

    def among(self, hashes: np.ndarray) -> np.ndarray:
        """(n_rows,) whether each of (n_rows,) further hashes has come before."""
        # Ten times as fast as `np.unique`.
        values = np.sort(hashes)
        values = values[np.append(values[:-1] != values[1:], True)[: len(values)]]
        # To look among all hashes takes long, and most have a start that none so far has.
        is_old = self._starts[self._find_starts(values)]
        candidates = values[is_old]
        is_there = np.zeros(len(candidates), dtype=bool)
        for run in self._runs:
            is_there |= contains(run, candidates)
        is_old[is_old] = is_there
        again = np.zeros(len(hashes), dtype=bool)
        # Most often none has, and finding the rows takes longer than knowing that.
        if is_old.any() or len(values) < len(hashes):
            first = np.unique(hashes, return_index=True)[1]
            again[:] = True
            again[first[~is_old]] = False
        self._add(values[~is_old])
        return again

    def _add(self, run: np.ndarray) -> None:
        """Take in ordered hashes that are new."""
        bits = (sum(map(len, self._runs)) + len(run)).bit_length() + 2
        if len(self._starts) < 2 ** min(bits, MOST_BITS):
            self._starts = np.zeros(2 ** min(bits, MOST_BITS), dtype=bool)
            for former in self._runs:
                self._starts[self._find_starts(former)] = True
        self._starts[self._find_starts(run)] = True
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            # Stable sorting merges what is ordered already.
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)

    def _find_starts(self, hashes: np.ndarray) -> np.ndarray:
        bits = len(self._starts).bit_length() - 1
        return hashes >> np.uint64(64 - bits)


def contains(values: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """(n_rows,) whether each hash is among the ordered `values`."""
    if not len(values):
        return np.zeros(len(hashes), bool)
    is_there: np.ndarray = values.take(np.searchsorted(values, hashes), mode="clip") == hashes
    return is_there


def hash_values(cells: pd.Series) -> np.ndarray:
    """(n_rows,) unsigned 64-bit hash of each cell, none missing; equal cells have equal ones."""
    if cells.dtype == "str":
        return _hash_texts(pa.array(cells, pa.large_string()))
    # Categories save nothing where values seldom repeat, and cost four times as much.
    return pd.util.hash_array(cells.to_numpy(), categorize=False)


def _hash_texts(texts: pa.LargeStringArray) -> np.ndarray:
    """(n_rows,) the hash of each text, word by word of eight bytes, of all texts at once."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, "int64")[texts.offset :][: len(texts) + 1]
    characters = np.append(np.frombuffer(content or b"", "uint8")[: ends[-1]], np.zeros(8, "uint8"))
    words = np.ndarray(len(characters) - 7, "<u8", characters, strides=(1,))
    starts, lengths = ends[:-1], np.diff(ends)
    hashes = lengths.astype("uint64")
    rows = np.arange(len(texts))
    for place in range(0, int(lengths.max(initial=0)), WORD):
        rows = rows[lengths[rows] > place]
        # What follows the end of a text is no part of it.
        beyond = np.maximum(place + WORD - lengths[rows], 0).astype("uint64") * np.uint64(8)
        own = words[starts[rows] + place] << beyond
        hashes[rows] = shuffle_hashes(hashes[rows] ^ own, 0)
    return hashes
