"""Naive Bayes over terms that stand beside other numbers."""

from __future__ import annotations

from typing import Any

from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def make_naive_bayes(alpha: float) -> BaseEstimator:
    """Multinomial naive Bayes (McCallum and Nigam, 1998), also over numbers below zero.

    Args:
        alpha: How often each term is taken to have come in each class beside the train rows.
    """
    signs = FunctionTransformer(part_signs, accept_sparse=True)
    return make_pipeline(signs, MultinomialNB(alpha=alpha))


# A fitted pipeline is saved with the name of this function.
def part_signs(X: Any) -> sparse.csr_matrix:
    """(n_rows, 2 * n_columns) how far each number is above zero, and how far below."""
    numbers = sparse.csr_matrix(X)
    return sparse.hstack([numbers.maximum(0), (-numbers).maximum(0)], "csr")
