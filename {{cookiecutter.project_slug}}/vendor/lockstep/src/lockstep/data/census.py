"""What has to be known of all rows of a forecast before any example is framed."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, gcd

import numpy as np
import pandas as pd

from ..core.errors import UserError
from .grid import Grid
from .past import fewest_known
from .plan import Plan
from .series import CONTRACT, Framing, require_places

MOST_EXAMPLES = 1_000_000
"""Of each side; of more, every second origin makes some, or every third, and so on."""
FEWEST_SERIES = 10
"""So many are evidence apart from each other; of fewer it is stretches of time."""


class Census:
    """Counts the times and the series of rows.

    Args:
        framing: Of the rows.
    """

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._counts = pd.Series(dtype="int64")
        self._series: set[object] = set()

    def add(self, rows: pd.DataFrame) -> None:
        """Count further rows."""
        require_places(rows, self._framing)
        counts = pd.Series(1, self._framing.times(rows))
        self._counts = pd.concat([self._counts, counts]).groupby(level=0).sum()
        if self._framing.series is not None:
            self._series.update(rows[self._framing.series].unique())

    def plan(self, test_fraction: float) -> Plan:
        """How the examples are framed, such that the latest share of all times is the test.

        Raises:
            UserError: There are too few times for a test, and for something to learn from.
        """
        framing = self._framing
        horizon, fewest = framing.horizon, fewest_known(framing.window) + 1
        times, counts = self._counts.index.to_numpy(), self._counts.to_numpy()
        if len(times):
            latest = max(0, len(times) - 1 - max(1, round(test_fraction * len(times))))
            # Of a single time it is not known whether it is the last of its month by chance.
            grid = Grid.of_times(times, framing.every)
            end = replace(grid, start=times[-1]).times(np.array([-horizon]))[0]
            cut = min(times[latest], times[max(0, np.searchsorted(times, end, "right") - 1)])
        if not len(times) or (times <= cut).sum() < fewest:
            raise UserError(
                f"{CONTRACT}: horizon: the rows are of {len(times)} times; to learn to forecast "
                f"{horizon} steps and to test it takes {fewest + horizon} or more"
            )
        is_test = times >= cut
        strides = [
            _choose_stride(int(counts[is_origin].sum()) * horizon, framing.season)
            for is_origin in (~is_test, is_test)
        ]
        # Origins nearer to each other than a horizon share targets.
        return Plan(
            framing,
            replace(grid, start=cut),
            (strides[0], strides[1]),
            horizon if len(self._series) < FEWEST_SERIES else None,
        )


def _choose_stride(count: int, season: int) -> int:
    """Every how many origins make examples, such that origins of all places in a season do."""
    stride = max(1, ceil(count / MOST_EXAMPLES))
    while gcd(stride, season) > 1:
        stride += 1
    return stride
