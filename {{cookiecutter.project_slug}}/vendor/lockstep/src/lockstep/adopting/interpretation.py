"""What rows were taken for of which several make an example: those of series, or of sequences."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core.contract import Column
from ..core.errors import UserError
from .wishes import Wishes


class Interpretation(NamedTuple):
    """What rows were taken for."""

    words: dict[str, Any]
    """What the contract says of them as a whole."""
    columns: dict[str, Column]
    """Those that are used, with what is known of them: whether they are constant, or of times to
    come."""
    note: str
    """In words, for the first line."""
    doubts: dict[str | None, list[str]]
    """By column; what concerns all of them under None."""


def find_time(
    columns: dict[str, Column], option: str, name: str, wishes: Wishes
) -> tuple[str, list[str]]:
    """The column that orders rows, and what is doubtful about it.

    Args:
        columns: What the columns were taken for.
        option: That asks for times.
        name: What messages call the data.
        wishes: What the person says of them.

    Raises:
        UserError: None does, or it cannot be told which.
    """
    if wishes.time in columns:
        return wishes.time, []
    if wishes.time is not None:
        raise UserError(
            f"{name}: --time: {wishes.time!r} is the same in all rows; each needs a time, or a "
            "number that counts them"
        )
    times = [key for key, column in columns.items() if column.type == "datetime"]
    if len(times) != 1:
        dates = f"the dates are {', '.join(map(repr, times))}" if times else "no column holds dates"
        raise UserError(
            f"{name}: {option}: name the column of times, or of numbers in their order, by --time; "
            f"{dates}"
        )
    if columns[times[0]].nullable:
        raise UserError(f"{name}: --time: some rows lack {times[0]!r}; each needs its time")
    return times[0], [f"times are those of {times[0]!r}, the only dates: else say `--time COLUMN`"]
