"""The column that says over how much each row adds up its target."""

from __future__ import annotations

from math import floor, log10

import pandas as pd

from ..core.contract import NUMBERS, Column
from ..core.errors import UserError


def require_number(target: Column, name: str, file: str) -> None:
    """Check that the target is a number, of which alone there is so much per exposure.

    Args:
        target: What it was taken for.
        name: Of the target.
        file: What messages call the file.

    Raises:
        UserError: It is no number.
    """
    if target.type not in NUMBERS:
        raise UserError(
            f"{file}: --exposure: it is of a number to predict, such as a count of each row; "
            f"{name!r} looks like {target.type}"
        )


def require_exposure(cells: pd.Series, column: Column, file: str) -> Column:
    """The column as a contract has an exposure: no row is without one, and all are above zero.

    Args:
        cells: (n_rows,) what stands in the file.
        column: What it was taken for.
        file: What messages call it.

    Raises:
        UserError: Some rows have none, or it is no number.
    """
    where = f"{file}: --exposure: {str(cells.name)!r}"
    if column.type not in NUMBERS:
        raise UserError(
            f"{where} looks like {column.type}, such as {column.example!r}; numbers above 0 were "
            "expected, such as the years that each row is about"
        )
    if column.nullable:
        raise UserError(
            f"{where} is missing in some rows; each needs its own: fill it in, or take these rows "
            "out"
        )
    least, _ = column.seen or (0.0, 0.0)
    if least <= 0:
        raise UserError(
            f"{where} is {least:g} in some rows, in which nothing could come about; take these "
            "rows out"
        )
    # What is a little below all that there was is no mistake yet.
    smallest = 1.0 if column.type == "integer" else 10.0 ** floor(log10(least))
    _, most = column.range or (None, None)
    return column.model_copy(update={"range": (smallest, most)})
