"""Ratios that may be undefined."""

from __future__ import annotations

import numpy as np


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Their ratio, nan where the denominator is not above zero."""
    undefined = np.full(numerator.shape, np.nan)
    quotient: np.ndarray = np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return quotient
