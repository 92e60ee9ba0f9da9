"""Holding a table against its contract.

What breaks it are breaches: one row per broken cell in a table with the columns `row` (counted from
1, the header not counted), `column`, `value` (as text) and `rule` (what the contract asks for).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .contract import IMAGE, Column

if TYPE_CHECKING:
    import pandas as pd


def require_columns(frame: pd.DataFrame, columns: dict[str, Column], name: str) -> None:
    """Check that the table read from the file `name` has all `columns`.

    Raises:
        UserError: One is not there.
    """
    for column in columns:
        if column not in frame.columns:
            raise UserError(
                f"{name}: column {column!r} is missing; the contract asks for it; "
                f"the file has {_listing(frame.columns)}"
            )


def first_breach(breaches: pd.DataFrame) -> str:
    """The first of some breaches in words; an image is told by where it lies."""
    first = breaches.iloc[0]
    if first["column"] == IMAGE:
        return f"{first['value']}, expected {first['rule']}"
    return f"row {first['row']}, {first['column']} is {first['value']!r}, expected {first['rule']}"


def _listing(names: pd.Index, most: int = 12) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def apply(columns: dict[str, Column], frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each of `columns` its type and find the cells that break its rule.

    Args:
        columns: The columns to keep, in the order wanted.
        frame: A table with at least these columns, of text or already typed.

    Returns:
        The typed table, as long as `frame` (an unreadable cell is missing in it), and the breaches.
    """
    import pandas as pd

    raw = frame[list(columns)].reset_index(drop=True)
    table = pd.DataFrame({name: _convert(raw[name], column) for name, column in columns.items()})
    unreadable = table.isna() & raw.notna()
    return table, _breaches(raw, columns, unreadable | _broken_rules(table, columns))


def _convert(cells: pd.Series, column: Column) -> pd.Series:
    import pandas as pd

    match column.type:
        case "image":
            return cells
        case "binary" | "categorical" | "ordered" | "identifier":
            return cells.map(_as_text, na_action="ignore").astype("str")
        case "datetime":
            times = pd.to_datetime(
                cells, format=column.format or "ISO8601", utc=True, errors="coerce"
            )
            return times.dt.tz_localize(None).astype("datetime64[us]")
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    numbers = numbers.where(numbers.abs() != float("inf"))
    if column.type == "integer":
        return numbers.where(numbers == numbers.round()).astype("Int64")
    return numbers


def _as_text(value: object) -> str:
    # 2.0 in a column that some writer took for floats is the category 2.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _broken_rules(table: pd.DataFrame, columns: dict[str, Column]) -> pd.DataFrame:
    import pandas as pd
    from pandera.errors import SchemaErrors

    broken = pd.DataFrame(False, index=table.index, columns=table.columns)
    try:
        _pandera_schema(columns).validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        for name in columns:
            broken.loc[cases.loc[cases["column"] == name, "index"].astype(int), name] = True
    return broken


def _breaches(raw: pd.DataFrame, columns: dict[str, Column], broken: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rows, places = np.nonzero(broken.to_numpy())
    cells = raw.iloc[rows].to_numpy(dtype=object)[np.arange(len(rows)), places]
    names = [list(columns)[place] for place in places]
    texts = ["" if gone else str(cell) for cell, gone in zip(cells, pd.isna(cells), strict=True)]
    found = {
        "row": pd.Series(rows + 1, dtype="int64"),
        "column": pd.Series(names, dtype="str"),
        "value": pd.Series(texts, dtype="str"),
        "rule": pd.Series([columns[name].rule() for name in names], dtype="str"),
    }
    return pd.DataFrame(found)


def _pandera_schema(columns: dict[str, Column]) -> Any:
    import pandera.pandas as pa

    checked = {}
    for name, column in columns.items():
        checks = []
        low, high = column.range or (None, None)
        if low is not None:
            checks.append(pa.Check.ge(low))
        if high is not None:
            checks.append(pa.Check.le(high))
        if column.categories is not None:
            checks.append(pa.Check.isin(column.categories))
        # Why an image is missing, its reader has told.
        nullable = column.nullable or column.type == "image"
        checked[name] = pa.Column(None, checks, nullable=nullable)
    return pa.DataFrameSchema(checked)
