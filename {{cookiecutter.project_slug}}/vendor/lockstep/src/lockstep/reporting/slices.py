"""Where a model is worst: parts of the test rows that it predicts worse than all others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from ..core.contract import NUMBERS, Column, Contract
from ..core.examples import SPREAD
from ..modeling.metrics import SMALLEST
from ..modeling.outcome import Outcome

MIN_ROWS = 10
"""Rows of a slice, and of all others, below which a difference says little."""
FALSE_DISCOVERIES = 0.05
"""Share of the slices called worse that may be so by chance."""
QUARTERS = 4


def row_losses(outcome: Outcome) -> np.ndarray:
    """(n_rows,) minus the logarithm of the true class's probability, or the absolute error.

    Of labels it is the mean over them of the former, of that each is there or not.

    Of a forecast that is in units of how far the latest values of its series lie apart, so that
    large series are not all that counts.
    """
    if outcome.labels:
        shares = np.where(outcome.actual == 1, outcome.predicted, 1 - outcome.predicted)
        means: np.ndarray = -np.log(np.clip(shares, SMALLEST, 1)).mean(axis=1)
        return means
    if not outcome.classes:
        errors: np.ndarray = np.abs(outcome.predicted - outcome.actual)
        if outcome.forecasts is not None:
            errors = errors / outcome.forecasts[SPREAD].to_numpy("float64")
        return errors
    probabilities = outcome.predicted[np.arange(len(outcome)), outcome.actual]
    losses: np.ndarray = -np.log(np.clip(probabilities, SMALLEST, 1))
    return losses


def measure_slices(
    contract: Contract, rows: pd.DataFrame, losses: np.ndarray, groups: np.ndarray | None = None
) -> pd.DataFrame:
    """The mean loss of the rows that share a value, beside that of all others.

    Slices are a column's values, of numbers and times the quarters of the rows, and what is
    missing. That the loss is higher inside is tested by Welch's t (1947), and the p-values are
    adjusted for their number such that, of the slices with at most 0.05, one in twenty is so by
    chance (Benjamini and Hochberg, 1995).

    Args:
        contract: It names the columns: the features and the subgroups.
        rows: (n_rows, n_columns) typed table.
        losses: (n_rows,) of the same rows.
        groups: (n_rows,) number of each row's group, whose mean loss counts as one in the test;
            without them each row counts.

    Returns:
        `column`, `value`, `rows`, `loss`, `loss_elsewhere` and `p_adjusted`, the worst first; those
        of few rows are left out.
    """
    lines, p_values = [], []
    for name in dict.fromkeys((*contract.learnt_only(), *contract.subgroups)):
        for value, is_inside in _cut(contract.columns[name], rows[name].reset_index(drop=True)):
            inside, outside = losses[is_inside], losses[~is_inside]
            if min(len(inside), len(outside)) < MIN_ROWS:
                continue
            lines.append((name, value, len(inside), inside.mean(), outside.mean()))
            p_values.append(
                _test(*(_average(losses, groups, part) for part in (is_inside, ~is_inside)))
            )
    table = pd.DataFrame(lines, columns=["column", "value", "rows", "loss", "loss_elsewhere"])
    table["p_adjusted"] = stats.false_discovery_control(p_values) if lines else []
    excess = (table["loss_elsewhere"] - table["loss"]).astype("float64")
    return table.iloc[np.argsort(excess, kind="stable")].reset_index(drop=True)


def _average(losses: np.ndarray, groups: np.ndarray | None, part: np.ndarray) -> np.ndarray:
    """(n_groups,) the mean loss of each group in a part of the rows."""
    inside: np.ndarray = losses[part]
    if groups is None:
        return inside
    return pd.Series(inside).groupby(groups[part]).mean().to_numpy()


def _test(inside: np.ndarray, outside: np.ndarray) -> float:
    """The p-value of Welch's test; 1 where all losses are the same, of which scipy would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.ttest_ind(inside, outside, equal_var=False, alternative="greater")
    return float(np.nan_to_num(test.pvalue, nan=1.0))


def is_worse(slices: pd.DataFrame) -> pd.Series:
    """Of which of them the loss is higher by more than chance explains."""
    return slices["p_adjusted"] <= FALSE_DISCOVERIES


def _cut(column: Column, values: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """Each slice of a column in words, and (n_rows,) whether a row is in it."""
    if column.type in ("image", "sequence", "text"):
        return
    if values.isna().any():
        yield "missing", values.isna().to_numpy()
    cells = values.dropna()
    if column.type not in (*NUMBERS, "datetime") or cells.nunique() <= QUARTERS:
        for value in sorted(cells.unique()):
            yield str(value), (values == value).fillna(False).to_numpy(dtype=bool)
        return
    places = pd.qcut(cells, QUARTERS, labels=False, duplicates="drop")
    unit = f" {column.unit}" if column.unit else ""
    for _, part in cells.groupby(places):
        low, high = (
            f"{end:%Y-%m-%d}" if column.type == "datetime" else f"{end:g}"
            for end in (part.min(), part.max())
        )
        yield f"{low} to {high}{unit}", values.index.isin(part.index)
