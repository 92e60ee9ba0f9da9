"""Reading a table whatever file it is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from ..core.contract import PLAIN, Layout
from ..core.errors import UserError
from ..data.conformity import mask_missing
from .cells import Cells
from .databases import read_database_batches, read_only, require_settled
from .duckdb_files import read_duckdb_batches
from .formats import FORMATS, detect_format
from .parquet import read_parquet_batches
from .spreadsheets import read_sheet
from .texts import read_text_batches

OLD_EXCEL_START = b"\xd0\xcf\x11\xe0"
LOCK = "EncryptedPackage".encode("utf-16-le")
"""What is in a spreadsheet with a password, which has the start of an old one."""
PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|table)\b", re.IGNORECASE)


def read_table(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> pd.DataFrame:
    """Read a table whole, without blanks around its texts; see `read_batches`."""
    frames = [*read_batches(path, name, missing, layout)]
    whole = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return mask_missing(whole, missing)


def read_batches(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> Iterator[pd.DataFrame]:
    """Read a table: every cell of text or, where the file has types, with its own.

    Of a zip, all tables of text in it below each other. No batch is empty; a spreadsheet comes
    whole. Texts in `missing` are so; in text files those with blanks around them
    are left to `data.conformity.conform`, which knows the columns where it need not look.
    """
    return (cells.parse_as_text() for cells in read_cells(path, name, missing, layout))


def read_cells(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> Iterator[Cells]:
    """The same table in batches that are parsed when they are asked for, by any thread."""
    require_file(path, name)
    batches: Iterable[Cells]
    form = detect_format(path)
    if form in ("database", "duckdb"):
        require_settled(path, name)
    match form:
        case "parquet":
            batches = _mask(read_parquet_batches(path, name), missing)
        case "excel":
            batches = _mask([read_sheet(path, name, layout)], missing)
        case "database":
            batches = _mask(read_database_batches(read_only(path), name, layout.table), missing)
        case "duckdb":
            batches = _mask(read_duckdb_batches(path, name, layout.table), missing)
        case _:
            batches = read_text_batches(path, name, missing, layout)
    is_empty = True
    for batch in batches:
        is_empty = False
        yield batch
    if is_empty:
        raise UserError(f"{name}: no rows; only the column names are there")


def _mask(batches: Iterable[pd.DataFrame], missing: Sequence[str]) -> Iterator[Cells]:
    return (Cells.of(mask_missing(batch, missing)) for batch in batches if len(batch))


def require_columns(
    batch: pd.DataFrame, name: str, columns: Sequence[str], first: str | Path
) -> None:
    """Check that rows of the file `name` have the `columns` of the `first` file of all.

    Raises:
        UserError: A column is in one of the two only.
    """
    if different := sorted({*batch} ^ {*columns}):
        raise UserError(
            f"{name}: its columns are not those of {first}: {different[0]!r} is in one of them only"
        )


def require_file(path: Path, name: str) -> None:
    """Check that `path` is a file with something in it."""
    if path.is_dir():
        raise UserError(f"{name}: a folder; a file was expected")
    if not path.is_file():
        files = path.parent.glob("*") if path.parent.is_dir() else []
        tables = sorted(file.name for file in files if file.suffix.lower() in FORMATS)
        holds = ", ".join(tables[:10]) or "no table"
        raise UserError(f"{name}: no such file; that folder holds {holds}")
    if path.stat().st_size == 0:
        raise UserError(f"{name}: the file is empty; a header line and rows were expected")
    with path.open("rb") as file:
        start = file.read(1024)
        if start.startswith(OLD_EXCEL_START):
            is_locked = LOCK in file.read()
            kind = "locked by a password" if is_locked else "a spreadsheet of before 2007"
            way = "without one" if is_locked else "as .xlsx or CSV"
            raise UserError(f"{name}: {kind}; save it {way} first")
    if PAGE.match(start):
        raise UserError(f"{name}: a web page, not a table; look at it, and save the data as CSV")
