"""Finding values that come twice among any number of rows, in memory that does not grow with them.

The rows are gone through once: a `Census` keeps a hash of each value on disk, and tells which came
more than once. Mostly none did. Otherwise the rows are gone through again, and `Repeats` knows each
row whose value has come before. Among twenty million values the chance that any two have one hash
is about one in a hundred thousand.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PARTS = 16
IN_MEMORY = 2**20
"""Bytes of a part that are not yet worth a file."""
_EDGES = np.arange(1, PARTS, dtype="uint64") << np.uint64(60)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio (Knuth, 1973)


class Census:
    """Counts the hashes of values, part by part of their range."""

    def __init__(self) -> None:
        self.parts = [
            tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - `repeated` closes it
            for _ in range(PARTS)
        ]

    def add(self, hashes: np.ndarray) -> None:
        """Take in (n_rows,) hashes."""
        ordered = np.sort(hashes)
        places = np.searchsorted(ordered, _EDGES)
        for part, some in zip(self.parts, np.split(ordered, places), strict=True):
            part.write(some.tobytes())

    def repeated(self) -> np.ndarray:
        """The hashes that came more than once, in their order; the census ends with it."""
        found = []
        for part in self.parts:
            with part:
                part.seek(0)
                ordered = np.sort(np.frombuffer(part.read(), dtype="uint64"))
            found.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
        return np.concatenate(found)


class Repeats:
    """Tells the rows whose value a row above has.

    Args:
        repeated: What a census found.
    """

    def __init__(self, repeated: np.ndarray) -> None:
        self.repeated, self.met = repeated, np.zeros(len(repeated), dtype=bool)

    def among(self, hashes: np.ndarray) -> np.ndarray:
        """(n_rows,) whether each of (n_rows,) further hashes has come before."""
        places, again = lookup_sorted(self.repeated, hashes)
        rows = np.flatnonzero(again)
        values, first = np.unique(places[rows], return_index=True)
        again[rows[first[~self.met[values]]]] = False
        self.met[values] = True
        return again


def lookup_sorted(known: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n_rows,) places of hashes in the ordered `known`, and whether each is there."""
    if not len(known):
        return np.zeros(len(hashes), dtype=int), np.zeros(len(hashes), dtype=bool)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return places, known[places] == hashes


def value_hashes(cells: pd.Series) -> np.ndarray:
    """(n_rows,) unsigned 64-bit hash of each cell; equal cells have equal ones."""
    import pandas as pd

    if cells.dtype != "str":
        return pd.util.hash_array(cells.to_numpy())
    return _text_hashes(cells)


def _text_hashes(cells: pd.Series) -> np.ndarray:
    """Eight bytes after eight bytes of all texts at once, which is ten times as fast as pandas."""
    import pyarrow as pa

    texts = pa.array(cells.fillna("")).cast(pa.large_string())
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, dtype="int64")[texts.offset :][: len(texts) + 1]
    starts, lengths = ends[:-1], np.diff(ends)
    padded = np.concatenate([np.frombuffer(content or b"", dtype="uint8"), np.zeros(8, "uint8")])
    words = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded, strides=(1,))
    hashes = lengths.astype("uint64") * _MIX
    for place in range(0, int(lengths.max(initial=0)), 8):
        rows = np.flatnonzero(lengths > place)
        left = np.minimum(lengths[rows] - place, 8).astype("uint64") * np.uint64(8)
        ends_at = np.uint64(64) - left
        word = words[starts[rows] + place] << ends_at
        mixed = (hashes[rows] ^ word) * _MIX
        hashes[rows] = mixed ^ (mixed >> np.uint64(29))
    return hashes * _MIX ^ (hashes >> np.uint64(32))
