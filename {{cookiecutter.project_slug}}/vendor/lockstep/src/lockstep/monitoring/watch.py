"""What is watched: the windows of all versions that rows came from."""

from __future__ import annotations

import numpy as np

from ..core.contract import Contract
from ..modeling.row_blocks import find_block_column
from .batches import Batch, Subject
from .references import References
from .windows import NEVER, By, Windows


def choose_windows(contract: Contract) -> By:
    """Days; but weeks where the rows of a day are alike, so that one day alone tells little.

    Those of forecasts are, if they are made once a day.
    """
    column = find_block_column(contract)
    is_alike = contract.forecasts or (column and column[0] == "day")
    return "week" if is_alike else "day"


class Watch:
    """The windows of each version, of as many rows as come.

    Args:
        references: What their rows are held against.
        by: What rows are together in a window.
        latest: When the latest row can have come.
    """

    def __init__(self, references: References, by: By, latest: np.datetime64 | None = None) -> None:
        self.references, self.by, self.latest = references, by, latest
        self.windows: dict[Subject, Windows] = {}

    def add(self, batch: Batch, latest: np.datetime64 = NEVER) -> None:
        """Count further rows; but none from after `latest`, by a clock that is wrong."""
        if batch.subject not in self.windows:
            reference = self.references.find(batch.subject)
            profile = reference.profile if reference else None
            self.windows[batch.subject] = Windows(profile, self.by)
        self.windows[batch.subject].add(batch, latest)

    def readmit(self, batch: Batch, latest: np.datetime64) -> None:
        """Count rows that were left out, since they came from the future."""
        self.windows[batch.subject].omitted["future"] -= batch.rows
        self.add(batch, latest)

    def forget(self, end: np.datetime64) -> None:
        """Let go of what came before the day or week of a time."""
        for subject, windows in [*self.windows.items()]:
            windows.forget(end)
            if not [*windows] and not windows.omitted.total():
                del self.windows[subject]
