"""Rows on disk by a hash of one column, so that those of one value can be in memory together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa

from .split import hash_rows

PARTITIONS = 64


class Partitions:
    """Takes rows in batches and gives them back part by part; equal keys are in one part.

    Args:
        folder: Where they are kept meanwhile.
        key: The column whose values stay together, or None where all rows do.
    """

    def __init__(self, folder: Path, key: str | None) -> None:
        self._folder, self._key = folder, key
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self._files = ExitStack()
        self._schema: pa.Schema | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, rows: pd.DataFrame) -> None:
        """Keep further rows."""
        table = pa.Table.from_pandas(rows, self._schema, preserve_index=False)
        self._schema = table.schema
        numbers = np.zeros(len(rows), "uint64")
        if self._key is not None:
            numbers = hash_rows(rows[[self._key]]) % np.uint64(PARTITIONS)
        for number in np.unique(numbers):
            part = table.take(np.flatnonzero(numbers == number))
            self._writer(int(number)).write_table(part)

    def _writer(self, number: int) -> pa.RecordBatchStreamWriter:
        if number not in self._writers:
            file = pa.ipc.new_stream(self._folder / str(number), self._schema)
            self._writers[number] = self._files.enter_context(file)
        return self._writers[number]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        self._files.close()
        for number in sorted(self._writers):
            with pa.ipc.open_stream(self._folder / str(number)) as rows:
                yield rows.read_pandas()
