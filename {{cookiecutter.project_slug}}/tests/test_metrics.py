"""Figures of merit."""

import numpy as np
import pandas as pd
import pytest

from package_name.errors import UserError
from package_name.modeling.metrics import (
    METRICS,
    interval,
    primary_metric,
    score,
)

ACTUAL = np.array(["a", "a", "b", "b"], dtype=object)
PREDICTIONS = pd.DataFrame(
    {
        "prediction": ["a", "b", "b", "b"],
        "probability_a": [0.8, 0.4, 0.3, 0.2],
        "probability_b": [0.2, 0.6, 0.7, 0.8],
    }
)


def test_a_classification_is_scored_by_its_definitions() -> None:
    scores = score("classification", ACTUAL, PREDICTIONS)
    assert scores["accuracy"] == 0.75
    assert scores["balanced_accuracy"] == 0.75
    assert scores["f1_macro"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert scores["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.7, 0.8])))


def test_a_regression_is_scored_by_its_definitions() -> None:
    actual = np.array([1.0, 2.0, 3.0])
    scores = score("regression", actual, pd.DataFrame({"prediction": [1.0, 2.0, 6.0]}))
    assert scores == pytest.approx({"rmse": np.sqrt(3), "mae": 1.0, "r2": -3.5})


def test_an_interval_holds_the_figure_and_narrows_with_more_rows() -> None:
    accuracy = primary_metric("classification", "accuracy")
    options = {"resamples": 200, "confidence": 0.9, "seed": 1}
    low, high = interval(accuracy, ACTUAL, PREDICTIONS, **options)
    assert low < 0.75 < high
    many = pd.concat([PREDICTIONS] * 50, ignore_index=True)
    narrow_low, narrow_high = interval(accuracy, np.tile(ACTUAL, 50), many, **options)
    assert low < narrow_low < 0.75 < narrow_high < high


def test_an_unknown_metric_is_told_with_those_of_the_kind() -> None:
    with pytest.raises(
        UserError, match=r"no metric 'acuracy' for classification; did you mean acc"
    ):
        primary_metric("classification", "acuracy")
    with pytest.raises(UserError, match=r"no metric 'accuracy' for regression; allowed: rmse, mae"):
        primary_metric("regression", "accuracy")


@pytest.mark.parametrize("kind", METRICS)
def test_losses_are_told_from_gains(kind: str) -> None:
    losses = {metric.name for metric in METRICS[kind] if not metric.higher_is_better}
    assert losses == {"classification": {"log_loss"}, "regression": {"rmse", "mae"}}[kind]
