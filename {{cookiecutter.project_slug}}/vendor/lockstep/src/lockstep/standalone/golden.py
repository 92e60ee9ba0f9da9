"""Golden rows: made-up ones, and what the model answered to them when it was packed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..core.contract import IMAGE, Contract

Row = dict[str, Any]
"""Cells or answers by their columns, as JSON has them."""


class Golden(NamedTuple):
    """Rows, and the answers to them."""

    rows: list[Row]
    answers: list[Row]


def read_golden(path: Path) -> Golden:
    """What `package` has written to `path`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Golden(content["rows"], content["answers"])


def make_frame(rows: Sequence[Row], contract: Contract) -> pd.DataFrame:
    """(n_rows, n_columns) cells as they are, none of which depends on those of other rows."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pd.Series([row.get(name) for row in rows], dtype="object") for name in names}
    if contract.images is not None:
        columns[IMAGE] = columns[IMAGE].map(b64decode)
    return pd.DataFrame(columns)


def list_answers(table: pd.DataFrame) -> list[Row]:
    """What a model has answered, row by row; None where there is nothing."""
    cells = table.astype("object").where(table.notna(), None)
    return [
        {str(name): _as_plain(cell) for name, cell in row.items()}
        for row in cells.to_dict(orient="records")
    ]


def _as_plain(cell: Any) -> Any:
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat().removesuffix("T00:00:00")
    return cell.item() if hasattr(cell, "item") else cell
