"""The examples of what is to come, framed from rows of what has been.

They are one for each step after the last known value of each series. Later rows, without the
target, tell what else is known of those times; what never changes in a series stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import Column, Contract
from ..core.examples import LEVEL, ORIGIN, PAST, SCALE, SPREAD, SQUARED_SCALE, STEP
from .conformity import NO_BREACHES, as_texts, conform, describe, select_cells
from .grid import Grid
from .new_rows import NewRows
from .past import encode_pasts, fewest_known, level_and_spread
from .series import Framing, RegularSeries, describe_time, find_fault, lay_on_grid
from .zones import describe_zones, has_offset


def frame_history(frame: pd.DataFrame, contract: Contract, name: str) -> NewRows:
    """The steps after the last known value of each series, in the order in which series come.

    Args:
        frame: (n_rows, n_columns) of the series, as cells, typed, or both: the latest values of
            each and, where something is known ahead, rows of times to come without the target.
            What is older than the contract's window is not looked at.
        contract: Of the examples.
        name: What messages call the rows.

    Returns:
        A row for each step of each series; `names` has the series, the time and the step. One that
        cannot be forecast has a reason, which is its breach.

    Raises:
        UserError: A column is missing.
    """
    history = contract.history
    assert history is not None
    framing = Framing.of_contract(history)
    cells = select_cells(frame, framing.names, history.missing, name).reset_index(drop=True)
    may_lack = dict.fromkeys(framing.keys, False) | {history.target: True}
    rules = {key: history.columns[key] for key in framing.names}
    rules |= {
        key: rules[key].model_copy(update={"nullable": nullable})
        for key, nullable in may_lack.items()
    }
    table, breaches = conform(rules, cells, history.layout, history.missing)
    rows = framing.select(table)
    by_cell = {
        (row - 1, column): Breach(column, value, rule, row)
        for row, column, value, rule in breaches[["row", "column", "value", "rule"]].to_numpy()
    }
    by_cell |= _find_zones(cells[framing.time], rules[framing.time])
    keys = pd.Series("", rows.index)
    if framing.series is not None:
        # As it stands there, since a series whose name breaks the contract is told of by it, too.
        keys = as_texts(cells[framing.series]).fillna("")
    future = {key: history.columns[key] for key in framing.future}
    codes = {key: pd.factorize(rows[key])[0] for key in future}
    histories = Histories(
        framing, framing.times(rows), framing.values(rows), future, codes, by_cell, cells
    )
    futures = [
        histories.frame(np.asarray(places))
        for places in keys.groupby(keys, sort=False).indices.values()
    ]
    return _join(futures, keys.unique(), rows, framing, contract)


def _find_zones(cells: pd.Series, column: Column) -> dict[tuple[int, str], Breach]:
    """Breaches of times with another zone than UTC, where the contract's example has none."""
    name = str(cells.name)
    if column.example is None or has_offset(pd.Series([column.example], dtype="str")).any():
        return {}
    rule = f"a time without a zone, such as {column.example}"
    places = np.flatnonzero(has_offset(cells)).tolist()
    return {(place, name): Breach(name, cells[place], rule, place + 1) for place in places}


def _find_mode(codes: np.ndarray) -> int:
    """The commonest of some codes."""
    return int(np.bincount(codes).argmax())


class Breach(NamedTuple):
    """Why something cannot be forecast."""

    column: str
    value: str
    rule: str
    row: int | None = None
    """Which row it is of, from 1; None where it is of no single one."""

    @property
    def reason(self) -> str:
        """The same in words."""
        place = "" if self.row is None else f"row {self.row}, "
        return place + describe(self.column, self.value, self.rule)


Breaches = Mapping[tuple[int, str], Breach]
"""Those of cells, by the places of their rows and by columns."""


@dataclass
class Future:
    """The steps to come of a series."""

    times: np.ndarray
    """(horizon,) points in time or numbers; missing where those of the series are wrong."""
    rows: np.ndarray
    """(horizon,) places of the rows of these times, -1 where there is none."""
    breaches: list[Breach | None]
    """(horizon,) what is wrong with each."""
    origin: Any
    past: np.ndarray
    """(window, channels) the latest values."""
    constants: Mapping[str, int] = field(default_factory=dict)
    """Columns that are the same wherever the series has them, each with the place of such a row."""


@dataclass(frozen=True)
class Histories:
    """The rows of all series, column by column."""

    framing: Framing
    times: np.ndarray
    """(n_rows,) points in time or numbers."""
    values: np.ndarray
    """(n_rows, n_channels) what comes to be the past."""
    future: Mapping[str, Column]
    """What is known of times to come."""
    codes: Mapping[str, np.ndarray]
    """(n_rows,) the same number for the same value, of each of these columns."""
    breaches: Breaches
    cells: pd.DataFrame
    """The rows as they came."""

    def frame(self, places: np.ndarray) -> Future:
        """The steps to come of the series that has the rows at (n_own,) places."""
        framing, horizon, window = self.framing, self.framing.horizon, self.framing.window
        unknown = np.full((window, len(framing.channels)), np.nan)
        series = self._lay_out(places)
        if isinstance(series, Breach):
            times = np.full(horizon, np.nan, dtype=self.times.dtype)
            return Future(times, np.full(horizon, -1), [series] * horizon, times[0], unknown)
        known_steps = np.flatnonzero(~np.isnan(series.target))
        # Where nothing is known, times are told from the last row on.
        origin = int(known_steps[-1]) if len(known_steps) else len(series.rows) - 1
        steps = origin + np.arange(horizon + 1)
        times = series.grid.times(steps)
        rows = np.append(series.rows, np.full(horizon + 1, -1))[steps[1:]]
        count = int((known_steps > origin - window).sum())
        breach = self._find_breach(series, max(0, origin + 1 - window))
        if breach is None and count < fewest_known(window):
            rule = (
                f"{fewest_known(window)} or more among the latest {window} steps of {framing.every}"
            )
            value = "1 known value" if count == 1 else f"{count} known values"
            breach = Breach(framing.channels[0], value, rule)
        # What the contract calls constant needs no cells of times to come.
        constants = {}
        for name, codes in self.codes.items():
            known_places = places[codes[places] >= 0]
            if not self.future[name].constant or not len(known_places):
                continue
            constants[name] = known_places[codes[known_places] == _find_mode(codes[known_places])][
                0
            ]
            breach = breach or self._find_change(name, known_places, constants[name])
        breaches = [
            breach or self._find_gap(row, time, constants)
            for row, time in zip(rows, times[1:], strict=True)
        ]
        # Rows without the target are none to learn from: nothing else of them is known there.
        channels = np.where(np.isnan(series.target)[:, np.newaxis], np.nan, series.channels)
        past = np.concatenate([unknown, channels[: origin + 1]])[-window:]
        return Future(times[1:], rows, breaches, times[0], past, constants)

    def _lay_out(self, places: np.ndarray) -> RegularSeries | Breach:
        """The series or, where its name or its times are wrong, why there is none."""
        cells = product(places, self.framing.keys) if self.breaches else ()
        breach = next((self.breaches[cell] for cell in cells if cell in self.breaches), None)
        if breach:
            return breach
        places = places[np.argsort(self.times[places], kind="stable")]
        times = self.times[places]
        grid = Grid.of_times(times, self.framing.every)
        fault = find_fault(times, grid)
        if fault:
            zones = describe_zones(self.cells[self.framing.time].iloc[places])
            several = f"; {zones}, and read as UTC" if zones else ""
            return Breach(self.framing.time, fault.value, f"{fault.rule}{several}")
        return lay_on_grid(None, places, times, self.values[places], grid)

    def _find_change(self, name: str, places: np.ndarray, usual: int) -> Breach | None:
        """The first of some cells that differs from the usual one, of a column that is constant."""
        codes, cells = self.codes[name], self.cells[name]
        others = places[codes[places] != codes[usual]]
        if not len(others):
            return None
        place = int(others[0])
        if (place, name) in self.breaches:
            return self.breaches[place, name]
        rule = (
            f"{str(cells[usual])!r} at all times of the series, as the contract calls it constant"
        )
        return Breach(name, str(cells[place]), rule, place + 1)

    def _find_breach(self, series: RegularSeries, first: int) -> Breach | None:
        """The first cell from a step on that is no value for what comes to be the past."""
        if not self.breaches:
            return None
        rows, is_unknown = series.rows[first:], np.isnan(series.target)[first:]
        for row, unknown in zip(rows, is_unknown, strict=True):
            for name in self.framing.channels:
                breach = self.breaches.get((row, name))
                # What else is past at a time to come, nobody can know.
                if breach and (breach.value or not unknown):
                    return breach
        return None

    def _find_gap(self, row: int, time: Any, constants: Mapping[str, int]) -> Breach | None:
        """What is wrong or missing of a step, of what should be known ahead."""
        for name, column in self.future.items():
            breach = self.breaches.get((constants.get(name, row), name))
            if breach:
                return breach
            if row < 0 and not column.nullable and name not in constants:
                return Breach(name, "", f"{column.rule()} at {describe_time(time)}")
        return None


def _join(
    futures: list[Future],
    keys: np.ndarray,
    rows: pd.DataFrame,
    framing: Framing,
    contract: Contract,
) -> NewRows:
    horizon, no_times = framing.horizon, framing.times(rows.iloc[:0])
    places = np.concatenate([np.empty(0, int), *(future.rows for future in futures)])
    times = np.concatenate([no_times, *(future.times for future in futures)])
    origins = np.array([future.origin for future in futures], no_times.dtype)
    pasts = np.array([future.past for future in futures])
    pasts = pasts.reshape(-1, framing.window, len(framing.channels))
    level, spread = level_and_spread(pasts[:, :, 0], framing.season)

    table = rows.reindex(places).reset_index(drop=True)
    for name in framing.future:
        others = np.repeat([future.constants.get(name, -1) for future in futures], horizon)
        table[name] = rows[name].reindex(np.where(others < 0, places, others)).array
    table[framing.time] = pd.Series(times).astype(rows[framing.time].dtype)
    table[STEP] = pd.array(np.tile(np.arange(1, horizon + 1), len(futures)), dtype="Int64")
    table[ORIGIN] = pd.Series(np.repeat(origins, horizon)).astype(rows[framing.time].dtype)
    table[PAST] = np.repeat(encode_pasts(pasts), horizon)
    table[LEVEL], table[SPREAD] = np.repeat(level, horizon), np.repeat(spread, horizon)
    table[[SCALE, SQUARED_SCALE]] = np.nan
    names = table[[framing.time, STEP]]
    if framing.series is not None:
        names.insert(0, framing.series, pd.Series(np.repeat(keys, horizon), dtype="str"))

    faults = [fault for future in futures for fault in future.breaches]
    reasons = pd.Series([fault and fault.reason for fault in faults], dtype="str", name="reason")
    breaches = pd.DataFrame(
        [(place, *fault[:3]) for place, fault in enumerate(faults, start=1) if fault],
        columns=NO_BREACHES.columns,
    )
    X = table[[*contract.features, *contract.carried]]
    return NewRows(names, X, reasons, breaches)
