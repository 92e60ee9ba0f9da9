"""Which rows are for training and which for the test.

The rule is `split.by` in params.yaml: by row, by group (a group's rows stay together) or by time
(what is learnt from comes before what it is tried on). Each row is looked at by itself, so that it
stays on its side whatever other rows come or go, and so that rows of equal features are on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.labels import encode_labels
from ..core.params import Params, predicts_numbers
from .draws import choose_seed, is_drawn
from .duplicates import contains

IsOnSide = Callable[[pd.DataFrame], np.ndarray]
"""(n_rows,) whether each of some rows is on a side."""


class Sides(NamedTuple):
    """Where some rows are; none is on both sides, and some may be on neither."""

    is_train: np.ndarray
    """(n_rows,) whether each is for training."""
    is_test: np.ndarray
    """(n_rows,) whether each is for the test."""


class Split(NamedTuple):
    """Which rows are for training and which for the test, told of each row by itself."""

    find_sides: Callable[[pd.DataFrame], Sides]
    rule: str
    """In words."""

    def divide(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Those of some rows that are for training, and those for the test, in their order."""
        sides = self.find_sides(rows)
        return rows[sides.is_train], rows[sides.is_test]

    def require_both(self, train: int, test: int) -> None:
        """Check that so many rows on each side are enough to compute a score from.

        Raises:
            UserError: A side has fewer than two.
        """
        if min(train, test) < 2:
            raise UserError(
                f"params.yaml: split: {train + test} rows split {self.rule} are {train} for "
                f"training and {test} for the test; both need two or more"
            )


def make_split(rows: Iterable[pd.DataFrame], contract: Contract, params: Params) -> Split:
    """The rule by which rows are for training or for the test.

    A split that the contract's `part` gives is kept, but for train rows that equal a test row in
    all features, which are on neither side. To split by time takes sixteen bytes of memory per row.

    Args:
        rows: All rows in batches, gone through for what has to be known of them beforehand.
        contract: Names the columns.
        params: Says how to split.

    Raises:
        UserError: The contract lacks the column to split by, or rows lack what decides their side.
    """
    if contract.forecasts:
        # `make_examples` says it of each, and none equals another of another time.
        return Split(lambda batch: _find_given_sides(batch, str(contract.part)), "by time")
    if contract.part is not None and any(has_given_split(batch, contract) for batch in rows):
        return _given_split(rows, contract, contract.part)
    share = params.split.test_fraction
    seed = params.seed if params.split.seed is None else params.split.seed
    rule = f"by {params.split.by} with a test_fraction of {share:g} and seed {seed}"
    is_test: IsOnSide
    if params.split.by == "time":
        column = require_column(contract, "time")
        times = pd.concat([batch[column] for batch in rows], ignore_index=True)
        start = find_start_of_latest(times, share)

        def is_test(batch: pd.DataFrame) -> np.ndarray:
            return is_since(start, batch[column])
    else:

        def is_test(batch: pd.DataFrame) -> np.ndarray:
            return is_drawn(hash_keys(batch, contract, params), share, seed)

    def find_sides(batch: pd.DataFrame) -> Sides:
        in_test = is_test(batch)
        return Sides(~in_test, in_test)

    return Split(find_sides, rule)


def split_rows(
    rows: pd.DataFrame, contract: Contract, params: Params
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The train rows and the test rows of a table in memory, each in its order."""
    split = make_split([rows], contract, params)
    train, test = (side.reset_index(drop=True) for side in split.divide(rows))
    split.require_both(len(train), len(test))
    return train, test


def choose_split_seed(rows: pd.DataFrame, contract: Contract, params: Params) -> int | None:
    """The `split.seed` by which classes, labels or fifths of numbers are divided evenly.

    There is none where nothing is drawn, by time or as the contract's `part` says, nor without a
    target.
    """
    is_drawn = params.split.by != "time" and not has_given_split(rows, contract)
    if not is_drawn or contract.is_unlabelled:
        return None
    target = rows[contract.target]
    strata = target.to_numpy() if contract.is_supervised else target.fillna("unknown").to_numpy()
    if contract.labels:
        strata = encode_labels(target, contract.columns[contract.target])
    elif predicts_numbers(params.kind):
        strata = np.ceil(target.rank(pct=True).to_numpy() * 5)
    return choose_seed(hash_keys(rows, contract, params), strata, params.split.test_fraction)


def has_given_split(rows: pd.DataFrame, contract: Contract) -> bool:
    """Whether the rows say which side they are on."""
    return contract.part is not None and bool(rows[contract.part].notna().any())


def _given_split(rows: Iterable[pd.DataFrame], contract: Contract, part: str) -> Split:
    hashes, unassigned, total = [], 0, 0
    for batch in rows:
        test = batch[batch[part] == "test"]
        hashes.append(hash_rows(test[contract.features]))
        unassigned, total = unassigned + int(batch[part].isna().sum()), total + len(batch)
    if unassigned:
        raise UserError(
            f"references/schema.yaml: part: {part!r} says nothing about {unassigned} of {total} "
            "rows; give each train or test"
        )
    test_hashes = np.unique(np.concatenate(hashes))

    def find_sides(batch: pd.DataFrame) -> Sides:
        given = _find_given_sides(batch, part)
        is_copy = contains(test_hashes, hash_rows(batch[contract.features]))
        return given._replace(is_train=given.is_train & ~is_copy)

    return Split(find_sides, "as given")


def _find_given_sides(batch: pd.DataFrame, part: str) -> Sides:
    return Sides((batch[part] == "train").to_numpy(), (batch[part] == "test").to_numpy())


def require_column(contract: Contract, by: str) -> str:
    """The column that rows are split by: the contract's `group`, or its `time`."""
    column: str | None = getattr(contract, by)
    if column is None:
        raise UserError(
            f"params.yaml: split.by: {by} needs a column; name it as `{by}:` in "
            "references/schema.yaml"
        )
    return column


def hash_keys(rows: pd.DataFrame, contract: Contract, params: Params) -> np.ndarray:
    """(n_rows,) unsigned 64-bit hash of what stays together, by row or by group.

    Rows of equal features stay together whatever their target: who has learnt the one knows the
    other.
    """
    by_group = params.split.by == "group"
    return hash_rows(rows[[require_column(contract, "group")] if by_group else contract.features])


def find_groups(rows: pd.DataFrame, contract: Contract) -> pd.Series:
    """(n_rows,) what rows have in common that are no evidence apart from each other.

    It is their group or, without one, all features: such rows are on one side together, so that a
    test of many rows may be of a few draws.
    """
    if contract.group is not None:
        return rows[contract.group]
    return pd.Series(hash_rows(rows[contract.features]), rows.index)


def find_start_of_latest(times: pd.Series, share: float) -> Any:
    """The first time of the latest `share`, or the next one where its middle row is too early.

    The earliest time of all is never among them; there is none if no other is late enough.
    """
    require_times(times)
    ordered, boundary = np.sort(times.to_numpy()), (1 - share) * len(times)
    place = min(int(boundary), len(ordered) - 1)
    first, end = (np.searchsorted(ordered, ordered[place], side) for side in ("left", "right"))
    if first == 0 or (first + end) / 2 <= boundary:
        place = int(end)
    return ordered[place] if place < len(ordered) else None


def is_since(start: Any, times: pd.Series) -> np.ndarray:
    """(n_rows,) whether each time is `start` or later; none is where there is no start."""
    return np.zeros(len(times), bool) if start is None else np.asarray(times >= start, bool)


def require_times(times: pd.Series) -> None:
    """Check that each row has a time."""
    require_values(times, "time")


def require_values(cells: pd.Series, role: str) -> None:
    """Check that each row has a value of the column that has this role in the contract."""
    if cells.isna().any():
        raise UserError(
            f"references/schema.yaml: {role}: {cells.isna().sum()} of {len(cells)} rows lack "
            f"{cells.name!r}; make it `nullable: false`, so that ingest sets them aside"
        )


def hash_rows(rows: pd.DataFrame) -> np.ndarray:
    """(n_rows,) unsigned 64-bit hash of each row's values."""
    return pd.util.hash_pandas_object(rows, index=False).to_numpy()
