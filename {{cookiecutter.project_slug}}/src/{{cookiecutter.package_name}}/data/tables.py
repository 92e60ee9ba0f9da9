"""Reading tables as they come: CSV and parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    import pandas as pd

READABLE = (".csv", ".parquet")


def read_table(path: Path, name: str, missing: Sequence[str]) -> pd.DataFrame:
    """Read a CSV (every cell as text) or a parquet file (with its own types).

    Args:
        path: The file, `.csv` or `.parquet`.
        name: What messages call the file.
        missing: Texts of a CSV's cells that stand for a missing value.

    Raises:
        UserError: The file is missing, empty, of another kind or not readable as what it is.
    """
    if path.is_dir():
        raise UserError(f"{name}: a folder; a file ending in {' or '.join(READABLE)} was expected")
    if not path.is_file():
        raise UserError(f"{name}: no such file; {_neighbours(path)}")
    if path.suffix.lower() not in READABLE:
        raise UserError(f"{name}: a table's name must end in {' or '.join(READABLE)}")
    if path.stat().st_size == 0:
        raise UserError(f"{name}: the file is empty; a header line and rows were expected")
    frame = (
        read_parquet(path, name)
        if path.suffix.lower() == ".parquet"
        else _read_csv(path, name, missing)
    )
    if frame.empty:
        raise UserError(f"{name}: no rows; only the column names are there")
    return frame


def _neighbours(path: Path) -> str:
    tables = sorted(file.name for file in path.parent.glob("*.*") if file.suffix in READABLE)
    return f"that folder holds {', '.join(tables) or 'no table'}"


def _read_csv(path: Path, name: str, missing: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    options = {"dtype": "str", "keep_default_na": False}
    try:
        # The header by itself, because pandas would rename the second of two equal names.
        names = pd.read_csv(path, header=None, nrows=1, **options).iloc[0]
        frame = pd.read_csv(path, na_values=list(missing), **options)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name}: not UTF-8 text (byte {error.start}); save it as UTF-8 first"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{name}: no columns; a header line and rows were expected") from error
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise UserError(f"{name}: not a well-formed CSV: {reason}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise UserError(
            f"{name}: the rows have more fields than the header, which has {len(names)}; "
            "give every field a name, or remove what is too much"
        )
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise UserError(f"{name}: the column name {twice!r} stands there twice; rename one")
    return frame


def read_parquet(path: Path, name: str) -> pd.DataFrame:
    """Read a parquet file; messages call it `name`.

    Raises:
        UserError: It is not one, or a torn one.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except pa.ArrowException as error:
        raise UserError(f"{name}: not a readable parquet file") from error
