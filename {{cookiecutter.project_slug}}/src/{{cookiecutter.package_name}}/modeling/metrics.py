"""How good predictions are, by the kind of problem."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn import metrics

from ..errors import UserError
from ..params import Kind, nearest

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY = "probability_"


@dataclass(frozen=True)
class Metric:
    """A figure of merit.

    Args:
        name: What params.yaml and the reports call it.
        scorer: What scikit-learn's `scoring` calls it; there more is always better.
        measure: The figure from (n_rows,) true values and the predictions that
            `saved.SavedModel.predict` gives.
        higher_is_better: Whether it is a gain or a loss.
    """

    name: str
    scorer: str
    measure: Callable[[np.ndarray, pd.DataFrame], float]
    higher_is_better: bool = True

    def from_score(self, score: np.ndarray) -> np.ndarray:
        """Undo the sign that scikit-learn gives to losses so that more is better."""
        return score if self.higher_is_better else -score


def _of_predictions(function: Callable[..., float], **options: object) -> Callable[..., float]:
    return lambda actual, found: float(function(actual, found["prediction"].to_numpy(), **options))


def _log_loss(actual: np.ndarray, predictions: pd.DataFrame) -> float:
    likely = probabilities(predictions)
    return float(metrics.log_loss(actual, likely, labels=classes(predictions)))


METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classification": (
        Metric("accuracy", "accuracy", _of_predictions(metrics.accuracy_score)),
        Metric(
            "balanced_accuracy",
            "balanced_accuracy",
            _of_predictions(metrics.balanced_accuracy_score),
        ),
        Metric("f1_macro", "f1_macro", _of_predictions(metrics.f1_score, average="macro")),
        Metric("log_loss", "neg_log_loss", _log_loss, higher_is_better=False),
    ),
    "regression": (
        Metric(
            "rmse",
            "neg_root_mean_squared_error",
            _of_predictions(metrics.root_mean_squared_error),
            higher_is_better=False,
        ),
        Metric(
            "mae",
            "neg_mean_absolute_error",
            _of_predictions(metrics.mean_absolute_error),
            higher_is_better=False,
        ),
        Metric("r2", "r2", _of_predictions(metrics.r2_score)),
    ),
}


def primary_metric(kind: Kind, name: str) -> Metric:
    """The metric of `kind` that params.yaml calls `name`.

    Raises:
        UserError: There is none.
    """
    by_name = {metric.name: metric for metric in METRICS[kind]}
    if name not in by_name:
        raise UserError(
            f"params.yaml: train.metric: no metric {name!r} for {kind}; {nearest(name, by_name)}"
        )
    return by_name[name]


def score(kind: Kind, actual: np.ndarray, predictions: pd.DataFrame) -> dict[str, float]:
    """Every metric of `kind`; see `Metric` for the arguments."""
    return {metric.name: metric.measure(actual, predictions) for metric in METRICS[kind]}


def interval(
    metric: Metric,
    actual: np.ndarray,
    predictions: pd.DataFrame,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a metric over the rows (Efron, 1979).

    Args:
        metric: What to measure.
        actual: (n_rows,) true classes or values.
        predictions: As `saved.SavedModel.predict` gives them.
        resamples: Number of resamples with replacement.
        confidence: Coverage, between 0 and 1.
        seed: Seed of the resampling.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(actual), size=(resamples, len(actual)))
    with warnings.catch_warnings():
        # A resample may lack a class that is predicted, which some metrics remark upon each time.
        warnings.simplefilter("ignore", UserWarning)
        values = [metric.measure(actual[rows], predictions.iloc[rows]) for rows in draws]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def classes(predictions: pd.DataFrame) -> list[str]:
    """The classes that `predictions` has probabilities of, in their order."""
    return [
        name.removeprefix(PROBABILITY)
        for name in predictions.columns
        if name.startswith(PROBABILITY)
    ]


def probabilities(predictions: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_classes) probabilities in `predictions`, in the order of `classes`."""
    return predictions.filter(regex=f"^{PROBABILITY}").to_numpy()
