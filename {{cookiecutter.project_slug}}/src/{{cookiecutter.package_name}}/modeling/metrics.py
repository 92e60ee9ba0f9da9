"""How good predictions are, by the kind of problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..config import Kind, nearest
from ..errors import UserError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Metric:
    """A figure of merit under the name that scikit-learn's `scoring` knows it by."""

    name: str
    scorer: str
    higher_is_better: bool = True

    def from_score(self, score: np.ndarray) -> np.ndarray:
        """Undo the sign that scikit-learn gives to losses so that more is better."""
        return score if self.higher_is_better else -score


METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classification": (
        Metric("accuracy", "accuracy"),
        Metric("balanced_accuracy", "balanced_accuracy"),
        Metric("f1_macro", "f1_macro"),
        Metric("log_loss", "neg_log_loss", higher_is_better=False),
    ),
    "regression": (
        Metric("rmse", "neg_root_mean_squared_error", higher_is_better=False),
        Metric("mae", "neg_mean_absolute_error", higher_is_better=False),
        Metric("r2", "r2"),
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
    """Every metric of `kind`.

    Args:
        kind: The kind of problem.
        actual: (n_rows,) true classes or values.
        predictions: As `saved.SavedModel.predict` gives them.
    """
    return {metric.name: measure(metric, actual, predictions) for metric in METRICS[kind]}


def measure(metric: Metric, actual: np.ndarray, predictions: pd.DataFrame) -> float:
    """One metric; arguments as in `score`."""
    from sklearn import metrics

    predicted = predictions["prediction"].to_numpy()
    match metric.name:
        case "accuracy":
            value = metrics.accuracy_score(actual, predicted)
        case "balanced_accuracy":
            value = metrics.balanced_accuracy_score(actual, predicted)
        case "f1_macro":
            value = metrics.f1_score(actual, predicted, average="macro")
        case "log_loss":
            value = metrics.log_loss(
                actual, probabilities(predictions), labels=classes(predictions)
            )
        case "rmse":
            value = metrics.root_mean_squared_error(actual, predicted)
        case "mae":
            value = metrics.mean_absolute_error(actual, predicted)
        case "r2":
            value = metrics.r2_score(actual, predicted)
        case other:
            raise NotImplementedError(other)
    return float(value)


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
    values = [measure(metric, actual[rows], predictions.iloc[rows]) for rows in draws]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


PROBABILITY = "probability_"


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
