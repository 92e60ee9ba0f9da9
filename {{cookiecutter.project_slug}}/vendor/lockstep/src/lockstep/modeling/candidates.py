"""The candidates: functions of the owner's that return an unfitted estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from ..core.errors import UserError
from ..core.kinds import Kind
from .clusterer import Clusterer
from .each_label import take_labels
from .registry import Registry

if TYPE_CHECKING:
    from .problem import Problem

CANDIDATES = Registry("candidate")
TAKES_CODES: set[str] = set()
"""Candidates to which categories come as whole numbers, before all other features."""
TAKES_HEIGHTS: set[str] = set()
"""Candidates that are told how high the past of a forecast lies, after the step."""
TAKES_SIGNALS: set[str] = set()
"""Candidates to which signals come point by point, before all other features."""
TAKES_TERMS: set[str] = set()
"""Candidates to which sentences come as terms, of which there are many."""
TAKES_TOKENS: set[str] = set()
"""Candidates to which sentences come word by word, before all other features."""
BASELINE = "baseline"
"""The candidate that any model must beat."""
SUPERVISED = "predicts a target"
WISHED: dict[Kind, str] = {
    "anomalies": "looks for anomalies",
    "clustering": "looks for clusters",
}
"""What an estimator does, of kinds that need no target."""
DOES = {
    "outlier_detector": WISHED["anomalies"],
    "clusterer": WISHED["clustering"],
    "density_estimator": WISHED["clustering"],
}
"""The same by its type, as scikit-learn has it; mixtures are density estimators there."""


def candidate(
    function: Callable[..., Any] | None = None,
    *,
    takes_codes: bool = False,
    takes_heights: bool = False,
    takes_signals: bool = False,
    takes_terms: bool = False,
    takes_tokens: bool = False,
) -> Callable[..., Any]:
    """Register a function under its own name, by which params.yaml calls it.

    It takes the `Problem`, and by keyword its options, which are checked against its annotations;
    it returns an unfitted scikit-learn estimator.

    Args:
        function: The function.
        takes_codes: Whether it handles categories itself, instead of taking the recipe's numbers:
            then columns of few texts come first, as whole numbers from 0, -1 if missing.
        takes_heights: Whether it asks `Series.height` how far from zero the past of a forecast
            lies, or `Series.starts` where it begins: then what it learns depends on where zero is.
        takes_signals: Whether it learns from sequences themselves, instead of the recipe's numbers
            of them: then all numbers of a sequence come first, point by point and standardised.
        takes_terms: Whether it learns from a sparse matrix: then sentences come as the terms that
            the recipe makes of them, instead of the fewer numbers that it makes of these.
        takes_tokens: Whether it reads sentences word by word, instead of the recipe's numbers of
            them: then the numbers of all their words come first; see `Problem.tokens`.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        if takes_codes:
            TAKES_CODES.add(function.__name__)
        if takes_heights:
            TAKES_HEIGHTS.add(function.__name__)
        if takes_signals:
            TAKES_SIGNALS.add(function.__name__)
        if takes_terms:
            TAKES_TERMS.add(function.__name__)
        if takes_tokens:
            TAKES_TOKENS.add(function.__name__)
        return CANDIDATES.add(function)

    return register if function is None else register(function)


def make_candidate(name: str, options: dict[str, Any], problem: Problem) -> BaseEstimator:
    """The unfitted estimator that params.yaml calls `name`, with its options.

    Of several labels it is one for each, unless it learns them together; a clusterer becomes one
    that assigns new rows.

    Raises:
        UserError: There is no such candidate, it does not take such an option, it is not for such a
            problem, or its library is not installed.
    """
    where = f"params.yaml: train.candidates.{name}"
    try:
        estimator: BaseEstimator = CANDIDATES.call(name, options, where, problem)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{where}: it needs {error.name}, which is not installed; "
            f"`uv add {error.name}` installs it"
        ) from error
    does = DOES.get(get_tags(estimator).estimator_type or "", SUPERVISED)
    if does != WISHED.get(problem.kind, SUPERVISED):
        raise UserError(f"{where}: it {does}; this is kind: {problem.kind}")
    if problem.finds_clusters:
        return Clusterer(estimator, problem.clusters, problem.seed)
    return take_labels(estimator) if problem.kind == "multilabel" else estimator
