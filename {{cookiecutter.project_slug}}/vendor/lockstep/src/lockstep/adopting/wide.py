"""Tables that are wide where rows of series are needed: with a column for each series or time."""

from __future__ import annotations

import re

import pandas as pd

from ..core.contract import PLAIN
from ..data.conformity import parse_numbers, parse_times
from .inference import DATE_FORMATS

FEWEST_SIBLINGS = 3
"""Columns alike from which on a table may be wide."""
FIRST_ROWS = 200
"""That are looked at."""
YEAR = re.compile(r"(19|20)\d\d")


def advise_melting(frame: pd.DataFrame, time: str | None, target: str) -> str | None:
    """How a wide table is made long, in words; None where it is not wide.

    Args:
        frame: (n_rows, n_columns) as it came.
        time: The column of times, if it is named.
        target: What the values are to be called.
    """
    names = pd.Series([str(name) for name in frame.columns], dtype="str")
    frame = frame.head(FIRST_ROWS).set_axis(names, axis=1)
    is_time = _are_times(names)
    if is_time.sum() >= max(FEWEST_SIBLINGS, len(names) / 2):
        others = names[~is_time].tolist()
        series = f" --series {others[0]!r}" if others else ""
        return (
            f"it has a column for each of {is_time.sum()} times, such as {names[is_time].iloc[0]!r}"
            f": give each value a row, in pandas by frame.melt({others}, var_name='time', "
            f"value_name={target!r}), and say --target {target!r} --time time{series}"
        )
    if time is None or time not in frame:
        time = next((name for name in names if _are_times(frame[name].astype("str")).all()), None)
    siblings = [name for name in names if name != time]
    if time is None or len(siblings) < FEWEST_SIBLINGS:
        return None
    if any(parse_numbers(frame[name], PLAIN).isna().all() for name in siblings):
        return None
    return (
        f"it has a column for each of {len(siblings)} series, such as {siblings[0]!r}: give each "
        f"value a row, in pandas by frame.melt({time!r}, var_name='series', value_name={target!r})"
        f", and say --target {target!r} --time {time!r} --series series"
    )


def _are_times(texts: pd.Series) -> pd.Series:
    """(n,) whether each text is a time, or a year, in the way in which most of them are written."""
    ways = [texts.str.fullmatch(YEAR), texts.str.match(r"\d{4}-\d\d") & _are_read(texts, None)]
    ways += [_are_read(texts, form) for form in DATE_FORMATS if form != "ISO8601"]
    return max(ways, key=lambda way: way.sum()).astype("bool")


def _are_read(texts: pd.Series, form: str | None) -> pd.Series:
    return parse_times(texts, form).notna()
