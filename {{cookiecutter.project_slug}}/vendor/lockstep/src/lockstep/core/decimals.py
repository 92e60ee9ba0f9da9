"""How many decimals figures of merit are written with."""

from __future__ import annotations

from math import floor, isfinite, log10

USUAL, FEWEST_DIGITS = 4, 3
SMALL, ROUNDING = 1e-3, 1e-12
"""Below the one a figure needs more decimals, and below the other it is a zero that was rounded."""


def count_decimals(*figures: float) -> int:
    """Four or, where all figures are nearer to zero, so many that the largest has three digits."""
    largest = max((abs(figure) for figure in figures if isfinite(figure)), default=0.0)
    if not ROUNDING < largest < SMALL:
        return USUAL
    return FEWEST_DIGITS - 1 - floor(log10(largest))
