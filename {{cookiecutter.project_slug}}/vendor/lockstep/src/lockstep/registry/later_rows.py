"""Test rows that came after the present model: what it says of them decides, too.

Raw data that are delivered later bring test rows that it has neither learnt from nor been measured
on. Without them, a model that has learnt what is new would be judged by what is old. Not every test
row is such a one: when rows come, the border of a split by time moves, and a part that is given may
be given otherwise. So what the present model has learnt is looked up, and left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.own import import_own
from ..core.params import predicts_numbers
from ..core.records import IDENTIFIER, ROW
from ..core.table import Table
from ..data.duplicates import contains
from ..data.row_names import name_rows
from ..data.split import IsOnSide, hash_rows, require_column
from ..modeling.model import Model
from ..modeling.outcome import FORECAST
from ..records.outputs import fetch_output
from ..records.pairs import ACTUAL, Pair, pair_tables, read_predictions
from ..records.repository import Repository
from ..records.run import Run
from .compatibility import read_contract

TOLERANCE = 1e-6
"""Relative; between processors last digits differ."""


def pair_with_later_rows(repository: Repository, present: Run, run: Run) -> Pair:
    """Both models on the later run's test rows that the present one has not learnt from.

    Of clusters none: how good they are is said of all test rows together.

    Raises:
        UserError: Nobody can tell which those are, or there are none; or the present model is not
            to be had, or does not predict any more what it did.
    """
    if run.record["kind"] == "clustering":
        raise UserError("how good clusters are is said of all test rows together, not of some")
    _require_same_rule(repository, present, run)
    former, table = (read_predictions(repository, one) for one in (present, run))
    if former is None or table is None:
        raise UserError("what was predicted was not kept")
    later = _predict(repository, present, run)
    _require_same_predictions(former, later)
    pair = pair_tables(present, run, later, table)
    assert pair is not None
    return replace(pair, unseen=_count_unseen(present, former, pair))


def _require_same_rule(repository: Repository, present: Run, run: Run) -> None:
    """Check that both split by the same values in the same way, so that rows are known again."""
    rules = []
    for one in (present, run):
        contract = read_contract(repository, _name_commit(one))
        parameters = one.record["parameters"]
        roles = (contract.group, contract.time, contract.part, contract.series, contract.sequence)
        types = {name: contract.columns[name].type for name in (*contract.features, *roles) if name}
        steps = (contract.horizon, contract.every, contract.season, contract.window)
        signal = (contract.length, contract.sequence and contract.channels)
        rules.append((types, roles, steps, signal, parameters.get("seed"), parameters.get("split")))
    if rules[0] != rules[1]:
        raise UserError("the rows were split otherwise, so that it may have learnt from them")


def _name_commit(run: Run) -> str:
    assert run.commit is not None
    return run.commit.sha


def _predict(repository: Repository, present: Run, run: Run) -> pd.DataFrame:
    """(n_rows, n_columns) what the present model says of test rows, as `evaluate` keeps it."""
    paths = repository.paths
    import_own(paths, "train")  # whose names a champion may have
    with TemporaryDirectory(prefix="gate-") as scratch:

        def fetch(one: Run, path: Path) -> Path:
            copy = Path(scratch) / path.name
            fetch_output(repository, _name_commit(one), paths.name(path), copy)
            return copy

        model = Model.load(fetch(present, paths.champion), f"the model of {present.name}")
        train = Table(fetch(present, paths.train), f"the train rows of {present.name}")
        test = Table(fetch(run, paths.test), f"the test rows of {run.name}")
        has_learnt = _find_learnt(train, model.contract, run)
        unlearnt = test.map(lambda rows: rows[~has_learnt(rows)])
        parts = [_describe(rows, model) for rows in unlearnt if len(rows)]
    if not parts:
        raise UserError("it has learnt from all of them")
    return pd.concat(parts, ignore_index=True)


def _find_learnt(train: Table, contract: Contract, run: Run) -> IsOnSide:
    """What tells which of some rows the present model has learnt from.

    What has learnt to forecast knows all values up to a time, whatever example each is of.
    """
    if contract.time is not None and contract.history is not None:
        time = contract.time
        latest = max(rows[time].max() for rows in train.batches([time]))
        return lambda rows: (rows[time] <= latest).to_numpy()
    keys = _list_keys(contract, run)
    learnt = np.unique(np.concatenate([hash_rows(rows) for rows in train.batches(keys)]))
    return lambda rows: contains(learnt, hash_rows(rows[keys]))


def _list_keys(contract: Contract, run: Run) -> list[str]:
    """The columns by which a row, or the group that it is of, is known again."""
    by_group = run.record["parameters"]["split"].get("by") == "group" and contract.part is None
    return [require_column(contract, "group")] if by_group else contract.features


def _describe(rows: pd.DataFrame, model: Model) -> pd.DataFrame:
    rows = rows.reset_index(drop=True)
    actual = rows[model.contract.target].rename(ACTUAL)
    if predicts_numbers(model.kind):
        actual = actual.astype("float64")
    forecasts = rows[FORECAST if model.contract.forecasts else []]
    injected = pd.DataFrame(index=rows.index)
    if model.contract.anomalies:
        actual, outcome = actual.fillna(""), model.try_on(rows)
        injected = injected if outcome.injected is None else outcome.injected
    names = name_rows(rows, model.contract)
    return pd.concat([model.apply(rows), actual, forecasts, injected, names], axis=1)


def _require_same_predictions(former: pd.DataFrame, later: pd.DataFrame) -> None:
    """Check that a model still is what it was, though code of the owner may have changed since."""
    former, later = (one.drop_duplicates(ROW).set_index(ROW) for one in (former, later))
    rows = former.index.intersection(later.index)
    if not len(rows):
        raise UserError("no test row is in common by which to see whether it predicts what it did")
    # What forecasts are measured in is of the train rows, of which there are more now.
    names = later.select_dtypes("float64").columns.difference(FORECAST)
    one, other = (table.loc[rows, names].to_numpy() for table in (former, later))
    if not np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        raise UserError("it does not predict any more what it did of the rows in common")


def _count_unseen(present: Run, former: pd.DataFrame, pair: Pair) -> int:
    """The rows that were no test rows before; none where a sample alone was kept of those."""
    is_whole = int(present.record["test"]["rows"]) == len(former)
    names = former.filter([ROW, IDENTIFIER])  # a pair goes by the one or the other
    return int((~np.isin(pair.rows, names)).sum()) if is_whole else 0
