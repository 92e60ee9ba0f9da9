"""Made-up rows that keep a contract, and what a model answers to them.

They are never rows of the data: whoever gets the model need not get those.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from math import prod
from typing import Any

import numpy as np

from ..core.contract import IMAGE, LEVELS, Column, Contract
from ..core.errors import guard_reading
from ..data.conformity import format_time
from ..data.grid import Grid
from ..data.series import Framing
from ..modeling.model import Model
from ..standalone.golden import Golden, Row, list_answers, make_frame

LEAST = 24
"""Rows, unless some column has more values that must be there."""
IMAGES = 6
SERIES = ("1", "2")
"""Names of series that any contract allows but one that lists them."""
FEWEST_KNOWN = 3
"""Values of a series, beside one that is left out."""
FIRST_DAY, DAYS = datetime(2000, 1, 1), 10_000
"""Where points in time are drawn from."""


def make_golden(model: Model, seed: int) -> Golden:
    """Rows made up for a model, and its answers.

    Each end of a range, each category, an unknown one where there may be others, and nothing where
    a value may lack come in some row; what else is there is drawn.

    Args:
        model: The model.
        seed: Of what is drawn.

    Raises:
        UserError: The model fails for such rows.
    """
    rng = np.random.default_rng(seed)
    rows = make_rows(model.contract, rng)
    with guard_reading("the model fails for made-up rows that keep references/schema.yaml"):
        answers = model.predict(make_frame(rows, model.contract))
    return Golden(rows, list_answers(answers))


def make_rows(contract: Contract, rng: np.random.Generator) -> list[Row]:
    """Rows of the contract's features or, of a forecast, of series to continue, or of sequences."""
    if contract.points is not None:
        return [row for name in SERIES for row in _make_sequence(contract.points, name, rng)]
    if contract.history is not None:
        names = _name_series(contract.history)
        return [row for name in names for row in _make_series(contract.history, name, rng)]
    columns = contract.features_only()
    pictures = []
    if contract.images is not None:
        del columns[IMAGE]
        size = prod(contract.images.shape)
        pictures = [bytes(size), b"\xff" * size, *(rng.bytes(size) for _ in range(IMAGES - 2))]
        if not columns:
            return [{IMAGE: b64encode(picture).decode()} for picture in pictures]
    musts = {name: _list_musts(column, contract) for name, column in columns.items()}
    count = max(LEAST, *map(len, musts.values()))
    cells = {
        name: _fill(musts[name], count, _make_draw(column, rng), rng)
        for name, column in columns.items()
    }
    if pictures:
        shown = (pictures[place % len(pictures)] for place in range(count))
        cells = {IMAGE: [b64encode(picture).decode() for picture in shown], **cells}
    return [{name: cells[name][place] for name in cells} for place in range(count)]


def _name_series(contract: Contract) -> tuple[str, ...]:
    if contract.series is None:
        return SERIES[:1]
    return tuple((contract.columns[contract.series].categories or SERIES)[: len(SERIES)])


def _make_series(contract: Contract, name: str, rng: np.random.Generator) -> list[Row]:
    """Rows of a series, one of which is missing, and those that tell what is known ahead of it."""
    assert contract.horizon is not None
    assert contract.window is not None
    framing = Framing.of_contract(contract)
    others = {key: contract.columns[key] for key in (*framing.channels, *framing.future)}
    musts = {key: _list_musts(column, contract) for key, column in others.items()}
    count = max(FEWEST_KNOWN, contract.window, *map(len, musts.values()))
    cells = {
        key: _fill(musts[key], count, _make_draw(column, rng), rng)
        for key, column in others.items()
    }
    for key in framing.future:
        draw = _make_draw(others[key], rng)
        cells[key] += [draw() for _ in range(contract.horizon)]
    series = {} if framing.series is None else {framing.series: name}
    values = {key: iter(of) for key, of in cells.items()}
    rows = [
        {**series, framing.time: time, **{key: next(of, None) for key, of in values.items()}}
        for time in _write_times(count + contract.horizon, framing, contract)
    ]
    # The last value is known, from which the steps to come are counted.
    rows[count - 1][contract.target] = _make_draw(others[contract.target], rng)()
    del rows[1]
    return rows


def _make_sequence(points: Contract, name: str, rng: np.random.Generator) -> list[Row]:
    """The points of a sequence, one fewer than the model looks at, so that there is a gap."""
    assert points.length is not None
    assert points.sequence is not None
    assert points.time is not None
    columns = points.features_only()
    draws = {key: _make_draw(column, rng) for key, column in columns.items()}
    shared = {key: draw() for key, draw in draws.items() if key not in points.channels}
    rows = [
        {points.sequence: name, **shared, **{key: draws[key]() for key in points.channels}}
        for _ in range(max(FEWEST_KNOWN, points.length - 1))
    ]
    column = points.columns[points.time]
    for place, row in enumerate(rows):
        time = FIRST_DAY + timedelta(days=place)
        is_date = column.type == "datetime"
        row[points.time] = _write_time(time, column) if is_date else _as_written(place, column)
    return rows


def _write_times(count: int, framing: Framing, contract: Contract) -> list[Any]:
    """So many times that are a step apart."""
    column, every = contract.columns[framing.time], framing.every
    if every.unit == "number":
        grid = Grid(every, 0.0, 1)
        return [_as_written(time, column) for time in grid.times(np.arange(count)).tolist()]
    grid = Grid(every, np.datetime64(FIRST_DAY, "us"), FIRST_DAY.day)
    return [_write_time(time, column) for time in grid.times(np.arange(count)).tolist()]


def _fill(
    musts: list[Any], count: int, draw: Callable[[], Any], rng: np.random.Generator
) -> list[Any]:
    """So many values in a random order, all that must be there among them."""
    values = [*musts, *(draw() for _ in range(count - len(musts)))]
    return [values[place] for place in rng.permutation(count)]


def _list_musts(column: Column, contract: Contract) -> list[Any]:
    """The values of a column that some row must have."""
    musts: list[Any] = [None] if column.nullable else []
    if column.type in LEVELS:
        musts += column.categories or []
        return [*musts, _make_unknown(column, contract)] if column.open else musts
    if column.type == "datetime":
        return musts
    low, high = column.range or (None, None)
    ends = {end for end in (low, high, *_find_span(column)) if end is not None}
    return [*musts, *(_as_written(end, column) for end in sorted(ends))]


def _make_draw(column: Column, rng: np.random.Generator) -> Callable[[], Any]:
    """What draws a value that a column may have."""
    if column.type in LEVELS:
        categories = column.categories or []
        return lambda: categories[rng.integers(len(categories))]
    if column.type == "datetime":
        return lambda: _write_day(FIRST_DAY + timedelta(days=int(rng.integers(DAYS))), column)
    low, high = _find_span(column)
    return lambda: _as_written(rng.uniform(low, high), column)


def _find_span(column: Column) -> tuple[float, float]:
    """Between which numbers one is drawn: those seen, or else those allowed."""
    least, most = column.range or (None, None)
    low, high = column.seen or (least, most)
    if low is None:
        low = 0.0 if high is None else high - 1
    if high is None:
        high = low + 1
    return float(np.clip(low, least, most)), float(np.clip(high, least, most))


def _as_written(number: float, column: Column) -> float | int:
    return round(number) if column.type == "integer" else float(number)


def _write_day(day: datetime, column: Column) -> str:
    return format_time(day, column.format) if column.format else day.date().isoformat()


def _write_time(time: datetime, column: Column) -> str:
    return format_time(time, column.format) if column.format else time.isoformat()


def _make_unknown(column: Column, contract: Contract) -> str:
    text = "unknown"
    while text in {*(column.categories or []), *contract.missing, *column.missing}:
        text += "?"
    return text
