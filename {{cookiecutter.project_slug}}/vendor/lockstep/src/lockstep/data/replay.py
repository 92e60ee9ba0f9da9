"""The forecasts that could have been made in the past of some rows, beside what became true."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.examples import ORIGIN, STEP
from .examples import gather, join
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
    # Before all of them, so that nothing counts as learnt from.
    start = Grid.of_times(framing.times(rows), framing.every).times(np.array([-1]))
    strides = (framing.horizon, framing.horizon)
    plan = Plan(framing, Grid.of_times(start, framing.every), strides, None)
    pieces = (piece for series in read_series(rows, framing) for piece in plan.frame(series))
    for some in gather(pieces):
        examples = join(some, rows, contract)
        yield examples.sort_values([ORIGIN, STEP], kind="stable", ignore_index=True)
