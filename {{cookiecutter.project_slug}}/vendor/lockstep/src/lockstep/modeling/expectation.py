"""What may turn out to be true of rows whose outcomes nobody knows yet.

It is learnt from rows that were predicted by models that had not learnt them. What may be true is
drawn, so that any metric can be measured of it; and each draw supposes something else of what so
few rows teach, within what they leave open. That is worth as much as the rows to come are like
those: another relation between the features and the target (concept drift) does not show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

import numpy as np

from ..core.validation import Strict
from .calibration import Calibration
from .outcome import Outcome
from .residuals import Places, Residuals


class Expectation(Strict):
    """How likely each class is, or how far off a number may be; nothing else.

    How odd a row is says not how likely it is to be an anomaly, and a cluster never comes true.
    """

    calibration: Calibration | None = None
    """Of a classification."""
    labels: tuple[Calibration, ...] = ()
    """Of several labels, of each by itself whether it is there; that they go together is not
    known of rows beyond what their probabilities say."""
    residuals: Residuals | None = None
    """Of a regression."""

    @classmethod
    def fit(cls, validation: Outcome, places: Places) -> Self:
        """Learn from rows that were predicted by models that had not learnt from them.

        Args:
            validation: What was predicted of them and what was true.
            places: Where the same rows are on the scales of the columns.
        """
        if validation.injected is not None or validation.clusters is not None:
            return cls()
        if validation.labels:
            places_of_labels = range(len(validation.labels))
            pairs = (validation.take_pair(place) for place in places_of_labels)
            return cls(labels=tuple(Calibration.fit(pair) for pair in pairs))
        if validation.classes:
            return cls(calibration=Calibration.fit(validation))
        return cls(residuals=Residuals.fit(validation, places))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is expected."""
        return self.calibration is None and self.residuals is None and not self.labels

    def draw(self, outcome: Outcome, places: Places, count: int, seed: int) -> Iterator[Outcome]:
        """So many times what may turn out to be true.

        Args:
            outcome: What a model predicts of rows; what is said to be true of them is no matter.
            places: Where the same rows are on the scales of the columns.
            count: How many times.
            seed: Another seed draws others.
        """
        rng = np.random.default_rng(seed)
        draws: Iterable[np.ndarray]
        if self.labels:
            pairs = [outcome.take_pair(place).predicted for place in range(len(self.labels))]
            each = [
                one.draw(pair, count, rng) for one, pair in zip(self.labels, pairs, strict=True)
            ]
            draws = map(np.column_stack, zip(*each, strict=True))
        elif self.calibration:
            draws = self.calibration.draw(outcome.predicted, count, rng)
        elif self.residuals:
            draws = self.residuals.draw(outcome.predicted, places, count, rng)
        for actual in draws:
            yield replace(outcome, actual=actual)
