"""The regular times of a series, counted from one of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
import pandas as pd

from .every import Every, days_of_months

TOLERANCE = 1e-3
"""How far a time that is a number may be off, in steps."""


def as_array(times: pd.Series) -> np.ndarray:
    """(n,) times as a grid takes them: datetime64[us] or floats, NaT or nan where there is none."""
    is_date = times.dtype.kind == "M"
    return times.to_numpy("datetime64[us]" if is_date else "float64", na_value=np.nan)


@dataclass(frozen=True)
class Grid:
    """The times that lie whole steps before or after `start`."""

    every: Every
    start: Any
    """A point in time, as datetime64[us], or a float."""
    day: int = 1
    """Of steps of months the day of the month, which a shorter month's last stands for."""

    @classmethod
    def of_times(cls, times: np.ndarray, every: Every) -> Grid:
        """That through the earliest of some times of a series.

        Where each is the last of its month, those between and after them are, too.
        """
        day = 1
        if every.unit == "month":
            days, lengths = days_of_months(times)
            day = 31 if (days == lengths).all() else int(days.max())
        return cls(every, times.min(), day)

    def times(self, steps: np.ndarray) -> np.ndarray:
        """(n,) the times so many steps from the start."""
        steps, size = np.asarray(steps, dtype="int64"), self.every.size
        times: np.ndarray
        if self.every.unit == "number":
            times = self.every.round(self.start + steps * size)
        elif self.every.unit == "microsecond":
            times = self.start + (steps * int(size)).astype("timedelta64[us]")
        elif self.every.unit == "weekday":
            day = self.start.astype("datetime64[D]")
            days = np.busday_offset(day, steps * int(size), roll="forward")
            times = days.astype("datetime64[us]") + (self.start - day)
        else:
            months = self.start.astype("datetime64[M]") + steps * int(size)
            first = months.astype("datetime64[us]")
            days = np.minimum(self.day, days_of_months(first)[1]) - 1
            clock = self.start - self.start.astype("datetime64[D]")
            times = first + days.astype("timedelta64[D]") + clock
        return times

    def steps(self, times: np.ndarray) -> np.ndarray:
        """(n,) how many steps from the start each time lies; nan for one that is off the grid."""
        size = self.every.size
        if self.every.unit == "number":
            steps = (times - self.start) / size
            whole = np.round(steps)
            return np.where(abs(steps - whole) <= TOLERANCE, whole, np.nan)
        whole = self._count(times) // int(size)
        return np.where(self.times(whole) == times, whole, np.nan)

    def floor(self, time: Any) -> int:
        """How many steps from the start the last time of the grid up to this one lies."""
        size = self.every.size
        if self.every.unit == "number":
            return floor(float(time - self.start) / size + TOLERANCE)
        steps = int(self._count(time) // int(size))
        return steps - int(self.times(np.array([steps]))[0] > time)

    def _count(self, times: Any) -> Any:
        """How many of the unit lie between the start and points in time, roughly."""
        if self.every.unit == "microsecond":
            return (times - self.start).astype("int64")
        if self.every.unit == "month":
            return (times.astype("datetime64[M]") - self.start.astype("datetime64[M]")).astype(
                "int64"
            )
        first = np.busday_offset(self.start.astype("datetime64[D]"), 0, roll="forward")
        return np.busday_count(first, times.astype("datetime64[D]"))
