"""Series of rows on the regular grid of their times, where what is missing is a gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import NUMBERS, Contract
from ..core.errors import UserError
from ..core.examples import list_channels
from .conformity import describe
from .every import Every, parse_every
from .grid import Grid, as_array
from .split import require_times, require_values

CONTRACT = "references/schema.yaml"
SPARSEST, SHORTEST_SPARSE = 100, 100_000
"""Steps per row, beside some, that are taken for a mistake, since all of them are in memory."""


@dataclass(frozen=True)
class RegularSeries:
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
class Framing:
    """What of the rows of a forecast its examples are framed from."""

    time: str
    series: str | None
    channels: tuple[str, ...]
    """The target and those numbers that are not known ahead."""
    future: tuple[str, ...]
    """The features that are."""
    constants: tuple[str, ...]
    """Those of them that are the same at all times of a series."""
    every: Every
    horizon: int
    """How many steps are forecast."""
    window: int
    """How many of the latest steps that is done from."""
    season: int
    """After how many steps things are alike again."""

    @classmethod
    def of_contract(cls, contract: Contract) -> Framing:
        """That of rows; see `parse_every` for errors."""
        assert contract.time is not None
        assert contract.every is not None
        assert contract.horizon is not None
        assert contract.window is not None
        assert contract.season is not None
        type_of_time = contract.columns[contract.time].type
        every = parse_every(contract.every, type_of_time in NUMBERS)
        if type_of_time == "integer" and not every.size.is_integer():
            raise UserError(
                f"{CONTRACT}: every: found {every}; {contract.time!r} has whole numbers, so that "
                "a whole one was expected"
            )
        future = [
            name
            for name, column in contract.features_only().items()
            if column.future and name != contract.time
        ]
        return cls(
            contract.time,
            contract.series,
            tuple(list_channels(contract)),
            tuple(future),
            tuple(name for name in future if contract.columns[name].constant),
            every,
            contract.horizon,
            contract.window,
            contract.season,
        )

    @property
    def keys(self) -> list[str]:
        """Those that tell rows apart."""
        return [self.time] if self.series is None else [self.series, self.time]

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.keys, *self.channels, *self.future]

    def select(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What a forecast takes of rows, with such times as a grid has."""
        rows = rows[self.names]
        if self.every.unit == "number" and rows[self.time].dtype.kind == "f":
            return rows.assign(**{self.time: self.every.round(rows[self.time])})
        return rows

    def times(self, rows: pd.DataFrame) -> np.ndarray:
        """(n_rows,) the times of some rows, as datetime64[us] or floats."""
        return as_array(rows[self.time])

    def values(self, rows: pd.DataFrame) -> np.ndarray:
        """(n_rows, n_channels) the numbers of some rows that come to be the past."""
        return rows[[*self.channels]].to_numpy("float64", na_value=np.nan)


def require_places(rows: pd.DataFrame, framing: Framing) -> None:
    """Check that each row has a time and, of several series, says which one it is of."""
    require_times(rows[framing.time])
    if framing.series is not None:
        require_values(rows[framing.series], "series")


def require_constants(rows: pd.DataFrame, framing: Framing) -> None:
    """Check that what the contract calls constant does not change within a series.

    Args:
        rows: In the order of `order_rows`.
        framing: Of the rows.

    Raises:
        UserError: It does.
    """
    keys = rows[framing.series] if framing.series else pd.Series(0, rows.index)
    for name in framing.constants:
        cells = rows[name].dropna()
        series = keys[cells.index]
        is_odd = np.asarray(cells != cells.groupby(series, sort=False).transform("first"))
        if not is_odd.any():
            continue
        first = int(is_odd.argmax())
        own = cells[(series == series.iloc[first]).to_numpy()]
        usual = own.value_counts().index[0]
        place = own.index[np.asarray(own != usual)][0]
        of = f"{framing.series} {keys[place]!r}: " if framing.series else ""
        fault = describe(name, str(rows[name][place]), f"{str(usual)!r} as at its other times")
        raise UserError(
            f"{CONTRACT}: columns.{name}: constant: {of}{fault}, at "
            f"{describe_time(framing.times(rows)[place])}; correct that row, or take `constant` "
            "away"
        )


def order_rows(rows: pd.DataFrame, framing: Framing) -> pd.DataFrame:
    """The rows series by series, and by time within each."""
    return rows.sort_values(framing.keys, kind="stable", ignore_index=True)


def read_series(rows: pd.DataFrame, framing: Framing) -> Iterator[RegularSeries]:
    """The series of rows that are in the order of `order_rows`, one after the other.

    Raises:
        UserError: A series has two rows of one time, or a time that is no whole number of steps
            from its first.
    """
    times, values = framing.times(rows), framing.values(rows)
    names, starts = np.array([None]), np.array([0])
    if framing.series is not None:
        names, starts = np.unique(rows[framing.series].to_numpy("object"), return_index=True)
    for name, start, end in zip(names, starts, [*starts[1:], len(rows)], strict=True):
        grid = Grid.of_times(times[start:end], framing.every)
        fault = find_fault(times[start:end], grid)
        if fault:
            of = "" if name is None else f"{framing.series} {name!r}: "
            raise UserError(f"{CONTRACT}: time: {of}{fault.describe(framing.time)}; {fault.advice}")
        yield lay_on_grid(name, np.arange(start, end), times[start:end], values[start:end], grid)


def lay_on_grid(
    name: object, rows: np.ndarray, times: np.ndarray, values: np.ndarray, grid: Grid
) -> RegularSeries:
    """A series of (n_rows,) places and times, and (n_rows, n_channels) values, without a fault."""
    steps = grid.steps(times).astype("int64")
    channels = np.full((steps[-1] + 1, values.shape[1]), np.nan)
    channels[steps] = values
    places = np.full(len(channels), -1)
    places[steps] = rows
    return RegularSeries(name, grid, channels, places)


class Fault(NamedTuple):
    """What is wrong with the times of a series."""

    value: str
    """The first of them."""
    rule: str
    """What was expected."""
    rows: int
    """How many there are."""
    advice: str

    def describe(self, time: str) -> str:
        """The same in words, of the column that has the times."""
        more = f" (and {self.rows - 1} more)" if self.rows > 1 else ""
        return f"{describe(time, self.value, self.rule)}{more}"


def find_fault(times: np.ndarray, grid: Grid) -> Fault | None:
    """What is wrong with (n_rows,) times of a series in their order, if anything."""
    steps = grid.steps(times)
    is_off = np.isnan(steps)
    if is_off.any():
        return Fault(
            describe_time(times[is_off][0]),
            f"whole steps of {grid.every} from {describe_time(grid.start)} on",
            int(is_off.sum()),
            "correct `every`, or those rows",
        )
    is_repeated = np.diff(steps, prepend=-1) == 0
    if is_repeated.any():
        return Fault(
            describe_time(times[is_repeated][0]),
            "one row of each time",
            int(is_repeated.sum()),
            "leave one of them, or name the column that tells series apart as `series`",
        )
    if steps[-1] > SPARSEST * len(times) + SHORTEST_SPARSE:
        return Fault(
            describe_time(times[-1]),
            f"no more than {SPARSEST} steps of {grid.every} for a row",
            1,
            "correct `every`, or that row",
        )
    return None


def describe_time(time: Any) -> str:
    """A time in words, without what is zero at its end."""
    if isinstance(time, np.datetime64 | pd.Timestamp):
        return str(pd.Timestamp(time)).removesuffix(" 00:00:00")
    return f"{time:.12g}"
