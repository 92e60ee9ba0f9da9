"""Rows by the two leading principal components of their numbers, as a map of them."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA


def find_components(numbers: np.ndarray) -> np.ndarray | None:
    """(n_rows, 2) where rows of (n_rows, n_features) standardised numbers lie; None of one."""
    if numbers.shape[1] < 2 or len(numbers) < 2:
        return None
    spread = numbers.std(axis=0)
    standardised = (numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1)
    components: np.ndarray = PCA(2, svd_solver="full").fit_transform(standardised)
    return components
