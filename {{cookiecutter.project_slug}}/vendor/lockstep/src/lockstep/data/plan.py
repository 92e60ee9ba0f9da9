"""Framing the examples of one series: what is known at each origin, and what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core.contract import PART, SIDES
from ..core.examples import BLOCK, LEVEL, PAST, SCALE, SPREAD, SQUARED_SCALE, STEP
from .grid import Grid
from .past import encode_pasts, fewest_known, level_and_spread
from .series import Framing, RegularSeries, describe_time

ROWS_IN_BATCH = 2**16


@dataclass(frozen=True)
class Plan:
    """How examples are framed from each series."""

    framing: Framing
    cut: Grid
    """From the last time that is learnt from on."""
    strides: tuple[int, int]
    """Every how many origins make train examples, and test examples."""
    stretch: int | None
    """How many origins are no evidence apart from each other; without it all of a series are."""
    tests_whole: bool = True
    """Whether test origins are those that all steps have come of, so that each step counts alike:
    of a series that has none, the first one; otherwise all are."""

    def frame(self, series: RegularSeries) -> Iterator[Piece]:
        """The examples of a series, some origins at a time, in the order of origins and steps."""
        window, channels = self.framing.window, series.channels
        cut = series.grid.floor(self.cut.start)
        # Where the last time that is learnt from is none of this series, its next one is later.
        first_test = cut + (series.grid.times(np.array([cut]))[0] < self.cut.start)
        origins = self._find_origins(series, cut, first_test)
        scales = measure_scales(series.target[: max(0, cut + 1)], self.framing.season)
        gaps = np.full((window - 1, channels.shape[1]), np.nan)
        windows = sliding_window_view(np.concatenate([gaps, channels]), window, axis=0)
        size = max(1, ROWS_IN_BATCH // self.framing.horizon)
        for batch in np.split(origins, range(size, len(origins), size)):
            is_made = self._find_steps(series, batch, cut, first_test)
            batch, is_made = batch[is_made.any(axis=1)], is_made[is_made.any(axis=1)]
            places, future = np.nonzero(is_made)
            pasts = np.ascontiguousarray(windows[batch].transpose(0, 2, 1))
            level, spread = level_and_spread(pasts[:, :, 0], self.framing.season)
            columns = {
                STEP: future + 1,
                PAST: encode_pasts(pasts)[places],
                LEVEL: level[places],
                SPREAD: spread[places],
                SCALE: np.full(len(places), scales[0]),
                SQUARED_SCALE: np.full(len(places), scales[1]),
                BLOCK: self._blocks(series, batch - cut)[places],
                PART: np.array(SIDES, dtype="object")[(batch >= first_test).astype(int)][places],
            }
            yield Piece(
                series.rows[batch[places] + future + 1], series.rows[batch[places]], columns
            )

    def _find_origins(self, series: RegularSeries, cut: int, first_test: int) -> np.ndarray:
        """(n_origins,) the steps of known values with enough others in the window before them."""
        window, is_known = self.framing.window, ~np.isnan(series.target)
        counts = np.cumsum(np.append(np.zeros(window), is_known))
        is_long = counts[window:] - counts[:-window] >= fewest_known(window)
        steps = np.arange(len(is_known))
        strides = np.where(steps >= first_test, self.strides[1], self.strides[0])
        origins = np.flatnonzero(is_known & is_long & ((steps - cut) % strides == 0))
        tried = origins[origins >= first_test]
        if not self.tests_whole or not len(tried):
            return origins
        last = int(np.flatnonzero(is_known)[-1]) - self.framing.horizon
        whole: np.ndarray = origins[origins <= max(last, tried[0])]
        return whole

    def _find_steps(
        self, series: RegularSeries, origins: np.ndarray, cut: int, first_test: int
    ) -> np.ndarray:
        """(n_origins, horizon) whether there is an example: none is of both sides of the cut."""
        later = origins[:, np.newaxis] + np.arange(1, self.framing.horizon + 1)
        length = len(series.target)
        is_known = ~np.isnan(series.target[np.minimum(later, length - 1)])
        is_on_a_side = (origins >= first_test)[:, np.newaxis] | (later <= cut)
        is_made: np.ndarray = (later < length) & is_known & is_on_a_side
        return is_made

    def _blocks(self, series: RegularSeries, origins: np.ndarray) -> np.ndarray:
        """(n,) what origins, counted from the cut, are no evidence apart from others by."""
        if self.stretch is None:
            return np.full(len(origins), series.name, dtype="object")
        stretches, places = np.unique(origins // self.stretch, return_inverse=True)
        labels = [describe_time(time) for time in self.cut.times(stretches * self.stretch)]
        return np.array(labels, dtype="object")[places]


class Piece(NamedTuple):
    """Some examples of a series."""

    rows: np.ndarray
    """(n_examples,) places of the rows of their times."""
    origins: np.ndarray
    """(n_examples,) places of the rows of their origins."""
    columns: dict[str, np.ndarray]
    """(n_examples,) what no row has."""


def measure_scales(target: np.ndarray, season: int) -> tuple[float, float]:
    """The mean absolute and mean squared error of the value a season before; nan for no error.

    Args:
        target: (n_steps,) values that are learnt from, nan where unknown.
        season: How many steps it is.
    """
    errors = target[season:] - target[:-season]
    errors = errors[~np.isnan(errors)]
    if not errors.any():
        return np.nan, np.nan
    return float(abs(errors).mean()), float((errors**2).mean())
