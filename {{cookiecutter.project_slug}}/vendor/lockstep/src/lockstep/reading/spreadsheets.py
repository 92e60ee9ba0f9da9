"""Reading tables from spreadsheets."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ..core.contract import Layout
from ..core.errors import UserError, guard_reading
from ..core.validation import nearest
from .archives import open_member, open_zip
from .names import name_columns

WITHOUT_RESULT = re.compile(
    rb'<(?:\w+:)?c(?![^>]*\bt="str")[^>]*?\br="(\w+)"[^>]*>\s*'
    rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*(?:/>|>\s*</(?:\w+:)?v>)\s*)?</(?:\w+:)?c>"
)
"""A cell with a formula and nothing that it gives, not even an empty text."""
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="[A-Z]+(\d+):[A-Z]+(\d+)"')
ERROR = "e"
"""What openpyxl calls the type of a cell such as #N/A."""
MOST_CELLS = 2**26

# What it does not know of a file, such as a rule for what may be typed in, is of no use here.
warnings.filterwarnings("ignore", module=r"openpyxl\.")


def read_sheet(path: Path, name: str, layout: Layout) -> pd.DataFrame:
    """Read the sheet that `layout` names, or the first, every cell with its own type.

    A cell with an error, such as #N/A, is missing; of merged cells all but the first are.

    Raises:
        UserError: It cannot be read, or has a formula whose result the file does not hold.
    """
    with _open_book(path, name) as book:
        sheets = _list_sheets(book, name)
        sheet = layout.sheet or sheets[0]
        if sheet not in sheets:
            raise UserError(f"{name}: no sheet {sheet!r}; {nearest(sheet, sheets)}")
        if unsolved := WITHOUT_RESULT.search(_read_markup(book, path, name, sheet)):
            raise UserError(
                f"{name}: sheet {sheet!r}: {unsolved[1].decode()} holds a formula without its "
                "result; open and save it in a program for spreadsheets, or save it as CSV"
            )
        rows, width = [], 0
        for row in _read_rows(book, sheet):
            rows.append(row)
            width = max(width, len(row))
            if width * len(rows) > MOST_CELLS:
                raise UserError(
                    f"{name}: sheet {sheet!r} has {len(rows):,} rows or more and {width:,} "
                    "columns; take out what is no part of the table, or save it as CSV"
                )
    rows = rows[layout.skip :]
    if not rows:
        raise UserError(f"{name}: sheet {sheet!r} is empty; a header and rows were expected")
    first = ["" if cell is None else str(cell) for cell in rows[0]]
    names = name_columns([*first, *[""] * (width - len(first))], name, header=layout.header)
    body = [[*row, *[None] * (width - len(row))] for row in rows[int(layout.header) :]]
    return pd.DataFrame(body, columns=names, dtype="object")


def list_sheets(path: Path, name: str) -> list[str]:
    """The sheets of a spreadsheet by their names, hidden ones last."""
    with _open_book(path, name) as book:
        return _list_sheets(book, name)


def has_merged_rows(path: Path, name: str, sheet: str) -> bool:
    """Whether a cell of the sheet stands for several rows, of which it has the value of one."""
    with _open_book(path, name) as book:
        rows = MERGED.findall(_read_markup(book, path, name, sheet))
    return any(first != last for first, last in rows)


def measure_unpacked(path: Path, name: str) -> int:
    """The bytes of a spreadsheet's text, which reading it holds about twice in memory."""
    with open_zip(path, name) as archive:
        return sum(entry.file_size for entry in archive.infolist())


@contextmanager
def _open_book(path: Path, name: str) -> Iterator[pd.ExcelFile]:
    kind = "a readable spreadsheet"
    try:
        with (
            open_zip(path, name, kind),
            guard_reading(f"{name}: not {kind}"),
            pd.ExcelFile(path, engine="openpyxl") as book,
        ):
            yield book
    except ImportError as error:
        raise UserError(f"{name}: reading it takes openpyxl: `uv add openpyxl`") from error


def _list_sheets(book: pd.ExcelFile, name: str) -> list[str]:
    sheets = sorted(book.book.worksheets, key=lambda sheet: sheet.sheet_state != "visible")
    if not sheets:
        raise UserError(f"{name}: no sheet with cells in it, charts at the most")
    return [str(sheet.title) for sheet in sheets]


def _read_rows(book: pd.ExcelFile, sheet: str) -> Iterator[list[object]]:
    """The values of each row that has some, up to the last of them."""
    cells = book.book[sheet]
    # What a file says of its size may be anything.
    cells.reset_dimensions()
    for row in cells.rows:
        values = [None if _is_empty(cell) else cell.value for cell in row]
        while values and values[-1] is None:
            values.pop()
        if values:
            yield values


def _is_empty(cell: Any) -> bool:
    has_text = isinstance(cell.value, str) and cell.data_type != ERROR
    return not cell.value.strip() if has_text else cell.data_type == ERROR


def _read_markup(book: pd.ExcelFile, path: Path, name: str, sheet: str) -> bytes:
    """The sheet as it is written in the file."""
    member = book.book[sheet]._worksheet_path
    with open_zip(path, name) as archive, open_member(archive, member, name) as file:
        return file.read()
