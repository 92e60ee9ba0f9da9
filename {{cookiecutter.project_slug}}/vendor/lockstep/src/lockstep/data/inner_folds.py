"""Dividing the rows that a candidate learns from once more, by the same rule as all rows.

Early stopping watches some of them, and a step such as target_encode or a calibration learns from
the others of each row. scikit-learn hands on numbers there, without the groups and times of their
rows, so these are kept here while a candidate is fitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from ..core.contract import Contract
from ..core.examples import ORIGIN
from ..core.params import Params
from .draws import draw_groups, draw_share, number_groups, number_parts
from .split import find_start_of_latest, hash_keys, hash_rows, is_since, require_column

PARTS = 5


@dataclass(frozen=True)
class Units:
    """What each of some rows must stay together with."""

    keys: np.ndarray
    """(n_rows,) hashes of rows or groups, or times; of a forecast origins. Equal ones stay
    together."""
    by: str
    """As `split.by` in params.yaml."""
    arrivals: np.ndarray | None = None
    """(n_rows,) of a forecast, the times at which the targets become known."""

    @classmethod
    def of_rows(cls, rows: pd.DataFrame, contract: Contract, params: Params) -> Units:
        """Those of a table, by the rule in params.yaml."""
        by = params.split.by
        if by == "time":
            times = rows[require_column(contract, "time")].to_numpy()
            return cls(rows[ORIGIN].to_numpy(), by, times) if contract.forecasts else cls(times, by)
        return cls(hash_keys(rows, contract, params), by)

    @classmethod
    def of_each_row(cls, count: int) -> Units:
        """So many rows that have nothing to do with each other."""
        return cls(hash_rows(pd.DataFrame(np.arange(count))), "row")

    def take(self, rows: np.ndarray) -> Units:
        """Those of some rows, by their places."""
        arrivals = None if self.arrivals is None else self.arrivals[rows]
        return Units(self.keys[rows], self.by, arrivals)

    def draw(self, strata: np.ndarray, share: float, seed: int) -> np.ndarray:
        """(n_rows,) whether each is drawn; by time, the latest are. There are some on both sides.

        Where that cannot be, as of a single group, rows are drawn by themselves.
        """
        if self.by == "time":
            times = pd.Series(self.keys)
            start = find_start_of_latest(times, share)
            is_in = is_since(times.max() if start is None else start, times)
        else:
            draw = draw_groups if self.by == "group" else draw_share
            is_in = draw(self.keys, strata, share, seed)
        if is_in.any() and not is_in.all():
            return is_in
        return draw_share(Units.of_each_row(len(is_in)).keys, strata, share, seed)

    def number_parts(self, strata: np.ndarray, count: int, seed: int) -> np.ndarray:
        """(n_rows,) the part of each row, from 0, of at most `count`; by time, they are stretches.

        Where all rows of a stratum would be in one part, rows are divided by themselves.
        """
        if self.by == "time":
            order = pd.Series(self.keys).rank(pct=True).to_numpy()
            parts = np.ceil(order * count).astype(int) - 1
        else:
            number = number_groups if self.by == "group" else number_parts
            parts = number(self.keys, strata, count, seed)
        columns = strata.T if strata.ndim == 2 else [strata]
        if all(map(partial(_is_spread, parts), columns)):
            return parts
        return number_parts(Units.of_each_row(len(parts)).keys, strata, count, seed)

    def halve(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The places of two rows or more in two halves, in an order by chance.

        Groups are whole, so that halves are as even as these allow; rows of a single group, as any
        others, are divided by themselves.
        """
        groups = pd.factorize(self.keys)[0] if self.by == "group" else np.arange(len(self.keys))
        if groups.max() == 0:
            groups = np.arange(len(groups))
        turns = np.argsort(rng.permutation(groups.max() + 1))[groups]
        order = np.argsort(turns, kind="stable")
        starts = np.flatnonzero(np.diff(turns[order])) + 1
        middle = starts[np.abs(starts - len(order) / 2).argmin()]
        return order[:middle], order[middle:]

    def find_learnable(self, is_tried: np.ndarray) -> np.ndarray:
        """(n_rows,) whether each may be learnt from by what is tried on some: all others.

        Of a forecast those whose targets are known at the first origin of these. Where there are
        none, as of the earliest stretch, it is those whose origins come after all of these.
        """
        if self.arrivals is None:
            return ~is_tried
        is_before: np.ndarray = self.arrivals <= self.keys[is_tried].min()
        is_after = self.keys >= self.arrivals[is_tried].max()
        return next((each for each in (is_before, is_after) if each.any()), ~is_tried)


def _is_spread(parts: np.ndarray, strata: np.ndarray) -> bool:
    """Whether no stratum of two rows or more is in one part alone."""
    spread = pd.Series(parts).groupby(strata).agg(["min", "max", "size"])
    return bool(((spread["min"] < spread["max"]) | (spread["size"] == 1)).all())


_units: ContextVar[Units | None] = ContextVar("units", default=None)


@contextmanager
def learning_from(units: Units) -> Iterator[None]:
    """Let what is fitted within the block on as many rows divide them by these units."""
    token = _units.set(units)
    try:
        yield
    finally:
        _units.reset(token)


def find_units(count: int) -> Units:
    """The units of the rows that are learnt from; of a part of them, each row is one."""
    units = _units.get()
    return units if units and len(units.keys) == count else Units.of_each_row(count)


@dataclass(frozen=True)
class InnerFolds(BaseCrossValidator):
    """Five parts of the rows that a candidate learns from, for scikit-learn's argument `cv`.

    They follow `split.by` in params.yaml: rows of equal features stay together, or those of a
    group, or those of a stretch of time. Classes are spread as evenly as these allow. What a
    forecast learns from comes before what it is tried on, but for the first part.
    """

    seed: int
    """Another one makes other parts."""
    classifies: bool
    """Whether a class is predicted, not a number."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """How many parts there are at most."""
        return PARTS

    def split(
        self,
        X: Any,  # noqa: ARG002
        y: Any,
        groups: Any = None,  # noqa: ARG002
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each part the places to learn from, and its own; a ValueError of one row."""
        y = np.asarray(y)
        if len(y) < 2:
            raise ValueError(f"n_samples={len(y)}: two rows are needed to divide them")
        strata = y if self.classifies else np.zeros(len(y))
        units = find_units(len(y))
        parts = units.number_parts(strata, PARTS, self.seed)
        for part in np.unique(parts):
            is_own = parts == part
            yield np.flatnonzero(units.find_learnable(is_own)), np.flatnonzero(is_own)
