"""Folders called `column=value`, as Hive divides tables: the value is a cell of all rows below."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

PARTITION = re.compile(r"([^=]+)=(.*)", re.DOTALL)
NULL = "__HIVE_DEFAULT_PARTITION__"
"""What a folder is called of rows that lack the value."""


def find_partition(path: Path, top: Path) -> dict[str, str | None]:
    """The cells that the folders right above a file tell, those at `top` and above left out."""
    below = takewhile(lambda folder: folder != top, path.parents)
    found = takewhile(bool, (PARTITION.fullmatch(folder.name) for folder in below))
    cells = [(unquote(match[1]), unquote(match[2])) for match in found if match]
    return {name: None if cell == NULL else cell for name, cell in reversed(cells)}


def add_partition(rows: pd.DataFrame, path: Path, top: Path) -> pd.DataFrame:
    """The rows of a file with the cells that its folders tell; see `find_partition`.

    Texts, of which the contract makes what they stand for. A column of the file itself stays.
    """
    cells = {name: cell for name, cell in find_partition(path, top).items() if name not in rows}
    return rows.assign(
        **{name: pd.Series(cell, rows.index, dtype="str") for name, cell in cells.items()}
    )
