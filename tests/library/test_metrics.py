"""Figures of merit are scikit-learn's, for any number of resamples at once."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from lockstep.core.errors import UserError
from lockstep.modeling import metrics as measuring
from lockstep.modeling.metrics import METRICS, Outcome, against, outcome, primary_metric, resampled, summary
from lockstep.core.params import EvaluateParams

CLASSES = ("a", "b", "c")
HOW = EvaluateParams(resamples=200, confidence=0.9)


def some_outcome(classes: tuple[str, ...], rows: int = 60, seed: int = 0) -> Outcome:
    """Better than chance, with equal probabilities among the rows."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(len(classes), size=rows)
    likely = rng.integers(1, 5, size=(rows, len(classes))) + 3 * np.eye(len(classes))[actual]
    return Outcome(actual, likely / likely.sum(axis=1, keepdims=True), classes)


def by_sklearn(found: Outcome, weights: np.ndarray) -> dict[str, float]:
    actual, likely, decided = found.actual, found.predicted, found.decided
    options = {"sample_weight": weights}
    truth = np.eye(len(found.classes))[actual]
    positive = slice(1, None) if len(found.classes) == 2 else slice(None)
    return {
        "accuracy": sk.accuracy_score(actual, decided, **options),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, decided, **options),
        "f1_macro": sk.f1_score(actual, decided, average="macro", **options),
        "log_loss": sk.log_loss(actual, likely, labels=range(len(found.classes)), **options),
        "roc_auc": sk.roc_auc_score(truth, likely, average="macro", **options),
        "average_precision": sk.average_precision_score(
            truth[:, positive], likely[:, positive], average="macro", **options
        ),
    }


@pytest.mark.parametrize("classes", [("a", "b"), CLASSES])
def test_a_classification_is_scored_as_scikit_learn_does(classes: tuple[str, ...]) -> None:
    found = some_outcome(classes)
    weights = np.random.default_rng(1).integers(0, 4, size=(3, len(found))).astype("float64")
    for name, _ in by_sklearn(found, weights[0]).items():
        measured = primary_metric("classification", name).measure(found, weights)
        expected = [by_sklearn(found, row)[name] for row in weights]
        assert measured == pytest.approx(expected), name


def test_a_regression_is_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    actual = 1000 + rng.normal(size=41)
    found = Outcome(actual, actual + rng.normal(size=41))
    drawn = rng.integers(41, size=41)
    weights = np.bincount(drawn, minlength=41)[np.newaxis].astype("float64")
    pair = actual[drawn], found.predicted[drawn]
    expected = {
        "rmse": sk.root_mean_squared_error(*pair),
        "mae": sk.mean_absolute_error(*pair),
        "r2": sk.r2_score(*pair),
        "median_error": sk.median_absolute_error(*pair),
    }
    measured = {metric.name: metric.measure(found, weights)[0] for metric in METRICS["regression"]}
    assert measured == pytest.approx(expected)


def test_the_calibration_error_is_how_far_sureness_is_from_being_right() -> None:
    metric = primary_metric("classification", "calibration_error")
    likely = np.array([[0.95, 0.05, 0]] * 10 + [[0.65, 0.35, 0]] * 10)
    actual = np.array([0] * 10 + [0] * 4 + [1] * 6)
    assert metric.of(Outcome(actual, likely, CLASSES)) == pytest.approx((0.05 + 0.25) / 2)


def test_the_calibration_error_of_two_classes_is_that_of_the_second() -> None:
    metric = primary_metric("classification", "calibration_error")
    likely = np.array([[0.55, 0.45]] * 10 + [[0.45, 0.55]] * 10)
    actual = np.array([0] * 10 + [1] * 10)
    # Judged by the more probable class, both halves would be 0.45 too modest; here they cancel not.
    assert metric.of(Outcome(actual, likely, ("a", "b"))) == pytest.approx(0.45)
    skewed = np.where(np.arange(20) % 10 < 2, 1, 0)
    balanced = np.array([[0.75, 0.25]] * 10 + [[0.25, 0.75]] * 10)
    assert metric.of(Outcome(skewed, balanced, ("a", "b"))) == pytest.approx((0.05 + 0.55) / 2)


def test_rows_of_a_group_are_drawn_together() -> None:
    found = some_outcome(CLASSES, 30)
    copies = found.only(np.repeat(np.arange(30), 20))
    grouped = Outcome(copies.actual, copies.predicted, CLASSES, np.repeat(np.arange(30), 20))
    widths = {}
    for name, case in (("rows", found), ("copies", copies), ("groups", grouped)):
        low, high = summary("classification", case, HOW, seed=1)["intervals"]["log_loss"]
        widths[name] = high - low
    assert widths["groups"] == pytest.approx(widths["rows"])
    assert widths["copies"] < widths["rows"] / 3


def test_figures_that_are_not_defined_are_none() -> None:
    one_class = Outcome(np.zeros(5, dtype=int), np.full((5, 2), 0.5), ("a", "b"))
    scores = summary("classification", one_class, HOW, seed=1)
    assert (scores["roc_auc"], scores["intervals"]["roc_auc"]) == (None, None)
    assert scores["accuracy"] == 1
    constant = Outcome(np.full(5, 3.3), np.arange(5.0))
    scores = summary("regression", constant, HOW, seed=1)
    assert (scores["r2"], scores["intervals"]["r2"]) == (None, None)
    assert scores["mae"] == pytest.approx(np.abs(np.arange(5) - 3.3).mean())


def test_every_metric_has_an_interval_that_narrows_with_more_rows() -> None:
    few, many = some_outcome(CLASSES, 60), some_outcome(CLASSES, 6000)
    widths = []
    for found in (few, many):
        scores = summary("classification", found, HOW, seed=1)
        assert list(scores["intervals"]) == [metric.name for metric in METRICS["classification"]]
        for name in ("accuracy", "log_loss", "roc_auc"):
            low, high = scores["intervals"][name]
            assert low < scores[name] < high
        widths.append(np.subtract(*scores["intervals"]["log_loss"]))
    assert widths[0] < 3 * widths[1] < 0


def test_a_gain_is_measured_on_the_same_resamples() -> None:
    rng = np.random.default_rng(0)
    actual = rng.normal(0, 10, 200)
    noise = rng.normal(0, 10, 200)
    worse, better = (Outcome(actual, actual + noise * size) for size in (1.0, 0.95))
    scores = against("regression", better, worse, HOW, seed=1)
    assert {key: scores[key] for key in ("rmse", "mae")} == {
        key: summary("regression", better, HOW, seed=1)[key] for key in ("rmse", "mae")
    }
    assert scores["baseline"] == summary("regression", worse, HOW, seed=1)
    low, high = scores["gain"]["rmse"]
    assert 0 < low < scores["baseline"]["rmse"] - scores["rmse"] < high
    assert scores["intervals"]["rmse"][1] > scores["baseline"]["intervals"]["rmse"][0]
    assert against("regression", worse, better, HOW, seed=1)["gain"]["rmse"] == [-high, -low]
    constant = Outcome(np.full(200, 3.3), actual)
    assert against("regression", constant, constant, HOW, seed=1)["gain"]["r2"] is None


def test_resamples_in_parts_are_those_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    found, metrics = some_outcome(CLASSES), METRICS["classification"]
    whole = resampled(metrics, found, 20, seed=3)
    monkeypatch.setattr(measuring, "CELLS_AT_ONCE", 7 * len(found))
    np.testing.assert_allclose(resampled(metrics, found, 20, seed=3), whole, rtol=1e-12)


def test_an_outcome_finds_each_class_by_its_name() -> None:
    predictions = pd.DataFrame(
        {"prediction": ["b"], "probability_b": [0.9], "probability_a": [0.1]}
    )
    found = outcome(np.array(["a"], dtype=object), predictions, ["a", "b"])
    assert found.actual.tolist() == [0]
    assert found.predicted.tolist() == [[0.1, 0.9]]


def test_an_unknown_metric_is_told_with_those_of_the_kind() -> None:
    with pytest.raises(
        UserError, match=r"no metric 'acuracy' for classification; did you mean acc"
    ):
        primary_metric("classification", "acuracy")
    with pytest.raises(UserError, match=r"no metric 'accuracy' for regression; allowed: rmse, mae"):
        primary_metric("regression", "accuracy")


@pytest.mark.parametrize(
    ("kind", "losses"),
    [
        ("classification", {"log_loss", "calibration_error"}),
        ("regression", {"rmse", "mae", "median_error"}),
    ],
)
def test_losses_are_told_from_gains(kind: str, losses: set[str]) -> None:
    assert {metric.name for metric in METRICS[kind] if not metric.higher_is_better} == losses


@pytest.mark.parametrize("per_group", [None, 4])
def test_of_very_many_rows_subsets_give_about_the_same_intervals(
    monkeypatch: pytest.MonkeyPatch, per_group: int | None
) -> None:
    found = some_outcome(CLASSES, 6000)
    if per_group:
        groups = np.arange(6000) // per_group
        found = Outcome(found.actual, found.predicted, CLASSES, groups)
    metrics, drawn = METRICS["classification"], []
    for most in (6000, 1500):
        monkeypatch.setattr(measuring, "MOST_RESAMPLED", most)
        drawn.append(resampled(metrics, found, 200, seed=3))
    whole, in_subsets = drawn
    assert in_subsets.shape == whole.shape
    np.testing.assert_allclose(in_subsets.std(axis=1), whole.std(axis=1), rtol=0.35)
    figures = np.array([metric.of(found) for metric in metrics])
    beyond = np.abs(in_subsets.mean(axis=1) - figures) / whole.std(axis=1)
    # That error is drawn upwards by noise, in all rows as in subsets.
    measured = [metric.name != "calibration_error" for metric in metrics]
    assert (beyond[measured] < 0.35).all()


def test_intervals_of_subsets_stay_where_a_figure_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_RESAMPLED", 50)
    actual = np.arange(1000) % 2
    sure = np.where(actual == 1, 0.999, 0.001)
    sure[:2] = 0.6, 0.4
    found = Outcome(actual, np.column_stack([1 - sure, sure]), ("a", "b"))
    metrics = METRICS["classification"]
    for metric, drawn in zip(metrics, resampled(metrics, found, 100, seed=1), strict=True):
        low, high = metric.bounds
        assert np.nanmin(drawn) >= low, metric.name
        assert np.nanmax(drawn) <= high, metric.name


def test_very_many_rows_of_one_group_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_RESAMPLED", 50)
    found = some_outcome(CLASSES, 200)
    alone = Outcome(found.actual, found.predicted, CLASSES, np.zeros(200, dtype=int))
    accuracy = METRICS["classification"][:1]
    assert len({*resampled(accuracy, alone, 20, seed=1)[0]}) == 1
