"""What any model must beat, of kinds for which scikit-learn has nothing that learns so little."""

from __future__ import annotations

from collections.abc import Callable

from sklearn.base import BaseEstimator

from ..core.kinds import Kind
from .clusterer import Halves
from .detectors import RobustZ
from .forecasters import SeasonalNaive
from .problem import Problem


def _repeat_season(problem: Problem) -> BaseEstimator:
    assert problem.series is not None
    return SeasonalNaive(problem.series)


BASELINES: dict[Kind, Callable[[Problem], BaseEstimator]] = {
    "anomalies": lambda _: RobustZ(),
    "clustering": lambda _: Halves(),
    "forecasting": _repeat_season,
}
"""By the kind of problem, an unfitted estimator."""
