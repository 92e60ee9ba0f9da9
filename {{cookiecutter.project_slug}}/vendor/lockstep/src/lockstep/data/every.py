"""How far two times of a series are apart, as `every` in references/schema.yaml says.

Microseconds, weekdays, months and plain numbers are what there is of times without a zone; a
quarter is three months and a year twelve. All of it is exact: no step depends on another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import floor, inf, log10
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..core.errors import UserError

Unit = Literal["microsecond", "weekday", "month", "number"]
MICROSECONDS = {
    "second": 10**6,
    "minute": 60 * 10**6,
    "hour": 3600 * 10**6,
    "day": 24 * 3600 * 10**6,
    "week": 7 * 24 * 3600 * 10**6,
}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
WEEKDAYS = {"weekday": 1}
SIZES: dict[Unit, dict[str, int]] = {
    "microsecond": MICROSECONDS,
    "weekday": WEEKDAYS,
    "month": MONTHS,
}
"""How many of its unit each word is."""
LONGEST_SEASON = 300
"""Steps of a season that is taken for granted: those of a day of five minutes each fit."""
FEWEST_REGULAR = 0.95
"""Share of the times of a series that must be whole steps apart to tell how long a step is."""
MOST_UNITS = 100_000
"""Of a step, so that thousands of steps are no longer than time is counted."""
FEWEST_WEEKDAYS = 20
"""Days without a Saturday or Sunday from which on that is no chance."""
SHORTEST_MONTH = 28 * MICROSECONDS["day"]


@dataclass(frozen=True)
class Every:
    """A step from one time to the next."""

    size: float
    """How many of its unit."""
    unit: Unit
    """What is counted: of points in time microseconds, weekdays or months; of numbers nothing."""

    def __str__(self) -> str:
        if self.unit == "number":
            return f"{self.size:.12g}"
        sizes = SIZES[self.unit]
        name, size = next((n, s) for n, s in reversed(sizes.items()) if self.size % s == 0)
        count = int(self.size // size)
        return f"{count} {name}{'' if count == 1 else 's'}"

    @property
    def season(self) -> int:
        """After how many steps things usually are alike again: a year, a week, a day; 1 if never.

        Of steps shorter than a day it is the longest of a day, an hour and a minute that is no more
        than LONGEST_SEASON of them.
        """
        if self.unit == "number":
            return 1
        if self.unit == "month":
            return _count_whole(12, self.size)
        if self.unit == "weekday":
            return _count_whole(5, self.size)
        if self.size % MICROSECONDS["week"] == 0:
            return _count_whole(52, self.size / MICROSECONDS["week"])
        longer = ["week"] if self.size % MICROSECONDS["day"] == 0 else ["day", "hour", "minute"]
        counts = [_count_whole(MICROSECONDS[name], self.size) for name in longer]
        return next((count for count in counts if 1 < count <= LONGEST_SEASON), 1)

    def round(self, numbers: Any) -> Any:
        """Times that are numbers without what floats add: 3 steps of 0.1 are 0.3."""
        return np.round(numbers, 6 - floor(log10(self.size)))


def _count_whole(whole: float, part: float) -> int:
    return int(whole // part) if whole % part == 0 else 1


def parse_every(text: str, is_number: bool) -> Every:
    """A step as the contract writes it.

    Args:
        text: Such as `1 day`, `15 minutes` or `1 quarter`; of times that are numbers, a number.
        is_number: Whether times are numbers.

    Raises:
        UserError: It is none.
    """
    form = r"(\d*\.?\d+(?:e[+-]?\d+)?)" if is_number else r"(\d+) *([a-z]+?)s?"
    match = re.fullmatch(form, text.strip().lower())
    size = float(match[1]) if match else 0.0
    if match and 0 < size < inf:
        if is_number:
            return Every(size, "number")
        for unit, sizes in SIZES.items():
            if match[2] in sizes and size <= MOST_UNITS:
                return Every(size * sizes[match[2]], unit)
    units = [word for sizes in SIZES.values() for word in sizes]
    rule = (
        "a number above zero, since the times are numbers"
        if is_number
        else f"a whole number and one of {', '.join(units)}, such as 15 minutes,"
    )
    raise UserError(f"references/schema.yaml: every: found {text!r}; {rule} was expected")


DAY = Every(MICROSECONDS["day"], "microsecond")


def infer_every(times: pd.Series, series: pd.Series | None = None) -> Every | None:
    """The step between the times of series, or None where they are irregular or too few.

    It is the difference that comes most often, if nearly all others are multiples of it: gaps do
    not matter. Months are told by equal days of the month, or by all being the last; weekdays by
    many days of which none is a Saturday or Sunday.

    Args:
        times: (n_rows,) points in time or numbers, in any order.
        series: (n_rows,) which series each is of, or None if there is one.
    """
    keys = np.zeros(len(times)) if series is None else series.to_numpy()
    rows = pd.DataFrame({"series": keys, "time": times.to_numpy()}).dropna()
    rows = rows.drop_duplicates().sort_values(["series", "time"])
    is_later = (rows["series"] == rows["series"].shift()).to_numpy()
    if not is_later.any():
        return None
    if times.dtype.kind != "M":
        numbers = rows["time"].to_numpy(dtype="float64")
        return _find_commonest(np.diff(numbers, prepend=np.nan)[is_later], "number")
    points = rows["time"].to_numpy().astype("datetime64[us]")
    gaps = np.diff(points.astype("int64"), prepend=0)[is_later]
    if gaps.min() >= SHORTEST_MONTH and _are_days_alike(points, rows["series"].to_numpy()):
        months = points.astype("datetime64[M]").astype("int64")
        return _find_commonest(np.diff(months, prepend=0)[is_later], "month")
    every = _find_commonest(gaps, "microsecond")
    days = np.unique(points.astype("datetime64[D]"))
    if every == DAY and len(days) >= FEWEST_WEEKDAYS and np.is_busday(days).all():
        return Every(1, "weekday")
    return every


def _find_commonest(gaps: np.ndarray, unit: Unit) -> Every | None:
    if unit == "number":
        gaps = np.round(gaps, 9)
    sizes, counts = np.unique(gaps, return_counts=True)
    size = float(sizes[counts.argmax()])
    if size <= 0:
        return None
    steps = gaps / size
    is_whole = abs(steps - np.round(steps)) < 1e-6
    return Every(size, unit) if is_whole.mean() >= FEWEST_REGULAR else None


def _are_days_alike(points: np.ndarray, series: np.ndarray) -> bool:
    """Whether nearly all times of a series are of one day of the month, or of the last one."""
    days, lengths = days_of_months(points)
    largest = pd.Series(days).groupby(series).transform("max").to_numpy()
    return bool(((days == largest) | (days == lengths)).mean() >= FEWEST_REGULAR)


def days_of_months(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the day of its month of each point in time, from 1, and (n,) how many that month has."""
    months = points.astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    days = (points.astype("datetime64[D]") - first).astype("int64") + 1
    return days, ((months + 1).astype("datetime64[D]") - first).astype("int64")
