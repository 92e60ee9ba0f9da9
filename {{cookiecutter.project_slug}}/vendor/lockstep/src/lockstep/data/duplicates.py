"""Finding values that come twice among any number of rows, by their hashes.

Among twenty million values the chance that any two have one hash is about one in a hundred
thousand.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from .draws import shuffle_hashes

WORD = 8
"""Bytes of a text that are hashed at a time."""


class Repeats:
    """Tells the rows whose value a row above has, in eight bytes of memory per different value."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []
        """All hashes so far: ordered arrays, each more than twice as long as the next."""

    def among(self, hashes: np.ndarray) -> np.ndarray:
        """(n_rows,) whether each of (n_rows,) further hashes has come before."""
        # Ten times as fast as `np.unique`.
        values = np.sort(hashes)
        values = values[np.append(values[:-1] != values[1:], True)[: len(values)]]
        is_new = np.ones(len(values), dtype=bool)
        for run in self._runs:
            is_new &= ~contains(run, values)
        run = values[is_new]
        again = np.zeros(len(hashes), dtype=bool)
        # Most often none has, and finding the rows takes longer than knowing that.
        if len(run) < len(hashes):
            first = np.unique(hashes, return_index=True)[1]
            again[:] = True
            again[first[is_new]] = False
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)
        return again


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
