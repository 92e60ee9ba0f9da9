"""The examples that a model learns to forecast from, framed from the rows of series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.examples import ORIGIN, STEP, frame_contract
from ..core.params import Params
from .census import Census
from .conformity import arrange_columns
from .partitions import Partitions
from .past import fewest_known
from .plan import ROWS_IN_BATCH, Piece, Plan
from .sequences import Points, gather_rows, require_names
from .series import CONTRACT, Framing, order_rows, read_series, require_constants

MOST_NAMED = 3
"""Series that a message lists."""


def make_examples(rows: Iterable[pd.DataFrame], contract: Contract, params: Params) -> Examples:
    """The rows that a model learns from, batch by batch, as often as they are iterated.

    Those of a forecast are framed as `core.examples` says, and sequences gathered as
    `core.sequences` says; others are examples as they are.

    Args:
        rows: Of the contract, in batches.
        contract: Says whether they are of a forecast.
        params: Says how large its test is.

    Raises:
        UserError: The rows of a forecast are not split by time.
    """
    if contract.sequence is not None:
        return SequenceExamples(rows, contract)
    return Examples(rows) if contract.horizon is None else ForecastExamples(rows, contract, params)


class Examples:
    """Rows that are examples as they are."""

    def __init__(self, rows: Iterable[pd.DataFrame]) -> None:
        self._rows = rows
        self._row_count = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        self._row_count = 0
        for batch in self._rows:
            self._row_count += len(batch)
            yield batch

    def summary(self, total: int, train: int, test: int) -> str:
        """What has become of the rows when all have been gone through, in words.

        Args:
            total: How many rows there were before they were cleaned.
            train: How many examples are for training.
            test: How many are for the test.
        """
        copies = self._row_count - train - test
        note = f", {copies} copies of test rows left out" if copies else ""
        return f"{train} rows for training, {test} for the test{note}{self._count_dropped(total)}"

    def _count_dropped(self, total: int) -> str:
        count = total - self._row_count
        return f", {count} rows left out by clean" if count else ""


class SequenceExamples(Examples):
    """Whole sequences, each an example that is gathered from its points.

    Of so many rows as do not fit into memory, a part of the sequences is in it at a time.
    """

    def __init__(self, rows: Iterable[pd.DataFrame], contract: Contract) -> None:
        super().__init__(rows)
        self._contract = contract
        self._counts = np.empty(0, int)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        counts = []
        with (
            TemporaryDirectory(prefix="examples-") as folder,
            Partitions(Path(folder), self._contract.sequence) as partitions,
        ):
            for batch in super().__iter__():
                require_names(batch, self._contract)
                partitions.add(batch)
            for part in partitions:
                points = Points.of_rows(part, self._contract)
                counts.append(points.counts)
                yield gather_rows(points)
        self._counts = np.concatenate(counts) if counts else self._counts
        if len(self._counts) and self._counts.max() == 1:
            raise UserError(
                f"{CONTRACT}: sequence: each of {len(self._counts)} sequences has a single point; "
                "rows that are examples as they are need no `sequence`"
            )

    def summary(self, total: int, train: int, test: int) -> str:
        """What has become of the rows; see `Examples.summary`."""
        length, count = self._contract.length, len(self._counts)
        copies = count - train - test
        counts = {
            f"of single points: {(self._counts == 1).sum()}": (self._counts == 1).any(),
            f"{(self._counts > length).sum()} of them longer than {length}, whose latest points "
            "are kept": (self._counts > length).any(),
            f"{copies} copies of test sequences left out": copies > 0,
        }
        notes = "".join(f", {note}" for note, holds in counts.items() if holds)
        return (
            f"{train} sequences for training, {test} for the test, from {self._row_count} rows"
            f"{notes}{self._count_dropped(total)}"
        )


class ForecastExamples(Examples):
    """The examples of a forecast: an example for each step from each origin.

    Test examples have an origin from the cut on, after which the latest `split.test_fraction` of
    all times lies, and of which all steps have come. Train examples are of times up to the cut.
    What lies across is not made. An origin is a time of a known value.

    Of so many rows as do not fit into memory, a part of the series is in it at a time.
    """

    def __init__(self, rows: Iterable[pd.DataFrame], contract: Contract, params: Params) -> None:
        super().__init__(rows)
        if params.split.by != "time":
            raise UserError(
                f"params.yaml: split.by: found {params.split.by}; what is forecast is learnt from "
                "what came before, so it is split by time"
            )
        self._contract, self._params = contract, params
        self._framing = Framing.of_contract(contract)
        self._series_count, self._short = 0, list[object]()
        self._strides = (1, 1)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        framing, contract = self._framing, frame_contract(self._contract)
        self._series_count, self._short = 0, []
        census = Census(framing)
        with (
            TemporaryDirectory(prefix="examples-") as folder,
            Partitions(Path(folder), framing.series) as partitions,
        ):
            for batch in super().__iter__():
                rows = framing.select(batch)
                census.add(rows)
                partitions.add(rows)
            plan = census.plan(self._params.split.test_fraction)
            self._strides = plan.strides
            for part in partitions:
                rows = order_rows(part, framing)
                require_constants(rows, framing)
                for batch_of_pieces in batch_pieces(self._frame(rows, plan)):
                    yield tabulate_pieces(batch_of_pieces, rows, contract)
        if len(self._short) == self._series_count:
            raise UserError(
                f"{CONTRACT}: horizon: no value can be forecast from those before it: that takes "
                f"{fewest_known(framing.window)} known ones among {framing.window} steps of "
                f"{framing.every}"
            )

    def _frame(self, rows: pd.DataFrame, plan: Plan) -> Iterator[Piece]:
        for series in read_series(rows, self._framing):
            count = 0
            for piece in plan.frame(series):
                count += len(piece.rows)
                yield piece
            self._series_count += 1
            if not count:
                self._short.append(series.name)

    def summary(self, total: int, train: int, test: int) -> str:
        """What has become of the rows; see `Examples.summary`."""
        of = "" if self._framing.series is None else f" of {self._series_count} series"
        names = ", ".join(map(repr, self._short[:MOST_NAMED]))
        more = len(self._short) - MOST_NAMED
        others = f" and {more} more" if more > 0 else ""
        short = f", {len(self._short)} of them too short: {names}{others}" if self._short else ""
        of_train, of_test = self._strides
        origins = f", one origin in {of_train} and in {of_test}" if of_train + of_test > 2 else ""
        return (
            f"{train} examples for training, {test} for the test{origins}, from {self._row_count} "
            f"rows{of}{short}{self._count_dropped(total)}"
        )


def batch_pieces(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The same pieces, as many together as make about a batch."""
    batch: list[Piece] = []
    count = 0
    for piece in pieces:
        batch.append(piece)
        count += len(piece.rows)
        if count >= ROWS_IN_BATCH:
            yield batch
            batch, count = [], 0
    if count:
        yield batch


def tabulate_pieces(pieces: list[Piece], rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The examples as a table with the columns of their contract."""
    table = rows.iloc[np.concatenate([piece.rows for piece in pieces])].reset_index(drop=True)
    origins = np.concatenate([piece.origins for piece in pieces])
    assert contract.time is not None
    table[ORIGIN] = rows[contract.time].iloc[origins].array
    for name in pieces[0].columns:
        table[name] = np.concatenate([piece.columns[name] for piece in pieces])
    table[STEP] = table[STEP].astype("Int64")
    return arrange_columns(table, contract.columns)
