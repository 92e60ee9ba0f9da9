"""Writers of what the stages leave behind: the same content gives the same bytes, whole or never.

Each writes to a temporary name beside the target and renames it, so that a reader, or a
process that is killed, meets the old file or the new one and never half of either.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    from matplotlib.figure import Figure


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What begins a formula in a spreadsheet."""
NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?%?")

ROWS_IN_GROUP = 2**16
"""Rows of a parquet file that are read at once."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of the file `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """An empty folder that takes the place of the folder `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    former = path.with_name(f".{path.name}.old.tmp")
    if former.exists() and not path.exists():
        # A process was killed between the two renames below.
        former.replace(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(former, ignore_errors=True)
        if path.exists():
            path.replace(former)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def write_text(text: str, path: Path) -> None:
    """UTF-8 with line feeds on every system."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def update_text(text: str, path: Path) -> None:
    """The same, unless the file says so already: then it stays as old as it is."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(text, path)


def write_json(content: Any, path: Path) -> None:
    """Indented JSON; keys stay in the order given."""
    write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


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


@contextmanager
def parquet_writers(*paths: Path) -> Iterator[list[Callable[[pd.DataFrame], None]]]:
    """What writes tables of the same columns below each other as a parquet file, for each path.

    Without indexes. No file takes its place before all are written to the end.

    The bytes are the same however the rows are divided among the tables: row groups are of
    ROWS_IN_GROUP rows. The first table with rows, or else the last, gives the columns and types.
    """
    with ExitStack() as stack:
        temporaries = [stack.enter_context(replacing(path)) for path in paths]
        yield [stack.enter_context(_Groups(temporary)).add for temporary in temporaries]


class _Groups:
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
        import pyarrow as pa

        if not self.writer and not any(map(len, self.waiting)):
            # A table without rows says less of types than one with some.
            self.waiting = []
        schema = self.waiting[0].schema if self.waiting else None
        self.waiting.append(pa.Table.from_pandas(frame, schema, preserve_index=False))
        while sum(map(len, self.waiting)) >= ROWS_IN_GROUP:
            self._write(ROWS_IN_GROUP)

    def _write(self, most: int) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

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
    import pyarrow as pa
    import pyarrow.compute as pc

    return [
        name
        for name, column in zip(rows.column_names, rows.columns, strict=True)
        if pa.types.is_large_string(column.type)
        and 2 * pc.count_distinct(column).as_py() < len(rows)
    ]


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Parquet without the index."""
    with parquet_writers(path) as (write,):
        write(frame)


def write_joblib(content: Any, path: Path) -> None:
    """A scikit-learn object, as joblib pickles it."""
    import joblib

    with replacing(path) as temporary:
        joblib.dump(content, temporary)


def write_keras(network: keras.Model, path: Path) -> None:
    """A Keras network with its weights, in the `.keras` format, rewritten to hold nothing else."""
    with replacing(path) as temporary:
        # Keras insists on the extension.
        saved = temporary.with_name(f"{temporary.name}.keras")
        try:
            network.save(saved)
            _rewrite_archive(saved, temporary)
        finally:
            saved.unlink(missing_ok=True)


def _rewrite_archive(saved: Path, to: Path) -> None:
    """Copy a `.keras` archive without what differs from run to run.

    That is the time of saving, in the metadata and in the zip, and the memory addresses that Keras
    takes to tell which parts of the configuration are one object.
    """
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(to, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
            elif name == "config.json":
                content = json.dumps(_renumber(json.loads(content), {})).encode()
            target.writestr(zipfile.ZipInfo(name), content)


def _renumber(config: Any, numbers: dict[int, int]) -> Any:
    """`config` with its `shared_object_id`s counted in the order in which they come."""
    if isinstance(config, list):
        return [_renumber(part, numbers) for part in config]
    if not isinstance(config, dict):
        return config
    return {
        key: numbers.setdefault(value, len(numbers))
        if key == "shared_object_id"
        else _renumber(value, numbers)
        for key, value in config.items()
    }


def write_png(figure: Figure, path: Path) -> None:
    """A figure as PNG, without the version of matplotlib that drew it."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=144, metadata={"Software": None})


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
