"""The forecasts that could have been made in the past of some rows, beside what became true."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.examples import ORIGIN, STEP
from .examples import batch_pieces, tabulate_pieces
from .grid import Grid
from .plan import Plan
from .series import Framing, order_rows, read_series


def replay(rows: pd.DataFrame, contract: Contract) -> Iterator[pd.DataFrame]:
    """Examples as if each series had been forecast again whenever its horizon had passed.

    Args:
        rows: (n_rows, n_columns) of series, typed, in any order.
        contract: Of the examples.

    Yields:
        Examples in the order of their origins, some at a time; none where no series is long enough.

    Raises:
        UserError: A series has two rows of one time, or a time that is off its steps.
    """
    history = contract.history
    assert history is not None
    framing = Framing.of_contract(history)
    rows = order_rows(framing.select(rows), framing)
    times = framing.times(rows[rows[history.target].notna()])
    if not len(times):
        return
    # Before all of them, so that nothing counts as learnt from.
    start = _choose_start(times, framing)
    strides = (framing.horizon, framing.horizon)
    plan = Plan(framing, Grid.of_times(start, framing.every), strides, None, tests_whole=False)
    pieces = (piece for series in read_series(rows, framing) for piece in plan.frame(series))
    for batch in batch_pieces(pieces):
        examples = tabulate_pieces(batch, rows, contract)
        yield examples.sort_values([ORIGIN, STEP], kind="stable", ignore_index=True)


def _choose_start(times: np.ndarray, framing: Framing) -> np.ndarray:
    """(1,) the time before all (n,) known ones that origins are counted from, by horizons.

    It is the latest such that about as many origins are at known times as can be: of working days,
    none would be on Sundays.
    """
    grid = Grid.of_times(times, framing.every)
    steps = grid.steps(times)
    back = (-1 - steps[~np.isnan(steps)]) % framing.horizon
    counts = np.bincount(back.astype("int64"))
    return grid.times(-1 - np.flatnonzero(2 * counts >= counts.max())[:1])
