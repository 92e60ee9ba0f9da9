"""Counts as shares of their sum."""

from __future__ import annotations

import numpy as np


def share_out(counts: np.ndarray) -> np.ndarray:
    """(..., n_places) what share of its rows each place has; nothing of no rows."""
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1))


def accumulate(counts: np.ndarray) -> np.ndarray:
    """(..., n_places) what share of the rows each place and those before it have."""
    return share_out(counts).cumsum(axis=-1)
