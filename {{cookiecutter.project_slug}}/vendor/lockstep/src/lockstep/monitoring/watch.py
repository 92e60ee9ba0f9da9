"""What is watched: the windows of all versions that rows came from."""

from __future__ import annotations

import numpy as np

from .batches import Batch, Subject
from .references import References
from .windows import By, Windows


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

    def add(self, batch: Batch) -> None:
        """Count further rows."""
        if batch.subject not in self.windows:
            reference = self.references.find(batch.subject)
            profile = reference.profile if reference else None
            self.windows[batch.subject] = Windows(profile, self.by, self.latest)
        self.windows[batch.subject].add(batch)

    @property
    def rows(self) -> int:
        """How many were counted."""
        return sum(window.rows for windows in self.windows.values() for window in windows)
