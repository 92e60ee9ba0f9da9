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
from ..modeling.model import Model
from ..standalone.golden import Golden, Row, list_answers, make_frame

LEAST = 24
"""Rows, unless some column has more values that must be there."""
IMAGES = 6
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
    """Rows of the contract's features."""
    if contract.images is not None:
        size = prod(contract.images.shape)
        pictures = [bytes(size), b"\xff" * size, *(rng.bytes(size) for _ in range(IMAGES - 2))]
        return [{IMAGE: b64encode(picture).decode()} for picture in pictures]
    columns = contract.features_only()
    musts = {name: _list_musts(column, contract) for name, column in columns.items()}
    count = max(LEAST, *map(len, musts.values()))
    cells = {
        name: _fill(musts[name], count, _make_draw(column, rng), rng)
        for name, column in columns.items()
    }
    return [{name: cells[name][place] for name in columns} for place in range(count)]


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
    return day.strftime(column.format) if column.format else day.date().isoformat()


def _make_unknown(column: Column, contract: Contract) -> str:
    text = "unknown"
    while text in {*(column.categories or []), *contract.missing, *column.missing}:
        text += "?"
    return text
