"""Whole sequences as examples, gathered from their points."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.sequences import SIGNAL, gather_contract
from .conformity import arrange_columns, as_texts, conform, describe, select_cells
from .grid import as_array
from .new_rows import NewRows
from .past import encode_pasts
from .split import require_times, require_values

CONTRACT = "references/schema.yaml"
MOST_BREACHES = 3
"""Points of a sequence that a message tells of."""


class Points:
    """The points of some sequences, one sequence after the other and each in the order of time.

    Args:
        rows: (n_points, n_columns) typed by the contract, in any order.
        codes: (n_points,) which sequence each is of, as whole numbers from 0 without a gap.
        contract: That of the points.
    """

    def __init__(self, rows: pd.DataFrame, codes: np.ndarray, contract: Contract) -> None:
        times = as_array(rows[contract.time])
        order = np.lexsort((times, codes))
        self.contract, self._times = contract, times[order]
        self.rows, self.codes = rows.iloc[order].reset_index(drop=True), codes[order]
        self.counts = np.bincount(codes)
        """(n_sequences,) how many points each has."""

    @classmethod
    def of_rows(cls, rows: pd.DataFrame, contract: Contract) -> Points:
        """Those of rows that name their sequence, in the order of the names."""
        codes, _ = pd.factorize(rows[contract.sequence], sort=True)
        return cls(rows, codes, contract)

    @cached_property
    def faults(self) -> pd.Series:
        """(n_faults,) what is wrong with a sequence as a whole, in words, by its number."""
        assert self.contract.time is not None
        is_repeated = (self.codes[1:] == self.codes[:-1]) & (self._times[1:] == self._times[:-1])
        times = self.rows[self.contract.time].iloc[1:][is_repeated]
        rule = "a time of its own for each point"
        faults: dict[int, str] = {}
        for code, time in zip(self.codes[1:][is_repeated], times, strict=True):
            faults.setdefault(code, describe(self.contract.time, f"{time} twice", rule))
        for name in self._constants:
            values = self.rows[name].groupby(self.codes)
            for code in np.flatnonzero(values.nunique().to_numpy() > 1).tolist():
                one, other = values.get_group(code).dropna().unique()[:2]
                fault = describe(name, f"{one} and {other}", "one value for all points")
                faults[code] = "; ".join(filter(None, [faults.get(code), fault]))
        return pd.Series(faults, dtype="str").sort_index()

    @cached_property
    def _constants(self) -> list[str]:
        """The columns that have one value for all points of a sequence."""
        columns = gather_contract(self.contract).columns
        return [name for name in columns if name in self.rows and name != self.contract.time]

    def gather(self) -> pd.DataFrame:
        """(n_sequences, n_columns) the examples: `signal`, and of other columns the last value.

        The signal ends at the latest point: of a longer sequence the earliest ones are left out,
        and a shorter one has gaps in front.
        """
        assert self.contract.length is not None
        columns = self.rows[[*self._constants, *filter(None, [self.contract.time])]]
        table = columns.groupby(self.codes).last().reset_index(drop=True)
        ends = np.cumsum(self.counts)
        ages = ends[self.codes] - 1 - np.arange(len(self.codes))
        is_latest = ages < self.contract.length
        channels = self.contract.channels
        values = self.rows[channels].to_numpy("float64", na_value=np.nan)
        signals = np.full((len(ends), self.contract.length, len(channels)), np.nan)
        places = self.contract.length - 1 - ages[is_latest]
        signals[self.codes[is_latest], places] = values[is_latest]
        return table.assign(**{SIGNAL: encode_pasts(signals)})


def gather_rows(points: Points) -> pd.DataFrame:
    """(n_sequences, n_columns) the examples of sequences that keep what a contract asks of them.

    Raises:
        UserError: Two points have one time, or something that they share differs, such as a label.
    """
    faults, contract = points.faults, points.contract
    if len(faults):
        place = np.flatnonzero(points.codes == faults.index[0])[0]
        name = points.rows[contract.sequence].iloc[place]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UserError(
            f"{CONTRACT}: sequence: {name!r}{more}: {faults.iloc[0]}; mend the rows, or give each "
            "part a name of its own"
        )
    return arrange_columns(points.gather(), gather_contract(contract).columns)


def require_names(rows: pd.DataFrame, contract: Contract) -> None:
    """Check that each point has a time and says which sequence it is of."""
    require_times(rows[contract.time])
    require_values(rows[contract.sequence], "sequence")


def gather_frame(frame: pd.DataFrame, contract: Contract, name: str) -> NewRows:
    """A row to predict for each sequence of a table of points, in the order of the first of each.

    A sequence of which a point breaks the contract is not predicted.

    Args:
        frame: (n_points, n_columns) with at least the features, the names and the times.
        contract: That of the examples.
        name: What messages call the table.

    Raises:
        UserError: A column is missing.
    """
    points = contract.points
    assert points is not None
    assert points.sequence is not None
    assert points.time is not None
    roles = (points.sequence, points.time, *points.features)
    columns = {key: column for key, column in points.columns.items() if key in roles}
    cells = select_cells(frame, columns, points.missing, name).reset_index(drop=True)
    rows, breaches = conform(columns, cells, points.layout, points.missing)
    names = as_texts(cells[points.sequence])
    codes, _ = pd.factorize(names.fillna(""))
    sequences = Points(rows, codes, points)
    table = sequences.gather()
    first = pd.Series(names.index, names.index).groupby(codes).first().to_numpy()
    breaches = breaches.assign(row=codes[breaches["row"].to_numpy() - 1] + 1)
    faults = sequences.faults
    lines = dict(zip(faults.index, [[fault] for fault in faults], strict=True))
    for row, *cell in breaches[["row", "column", "value", "rule"]].to_numpy():
        lines.setdefault(row - 1, []).append(describe(*cell))
    reasons = {code: _shorten(faults) for code, faults in lines.items()}
    return NewRows(
        names[first].reset_index(drop=True).to_frame(points.sequence),
        table[contract.features],
        pd.Series(reasons, dtype="str").reindex(range(len(table))).astype("str").rename("reason"),
        breaches.sort_values("row", kind="stable", ignore_index=True),
    )


def _shorten(faults: list[str]) -> str:
    """The first of them, each at how many points, and how many more there are."""
    counts = Counter(faults)
    lines = [f"{one}, at {n} points" if n > 1 else one for one, n in counts.items()]
    more = len(lines) - MOST_BREACHES
    return "; ".join(lines[:MOST_BREACHES]) + (f"; and {more} more" if more > 0 else "")
