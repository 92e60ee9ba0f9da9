"""Reading tables from spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..core.contract import Layout
from ..core.errors import UserError
from ..core.validation import nearest
from .names import name_columns, number_columns, require_distinct


def read_sheet(path: Path, name: str, layout: Layout) -> pd.DataFrame:
    """Read the sheet that `layout` names, or the first, every cell with its own type.

    Raises:
        UserError: It cannot be read, is empty, or there is no such sheet.
    """
    sheets = list_sheets(path, name)
    sheet = layout.sheet or sheets[0]
    if sheet not in sheets:
        raise UserError(f"{name}: no sheet {sheet!r}; {nearest(sheet, sheets)}")
    cells = pd.read_excel(path, sheet_name=sheet, header=None, dtype="object", engine="openpyxl")
    cells = cells.dropna(how="all").iloc[layout.skip :]
    if cells.empty:
        raise UserError(f"{name}: sheet {sheet!r} is empty; a header and rows were expected")
    if layout.header:
        names = name_columns(["" if pd.isna(cell) else str(cell) for cell in cells.iloc[0]])
        require_distinct(names, name)
        cells = cells.iloc[1:]
    else:
        names = number_columns(cells.shape[1])
    return cells.set_axis(names, axis=1).reset_index(drop=True)


def list_sheets(path: Path, name: str) -> list[str]:
    """The sheets of a spreadsheet by their names.

    Raises:
        UserError: It cannot be read, or what reads it is not installed.
    """
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            return [str(sheet) for sheet in book.sheet_names]
    except ImportError as error:
        raise UserError(f"{name}: reading it takes openpyxl: `uv add openpyxl`") from error
    except Exception as error:  # openpyxl passes on whatever its parsers raise
        raise UserError(f"{name}: not a readable spreadsheet") from error
