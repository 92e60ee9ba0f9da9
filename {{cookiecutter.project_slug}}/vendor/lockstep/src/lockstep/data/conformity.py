"""Holding a table against its contract.

What breaks it are breaches: one row per broken cell in a table with the columns `row` (counted from
1, the header not counted), `column`, `value` (as text) and `rule` (what the contract asks for).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeGuard

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..core.contract import (
    FREE,
    GROUPS,
    IMAGE,
    NUMBERS,
    PLAIN,
    SEPARATOR,
    Column,
    Contract,
    Layout,
)
from ..core.errors import UserError, shorten
from ..core.labels import parse_labels

INFINITY = float("inf")
QUARTER = "Q%q"
"""A quarter of a year in a format, which strptime has no sign for."""
MOST_APART = 100
"""Columns of a frame that are not copied to lie together; of more, pandas warns when one is added.
"""
LONGEST_VALUE = 80
"""Signs of a cell that a message has."""


def require_distinct(names: Sequence[str], file: str) -> None:
    """Check that no two columns of a file have one name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{file}: the column name {twice!r} stands there twice; rename one")


def require_columns(frame: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Check that the table read from the file `name` has all `columns`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        one = len(missing) == 1
        raise UserError(
            f"{name}: column{'' if one else 's'} {_listing(missing)} {'is' if one else 'are'} "
            f"missing; the contract asks for {'it' if one else 'them'}; "
            f"the file has {_listing(list(frame.columns))}"
        )


def complete_target(cells: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The cells, with a target that nothing is known of where they have none and need none."""
    if contract.may_lack_target and contract.target not in cells:
        return cells.assign(**{contract.target: pd.Series(None, cells.index, dtype="str")})
    return cells


def _listing(names: list[str], most: int = 12) -> str:
    listing = ", ".join(map(repr, names[:most]))
    return listing if len(names) <= most else f"{listing} and {len(names) - most} more"


def select_cells(
    frame: pd.DataFrame, columns: Collection[str], missing: Sequence[str], name: str
) -> pd.DataFrame:
    """The cells of some columns, those that count as missing missing.

    Raises:
        UserError: A column is not there, or stands there twice.
    """
    frame = frame.set_axis(frame.columns.map(str), axis=1)
    require_columns(frame, columns, name)
    require_distinct([key for key in map(str, frame) if key in columns], name)
    cells = frame[[*columns]]
    # Those of text are left to `conform`, which knows where it need not look.
    return cells.assign(**mask_missing(cells.loc[:, cells.dtypes != "str"], missing))


def arrange_columns(table: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Those of a contract in its order, with identifiers as texts."""
    texts = {name: as_texts(table[name]) for name in columns if columns[name].type == "identifier"}
    return table.assign(**texts)[[*columns]]


def describe_first(breaches: pd.DataFrame, above: int = 0) -> str:
    """The first breach in words, of a table below so many rows; an image is named by its place."""
    row, column, value, rule = breaches.iloc[0][["row", "column", "value", "rule"]]
    text = describe(column, value, rule)
    return text if column == IMAGE else f"row {row + above}, {text}"


def describe(column: str, value: str, rule: str) -> str:
    """A breach in words, without the row."""
    if column == IMAGE:
        return f"{value}, expected {rule}"
    cell = repr(shorten(value, LONGEST_VALUE)) if value else "missing"
    return f"{column} is {cell}, expected {rule}"


def conform(
    columns: dict[str, Column],
    frame: pd.DataFrame,
    layout: Layout = PLAIN,
    missing: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each of `columns` its type and find the cells that break its rule.

    Each row is looked at by itself, so a table may come in parts; whether a value comes twice in a
    column that is `unique` is for `data.duplicates` to find. The typed table has these columns in
    this order and is as long as `frame`, of text or already typed; an unreadable cell is missing.
    """
    table, breaches = {}, []
    frame = frame.reset_index(drop=True)
    for name, column in columns.items():
        cells = join_lists(frame[name], column.separator or SEPARATOR)
        table[name], is_broken = _conform(cells, column, layout, missing)
        if is_broken.any():
            texts = _mask_missing(cells[is_broken], column, missing)
            breaches.append(make_breaches(name, texts, column.rule()))
    all_breaches = pd.concat(breaches) if breaches else NO_BREACHES
    all_breaches = all_breaches.sort_values("row", kind="stable", ignore_index=True)
    return pd.DataFrame(table, copy=len(table) > MOST_APART), all_breaches


def list_plain_types(contract: Contract) -> dict[str, pa.DataType]:
    """The types by which numbers and times are read at once, where nothing is peculiar to them."""
    plain = {
        name: column.type
        for name, column in contract.columns.items()
        if not column.missing and column.format is None and not column.open
    }
    times = {name: pa.timestamp("us") for name, kind in plain.items() if kind == "datetime"}
    if contract.layout.decimal != "." or contract.layout.thousands:
        return times
    return times | {name: pa.float64() for name, kind in plain.items() if kind in NUMBERS}


def make_breaches(name: str, cells: pd.Series, rule: str | pd.Series) -> pd.DataFrame:
    """Breaches of some cells of a column, whose index are their places in the table."""
    texts = ["" if pd.isna(cell) else str(cell) for cell in cells]
    rows = cells.index.to_numpy() + 1
    breaches = {"row": rows, "column": name, "value": texts, "rule": rule}
    types = {"row": "int64", "column": "str", "value": "str", "rule": "str"}
    return pd.DataFrame(breaches, index=cells.index).astype(types).reset_index(drop=True)


NO_BREACHES = make_breaches("", pd.Series(dtype="str"), "")
"""Made once, which takes longer than to hold a row against the contract."""


def mask_missing(frame: pd.DataFrame, missing: Sequence[str]) -> pd.DataFrame:
    """The frame with its texts trimmed, and those in `missing` missing.

    Texts side by side in one cell are left to `join_lists`.
    """
    columns: dict[str, pd.Series] = {}
    for name, cells in frame.items():
        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype("object")
        if cells.dtype == "object":
            cells = cells.map(_as_plain, na_action="ignore").infer_objects()
        if cells.dtype.kind == "m":
            cells = cells.dt.total_seconds()
        if cells.dtype == "object":
            cells = cells.mask(cells.isin(list(missing)))
        elif cells.dtype == "str":
            cells = _mask_texts(cells, missing)
        columns[str(name)] = cells
    return pd.DataFrame(columns, index=frame.index)


def _mask_texts(cells: pd.Series, missing: Sequence[str]) -> pd.Series:
    """(n_rows,) texts, trimmed and those in `missing` missing."""
    array = _as_arrow(cells)
    texts = pc.utf8_trim_whitespace(array)
    is_missing = pc.is_in(texts, pa.array(missing, texts.type))
    if pc.any(is_missing).as_py():
        texts = pc.if_else(is_missing, pa.scalar(None, texts.type), texts)
    # Most columns are as they should be, and making one takes longer than looking at it.
    if texts.equals(array):
        return cells
    return pd.Series(texts, cells.index, dtype=cells.dtype, name=cells.name)


def drop_gaps(cells: pd.Series) -> pd.Series:
    """The cells that are there; the same ones where none is missing."""
    return cells.dropna() if cells.hasnans else cells


def _as_plain(value: object) -> object:
    """A value that can be compared and counted: lists and arrays as text, durations in seconds.

    Texts side by side are a tuple; without one of them the cell is empty.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_list_of_labels(value):
        return tuple(map(str, value)) or ""
    try:
        hash(value)
    except TypeError:
        value = str(value)
    return value.strip() if isinstance(value, str) else value


def _conform(
    cells: pd.Series, column: Column, layout: Layout, missing: Sequence[str]
) -> tuple[pd.Series, np.ndarray]:
    """(n_rows,) the cells typed, and (n_rows,) whether each breaks the column's rule."""
    # Most columns are written plainly: blanks and marks of missing values are looked for where a
    # cell cannot be read with them, or could be taken for something else.
    is_plain = cells.dtype == "str" and column.type not in (*FREE, "labels")
    is_plain &= not column.missing and column.format is None and not column.open
    values, is_unreadable = _convert(
        cells if is_plain else _mask_missing(cells, column, missing), column, layout
    )
    if is_plain and is_unreadable.any():
        cells = _mask_missing(cells, column, missing)
        values, is_unreadable = _convert(cells, column, layout)
    is_gap = values.isna().to_numpy()
    # Why an image is missing, its reader has told.
    may_lack = column.nullable or column.type == "image"
    is_broken = is_unreadable if may_lack else is_unreadable | is_gap
    if column.range is not None:
        low, high = column.range
        numbers = values.to_numpy(dtype="float64", na_value=float("nan"))
        is_broken |= numbers < (-INFINITY if low is None else low)
        is_broken |= numbers > (INFINITY if high is None else high)
    return values, is_broken


def _convert(cells: pd.Series, column: Column, layout: Layout) -> tuple[pd.Series, np.ndarray]:
    """(n_rows,) the cells typed, and (n_rows,) whether each is there but unreadable."""
    match column.type:
        case "image":
            values = cells
        case "binary" | "categorical" | "ordered" | "identifier" | "text":
            values = cells if cells.dtype == "str" else as_texts(cells)
        case "labels":
            return parse_labels(cells, column)
        case "datetime":
            values = parse_times(cells, column.format)
        case "integer":
            values = _round_exactly(parse_numbers(cells, layout))
        case _:
            values = parse_numbers(cells, layout)
    is_there = cells.notna().to_numpy()
    if column.categories is None or column.open:
        return values, is_there & values.isna().to_numpy()
    # One with blanks around it is none of a cell's, whose blanks are taken off.
    categories = [category for category in column.categories if category == category.strip()]
    texts = _as_arrow(values)
    is_known = pc.is_in(texts, pa.array(categories, texts.type))
    return values, is_there & ~is_known.to_numpy(zero_copy_only=False)


def _mask_missing(cells: pd.Series, column: Column, missing: Sequence[str]) -> pd.Series:
    """The cells, texts trimmed, without those that stand for nothing."""
    if column.type == "labels":
        return _mask_labels(as_texts(cells), column, missing)
    if cells.dtype == "str":
        return _mask_texts(cells, [*missing, *column.missing])
    if not column.missing:
        return cells
    return cells.mask(as_texts(cells).isin(list(column.missing)))


def _mask_labels(texts: pd.Series, column: Column, missing: Sequence[str]) -> pd.Series:
    """The texts of labels, empty where they say that there are none, missing where nothing does."""
    is_none = texts.isin(column.none)
    if "" in column.none:
        is_none |= texts.isna()
    return _mask_texts(texts, [*missing, *column.missing]).mask(is_none, "")


def _round_exactly(numbers: pd.Series) -> pd.Series:
    """Numbers as whole ones of 64 bits; others are missing."""
    values = numbers.to_numpy()
    gaps = ~((values == values.round()) & (abs(values) < 2.0**63))
    whole = np.where(gaps, 0, values).astype("int64")
    return pd.Series(pd.arrays.IntegerArray(whole, gaps), index=numbers.index)


def parse_times(cells: pd.Series, form: str | None) -> pd.Series:
    """(n_rows,) the cells as points in time, without their time zone; unreadable ones missing."""
    if cells.dtype == "datetime64[us]":
        return cells
    if cells.dtype != "str" and cells.dtype.kind in "biufO":
        # pandas would count nanoseconds from 1970.
        cells = cells.map(_write_number, na_action="ignore")
    if form is None and cells.dtype == "str":
        try:
            # The same in a fraction of the time, where no cell has a time zone or is unreadable.
            times = _as_arrow(cells).cast(pa.timestamp("us"))
            return pd.Series(times.to_numpy(zero_copy_only=False), index=cells.index)
        except pa.ArrowInvalid:
            # pandas would read `now` and `1`, and lose early years beside a cell of nanoseconds.
            dates = cells.where(cells.str.fullmatch(r"\d{4}(?:.*\S)?"))
            cells = dates.str.replace(r"([.,]\d{6})\d+", r"\1", regex=True)
    if form is not None and QUARTER in form:
        form = form.replace(QUARTER, "M%m")
        for number in range(1, 5):
            cells = cells.str.replace(
                f"Q{number}", f"M{3 * number - 2:02}", case=False, regex=False
            )
    # These two pandas would read as the moment of reading, whatever the format.
    cells = cells.mask(cells.isin(["now", "today"]))
    points = pd.to_datetime(cells, format=form or "ISO8601", utc=True, errors="coerce")
    return points.dt.tz_localize(None).astype("datetime64[us]")


def format_time(time: datetime, form: str) -> str:
    """A point in time as `parse_times` reads it."""
    return time.strftime(form.replace(QUARTER, f"Q{(time.month + 2) // 3}"))


def _write_number(cell: object) -> object:
    return _as_text(cell) if isinstance(cell, int | float) else cell


def parse_numbers(cells: pd.Series, layout: Layout) -> pd.Series:
    """(n_rows,) the cells as finite numbers; unreadable ones missing."""
    if cells.dtype == "str":
        values = pd.Series(_parse_texts(_as_arrow(cells), layout), index=cells.index)
    elif cells.dtype == "object":
        is_text = cells.map(_is_read_as_text).astype("bool")
        values = pd.to_numeric(cells.mask(is_text), errors="coerce").astype("float64")
        values[is_text] = parse_numbers(cells[is_text].astype("str"), layout)
    elif cells.dtype == "float64":
        values = cells
    elif cells.dtype.kind == "M":
        # Of points in time pandas would count what lies between them and 1970.
        values = pd.Series(float("nan"), index=cells.index)
    else:
        values = pd.to_numeric(cells, errors="coerce").astype("Float64").astype("float64")
    is_infinite = np.isinf(values.to_numpy())
    return values.mask(is_infinite) if is_infinite.any() else values


def _is_read_as_text(cell: object) -> bool:
    # pandas fails at whole numbers that are beyond all floats.
    return isinstance(cell, str) or (isinstance(cell, int) and abs(cell) > sys.float_info.max)


def _parse_texts(texts: pa.Array, layout: Layout) -> np.ndarray:
    """(n_rows,) the numbers that texts write in full, nan for the others."""
    group = GROUPS.get(layout.thousands or "")
    if layout.decimal == "." and not group:
        try:
            # All at once, which is what the pattern lets pass beside numbers that are not finite.
            return _to_floats(texts)
        except pa.ArrowInvalid:
            pass
    whole = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)" if group else r"\d+"
    decimal = re.escape(layout.decimal)
    number = rf"^[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?$"
    texts = pc.if_else(pc.match_substring_regex(texts, number), texts, pa.scalar(None, texts.type))
    if group:
        texts = pc.replace_substring_regex(texts, group, "")
    if layout.decimal != ".":
        texts = pc.replace_substring(texts, layout.decimal, ".")
    return _to_floats(texts)


def _to_floats(texts: pa.Array) -> np.ndarray:
    floats: np.ndarray = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return floats


def _as_arrow(cells: pd.Series) -> pa.Array:
    array = pa.array(cells)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def as_texts(cells: pd.Series) -> pd.Series:
    """(n_rows,) the cells as a contract's categories have them; gaps stay."""
    if cells.dtype == "str":
        return _mask_texts(cells, ())
    return cells.map(_as_text, na_action="ignore").astype("str")


def join_lists(cells: pd.Series, separator: str = SEPARATOR) -> pd.Series:
    """(n_rows,) the cells, texts side by side in one joined as several labels in a cell are."""
    if cells.dtype != "object":
        return cells
    return cells.map(lambda cell: _join(cell, separator) if is_list_of_labels(cell) else cell)


def _join(parts: Sequence[str | int], separator: str) -> str:
    texts = [*map(str, parts)]
    if any(separator in text for text in texts):
        # Joined, it would be divided at other places; as JSON it is no label that is known.
        return json.dumps(texts, ensure_ascii=False)
    return separator.join(texts)


def is_list_of_labels(value: object) -> TypeGuard[Sequence[str | int]]:
    """Whether a cell holds texts or whole numbers side by side, as several labels, or none."""
    return isinstance(value, list | tuple | np.ndarray) and all(
        isinstance(part, str | int | np.integer) and not isinstance(part, bool) for part in value
    )


def _as_text(value: object) -> str:
    # 2.0 in a column that some writer took for floats is the category 2.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
