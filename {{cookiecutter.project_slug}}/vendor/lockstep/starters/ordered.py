"""Candidates for classes in an order, of a table or of texts."""

from lockstep import OrdinalRegression, Problem, candidate
from pydantic import PositiveFloat
from sklearn.base import BaseEstimator


@candidate
def ordinal(problem: Problem, *, alpha: PositiveFloat = 1.0) -> BaseEstimator:
    """Logistic regression of classes in an order, with proportional odds (McCullagh, 1980).

    Args:
        alpha: weight of the L2 penalty, beside the sum of the losses
    """
    return OrdinalRegression(alpha, problem.require_order("ordinal"))
