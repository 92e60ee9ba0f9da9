"""Reading a table whatever file it is in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .contract import PLAIN, Layout
from .databases import read_database, sqlite_address
from .kinds import KINDS, kind_of
from .names import require_distinct
from .parquet import read_parquet
from .spreadsheets import read_sheet
from .texts import read_texts

if TYPE_CHECKING:
    import pandas as pd

OF_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def read_table(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> pd.DataFrame:
    """Read a table: every cell of text or, where the file has types, with its own.

    Args:
        path: The file; of a zip, all tables of text in it below each other.
        name: What messages call the file.
        missing: Texts that stand for a missing value.
        layout: How it is written.

    Raises:
        UserError: The file is missing, empty, of another kind or not readable as what it is.
    """
    require_file(path, name)
    match kind_of(path):
        case "parquet":
            frame = _without_index(read_parquet(path, name), name)
        case "excel":
            frame = read_sheet(path, name, layout)
        case "database":
            frame = read_database(sqlite_address(path), name, layout.table)
        case _:
            frame = read_texts(path, name, layout)
    if frame.empty:
        raise UserError(f"{name}: no rows; only the column names are there")
    return with_gaps(frame, missing)


def require_file(path: Path, name: str) -> None:
    """Check that `path` is a file with something in it.

    Raises:
        UserError: It is not.
    """
    if path.is_dir():
        raise UserError(f"{name}: a folder; a file was expected")
    if not path.is_file():
        raise UserError(f"{name}: no such file; {_neighbours(path)}")
    if path.stat().st_size == 0:
        raise UserError(f"{name}: the file is empty; a header line and rows were expected")
    with path.open("rb") as file:
        if file.read(len(OF_OLD_EXCEL)) == OF_OLD_EXCEL:
            raise UserError(f"{name}: a spreadsheet of before 2007; save it as .xlsx or CSV first")


def _neighbours(path: Path) -> str:
    files = path.parent.glob("*") if path.parent.is_dir() else []
    tables = sorted(file.name for file in files if file.suffix.lower() in KINDS)
    return f"that folder holds {', '.join(tables[:10]) or 'no table'}"


def _without_index(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """The frame with what pandas had kept as its index as columns."""
    unnamed = list(frame.index.names) == [None]
    names = [str(name) for name in [*([] if unnamed else frame.index.names), *frame.columns]]
    require_distinct(names, file)
    return frame.reset_index(drop=unnamed, allow_duplicates=True).set_axis(names, axis=1)


def with_gaps(frame: pd.DataFrame, missing: Sequence[str]) -> pd.DataFrame:
    """The frame with its texts trimmed, and those in `missing` missing."""
    import pandas as pd

    cleaned: dict[str, pd.Series] = {}
    for name, cells in frame.items():
        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype("object")
        if cells.dtype == "object":
            cells = cells.map(_plain, na_action="ignore").infer_objects()
        if cells.dtype == "str":
            cells = cells.str.strip()
        elif cells.dtype == "object":
            cells = cells.map(_trimmed, na_action="ignore")
        if cells.dtype in ("str", "object"):
            cells = cells.mask(cells.isin(list(missing)))
        cleaned[str(name)] = cells
    return pd.DataFrame(cleaned, index=frame.index)


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _plain(value: object) -> object:
    """A value that can be compared and counted; lists and arrays as text."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value
