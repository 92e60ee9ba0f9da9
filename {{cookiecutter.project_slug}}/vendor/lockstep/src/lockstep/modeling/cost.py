"""What a fit costs, from what is known of it: rows, columns and the parameters of its estimator.

It decides which fits come first and whether workers are worth starting, and is never measured, so
that both are the same each time. The factors are rounded from times on one core of 2025, with 100
to 8,000 rows of 5 and 40 columns; a factor of three is no matter.
"""

from __future__ import annotations

from math import log2, prod

from sklearn.pipeline import Pipeline

from ..core.contract import Contract, Type
from .networks import Network

WIDE: tuple[Type, ...] = ("image", "sequence")
"""Types of which a cell holds many numbers."""
FIT = 0.02
"""Seconds of any fit: its features, and predicting the rows that it is tried on."""
CELL = 2e-7
"""Seconds per cell that is read once."""
PAIR = 8e-10
"""Seconds per pair of rows and column (and some), of what compares rows by a kernel."""
TREE_CELL = 3e-8
"""Seconds per cell and level of a tree."""
PASS, PASS_CELL = 1e-4, 8e-9
"""Seconds of a pass over all rows, and per cell in it."""
COMPILE = 5.0
"""Seconds that compiling a network takes, on each of a few workers."""
EXAMPLE, POINT = 1e-5, 3e-6
"""Seconds per row of a network's epoch, and per pixel or point in time of it."""


def estimate_cost(pipeline: Pipeline, contract: Contract, rows: int) -> float:
    """Seconds, roughly, of one core to fit a candidate on so many rows."""
    estimator, points = pipeline[-1], _count_points(contract)
    others = [column for column in contract.features_only().values() if column.type not in WIDE]
    columns = points + len(others)
    if isinstance(estimator, Network):
        return FIT + estimator.max_epochs * rows * (EXAMPLE + points * POINT)
    parameters = {key.rpartition("__")[2]: value for key, value in estimator.get_params().items()}
    cells, seconds = rows * columns, FIT
    if "kernel" in parameters:
        seconds += PAIR * rows**2 * (columns + 20)
    seconds += TREE_CELL * cells * log2(rows + 1) * _count(parameters.get("n_estimators"))
    seconds += (PASS + PASS_CELL * cells) * _count(parameters.get("max_iter"))
    return seconds + CELL * cells


def estimate_compiling(pipeline: Pipeline) -> float:
    """Seconds, roughly, of one core until a candidate can be fitted for the first time."""
    return COMPILE if isinstance(pipeline[-1], Network) else 0.0


def _count_points(contract: Contract) -> int:
    """How many numbers a row has in an order: the pixels of an image, the values of a sequence."""
    if contract.images:
        return prod(contract.images.shape)
    columns = contract.features_only().values()
    return sum((column.length or 0) * len(column.channels) for column in columns)


def _count(value: object) -> float:
    """A number of trees or passes; zero for what is none, such as -1 for no limit."""
    return max(0.0, value) if isinstance(value, int | float) else 0.0
