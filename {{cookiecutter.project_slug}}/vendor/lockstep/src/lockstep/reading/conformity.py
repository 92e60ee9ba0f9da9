"""Holding a table against its contract.

What breaks it are breaches: one row per broken cell in a table with the columns `row` (counted from
1, the header not counted), `column`, `value` (as text) and `rule` (what the contract asks for).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.contract import GROUPS, IMAGE, NUMBERS, PLAIN, Column, Layout
from ..core.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

INFINITY = float("inf")


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
    columns: dict[str, Column],
    frame: pd.DataFrame,
    layout: Layout = PLAIN,
    missing: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each of `columns` its type and find the cells that break its rule.

    Each row is looked at by itself, so a table may come in parts; whether a value comes twice in a
    column that is `unique` is for `uniqueness` to find.

    Args:
        columns: The columns to keep, in the order wanted.
        frame: A table with at least these columns, of text or already typed.
        layout: How its texts write numbers.
        missing: Texts that stand for a missing value in every column.

    Returns:
        The typed table, as long as `frame` (an unreadable cell is missing in it), and the breaches.
    """
    import pandas as pd

    typed, breaches = {}, []
    for name, column in columns.items():
        cells = frame[name].reset_index(drop=True)
        typed[name], broken = _conform(cells, column, layout, missing)
        if broken.any():
            texts = _without_gaps(cells[broken], column, missing)
            breaches.append(breaches_of(name, texts, column.rule()))
    found = pd.concat(breaches) if breaches else breaches_of("", pd.Series(dtype="str"), "")
    return pd.DataFrame(typed), found.sort_values("row", kind="stable", ignore_index=True)


def breaches_of(name: str, cells: pd.Series, rule: str) -> pd.DataFrame:
    """Breaches of some cells of a column, whose index are their places in the table."""
    import pandas as pd

    texts = ["" if pd.isna(cell) else str(cell) for cell in cells]
    return pd.DataFrame(
        {
            "row": cells.index.to_numpy(dtype="int64") + 1,
            "column": pd.Series([name] * len(cells), dtype="str"),
            "value": pd.Series(texts, dtype="str"),
            "rule": pd.Series([rule] * len(cells), dtype="str"),
        }
    )


def _conform(
    cells: pd.Series, column: Column, layout: Layout, missing: Sequence[str]
) -> tuple[pd.Series, np.ndarray]:
    """(n_rows,) the cells typed, and (n_rows,) whether each breaks the column's rule."""
    typed = _typed_at_once(cells, column, layout)
    if typed is None:
        cells = _without_gaps(cells, column, missing)
        typed = _convert(cells, column, layout)
    # Why an image is missing, its reader has told.
    nullable = column.nullable or column.type == "image"
    gaps = typed.isna().to_numpy()
    broken = gaps & ~cells.isna().to_numpy() if nullable else gaps.copy()
    if column.categories is not None and typed is not cells:
        broken |= ~(typed.isin(column.categories).to_numpy() | gaps)
    if column.range is not None:
        low, high = column.range
        values = typed.to_numpy(dtype="float64", na_value=float("nan"))
        broken |= (values < (-INFINITY if low is None else low)) | (
            values > (INFINITY if high is None else high)
        )
    return typed, broken


def _typed_at_once(cells: pd.Series, column: Column, layout: Layout) -> pd.Series | None:
    """What `_convert` makes of the cells, in a fraction of the time, where all are plainly written.

    That is the case in most columns of most files: no blanks, no marks, no cell to set aside.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.dtype != "str" or column.missing:
        return None
    texts = _arrow(cells)
    if column.categories is not None:
        # One with blanks around it is none of a cell's, whose blanks are taken off.
        plain = [value for value in column.categories if value == value.strip()]
        known = pc.is_in(texts, pa.array(plain, texts.type), skip_nulls=True)
        return cells if pc.sum(known).as_py() == len(texts) - texts.null_count else None
    try:
        if column.type == "datetime" and column.format is None:
            found: pd.Series = texts.cast(pa.timestamp("us")).to_pandas()
            return found
        if column.type in NUMBERS and layout.decimal == "." and layout.thousands is None:
            return _finite(texts.cast(pa.float64()), whole=column.type == "integer")
    except pa.ArrowInvalid:
        return None
    return None


def _finite(found: pa.Array, *, whole: bool) -> pd.Series | None:
    """Numbers, if all that are there are finite and, where that is asked for, whole."""
    import numpy as np
    import pandas as pd

    values = found.to_numpy(zero_copy_only=False)
    if np.isfinite(values).sum() < len(found) - found.null_count:
        return None
    series = pd.Series(values)
    if not whole:
        return series
    typed = _as_whole(series)
    return typed if typed.isna().sum() == found.null_count else None


def _arrow(cells: pd.Series) -> pa.Array:
    import pyarrow as pa

    found = pa.array(cells)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _without_gaps(cells: pd.Series, column: Column, missing: Sequence[str]) -> pd.Series:
    """The cells, texts trimmed, without those that stand for nothing."""
    if cells.dtype == "str":
        texts = cells.str.strip()
        return texts.mask(texts.isin([*missing, *column.missing]))
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
        case "integer":
            return _as_whole(numbers(cells, layout))
    return numbers(cells, layout)


def _as_whole(found: pd.Series) -> pd.Series:
    """Numbers as whole ones of 64 bits; others are missing."""
    import numpy as np
    import pandas as pd

    values = found.to_numpy()
    gaps = ~((values == values.round()) & (abs(values) < 2.0**63))
    whole = np.where(gaps, 0, values).astype("int64")
    return pd.Series(pd.arrays.IntegerArray(whole, gaps), index=found.index)


def times(cells: pd.Series, written: str | None) -> pd.Series:
    """(n_rows,) the cells as points in time, without their time zone; unreadable ones missing."""
    import pandas as pd

    if written is None and cells.dtype == "str":
        # pandas would read `now` and `1`, and lose early years beside a cell of nanoseconds.
        dates = cells.where(cells.str.match(r"\s*\d{4}"))
        cells = dates.str.replace(r"([.,]\d{6})\d+", r"\1", regex=True)
    found = pd.to_datetime(cells, format=written or "ISO8601", utc=True, errors="coerce")
    return found.dt.tz_localize(None).astype("datetime64[us]")


def numbers(cells: pd.Series, layout: Layout) -> pd.Series:
    """(n_rows,) the cells as finite numbers; unreadable ones missing."""
    import pandas as pd

    if cells.dtype == "str":
        found = pd.Series(_read_numbers(_arrow(cells), layout), index=cells.index)
    elif cells.dtype == "object":
        is_text = cells.map(lambda cell: isinstance(cell, str)).astype("bool")
        found = pd.to_numeric(cells.mask(is_text), errors="coerce").astype("float64")
        found[is_text] = numbers(cells[is_text].astype("str"), layout)
    else:
        found = pd.to_numeric(cells, errors="coerce").astype("Float64").astype("float64")
    return found.where(found.abs() != INFINITY)


def _read_numbers(texts: pa.Array, layout: Layout) -> np.ndarray:
    """(n_rows,) the numbers that texts write in full, nan for the others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    group = GROUPS.get(layout.thousands or "")
    whole = rf"(?:\d+|{in_groups(group)})" if group else r"\d+"
    decimal = re.escape(layout.decimal)
    number = rf"^\s*[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?\s*$"
    written = pc.if_else(
        pc.match_substring_regex(texts, number), texts, pa.scalar(None, texts.type)
    )
    written = pc.utf8_trim_whitespace(written)
    if group:
        written = pc.replace_substring_regex(written, group, "")
    if layout.decimal != ".":
        written = pc.replace_substring(written, layout.decimal, ".")
    found: np.ndarray = written.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return found


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
