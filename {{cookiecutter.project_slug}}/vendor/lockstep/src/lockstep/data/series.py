"""Series of rows on the regular grid of their times, where what is missing is a gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..core.contract import NUMBERS, Contract
from ..core.errors import UserError
from ..core.examples import PAST, frame_contract
from .every import Every, parse_every
from .grid import Grid
from .split import require_times

CONTRACT = "references/schema.yaml"
SPARSEST, SHORTEST_SPARSE = 100, 100_000
"""Steps per row, beside some, that are taken for a mistake, since all of them are in memory."""


@dataclass(frozen=True)
class Series:
    """The rows of one series by how many steps after its first time they lie."""

    name: object
    """What the rows call it; None where there is but one."""
    grid: Grid
    channels: np.ndarray
    """(n_steps, n_channels) the target and what is past beside it, nan where unknown."""
    rows: np.ndarray
    """(n_steps,) the place of each step's row among all, -1 where there is none."""

    @property
    def target(self) -> np.ndarray:
        """(n_steps,) values of the target, nan where unknown."""
        target: np.ndarray = self.channels[:, 0]
        return target


@dataclass(frozen=True)
class Layout:
    """Where the rows of a forecast have what."""

    time: str
    series: str | None
    channels: tuple[str, ...]
    """The target and those numbers that are not known ahead."""
    ahead: tuple[str, ...]
    """The features that are."""
    every: Every

    @classmethod
    def of_contract(cls, contract: Contract) -> Layout:
        """That of rows; see `parse_every` for errors."""
        assert contract.time is not None
        assert contract.every is not None
        every = parse_every(contract.every, contract.columns[contract.time].type in NUMBERS)
        channels = frame_contract(contract).columns[PAST].channels
        ahead = [
            name
            for name, column in contract.features_only().items()
            if column.ahead and name != contract.time
        ]
        return cls(contract.time, contract.series, channels, tuple(ahead), every)

    def select(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What a forecast takes of rows, with such times as a grid has."""
        names = [self.time, *self.channels, *self.ahead]
        rows = rows[names if self.series is None else [self.series, *names]]
        if self.every.unit == "number" and rows[self.time].dtype.kind == "f":
            return rows.assign(**{self.time: self.every.round(rows[self.time])})
        return rows

    def times(self, rows: pd.DataFrame) -> np.ndarray:
        """(n_rows,) the times of some rows, as datetime64[us] or floats."""
        cells = rows[self.time]
        return cells.to_numpy("datetime64[us]" if cells.dtype.kind == "M" else "float64")


def require_places(rows: pd.DataFrame, layout: Layout) -> None:
    """Check that each row has a time and, of several series, says which one it is of."""
    require_times(rows[layout.time])
    unnamed = 0 if layout.series is None else rows[layout.series].isna().sum()
    if unnamed:
        raise UserError(
            f"{CONTRACT}: series: {unnamed} of {len(rows)} rows lack {layout.series!r}; make it "
            "`nullable: false`, so that ingest sets them aside"
        )


def order_rows(rows: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The rows series by series, and by time within each."""
    keys = [name for name in (layout.series, layout.time) if name is not None]
    return rows.sort_values(keys, kind="stable", ignore_index=True)


def read_series(rows: pd.DataFrame, layout: Layout) -> Iterator[Series]:
    """The series of rows that are in the order of `order_rows`, one after the other.

    Raises:
        UserError: A series has two rows of one time, or a time that is no whole number of steps
            from its first.
    """
    times, values = (
        layout.times(rows),
        rows[[*layout.channels]].to_numpy("float64", na_value=np.nan),
    )
    names = np.array([None]) if layout.series is None else rows[layout.series].unique()
    counts = (
        [len(rows)] if layout.series is None else rows.groupby(layout.series, sort=False).size()
    )
    end = 0
    for name, count in zip(names, counts, strict=True):
        start, end = end, end + int(count)
        own = times[start:end]
        grid = Grid.of_times(own, layout.every)
        steps = grid.steps(own)
        fault = find_fault(own, steps, grid)
        if fault:
            of = "" if name is None else f" of {layout.series} {name!r}"
            raise UserError(f"{CONTRACT}: time: {layout.time!r}{of} {fault}")
        places = steps.astype("int64")
        on_grid = np.full((places[-1] + 1, values.shape[1]), np.nan)
        on_grid[places] = values[start:end]
        numbers = np.full(len(on_grid), -1)
        numbers[places] = np.arange(start, end)
        yield Series(name, grid, on_grid, numbers)


def find_fault(times: np.ndarray, steps: np.ndarray, grid: Grid) -> str | None:
    """What is wrong with the ordered times of a series, in words, or None.

    Args:
        times: (n_rows,) its times.
        steps: (n_rows,) their places on the grid, nan for none.
        grid: What they should be of.
    """
    is_off = np.isnan(steps)
    if is_off.any():
        return (
            f"has {describe_time(times[is_off][0])}, which is no whole number of steps of "
            f"{grid.every} after {describe_time(grid.start)}{_count_more(is_off)}; correct "
            "`every`, or those rows"
        )
    is_repeated = np.diff(steps, prepend=-1) == 0
    if is_repeated.any():
        return (
            f"is {describe_time(times[is_repeated][0])} in two rows{_count_more(is_repeated)}; "
            "leave one row of each time, or name the column that tells series apart as `series`"
        )
    if steps[-1] > SPARSEST * len(times) + SHORTEST_SPARSE:
        return (
            f"has {len(times)} rows in {steps[-1]:.0f} steps of {grid.every}, nearly all of them "
            "gaps; correct `every`"
        )
    return None


def describe_time(time: Any) -> str:
    """A time in words, without what is zero at its end."""
    if isinstance(time, np.datetime64 | pd.Timestamp):
        return str(pd.Timestamp(time)).removesuffix(" 00:00:00")
    return f"{time:.12g}"


def _count_more(is_faulty: np.ndarray) -> str:
    more = int(is_faulty.sum()) - 1
    return f" (and {more} more)" if more else ""
