"""Tables on disk: read and written in batches, so that memory does not grow with their rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .batches import background, prefetch, progress
from .errors import UserError
from .files import replacing, write_text

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What begins a formula in a spreadsheet."""
NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?%?")

ROWS_IN_GROUP = 2**16
"""Rows of a parquet file that are read at once."""


class Table:
    """A parquet file that a stage has written, gone through in batches as often as needed.

    Iterating gives all rows in their order, the next batch read while one is worked on.

    Args:
        path: The file.
        name: What messages call it.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    def __len__(self) -> int:
        with open_parquet(self.path, self.name) as file:
            rows: int = file.metadata.num_rows
            return rows

    def __iter__(self) -> Iterator[pd.DataFrame]:
        with progress(self.name) as count:
            for batch in prefetch(self.batches()):
                yield batch
                count(len(batch))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All rows, or some columns of them, in their order and in batches.

        Raises:
            UserError: It is not a parquet file, or a torn one.
        """
        with open_parquet(self.path, self.name) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, columns).to_pandas()

    def map(self, function: Callable[[pd.DataFrame], pd.DataFrame]) -> Iterable[pd.DataFrame]:
        """The rows as `function` gives them, batch by batch, as often as it is iterated."""
        return _Mapped(self, function)

    def read(self) -> pd.DataFrame:
        """All rows at once; for errors see `batches`."""
        with open_parquet(self.path, self.name) as file:
            rows: pd.DataFrame = file.read().to_pandas()
            return rows


class _Mapped:
    """Batches of a table after a function; a new pass over the file with each iteration."""

    def __init__(self, table: Table, function: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        self.table, self.function = table, function

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return map(self.function, self.table)


@contextmanager
def open_parquet(path: Path, name: str) -> Iterator[pq.ParquetFile]:
    """A parquet file to read from within the block; messages call it `name`.

    Raises:
        UserError: It is not one, or a torn one.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name}: not a readable parquet file") from error


class TableWriter:
    """Takes rows batch by batch; they are written in a thread of its own."""

    def __init__(self, write: Callable[[pd.DataFrame], None]) -> None:
        self._write = write
        self.rows = 0
        """How many were written so far."""

    def write(self, rows: pd.DataFrame) -> None:
        """Write some rows, of the same columns as those before, below them and without an index."""
        self._write(rows)
        self.rows += len(rows)


@contextmanager
def table_writers(*paths: Path) -> Iterator[list[TableWriter]]:
    """A writer for each parquet file; all take their places when the block ends.

    No file takes its place before all are written to the end, and none does if the block fails.
    The bytes are the same however the rows are divided among the batches: row groups are of
    ROWS_IN_GROUP rows. The first batch with rows, or else the last, gives the columns and types.
    """
    with ExitStack() as stack:
        temporaries = [stack.enter_context(replacing(path)) for path in paths]
        groups = [stack.enter_context(_RowGroups(temporary)) for temporary in temporaries]
        threads = stack.enter_context(ExitStack())
        yield [TableWriter(threads.enter_context(background(group.add))) for group in groups]


class _RowGroups:
    """Rows on their way into a parquet file, written a row group at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.waiting: list[pa.Table] = []
        self.writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            if failed is None and self.waiting:
                self._write(ROWS_IN_GROUP)
        finally:
            if self.writer:
                self.writer.close()

    def add(self, frame: pd.DataFrame) -> None:
        """Take in a table, and write each row group that is complete."""
        if not self.writer and not any(map(len, self.waiting)):
            # A table without rows says less of types than one with some.
            self.waiting = []
        schema = self.waiting[0].schema if self.waiting else None
        self.waiting.append(pa.Table.from_pandas(frame, schema, preserve_index=False))
        while sum(map(len, self.waiting)) >= ROWS_IN_GROUP:
            self._write(ROWS_IN_GROUP)

    def _write(self, most: int) -> None:
        rows = pa.concat_tables(self.waiting).combine_chunks()
        group, self.waiting = rows[:most], [rows[most:]]
        if self.writer is None:
            self.writer = pq.ParquetWriter(
                self.path, group.schema, use_dictionary=_repetitive(group)
            )
        if len(group):
            self.writer.write_table(group, row_group_size=most)


def _repetitive(rows: pa.Table) -> list[str]:
    """The columns of texts that come often, which a dictionary saves space and time for."""
    return [
        name
        for name, column in zip(rows.column_names, rows.columns, strict=True)
        if pa.types.is_large_string(column.type)
        and 2 * pc.count_distinct(column).as_py() < len(rows)
    ]


def write_parquet(rows: pd.DataFrame, path: Path) -> None:
    """A whole table as parquet, without the index."""
    with table_writers(path) as (table,):
        table.write(rows)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """The frame as `as_csv` has it."""
    write_text(as_csv(frame), path)


def as_csv(frame: pd.DataFrame, *, header: bool = True) -> str:
    """CSV without the index; floats as the shortest text that reads back equal.

    A text that a spreadsheet would run as a formula has an apostrophe before it (OWASP, "CSV
    Injection"); one that is a number, such as -1, has none.
    """
    texts = frame.select_dtypes(["str", "object"])
    harmless = frame.assign(**{str(name): texts[name].map(_harmless) for name in texts})
    harmless.columns = [_harmless(name) for name in frame.columns]
    return harmless.to_csv(index=False, header=header, lineterminator="\n")


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value
