"""Reading a table whatever file it is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from ..core.contract import PLAIN, Layout
from ..core.errors import UserError
from ..data.conformity import mask_missing
from .databases import read_database_batches
from .formats import FORMATS, detect_format
from .parquet import read_parquet_batches
from .spreadsheets import read_sheet
from .texts import read_text_batches

OLD_EXCEL_START = b"\xd0\xcf\x11\xe0"


def read_table(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> pd.DataFrame:
    """Read a table whole, without blanks around its texts; see `read_batches`."""
    frames = [mask_missing(batch, missing) for batch in read_batches(path, name, missing, layout)]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def read_batches(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> Iterator[pd.DataFrame]:
    """Read a table: every cell of text or, where the file has types, with its own.

    Of a zip, all tables of text in it below each other. No batch is empty; JSON and spreadsheets
    come whole. Texts in `missing` are so; in text files those with blanks around them are left to
    `data.conformity.conform`, which knows the columns where it need not look.
    """
    require_file(path, name)
    batches: Iterable[pd.DataFrame]
    is_text = False
    match detect_format(path):
        case "parquet":
            batches = read_parquet_batches(path, name)
        case "excel":
            batches = [read_sheet(path, name, layout)]
        case "database":
            address = f"sqlite:///file:{quote(quote(path.resolve().as_posix()))}?mode=ro&uri=true"
            batches = read_database_batches(address, name, layout.table)
        case _:
            batches, is_text = read_text_batches(path, name, missing, layout), True
    is_empty = True
    for batch in filter(len, batches):
        is_empty = False
        # JSON is text with types.
        yield batch if is_text and (batch.dtypes == "str").all() else mask_missing(batch, missing)
    if is_empty:
        raise UserError(f"{name}: no rows; only the column names are there")


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
        if file.read(len(OLD_EXCEL_START)) == OLD_EXCEL_START:
            raise UserError(f"{name}: a spreadsheet of before 2007; save it as .xlsx or CSV first")
