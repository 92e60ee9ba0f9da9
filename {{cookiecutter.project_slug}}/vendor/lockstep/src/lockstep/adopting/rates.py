"""Numbers that are predicted as rates: counts, and amounts that are mostly zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

COUNTS, AMOUNTS = "poisson_deviance", "tweedie_deviance"
"""What a regression of them is judged by."""
FEWEST_COUNTS = 4
"""Different ones, where these could be classes as well."""
CLEAR_SKEW = 0.5
LEAST_DISPERSION = 0.5
"""Variance of counts over their mean; that of Poisson's distribution is 1."""
FEWEST_ZEROS, TYPICAL_AMOUNT, SKEW = 0.25, 50, 1.0
"""Of amounts: the share of zeros, the median of the others that whole ones have, and their skew."""


def find_rates(numbers: pd.Series, *, is_whole: bool) -> str | None:
    """What numbers are judged by that look like counts, or like amounts; None for others."""
    values = numbers.dropna().to_numpy("float64")
    if not len(values) or values.min() != 0 or values.max() == 0:
        return None
    positive = values[values > 0]
    is_rare = len(positive) <= (1 - FEWEST_ZEROS) * len(values)
    if is_rare and (not is_whole or np.median(positive) >= TYPICAL_AMOUNT):
        return AMOUNTS if _find_skew(positive) > SKEW else None
    is_spread = values.var() >= LEAST_DISPERSION * values.mean()
    return COUNTS if is_whole and is_spread and _find_skew(values) > 0 else None


def are_counts(numbers: pd.Series) -> bool:
    """Whether a few different whole numbers are counts rather than names of classes."""
    values = numbers.dropna().to_numpy("float64")
    if len(np.unique(values)) < FEWEST_COUNTS or (values != np.round(values)).any():
        return False
    is_count = find_rates(numbers, is_whole=True) == COUNTS
    return is_count and _find_skew(values) > CLEAR_SKEW


def _find_skew(values: np.ndarray) -> float:
    skew: Any = pd.Series(values).skew()
    return float(np.nan_to_num(skew))
