"""Files that are a sequence or a text each, read as one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ..core.contract import PLAIN, Files, Layout
from ..core.errors import UserError
from .folder import list_entries
from .formats import is_table
from .tables import read_batches, require_columns
from .text_files import is_text, read_texts


def read_rows(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> Iterator[pd.DataFrame]:
    """Read a table or, where each file is a sequence or a text, all files of a folder as one.

    See `read_batches`, and `read_texts`; texts may come in a table as well. `layout.files` names
    the columns that a file does not have. Of a single one the folder is not known: it may lie
    anywhere.

    Raises:
        UserError: A file cannot be read, has other columns than the first, or one that is named for
            what stands outside it.
    """
    if layout.files is None:
        yield from read_batches(path, name, missing, layout)
        return
    if layout.files.text is not None:
        is_one_table = path.is_file() and is_table(path) and not is_text(path.name)
        yield from (
            read_batches(path, name, missing, layout)
            if is_one_table
            else read_texts(path, name, missing, layout)
        )
        return
    files = sorted(list_entries(path, deep=True)) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{name}: a folder without files")
    first: list[str] = []
    for file in files:
        within = file.relative_to(path.parent)
        called = f"{name}/{file.relative_to(path).as_posix()}" if path.is_dir() else name
        above = 0
        for batch in read_batches(file, called, missing, layout):
            first = first or [*batch]
            require_columns(batch, called, first, files[0].relative_to(path))
            yield _add_columns(batch, called, layout.files, within, above)
            above += len(batch)


def _add_columns(
    batch: pd.DataFrame, name: str, files: Files, within: Path, above: int
) -> pd.DataFrame:
    """The rows with what stands outside their file, which is at a place within a folder."""
    columns: dict[str, str | range] = {files.name: within.as_posix()}
    if files.folder is not None and within.parent.name:
        columns[files.folder] = within.parent.name
    if files.row is not None:
        columns[files.row] = range(above + 1, above + len(batch) + 1)
    if both := {*columns} & {*batch}:
        raise UserError(
            f"{name}: its column {min(both)!r} is called like what stands outside of it; rename it"
        )
    return batch.assign(**columns)
