"""Rows that add up their target over unequal amounts, such as the policies of a part of a year.

What is learnt is the target per unit, and a row counts as much as it is exposed: the estimates are
those of a Poisson or Tweedie model of the totals with the logarithm of the exposure as offset
(Ohlsson and Johansson, 2010).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from ..core.contract import Contract

WEIGHT = "sample_weight"


def find_exposure(rows: pd.DataFrame, contract: Contract) -> np.ndarray | None:
    """(n_rows,) how much each row is exposed; None where all are as much as each other."""
    return None if contract.exposure is None else rows[contract.exposure].to_numpy("float64")


def weigh_rows(
    estimator: BaseEstimator,
    rows: pd.DataFrame,
    contract: Contract,
    usual: pd.DataFrame | None = None,
) -> np.ndarray | None:
    """(n_rows,) what each row counts; None if all the same, or no weights are taken.

    Args:
        estimator: What learns from them.
        rows: (n_rows, n_columns) typed table.
        contract: It names the exposure, if any.
        usual: Rows that count 1 on average; by default these.
    """
    exposure = find_exposure(rows, contract)
    if exposure is None or not has_fit_parameter(estimator, WEIGHT):
        return None
    others = exposure if usual is None else find_exposure(usual, contract)
    assert others is not None
    weights: np.ndarray = exposure / others.mean()
    return weights


def pass_weights(pipeline: Pipeline, weights: np.ndarray | None) -> dict[str, Any]:
    """What the `fit` of a pipeline takes for its estimator to weigh rows so."""
    return {} if weights is None else {f"{pipeline.steps[-1][0]}__{WEIGHT}": weights}
