"""Tables on disk: read and written in batches, so that memory does not grow with their rows."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .batches import background, map_ahead, prefetch
from .errors import guard_reading
from .files import replacing, write_text
from .places import State, is_seen, read_state, require_same
from .progress import progress

Result = TypeVar("Result")
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
            return int(file.metadata.num_rows)

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
                yield _read_group(file, number, columns)

    def map(self, function: Callable[[pd.DataFrame], Result]) -> Iterable[Result]:
        """What `function` gives of the rows, batch by batch, as often as it is iterated.

        It must depend on these rows alone: the function may be called elsewhere.
        """
        return _Mapped(self, function)

    def read(self) -> pd.DataFrame:
        """All rows at once; for errors see `batches`."""
        with open_parquet(self.path, self.name) as file:
            rows: pd.DataFrame = file.read().to_pandas()
            return rows


def _read_group(
    file: pq.ParquetFile, number: int, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    # Other threads work meanwhile: some more for each column would be in the way.
    rows = file.read_row_group(number, columns, use_threads=False)
    frame: pd.DataFrame = rows.to_pandas(use_threads=False)
    return frame


@dataclass
class _Mapped(Generic[Result]):
    table: Table
    function: Callable[[pd.DataFrame], Result]

    def __iter__(self) -> Iterator[Result]:
        path = self.table.path
        # Before it is opened, so that what replaces it from now on is another file elsewhere.
        # That there is none is told where it is opened.
        state = read_state(path) if path.exists() else (0, 0)
        groups = (_RowGroup(path, state, number, rows) for number, rows in enumerate(self.table))
        return map_ahead(_map_group, (_Portable(self.function),), groups)


class _RowGroup(NamedTuple):
    """Some rows of a parquet file, which travel as their number to where it is seen."""

    path: Path
    state: State
    """Before the rows were read."""
    number: int
    rows: pd.DataFrame

    def __reduce__(self) -> tuple[Callable[..., _RowGroup], tuple[Any, ...]]:
        if is_seen.get()(self.path, self.state):
            return _read_row_group, (self.path, self.state, self.number)
        return _RowGroup, (*self,)


def _read_row_group(path: Path, state: State, number: int) -> _RowGroup:
    require_same(path, state)
    with open_parquet(path, str(path)) as file:
        return _RowGroup(path, state, number, _read_group(file, number))


class _Portable:
    """A function that travels by its code, as one without a name in its module has to."""

    def __init__(self, function: Callable[[pd.DataFrame], Any]) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Callable[..., _Portable], tuple[Any, ...]]:
        import cloudpickle

        return _unpack, (cloudpickle.dumps(self.function),)


def _unpack(code: bytes) -> _Portable:
    return _Portable(pickle.loads(code))


def _map_group(portable: _Portable, group: _RowGroup) -> Any:
    return portable.function(group.rows)


@contextmanager
def open_parquet(path: Path, name: str) -> Iterator[pq.ParquetFile]:
    """A parquet file to read from within the block; messages call it `name`."""
    with guard_reading(f"{name}: not a readable parquet file"), pq.ParquetFile(path) as file:
        yield file


class TableWriter:
    """Takes rows batch by batch, of the same columns in each, and counts them in `rows`."""

    def __init__(self, write: Callable[[pd.DataFrame | pa.Table], None]) -> None:
        self._write, self.rows = write, 0

    def write(self, rows: pd.DataFrame | pa.Table) -> None:
        """Write some rows, below those before and without an index, in a thread of its own."""
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
        writes = [stack.enter_context(_open_row_groups(temporary)) for temporary in temporaries]
        threads = stack.enter_context(ExitStack())
        yield [TableWriter(threads.enter_context(background(write))) for write in writes]


@contextmanager
def _open_row_groups(path: Path) -> Iterator[Callable[[pd.DataFrame | pa.Table], None]]:
    """Gives what takes rows on their way into a parquet file, written a row group at a time."""
    waiting: list[pa.Table] = []
    writer: pq.ParquetWriter | None = None

    def write_group() -> None:
        nonlocal waiting, writer
        rows = pa.concat_tables(waiting)
        # In one piece, since pages end where pieces do.
        group, waiting = rows[:ROWS_IN_GROUP].combine_chunks(), [rows[ROWS_IN_GROUP:]]
        writer = writer or pq.ParquetWriter(
            path, group.schema, use_dictionary=_repetitive(group), write_statistics=False
        )
        if len(group):
            writer.write_table(group, row_group_size=ROWS_IN_GROUP)

    def add(rows: pd.DataFrame | pa.Table) -> None:
        nonlocal waiting
        if not writer and not any(map(len, waiting)):
            # A table without rows says less of types than one with some.
            waiting = []
        schema = waiting[0].schema if waiting else None
        if isinstance(rows, pd.DataFrame):
            rows = pa.Table.from_pandas(rows, schema, preserve_index=False, nthreads=1)
        waiting.append(rows)
        while sum(map(len, waiting)) >= ROWS_IN_GROUP:
            write_group()

    try:
        yield add
        if waiting:
            write_group()
    finally:
        if writer:
            writer.close()


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
    escaped = {name: cells.map(escape_formula) for name, cells in texts.items() if _is_risky(cells)}
    harmless = frame.assign(**{str(name): cells for name, cells in escaped.items()})
    harmless.columns = [escape_formula(name) for name in frame.columns]
    return harmless.to_csv(index=False, header=header, lineterminator="\n")


def _is_risky(cells: pd.Series) -> bool:
    """Whether a text may begin as a formula does, which is seen at once of a column of texts."""
    return cells.dtype != "str" or bool(cells.str.startswith(FORMULA).any())


def restore_formula(text: str) -> str:
    """The text of which `escape_formula` has made this one."""
    return text[1:] if text.startswith("'") and escape_formula(text[1:]) == text else text


def escape_formula(value: Any) -> Any:
    """What a table of CSV has for a value: see `as_csv`."""
    if isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value
