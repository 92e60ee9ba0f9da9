"""Candidates of kinds that need no target, as `use` comes to them; runs in a project."""

from __future__ import annotations

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
import pandas as pd
from _choosing import make_params
from lockstep.core.contract import Contract
from lockstep.core.params import Params
from lockstep.data.conformity import conform
from lockstep.data.folds import make_folds
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.compare import cross_validate
from lockstep.modeling.features import make_features
from lockstep.modeling.metrics import primary_metric
from lockstep.modeling.problem import make_problem
from lockstep.modeling.train_rows import TrainRows
from sklearn.pipeline import Pipeline, make_pipeline


def make_contract(X: np.ndarray, kind: str) -> Contract:
    """The contract of numbers without a target; `kind` is `anomalies` or `clusters`."""
    columns = {
        f"x{place}": {"type": "numeric", "meaning": "a number"} for place in range(X.shape[1])
    }
    about = {"title": "Numbers", "source": "a package", "licence": "see there", kind: True}
    return Contract.model_validate(about | {"columns": columns})


def make_table(X: np.ndarray, contract: Contract) -> pd.DataFrame:
    """(n_rows, n_columns) typed table of (n_rows, n_features) numbers, its target unknown."""
    table = pd.DataFrame(X, columns=contract.features).assign(**{contract.target: None})
    rows, _ = conform(contract.columns, table)
    return rows


def make_rows(X: np.ndarray, contract: Contract) -> TrainRows:
    """What `train` learns from (n_rows, n_features) numbers of."""
    table = make_table(X, contract)
    params = make_params(contract, table)
    return TrainRows(table, table, contract, params, np.arange(len(table)))


def make_pipelines(rows: TrainRows, params: Params) -> dict[str, Pipeline]:
    """Features and estimator of each candidate of `params`, by its name."""
    problem = make_problem(rows.params, rows.contract)
    return {
        name: make_pipeline(
            make_features(name, rows.params, rows.contract), make_candidate(name, options, problem)
        )
        for name, options in params.train.candidates.items()
    }


def validate(rows: TrainRows, pipelines: dict[str, Pipeline]) -> dict[str, float]:
    """The mean over folds of what picks the champion, of each candidate."""
    folds = make_folds(rows.table, rows.contract, rows.params)
    metric = primary_metric(rows.params).name
    return {
        name: float(validation.scores[metric].mean())
        for name, validation in cross_validate(pipelines, rows, folds)
    }
