"""Windows: what is kept of the rows of a day, a week or a count, however many they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd

from ..modeling.profile import Profile
from ..modeling.row_blocks import Blocks, BlockTally
from ..modeling.scales import MISSING
from ..modeling.tallies import Tally
from .batches import Batch
from .samples import Sample, draw

By = Literal["day", "week", "rows"]
Part = Literal["values", "scores"]
MOST_WINDOWS = 400
"""Of a version, by time; the rows of older ones are left out."""
LATEST_WINDOWS = 92
"""Of them, a quarter of a year by day: they keep rows and are drawn; others have counts alone."""
MOST_COUNTS = 256
"""Windows by rows; of more, each two become one."""
ROWS = 1000
"""Of a window by rows, if there are twice as many."""
FIRST_ROWS = 50
"""Of such a window before there are."""
MONDAY = 4
"""1970-01-01 was a Thursday, so that this is the first day from then on that begins a week."""
DAYS_IN_WEEK = 7
DAY = np.timedelta64(1, "D")
NEVER = np.datetime64("NaT", "us")
LATENCIES = np.geomspace(1e-4, 1e3, 281)
"""Edges, in seconds, at which requests are counted by the time that they took."""


@dataclass
class Window:
    """Some rows of a version, counted."""

    number: int
    """Of its day or week since 1970, or its place among the windows by rows."""
    rows: int = 0
    requests: int = 0
    refused: int = 0
    """Rows that got no prediction."""
    kept: int = 0
    """Rows of whose values anything is known."""
    start: np.datetime64 = NEVER
    """When the first row came, in UTC."""
    end: np.datetime64 = NEVER
    """When the last row came, in UTC."""
    latencies: np.ndarray = field(
        default_factory=lambda: np.zeros(len(LATENCIES) + 1, dtype="int64")
    )
    """How many requests took how long: see `LATENCIES`."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    """Of each feature that is kept, and of each score, on the scale that the profile has."""
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Least and greatest value of each number."""
    breaches: Counter[str] = field(default_factory=Counter)
    """Values of each column that break the contract; a missing value is counted as such."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """How many of these are counted as missing, too, since they cannot be read."""
    block_tallies: dict[Part, BlockTally] = field(default_factory=dict)
    """The same, block by block, where rows depend on each other."""
    sample: Sample | None = None
    """Of the rows with a prediction."""
    labelled: Sample | None = None
    """Of those of which it is known what became true."""
    outcomes: int = 0
    """How many those are."""

    def add(self, batch: Batch, profile: Profile | None) -> None:
        """Count further rows."""
        self.rows += batch.rows
        self.refused += int(batch.is_refused.sum())
        self.kept += int(batch.is_kept.sum())
        if len(times := batch.times[~np.isnat(batch.times)]):
            self.start, self.end = np.fmin(self.start, times.min()), np.fmax(self.end, times.max())
        is_first = batch.places == 0
        self.requests += int(is_first.sum())
        seconds = batch.seconds[is_first & ~np.isnan(batch.seconds)]
        places = np.searchsorted(LATENCIES, seconds)
        self.latencies += np.bincount(places, minlength=len(self.latencies))
        if profile is not None:
            places = self._count(batch, batch.X, batch.is_kept, profile, "values")
            self._count(batch, batch.predictions, ~batch.is_refused, profile, "scores")
            self._draw(batch, places)
            self._count_breaches(batch, profile)

    def _count_breaches(self, batch: Batch, profile: Profile) -> None:
        has_value = batch.breaches["value"].fillna("") != ""
        for name, breaches in batch.breaches[has_value].groupby("column"):
            name, rows = str(name), breaches["row"].to_numpy() - 1
            self.breaches[name] += len(rows)
            if name in batch.X and name in self.tallies:
                is_missing = batch.X[name].isna().to_numpy()[rows]
                self.unreadable[name] += int((is_missing & batch.is_kept[rows]).sum())
                # The texts of a level that can be read have been counted as others.
                is_new = is_missing | profile.scales[name].is_number
                self.tallies[name].count_others(Counter(breaches["value"][is_new]))

    def _count(
        self,
        batch: Batch,
        frame: pd.DataFrame,
        is_counted: np.ndarray,
        profile: Profile,
        part: Part,
    ) -> pd.DataFrame:
        """Count values of some rows; returns the places of these, of all (n_rows, n_columns)."""
        places = {}
        # Of rows that are all refused, nobody could tell the names of scores.
        names = profile.scores if part == "scores" else [*frame.columns]
        counted = frame.loc[is_counted].reindex(columns=names)
        for name, scale in profile.scales.items():
            if name in counted and (name in profile.scores) == (part == "scores"):
                values = counted[name]
                tally = self.tallies.setdefault(name, Tally.empty(scale))
                places[name] = tally.add(values, scale)
                if scale.is_number and values.notna().any():
                    self._stretch(name, float(values.min()), float(values.max()))
        blocks = profile.blocks
        keys = batch.groups
        if blocks and blocks.by == "day":
            keys = None if np.isnat(batch.times).all() else batch.times
        if blocks is not None and keys is not None:
            if part not in self.block_tallies:
                bars = {name: profile.block_bars[name] for name in places}
                self.block_tallies[part] = BlockTally(blocks.by, bars)
            self.block_tallies[part].add(pd.Series(keys[is_counted]), places)
        table = pd.DataFrame(places, dtype="int16").set_axis(np.flatnonzero(is_counted))
        return table.reindex(range(batch.rows), fill_value=MISSING)

    def _stretch(self, name: str, least: float, most: float) -> None:
        low, high = self.extremes.get(name, (least, most))
        self.extremes[name] = (min(low, least), max(high, most))

    def _draw(self, batch: Batch, places: pd.DataFrame) -> None:
        self.sample = draw(self.sample, batch, places, ~batch.is_refused)
        is_known = ~batch.is_refused & pd.notna(batch.outcomes)
        self.outcomes += int(is_known.sum())
        self.labelled = draw(self.labelled, batch, places, is_known)

    def merge(self, other: Window) -> None:
        """Count the rows of another window, too."""
        for name in ("rows", "requests", "refused", "kept", "outcomes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.start, self.end = np.fmin(self.start, other.start), np.fmax(self.end, other.end)
        self.latencies += other.latencies
        self.breaches += other.breaches
        self.unreadable += other.unreadable
        for name, tally in other.tallies.items():
            if name in self.tallies:
                self.tallies[name].merge(tally)
            else:
                self.tallies[name] = tally
        for name, ends in other.extremes.items():
            self._stretch(name, *ends)
        for part, blocks in other.block_tallies.items():
            if part in self.block_tallies:
                self.block_tallies[part].merge(blocks)
            else:
                self.block_tallies[part] = blocks
        self.sample = _merge(self.sample, other.sample)
        self.labelled = _merge(self.labelled, other.labelled)

    @property
    def blocks(self) -> Blocks | None:
        """The rows block by block; None where they do not depend on each other."""
        parts = [tally.blocks for tally in self.block_tallies.values()]
        if not parts:
            return None
        return Blocks(parts[0].by, {k: table for part in parts for k, table in part.counts.items()})

    def find_latency(self, share: float) -> float | None:
        """The seconds in which a share of the requests was answered; None where nobody knows."""
        total = self.latencies.sum()
        if not total:
            return None
        place = int(np.searchsorted(self.latencies.cumsum(), share * total))
        return float(LATENCIES[min(place, len(LATENCIES) - 1)])

    def is_constant(self, name: str) -> bool:
        """Whether all of several rows that have a value in a column have the same one."""
        tally = self.tallies.get(name)
        if tally is None or tally.counts.sum() < 2:
            return False
        if name in self.extremes:
            low, high = self.extremes[name]
            return low == high
        has_one = np.count_nonzero(tally.counts) == 1
        return bool(has_one and (not tally.counts[-1] or len(tally.others) == 1))


class Windows:
    """The windows of a version.

    Args:
        profile: Of the version; without one, rows are counted and their values are not.
        by: What rows are together: those of a day or a week in UTC or, one after the other, so many
            (`ROWS`, half of fewer than twice as many, all of few, and more where there would be too
            many).
    """

    def __init__(self, profile: Profile | None, by: By) -> None:
        self.profile, self.by = profile, by
        self.omitted: Counter[str] = Counter()
        """Why rows were left out, and how many: they are `timeless`, in the `future` or `old`."""
        self.size = FIRST_ROWS
        """Rows of a window by rows."""
        self._rows = 0
        self._windows: dict[int, Window] = {}

    def __iter__(self) -> Iterator[Window]:
        """Those that have rows, in their order."""
        if self.by == "rows" and self.size < ROWS:
            self._join(ceil(len(self._windows) / 2) or 1)
            if self.size == FIRST_ROWS:  # halves of so few rows would tell nothing
                self._join(2)
        return iter([self._windows[number] for number in sorted(self._windows)])

    def add(self, batch: Batch, latest: np.datetime64 = NEVER) -> None:
        """Count further rows, which may come in any order; but none from after `latest`."""
        batch = self._omit(batch, latest)
        numbers = self._number(batch)
        for number in np.unique(numbers).tolist():
            rows = np.flatnonzero(numbers == number)
            window = self._windows.setdefault(number, Window(number))
            window.add(batch if len(rows) == batch.rows else batch.take(rows), self.profile)
        while len(self._windows) > MOST_WINDOWS:
            self.omitted["old"] += self._windows.pop(min(self._windows)).rows
        if self.by != "rows":  # of those, several may become one yet
            for number in sorted(self._windows)[:-LATEST_WINDOWS]:
                self._windows[number].sample = self._windows[number].labelled = None

    def forget(self, end: np.datetime64) -> None:
        """Let go of the days or weeks before a time."""
        for number in [number for number in self._windows if self.find_start(number + 1) <= end]:
            del self._windows[number]

    def replace_outcomes(self, number: int, batches: Iterable[Batch]) -> None:
        """Take what is known now of what became true of the rows of a window."""
        window = Window(number)
        for batch in batches:
            window.add(batch, self.profile)
        if number in self._windows:
            own = self._windows[number]
            own.labelled, own.outcomes = window.labelled, window.outcomes

    def find_start(self, number: int) -> np.datetime64:
        """When a day or week begins."""
        day = number if self.by == "day" else number * DAYS_IN_WEEK + MONDAY
        return np.datetime64(day, "D")

    def name(self, number: int) -> str:
        """What a window is called."""
        if self.by != "rows":
            return str(self.find_start(number))
        start = number * self.size
        return f"rows {start + 1:,} to {start + self._windows[number].rows:,}"

    def find_ends(self, window: Window) -> tuple[np.datetime64, np.datetime64]:
        """When a window begins and ends; by rows, when its first and its last row came."""
        if self.by == "rows":
            return window.start, window.end
        return self.find_start(window.number), self.find_start(window.number + 1)

    def _omit(self, batch: Batch, latest: np.datetime64) -> Batch:
        """Leave out rows whose time cannot be."""
        is_timeless = np.isnat(batch.times) & (self.by != "rows")
        is_future = batch.times > latest
        self.omitted["timeless"] += int(is_timeless.sum())
        self.omitted["future"] += int(is_future.sum())
        is_left_out = is_timeless | is_future
        return batch.take(np.flatnonzero(~is_left_out)) if is_left_out.any() else batch

    def _number(self, batch: Batch) -> np.ndarray:
        if self.by != "rows":
            return find_numbers(batch.times, self.by)
        first, self._rows = self._rows, self._rows + batch.rows
        if self._rows >= 2 * ROWS > 2 * self.size:
            self._join(ROWS // self.size)
        while self._rows > MOST_COUNTS * self.size:
            self._join(2)
        numbers: np.ndarray = np.arange(first, self._rows) // self.size
        return numbers

    def _join(self, count: int) -> None:
        """Make one window of each so many."""
        windows, self._windows = self._windows, {}
        self.size *= count
        for number, window in sorted(windows.items()):
            window.number = number // count
            if window.number in self._windows:
                self._windows[window.number].merge(window)
            else:
                self._windows[window.number] = window


def find_numbers(times: np.ndarray, by: By) -> np.ndarray:
    """(n_times,) the number of the day or week of each."""
    days = times.astype("datetime64[D]").astype("int64")
    return days if by == "day" else (days - MONDAY) // DAYS_IN_WEEK


def _merge(one: Sample | None, other: Sample | None) -> Sample | None:
    if one is None or other is None:
        return one if other is None else other
    return one.merge(other)
