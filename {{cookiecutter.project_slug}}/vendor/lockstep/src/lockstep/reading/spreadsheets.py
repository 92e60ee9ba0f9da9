"""Reading tables from spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..core.contract import Layout
from ..core.errors import UserError
from ..core.validation import nearest
from .names import name_columns


def read_sheet(path: Path, name: str, layout: Layout) -> pd.DataFrame:
    """Read the sheet that `layout` names, or the first, every cell with its own type."""
    sheets = list_sheets(path, name)
    sheet = layout.sheet or sheets[0]
    if sheet not in sheets:
        raise UserError(f"{name}: no sheet {sheet!r}; {nearest(sheet, sheets)}")
    cells = pd.read_excel(path, sheet_name=sheet, header=None, dtype="object", engine="openpyxl")
    cells = cells.dropna(how="all").iloc[layout.skip :]
    if cells.empty:
        raise UserError(f"{name}: sheet {sheet!r} is empty; a header and rows were expected")
    first = ["" if pd.isna(cell) else str(cell) for cell in cells.iloc[0]]
    names = name_columns(first, name, header=layout.header)
    return cells.iloc[int(layout.header) :].set_axis(names, axis=1).reset_index(drop=True)


def list_sheets(path: Path, name: str) -> list[str]:
    """The sheets of a spreadsheet by their names."""
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            return [str(sheet) for sheet in book.sheet_names]
    except ImportError as error:
        raise UserError(f"{name}: reading it takes openpyxl: `uv add openpyxl`") from error
    except Exception as error:  # openpyxl passes on whatever its parsers raise
        raise UserError(f"{name}: not a readable spreadsheet") from error
