"""What sequences look like, class by class, and those that a model errs most about."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from ..core.sequences import SIGNAL
from ..modeling.model import Model
from ..modeling.outcome import Outcome
from ..modeling.signals import find_shape, read_signals
from .curves import confident_mistakes, largest_errors, name_labels, worst_labels

MOST_CHANNELS, MOST_PARTS, MOST_MISTAKES = 6, 6, 6
"""That are shown."""
MOST_ROWS = 2_000
"""Of more, means are of so many, evenly spread."""
FEWEST = 2
"""Numbers that a mean and a spread are of."""
THIRDS = 3


class Signals:
    """The signals of some rows, parted by their class or set of labels or, of numbers, into thirds.

    Args:
        model: What predicts.
        rows: (n_rows, n_columns) with at least the signals and the names of the sequences.
        outcome: Of the same rows.
    """

    def __init__(self, model: Model, rows: pd.DataFrame, outcome: Outcome) -> None:
        points, shape = model.contract.points, find_shape(model.contract)
        assert points is not None
        assert shape is not None
        self.outcome, self.channels = outcome, points.channels
        self.names = rows[points.sequence].astype("str").to_numpy()
        self._rows, self._shape = rows[[SIGNAL]], shape
        self.parts, self.actual, self.predicted = self._divide()

    def _divide(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """What the parts are called; (n_rows,) the part of each row, and that it was taken for."""
        outcome = self.outcome
        if outcome.classes:
            return [*outcome.classes], outcome.actual, outcome.decisions
        if outcome.labels:
            sets, places = self._sets
            actual, predicted = np.split(places, 2)
            return name_labels(outcome, sets), actual, predicted
        edges = np.unique(np.quantile(outcome.actual, np.arange(1, THIRDS) / THIRDS))
        ends = [outcome.actual.min(), *edges, outcome.actual.max()]
        names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(ends)]
        actual, predicted = (
            np.searchsorted(edges, numbers) for numbers in (outcome.actual, outcome.predicted)
        )
        return names, actual, predicted

    @cached_property
    def _sets(self) -> tuple[np.ndarray, np.ndarray]:
        """(n_sets, n_labels) those that some row has or is taken to have; (2 n_rows,) the place of
        that of each row among them, then of that it was taken for."""
        both = np.concatenate([self.outcome.actual, self.outcome.decisions])
        sets, places = np.unique(both, axis=0, return_inverse=True)
        return sets, places.ravel()

    def _belong(self, part: int) -> np.ndarray:
        """(n_rows,) whether a row stands for a part: is of it or, of a set of labels that too few
        have, has these among others."""
        is_own: np.ndarray = self.actual == part
        if not self.outcome.labels or is_own.sum() >= FEWEST:
            return is_own
        has_all: np.ndarray = (self.outcome.actual >= self._sets[0][part]).all(axis=1)
        return has_all

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """(n_parts, length, channels) mean and standard deviation of each part; nan of too few."""
        rows = np.unique(np.linspace(0, len(self._rows) - 1, MOST_ROWS).astype("int64"))
        signals, shape = self._read(rows), (len(self.parts), *self._shape)
        means, spreads = np.full(shape, np.nan), np.full(shape, np.nan)
        for part in range(len(self.parts)):
            values = np.ma.masked_invalid(signals[self._belong(part)[rows]])
            is_enough = np.ma.count(values, axis=0) >= FEWEST
            means[part] = np.where(is_enough, np.ma.filled(values.mean(axis=0), np.nan), np.nan)
            spreads[part] = np.where(is_enough, np.ma.filled(values.std(axis=0), np.nan), np.nan)
        return means, spreads

    def _read(self, rows: np.ndarray | list[int]) -> np.ndarray:
        """(n_rows, length, channels) the numbers of some rows."""
        return read_signals(self._rows.iloc[rows], self._shape)

    @cached_property
    def _shown(self) -> tuple[list[int], list[int]]:
        """The parts with most rows, in their order; the channels in which they differ most."""
        counts = np.bincount(self.actual, minlength=len(self.parts))
        largest = np.argsort(-counts, kind="stable")[:MOST_PARTS]
        parts = [part for part in range(len(self.parts)) if part in largest and counts[part]]
        means, spreads = (np.ma.masked_invalid(moment[parts]) for moment in self._moments)
        within = np.ma.filled((spreads**2).mean(axis=(0, 1)), 0.0)
        between = np.ma.filled(means.var(axis=0).mean(axis=0), 0.0)
        total = within + between
        shares = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
        return parts, np.argsort(-shares, kind="stable")[:MOST_CHANNELS].tolist()

    @property
    def shown_channels(self) -> list[str]:
        """Those of which there is a panel, the one that differs most first."""
        return [self.channels[channel] for channel in self._shown[1]]

    @property
    def shown_parts(self) -> list[str]:
        """The classes, sets of labels or thirds that there is a line of."""
        return [self.parts[part] for part in self._shown[0]]

    def tabulate_means(self) -> pd.DataFrame:
        """`channel`, `part`, `point` (0 is the last one), `mean` and `spread` of what is shown."""
        parts, channels = self._shown
        means, spreads = self._moments
        points = np.arange(1 - means.shape[1], 1)
        tables = [
            pd.DataFrame(
                {
                    "channel": self.channels[channel],
                    "part": self.parts[part],
                    "point": points,
                    "mean": means[part, :, channel],
                    "spread": spreads[part, :, channel],
                }
            )
            for channel in channels
            for part in parts
        ]
        return pd.concat(tables, ignore_index=True)

    def tabulate_mistakes(self) -> pd.DataFrame:
        """The worst mistakes first: `row`, `sequence`, `actual`, `predicted`.

        Of classes also the `probability` of what was predicted.
        """
        if self.outcome.classes:
            table = confident_mistakes(self.outcome)
        elif self.outcome.labels:
            table = worst_labels(self.outcome)
        else:
            table = largest_errors(self.outcome, MOST_MISTAKES)
        table.insert(1, "sequence", self.names[table["row"]])
        return table

    def trace_mistakes(self) -> pd.DataFrame:
        """The sequences of the worst mistakes, beside what they are and what they were taken for.

        Of each the channel is shown in which these differ most or, where both are of one third,
        that in which it is furthest from them.

        Returns:
            `row`, `channel`, `point`, `value`, and the means of `actual` and `predicted`.
        """
        tables = [self._trace(row) for row in self.tabulate_mistakes()["row"].head(MOST_MISTAKES)]
        return pd.concat(tables, ignore_index=True)

    def _trace(self, row: int) -> pd.DataFrame:
        means, spreads = self._moments
        actual, predicted = means[self.actual[row]], means[self.predicted[row]]
        own = self._read([row])[0]
        other = own if self.actual[row] == self.predicted[row] else predicted
        distances = np.ma.masked_invalid(np.abs(other - actual)).mean(axis=0)
        units = np.ma.masked_invalid(spreads).mean(axis=(0, 1))
        channel = int(np.argmax(np.ma.filled(distances / units, -1.0)))
        return pd.DataFrame(
            {
                "row": row,
                "channel": self.channels[channel],
                "point": np.arange(1 - len(actual), 1),
                "value": own[:, channel],
                "actual": actual[:, channel],
                "predicted": predicted[:, channel],
            }
        )
