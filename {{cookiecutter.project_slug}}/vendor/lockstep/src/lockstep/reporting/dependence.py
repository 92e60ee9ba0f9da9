"""How predictions change with one feature, on average over the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..core.contract import LEVELS, Column
from ..modeling.model import Model
from ..modeling.outcome import PROBABILITY

MOST_ROWS, MOST_LEVELS = 300, 10
"""Rows that are averaged over, and values of a column of texts, the commonest."""
QUANTILES = np.linspace(0.025, 0.975, 20)
"""Each stands for a twentieth of the rows."""


def partial_dependence(
    model: Model, rows: pd.DataFrame, features: Sequence[str], seed: int
) -> pd.DataFrame:
    """The mean prediction if all rows had the same value of a feature (Friedman, 2001).

    Args:
        model: What predicts.
        rows: (n_rows, n_columns) typed table with the contract's features, and what is carried.
        features: Each by itself.
        seed: Of very many rows another seed draws others.

    Returns:
        `feature`, `value`, `class` and `prediction`. Of two classes it is the probability of the
        second one, of more that of each, of labels that of each, and of a number without a class
        the number.
    """
    count = min(len(rows), MOST_ROWS)
    places = np.sort(np.random.default_rng(seed).choice(len(rows), count, replace=False))
    contract = model.contract
    sample = rows[[*contract.features, *contract.carried]].iloc[places]
    parts = []
    for feature in features:
        grid = _make_grid(rows[feature], contract.columns[feature])
        repeated = pd.concat([sample] * len(grid), ignore_index=True)
        repeated[feature] = grid.repeat(count).reset_index(drop=True)
        means = _predict(model, repeated).groupby(np.arange(len(grid)).repeat(count)).mean()
        means["value"] = grid.astype("object")
        parts.append(means.melt("value", var_name="class", value_name="prediction"))
    table = pd.concat(parts, keys=features, names=["feature"]).reset_index("feature")
    return table[["feature", "value", "class", "prediction"]].reset_index(drop=True)


def _make_grid(values: pd.Series, column: Column) -> pd.Series:
    """The values to try, in the column's type: all are of some row, so that none is impossible."""
    values = values.dropna()
    if column.type in LEVELS:
        common = values.value_counts().index[:MOST_LEVELS]
        levels = values[values.isin(common)].drop_duplicates()
        order = pd.Index(column.categories or []).get_indexer(pd.Index(levels))
        return levels.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
    quantiles = values.quantile(QUANTILES, interpolation="nearest")
    return quantiles.drop_duplicates().reset_index(drop=True)


def _predict(model: Model, X: pd.DataFrame) -> pd.DataFrame:
    """(n_rows, n_classes) probabilities by class, of two the second alone, or one column."""
    predictions, classes = model.apply(X), model.contract.classes
    names = model.contract.labels or (classes[1:] if len(classes) == 2 else classes)
    if not names:
        return predictions[["prediction"]].set_axis([""], axis=1)
    return predictions[[f"{PROBABILITY}{name}" for name in names]].set_axis(names, axis=1)
