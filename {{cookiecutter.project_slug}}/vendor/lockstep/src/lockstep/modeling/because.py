"""Which columns make a row odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .marginals import Marginals, replace_cells

BECAUSE = "because"
MOST_COLUMNS, LEAST_SHARE = 3, 0.1
"""Columns that are named, and the share of the largest fall that each is worth at least."""
ROWS_AT_ONCE = 2**16


def measure_falls(
    X: pd.DataFrame, marginals: Marginals, score: Callable[[pd.DataFrame], np.ndarray]
) -> pd.DataFrame:
    """By how much each row is less odd once a column has its typical value.

    Args:
        X: (n_rows, n_features) typed features.
        marginals: What is typical of each column.
        score: Gives (n_rows,) scores, higher for odder rows.

    Returns:
        (n_rows, n_columns) falls of the score, below zero where it rises.
    """
    names = [name for name in X if name in marginals.columns]
    everywhere = np.ones(len(X), dtype=bool)
    variants = [X]
    for name in names:
        typical = np.full(len(X), marginals.columns[name].typical)
        variants.append(replace_cells(X, {name: (everywhere, typical)}))
    scores = score(pd.concat(variants, ignore_index=True)).reshape(len(variants), len(X))
    return pd.DataFrame((scores[0] - scores[1:]).T, columns=names)


def explain_oddness(
    X: pd.DataFrame, marginals: Marginals, score: Callable[[pd.DataFrame], np.ndarray]
) -> list[str]:
    """Of each row the columns that make it odd, the most important first, with their values.

    See `measure_falls` for the arguments.
    """
    size = max(1, ROWS_AT_ONCE // (1 + len(marginals.columns)))
    parts = [X.iloc[start : start + size] for start in range(0, len(X), size)]
    return [text for part in parts for text in _explain(part, marginals, score)]


def _explain(
    X: pd.DataFrame, marginals: Marginals, score: Callable[[pd.DataFrame], np.ndarray]
) -> list[str]:
    falls, texts = measure_falls(X, marginals, score), []
    for place, row in enumerate(falls.to_numpy()):
        order = np.argsort(-row, kind="stable")[:MOST_COLUMNS]
        leading = [column for column in order if row[column] > max(0, LEAST_SHARE * row[order[0]])]
        names = [str(falls.columns[column]) for column in leading]
        texts.append("; ".join(_describe(name, X[name].iloc[place], marginals) for name in names))
    return texts


def _describe(name: str, value: Any, marginals: Marginals) -> str:
    if marginals.columns[name].private:
        return name
    cell = "missing" if pd.isna(value) else value if isinstance(value, str) else f"{value:.6g}"
    return f"{name} {cell} (usually {marginals.columns[name].usual})"
