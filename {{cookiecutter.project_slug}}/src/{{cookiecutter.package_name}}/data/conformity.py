"""Holding a table against its contract.

What breaks it are breaches: one row per broken cell in a table with the columns `row` (counted from
1, the header not counted), `column`, `value` (as text) and `rule` (what the contract asks for).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .contract import GROUPS, IMAGE, PLAIN, Column, Layout

if TYPE_CHECKING:
    import pandas as pd


def require_columns(frame: pd.DataFrame, columns: dict[str, Column], name: str) -> None:
    """Check that the table read from the file `name` has all `columns`.

    Raises:
        UserError: Some are not there.
    """
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        one = len(lacking) == 1
        raise UserError(
            f"{name}: column{'' if one else 's'} {_listing(lacking)} {'is' if one else 'are'} "
            f"missing; the contract asks for {'it' if one else 'them'}; "
            f"the file has {_listing(list(frame.columns))}"
        )


def first_breach(breaches: pd.DataFrame) -> str:
    """The first of some breaches in words; an image is told by where it lies."""
    first = breaches.iloc[0]
    if first["column"] == IMAGE:
        return f"{first['value']}, expected {first['rule']}"
    return f"row {first['row']}, {first['column']} is {first['value']!r}, expected {first['rule']}"


def _listing(names: list[str], most: int = 12) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def apply(
    columns: dict[str, Column], frame: pd.DataFrame, layout: Layout = PLAIN
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each of `columns` its type and find the cells that break its rule.

    Args:
        columns: The columns to keep, in the order wanted.
        frame: A table with at least these columns, of text or already typed.
        layout: How its texts write numbers.

    Returns:
        The typed table, as long as `frame` (an unreadable cell is missing in it), and the breaches.
    """
    import pandas as pd

    raw = frame[list(columns)].reset_index(drop=True)
    raw = pd.DataFrame(
        {name: without_markers(raw[name], column) for name, column in columns.items()}
    )
    table = pd.DataFrame(
        {name: _convert(raw[name], column, layout) for name, column in columns.items()}
    )
    unreadable = table.isna() & raw.notna()
    against_rule, repeated = _broken_rules(table, columns)
    breaches = pd.concat(
        [
            _breaches(raw, columns, unreadable | against_rule),
            _breaches(raw, columns, repeated, "a value that no row above has"),
        ]
    )
    return table, breaches.sort_values("row", kind="stable", ignore_index=True)


def without_markers(cells: pd.Series, column: Column) -> pd.Series:
    """The cells without those that stand for nothing in this column."""
    if not column.missing:
        return cells
    return cells.mask(as_texts(cells).isin(list(column.missing)))


def _convert(cells: pd.Series, column: Column, layout: Layout) -> pd.Series:

    match column.type:
        case "image":
            return cells
        case "binary" | "categorical" | "ordered" | "identifier" | "text":
            return as_texts(cells)
        case "datetime":
            return times(cells, column.format)
    found = numbers(cells, layout)
    if column.type == "integer":
        return found.where(found == found.round()).astype("Int64")
    return found


def times(cells: pd.Series, written: str | None) -> pd.Series:
    """(n_rows,) the cells as points in time, without their time zone; unreadable ones missing."""
    import pandas as pd

    found = pd.to_datetime(cells, format=written or "ISO8601", utc=True, errors="coerce")
    return found.dt.tz_localize(None).astype("datetime64[us]")


def numbers(cells: pd.Series, layout: Layout) -> pd.Series:
    """(n_rows,) the cells as finite numbers; unreadable ones missing."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(cells):
        found = cells.astype("Float64").astype("float64")
    else:
        found = pd.to_numeric(_with_points(cells, layout), errors="coerce").astype("float64")
    return found.where(found.abs() != float("inf"))


def _with_points(cells: pd.Series, layout: Layout) -> pd.Series:
    """The cells with the decimal point, and without what stands between thousands."""
    if layout.decimal == "." and layout.thousands is None:
        return cells
    decimal, group = re.escape(layout.decimal), GROUPS.get(layout.thousands or "", "(?!)")
    number = re.compile(rf"[+-]?(?:\d+|{in_groups(group)})?(?:{decimal}\d*)?(?:[eE][+-]?\d+)?")

    def with_point(cell: object) -> object:
        if not isinstance(cell, str):
            return cell
        if not number.fullmatch(cell.strip()):
            return None
        return re.sub(group, "", cell.strip()).replace(layout.decimal, ".")

    return cells.map(with_point, na_action="ignore")


def in_groups(mark: str) -> str:
    """The pattern of a whole number whose groups of three digits are set apart by a pattern."""
    return r"\d{1,3}(?:" + mark + r"\d{3})+"


def as_texts(cells: pd.Series) -> pd.Series:
    """(n_rows,) the cells as a contract's categories have them; gaps stay."""
    if cells.dtype == "str":
        return cells.str.strip()
    return cells.map(_as_text, na_action="ignore").astype("str")


def _as_text(value: object) -> str:
    # 2.0 in a column that some writer took for floats is the category 2.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _broken_rules(
    table: pd.DataFrame, columns: dict[str, Column]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Which cells break their rule, and which repeat the value of a row above."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    broken, repeated = (
        pd.DataFrame(False, index=table.index, columns=table.columns) for _ in range(2)
    )
    try:
        _pandera_schema(columns).validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        again = cases["check"] == "field_uniqueness"
        for marked, found in ((broken, cases[~again]), (repeated, cases[again])):
            for name, rows in found.groupby("column")["index"]:
                marked.loc[rows.astype(int), name] = True
    return broken, repeated


def _breaches(
    raw: pd.DataFrame, columns: dict[str, Column], broken: pd.DataFrame, rule: str | None = None
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rows, places = np.nonzero(broken.to_numpy())
    names = [list(columns)[place] for place in places]
    cells = [raw[name].iloc[row] for row, name in zip(rows, names, strict=True)]
    texts = ["" if pd.isna(cell) else str(cell) for cell in cells]
    found = {
        "row": pd.Series(rows + 1, dtype="int64"),
        "column": pd.Series(names, dtype="str"),
        "value": pd.Series(texts, dtype="str"),
        "rule": pd.Series([rule or columns[name].rule() for name in names], dtype="str"),
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
        checked[name] = pa.Column(
            None,
            checks,
            nullable=nullable,
            unique=column.unique,
            report_duplicates="exclude_first",
        )
    return pa.DataFrameSchema(checked)
