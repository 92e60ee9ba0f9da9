"""Figures of merit are scikit-learn's, for any number of resamples at once."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS, run_stages, write_params
from lockstep.core.errors import UserError
from lockstep.core.params import EvaluateParams, Params
from lockstep.core.project import Project
from lockstep.modeling import intervals
from lockstep.modeling.intervals import (
    bootstrap,
    compare_folds,
    compare_models,
    compare_pair,
    summarise,
)
from lockstep.modeling.metrics import (
    METRICS,
    OWN_METRICS,
    Metric,
    metric,
    primary_metric,
    run_metrics,
)
from lockstep.modeling.outcome import Outcome
from sklearn import metrics as sk

CLASSES = ("a", "b", "c")
CLASSIFICATION, REGRESSION = METRICS["classification"], METRICS["regression"]
SETTINGS = EvaluateParams(resamples=200, confidence=0.9)


def some_params(kind: str = "classification", **train: object) -> Params:
    settings = {name: value for name, value in PARAMS["train"].items() if name != "metric"}
    return Params.model_validate(PARAMS | {"kind": kind, "train": settings | train})


def find(name: str) -> Metric:
    return next(one for one in CLASSIFICATION if one.name == name)


def some_outcome(classes: tuple[str, ...], rows: int = 60, seed: int = 0) -> Outcome:
    """Better than chance, with equal probabilities among the rows."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(len(classes), size=rows)
    likely = rng.integers(1, 5, size=(rows, len(classes))) + 3 * np.eye(len(classes))[actual]
    return Outcome(actual, likely / likely.sum(axis=1, keepdims=True), classes)


def by_sklearn(outcome: Outcome, weights: np.ndarray) -> dict[str, float]:
    actual, likely, decided = outcome.actual, outcome.predicted, outcome.decisions
    options = {"sample_weight": weights}
    truth = np.eye(len(outcome.classes))[actual]
    positive = slice(1, None) if len(outcome.classes) == 2 else slice(None)
    return {
        "accuracy": sk.accuracy_score(actual, decided, **options),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, decided, **options),
        "f1_macro": sk.f1_score(actual, decided, average="macro", **options),
        "log_loss": sk.log_loss(actual, likely, labels=range(len(outcome.classes)), **options),
        "roc_auc": sk.roc_auc_score(truth, likely, average="macro", **options),
        "average_precision": sk.average_precision_score(
            truth[:, positive], likely[:, positive], average="macro", **options
        ),
    }


@pytest.mark.parametrize("classes", [("a", "b"), CLASSES])
def test_a_classification_is_scored_as_scikit_learn_does(classes: tuple[str, ...]) -> None:
    outcome = some_outcome(classes)
    weights = np.random.default_rng(1).integers(0, 4, size=(3, len(outcome))).astype("float64")
    for name, _ in by_sklearn(outcome, weights[0]).items():
        measured = find(name).measure(outcome, weights)
        expected = [by_sklearn(outcome, row)[name] for row in weights]
        assert measured == pytest.approx(expected), name


def test_a_regression_is_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    actual = 1000 + rng.normal(size=41)
    outcome = Outcome(actual, actual + rng.normal(size=41))
    drawn = rng.integers(41, size=41)
    weights = np.bincount(drawn, minlength=41)[np.newaxis].astype("float64")
    pair = actual[drawn], outcome.predicted[drawn]
    expected = {
        "rmse": sk.root_mean_squared_error(*pair),
        "mae": sk.mean_absolute_error(*pair),
        "r2": sk.r2_score(*pair),
        "median_error": sk.median_absolute_error(*pair),
    }
    measured = {metric.name: metric.measure(outcome, weights)[0] for metric in REGRESSION}
    assert measured == pytest.approx(expected)


def find_deviance() -> Metric:
    return primary_metric(some_params("regression", metric="poisson_deviance"))


def test_the_poisson_deviance_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    outcome = Outcome(rng.poisson(2, 50).astype("float64"), rng.uniform(0.5, 4, 50))
    weights = rng.integers(0, 4, size=(3, 50)).astype("float64")
    expected = [
        sk.mean_poisson_deviance(outcome.actual, outcome.predicted, sample_weight=row)
        for row in weights
    ]
    assert find_deviance().measure(outcome, weights) == pytest.approx(expected)


def test_a_count_that_was_held_impossible_has_a_price() -> None:
    actual = np.array([0.0, 1.0, 2.0, 1.0])
    deviances = [
        find_deviance().score(Outcome(actual, np.array([0.5, 1.0, 2.0, rate])))
        for rate in (-3.0, 0.0, 0.001, 0.5)
    ]
    assert deviances[0] == deviances[1] == deviances[2] > deviances[3]
    assert find_deviance().score(Outcome(np.zeros(4), np.zeros(4))) == pytest.approx(0)


def test_negative_numbers_have_no_poisson_deviance() -> None:
    outcome = Outcome(np.array([-1.0, 1.0]), np.array([1.0, 1.0]))
    assert np.isnan(find_deviance().score(outcome))


def test_the_poisson_deviance_is_reported_where_it_is_asked_for() -> None:
    def names(**train: object) -> list[str]:
        return [metric.name for metric in run_metrics(some_params("regression", **train))]

    assert "poisson_deviance" not in names()
    assert "poisson_deviance" in names(metrics=["poisson_deviance"])
    assert "poisson_deviance" in names(metric="poisson_deviance")
    with pytest.raises(UserError, match="no metric 'poisson_deviance' for classification"):
        run_metrics(some_params(metrics=["poisson_deviance"]))


def test_the_calibration_error_is_how_far_sureness_is_from_being_right() -> None:
    error = find("calibration_error")
    likely = np.array([[0.95, 0.05, 0]] * 10 + [[0.65, 0.35, 0]] * 10)
    actual = np.array([0] * 10 + [0] * 4 + [1] * 6)
    many = Outcome(actual, likely, CLASSES).take(np.repeat(np.arange(20), 1000))
    expected = np.sqrt((0.05**2 + 0.25**2) / 2)
    assert error.score(many) == pytest.approx(expected, abs=1e-4)


def test_the_calibration_error_of_two_classes_is_that_of_the_second() -> None:
    error = find("calibration_error")
    likely = np.array([[0.55, 0.45]] * 10 + [[0.45, 0.55]] * 10)
    actual = np.array([0] * 10 + [1] * 10)
    many = np.repeat(np.arange(20), 1000)
    # Judged by the more probable class, both halves would be 0.45 too modest; here they cancel not.
    outcome = Outcome(actual, likely, ("a", "b")).take(many)
    assert error.score(outcome) == pytest.approx(0.45, abs=1e-4)
    skewed = np.where(np.arange(20) % 10 < 2, 1, 0)
    balanced = np.array([[0.75, 0.25]] * 10 + [[0.25, 0.75]] * 10)
    outcome = Outcome(skewed, balanced, ("a", "b")).take(many)
    expected = np.sqrt((0.05**2 + 0.55**2) / 2)
    assert error.score(outcome) == pytest.approx(expected, abs=1e-4)


def draw_calibrated(rows: int, seed: int, sharpness: float = 2) -> Outcome:
    """Classes that follow the probabilities they are predicted with."""
    rng = np.random.default_rng(seed)
    sure = 1 / (1 + np.exp(-sharpness * rng.standard_normal(rows)))
    return Outcome(
        (rng.random(rows) < sure).astype(int), np.column_stack([1 - sure, sure]), ("a", "b")
    )


def test_the_calibration_error_of_true_probabilities_is_little_and_has_no_interval() -> None:
    errors = [find("calibration_error").score(draw_calibrated(40, seed)) for seed in range(200)]
    assert np.mean(errors) < 0.08
    assert np.mean(np.equal(errors, 0)) > 0.3
    better, worse = draw_calibrated(40, 0), draw_calibrated(40, 1)
    scores = compare_models(CLASSIFICATION, better, worse, SETTINGS, seed=1)
    assert scores["calibration_error"] >= 0
    assert scores["intervals"]["calibration_error"] is None
    assert scores["gain"]["calibration_error"] is None


def test_intervals_of_few_rows_hold_the_true_figure_where_percentiles_do_not() -> None:
    metrics = [find(name) for name in ("log_loss", "roc_auc", "average_precision")]
    settings = EvaluateParams(resamples=200, confidence=0.95)
    whole = draw_calibrated(200_000, 0, sharpness=8)
    truth = np.array([metric.score(whole) for metric in metrics])
    held, held_by_percentiles = [], []
    for seed in range(1, 201):
        outcome = draw_calibrated(40, seed, sharpness=8)
        ends = summarise(metrics, outcome, settings, seed)["intervals"].values()
        held.append([low <= true <= high for (low, high), true in zip(ends, truth, strict=True)])
        drawn = bootstrap(metrics, outcome, settings.resamples, seed)
        low, high = np.nanquantile(drawn, (0.025, 0.975), axis=1)
        held_by_percentiles.append((low <= truth) & (truth <= high))
    assert (np.mean(held_by_percentiles, axis=0) < 0.9).all()
    assert (np.mean(held, axis=0) >= 0.935).all()


@pytest.mark.parametrize("rows", [40, 1000])
def test_all_right_is_not_sure_to_stay_so(rows: int) -> None:
    actual = np.arange(rows) % 2
    outcome = Outcome(actual, np.eye(2)[actual], ("a", "b"))
    ends = summarise(CLASSIFICATION, outcome, SETTINGS, seed=1)["intervals"]
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "average_precision"):
        low, high = ends[name]
        # Nine times in ten, by the rule of three with 95%.
        assert 1 - 4 / rows < low < 1 - 2 / rows, name
        assert high == 1
    halves = Outcome(actual, np.eye(2)[actual], ("a", "b"), np.arange(rows) // (rows // 2))
    coarse = summarise(CLASSIFICATION, halves, SETTINGS, seed=1)["intervals"]["accuracy"]
    assert coarse[0] < 0.6
    guess = Outcome(actual, np.full((rows, 2), 0.5), ("a", "b"))
    scores = compare_models(CLASSIFICATION, outcome, guess, SETTINGS, seed=1)
    assert scores["baseline"]["intervals"]["roc_auc"] == [0.5, 0.5]
    assert scores["gain"]["roc_auc"] == pytest.approx([ends["roc_auc"][0] - 0.5, 0.5])


def test_errors_that_are_all_alike_have_no_width() -> None:
    outcome = Outcome(np.arange(9.0), np.arange(9.0) + 2)
    scores = summarise(REGRESSION, outcome, SETTINGS, seed=1)["intervals"]
    assert scores["mae"] == scores["median_error"] == [2, 2]
    right = Outcome(np.arange(9.0), np.arange(9.0))
    scores = summarise(REGRESSION, right, SETTINGS, seed=1)["intervals"]
    assert (scores["rmse"], scores["r2"]) == ([0, 0], [1, 1])


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("seed", range(4))
def test_an_interval_of_a_few_rows_holds_the_figure_and_keeps_to_the_bounds(
    rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    numbers = Outcome(rng.normal(size=rows), rng.normal(size=rows) ** 3)
    cases = ((CLASSIFICATION, some_outcome(CLASSES, rows, seed)), (REGRESSION, numbers))
    for metrics, outcome in cases:
        scores = summarise(metrics, outcome, SETTINGS, seed=1)
        for one in metrics:
            if scores[one.name] is None or not one.has_interval or rows == 1:
                assert scores["intervals"][one.name] is None
                continue
            low, high = scores["intervals"][one.name]
            assert one.bounds[0] <= low <= scores[one.name] <= high <= one.bounds[1], one.name


def test_what_never_decides_for_the_rare_class_is_known_as_well_as_the_common_one() -> None:
    actual = np.repeat([0, 1], [970, 30])
    outcome = Outcome(actual, np.tile([0.97, 0.03], (1000, 1)), ("no", "yes"))
    low, high = summarise(CLASSIFICATION, outcome, SETTINGS, seed=1)["intervals"]["f1_macro"]
    assert 0.48 < low < high < 0.5


def test_what_a_candidate_is_behind_by_is_paired_within_the_folds() -> None:
    rng = np.random.default_rng(0)
    actual = rng.normal(0, 10, (3, 40))
    noise = rng.normal(0, 10, (3, 40))

    def predict(size: float, groups: np.ndarray | None = None) -> list[Outcome]:
        return [
            Outcome(y, y + size * error, groups=groups)
            for y, error in zip(actual, noise, strict=True)
        ]

    mae = REGRESSION[1]
    gain = np.mean([np.abs(0.1 * error).mean() for error in noise])
    low, high = compare_folds(mae, predict(0.9), predict(1.0), 200, 0.95, seed=1)
    assert 0 < low < gain < high
    assert low + high == pytest.approx(2 * gain)
    assert compare_folds(mae, predict(1.0), predict(1.0), 200, 0.95, seed=1) == [0, 0]
    in_groups = [predict(size, np.arange(40) // 10) for size in (0.9, 1.0)]
    grouped = compare_folds(mae, *in_groups, 200, 0.95, seed=1)
    assert grouped != [low, high]
    constant = [Outcome(np.full(9, 3.3), np.arange(9.0))]
    assert compare_folds(REGRESSION[2], constant, constant, 200, 0.95, seed=1) is None


def test_the_interval_between_models_that_are_much_alike_is_narrow() -> None:
    rng = np.random.default_rng(0)
    actual, noise, own = rng.normal(0, 10, (3, 100))
    before = Outcome(actual, actual + noise)
    after = Outcome(actual, actual + 0.95 * noise + 0.02 * own)
    [rmse, *_] = REGRESSION
    gain, low, high = compare_pair([rmse], after, before, SETTINGS, seed=1)["rmse"]
    assert gain == pytest.approx(rmse.score(before) - rmse.score(after))
    assert 0 < low < gain < high
    assert high - low < np.ptp(compare_models([rmse], after, before, SETTINGS, 1)["gain"]["rmse"])
    turned = compare_pair([rmse], before, after, SETTINGS, seed=1)["rmse"]
    assert turned == pytest.approx((-gain, -high, -low))
    assert compare_pair([rmse], after, after, SETTINGS, seed=1)["rmse"] == (0, 0, 0)
    constant = Outcome(np.full(9, 3.3), np.arange(9.0))
    assert not compare_pair([REGRESSION[2]], constant, constant, SETTINGS, seed=1)


def test_a_model_that_is_much_worse_on_a_few_rows_is_not_taken_for_better() -> None:
    actual = np.zeros(40)
    careful = np.full(40, 1.0)
    bold = np.where(np.arange(40) < 38, 0.1, 3.0)
    one, other = Outcome(actual, bold), Outcome(actual, careful)
    [_, mae, *_] = REGRESSION
    _, low, high = compare_pair([mae], one, other, SETTINGS, seed=1)["mae"]
    even = compare_folds(mae, [one], [other], SETTINGS.resamples, SETTINGS.confidence, seed=1)
    assert low < even[0]
    assert high - low == pytest.approx(even[1] - even[0])


def test_rows_of_a_group_are_drawn_together() -> None:
    outcome = some_outcome(CLASSES, 30)
    copies = outcome.take(np.repeat(np.arange(30), 20))
    grouped = Outcome(copies.actual, copies.predicted, CLASSES, np.repeat(np.arange(30), 20))
    widths = {}
    for name, case in (("rows", outcome), ("copies", copies), ("groups", grouped)):
        low, high = summarise(CLASSIFICATION, case, SETTINGS, seed=1)["intervals"]["log_loss"]
        widths[name] = high - low
    assert widths["groups"] == pytest.approx(widths["rows"])
    assert widths["copies"] < widths["rows"] / 3


def test_figures_that_are_not_defined_are_none() -> None:
    one_class = Outcome(np.zeros(5, dtype=int), np.full((5, 2), 0.5), ("a", "b"))
    scores = summarise(CLASSIFICATION, one_class, SETTINGS, seed=1)
    assert (scores["roc_auc"], scores["intervals"]["roc_auc"]) == (None, None)
    assert scores["accuracy"] == 1
    constant = Outcome(np.full(5, 3.3), np.arange(5.0))
    scores = summarise(REGRESSION, constant, SETTINGS, seed=1)
    assert (scores["r2"], scores["intervals"]["r2"]) == (None, None)
    assert scores["mae"] == pytest.approx(np.abs(np.arange(5) - 3.3).mean())


def test_every_metric_has_an_interval_that_narrows_with_more_rows() -> None:
    few, many = some_outcome(CLASSES, 60), some_outcome(CLASSES, 6000)
    widths = []
    for outcome in (few, many):
        scores = summarise(CLASSIFICATION, outcome, SETTINGS, seed=1)
        assert list(scores["intervals"]) == [metric.name for metric in CLASSIFICATION]
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
    scores = compare_models(REGRESSION, better, worse, SETTINGS, seed=1)
    assert {key: scores[key] for key in ("rmse", "mae")} == {
        key: summarise(REGRESSION, better, SETTINGS, seed=1)[key] for key in ("rmse", "mae")
    }
    assert scores["baseline"] == summarise(REGRESSION, worse, SETTINGS, seed=1)
    low, high = scores["gain"]["rmse"]
    assert 0 < low < scores["baseline"]["rmse"] - scores["rmse"] < high
    assert scores["intervals"]["rmse"][1] > scores["baseline"]["intervals"]["rmse"][0]
    assert compare_models(REGRESSION, worse, better, SETTINGS, seed=1)["gain"]["rmse"] == [
        -high,
        -low,
    ]
    constant = Outcome(np.full(200, 3.3), actual)
    assert compare_models(REGRESSION, constant, constant, SETTINGS, seed=1)["gain"]["r2"] is None


def test_resamples_in_parts_are_those_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, metrics = some_outcome(CLASSES), CLASSIFICATION
    whole = bootstrap(metrics, outcome, 20, seed=3)
    monkeypatch.setattr(intervals, "CELLS_AT_ONCE", 7 * len(outcome))
    np.testing.assert_allclose(bootstrap(metrics, outcome, 20, seed=3), whole, rtol=1e-12)


def test_an_outcome_finds_each_class_by_its_name() -> None:
    predictions = pd.DataFrame(
        {"prediction": ["b"], "probability_b": [0.9], "probability_a": [0.1]}
    )
    outcome = Outcome.from_predictions(np.array(["a"], dtype=object), predictions, ["a", "b"])
    assert outcome.actual.tolist() == [0]
    assert outcome.predicted.tolist() == [[0.1, 0.9]]


def test_an_unknown_metric_is_told_with_those_of_the_kind() -> None:
    with pytest.raises(
        UserError, match=r"no metric 'acuracy' for classification; did you mean acc"
    ):
        primary_metric(some_params(metric="acuracy"))
    with pytest.raises(UserError, match=r"no metric 'accuracy' for regression; allowed: rmse, mae"):
        primary_metric(some_params("regression", metric="accuracy"))


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
    outcome = some_outcome(CLASSES, 6000)
    if per_group:
        groups = np.arange(6000) // per_group
        outcome = Outcome(outcome.actual, outcome.predicted, CLASSES, groups)
    metrics, drawn = CLASSIFICATION, []
    for most in (6000, 1500):
        monkeypatch.setattr(intervals, "MOST_RESAMPLED", most)
        drawn.append(bootstrap(metrics, outcome, 200, seed=3))
    whole, in_subsets = drawn
    assert in_subsets.shape == whole.shape
    np.testing.assert_allclose(in_subsets.std(axis=1), whole.std(axis=1), rtol=0.35)
    figures = np.array([metric.score(outcome) for metric in metrics])
    beyond = np.abs(in_subsets.mean(axis=1) - figures) / whole.std(axis=1)
    # That error is drawn upwards by noise, in all rows as in subsets.
    measured = [metric.name != "calibration_error" for metric in metrics]
    assert (beyond[measured] < 0.35).all()


def test_intervals_of_subsets_stay_where_a_figure_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "MOST_RESAMPLED", 50)
    actual = np.arange(1000) % 2
    sure = np.where(actual == 1, 0.999, 0.001)
    sure[:2] = 0.6, 0.4
    outcome = Outcome(actual, np.column_stack([1 - sure, sure]), ("a", "b"))
    metrics = CLASSIFICATION
    for one, drawn in zip(metrics, bootstrap(metrics, outcome, 100, seed=1), strict=True):
        low, high = one.bounds
        assert np.nanmin(drawn) >= low, one.name
        assert np.nanmax(drawn) <= high, one.name


def test_very_many_rows_of_one_group_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "MOST_RESAMPLED", 50)
    outcome = some_outcome(CLASSES, 200)
    alone = Outcome(outcome.actual, outcome.predicted, CLASSES, np.zeros(200, dtype=int))
    accuracy = CLASSIFICATION[:1]
    assert len({*bootstrap(accuracy, alone, 20, seed=1)[0]}) == 1


@pytest.fixture
def no_own_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing registered, and nothing left of what a test registers."""
    for kind in OWN_METRICS:
        monkeypatch.setitem(OWN_METRICS, kind, {})


@pytest.mark.usefixtures("no_own_metrics")
def test_a_metric_of_the_owner_is_measured_per_resample_as_the_librarys_are() -> None:
    @metric(kind="classification", bounds=(0, 1))
    def hits(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        """The share of rows that
        are hit. Not a word more."""
        return float(np.average(y_true == y_pred, weights=sample_weight))

    bounds = (0, np.inf)

    @metric(kind="classification", takes="probabilities", higher_is_better=False, bounds=bounds)
    def surprise(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        return sk.log_loss(y_true, y_pred, labels=CLASSES, sample_weight=sample_weight)

    metrics = run_metrics(some_params(metrics=["surprise", "hits"]))
    assert metrics[:-2] == CLASSIFICATION
    assert [one.name for one in metrics[-2:]] == ["surprise", "hits"]
    assert [one.sign for one in metrics[-2:]] == [-1, 1]
    assert metrics[-1].meaning == "The share of rows that are hit."
    outcome = some_outcome(CLASSES)
    pairs = (("hits", "accuracy"), ("surprise", "log_loss"))
    drawn = dict(zip(metrics, bootstrap(metrics, outcome, 50, seed=1), strict=True))
    named = {one.name: figures for one, figures in drawn.items()}
    scores = summarise(metrics, outcome, SETTINGS, seed=1)
    # Of the library's share it is known that it is one of rows, of the owner's figure it is not.
    nearly = {"hits": 0.03, "surprise": 1e-6}
    for own, same in pairs:
        assert named[own] == pytest.approx(named[same])
        assert scores[own] == pytest.approx(scores[same])
        ends = scores["intervals"][own]
        assert ends == pytest.approx(scores["intervals"][same], rel=nearly[own])
    better = Outcome(outcome.actual, np.eye(3)[outcome.actual], CLASSES)
    gain = compare_models(metrics, better, outcome, SETTINGS, seed=1)["gain"]
    for own, same in pairs:
        assert gain[own] == pytest.approx(gain[same], abs=nearly[own])
    assert gain["surprise"][0] > 0


@pytest.mark.usefixtures("no_own_metrics")
def test_a_function_of_scikit_learn_can_be_registered_as_it_is() -> None:
    bounds = (0, np.inf)
    metric(kind="regression", higher_is_better=False, bounds=bounds)(sk.mean_absolute_error)
    params = some_params("regression", metric="mean_absolute_error")
    rng = np.random.default_rng(0)
    outcome = Outcome(rng.normal(size=30), rng.normal(size=30))
    scores = summarise(run_metrics(params), outcome, SETTINGS, seed=1)
    assert scores["mean_absolute_error"] == pytest.approx(scores["mae"])
    assert scores["intervals"]["mean_absolute_error"] == pytest.approx(scores["intervals"]["mae"])
    assert primary_metric(params).meaning == "Mean absolute error regression loss."


@pytest.mark.usefixtures("no_own_metrics")
def test_labels_and_probabilities_come_as_the_contract_has_them() -> None:
    calls = []

    @metric(kind="classification", takes="probabilities")
    def look(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        calls.append((y_true, y_pred, sample_weight))
        return 0.0

    @metric(kind="classification")
    def look_at_labels(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        calls.append((y_true, y_pred, sample_weight))
        return 0.0

    # In the contract's order, which is not that of the alphabet.
    outcome = Outcome(
        np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), ("z", "a")
    )
    for own in run_metrics(some_params(metrics=["look", "look_at_labels"]))[-2:]:
        own.measure(outcome, np.array([[1.0, 2.0, 0.0]]))
    (truth, probabilities, weights), (_, labels, _) = calls
    assert truth.tolist() == ["z", "a"]
    assert probabilities[:, 1].tolist() == [0.1, 0.8]
    assert labels.tolist() == ["z", "a"]
    assert weights.tolist() == [1, 2]


@pytest.mark.usefixtures("no_own_metrics")
@pytest.mark.parametrize("problem", [np.nan, np.inf, ValueError("few"), ZeroDivisionError()])
def test_an_own_metric_is_undefined_where_it_gives_no_number(problem: object) -> None:
    @metric(kind="regression", bounds=(0, 1))
    def share_of_third(y_true: np.ndarray, _: np.ndarray, sample_weight: np.ndarray) -> float:
        if 3.0 in y_true:
            return float(sample_weight[y_true == 3].sum() / sample_weight.sum())
        if isinstance(problem, Exception):
            raise problem
        return problem

    (own,) = run_metrics(some_params("regression", metrics=["share_of_third"]))[4:]
    outcome = Outcome(np.arange(5.0), np.zeros(5))
    figures = bootstrap((own,), outcome, 50, seed=1)[0]
    assert 0 < np.isnan(figures).sum() < 50
    low, high = summarise((own,), outcome, SETTINGS, seed=1)["intervals"]["share_of_third"]
    assert 0 < low < 0.2 < high < 1
    without = Outcome(np.zeros(5), np.zeros(5))
    scores = summarise((own,), without, SETTINGS, seed=1)
    assert scores == {"share_of_third": None, "intervals": {"share_of_third": None}}


@pytest.mark.usefixtures("no_own_metrics")
def test_an_own_metric_can_pick_the_champion_without_being_listed() -> None:
    @metric(kind="regression")
    def own(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        return float(np.average(y_true > y_pred, weights=sample_weight))

    for settings in ({}, {"metrics": ["own"]}, {"metrics": ["own", "own", "rmse"]}):
        params = some_params("regression", metric="own", **settings)
        assert primary_metric(params).name == "own"
        names = [one.name for one in run_metrics(params)]
        assert names == ["rmse", "mae", "r2", "median_error", "own"]
    assert run_metrics(some_params("regression")) == REGRESSION


@pytest.mark.usefixtures("no_own_metrics")
def test_a_wrong_name_among_the_own_metrics_is_told_with_its_place() -> None:
    metric(kind="regression")(sk.mean_absolute_percentage_error)
    params = some_params("regression", metrics=["rmse", "mean_absolute_percent_error"])
    message = (
        r"params\.yaml: train\.metrics\.1: no metric 'mean_absolute_percent_error' for regression; "
        r"did you mean mean_absolute_percentage_error\? allowed: rmse, mae, r2, median_error, pois"
    )
    with pytest.raises(UserError, match=message):
        run_metrics(params)
    with pytest.raises(UserError, match=r"train\.metrics\.0: no metric 'mean_abs.* classification"):
        run_metrics(some_params(metrics=["mean_absolute_percentage_error"]))


@pytest.mark.usefixtures("no_own_metrics")
def test_an_own_metric_cannot_take_the_name_of_one_of_the_librarys() -> None:
    @metric(kind="classification")
    def accuracy(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        return float(sk.accuracy_score(y_true, y_pred, sample_weight=sample_weight))

    for look in (run_metrics, primary_metric):
        with pytest.raises(UserError, match=r"metrics\.py: accuracy: the library has a metric of"):
            look(some_params())


def test_the_owners_example_picks_the_champion_and_stands_in_every_report(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = CONTRACT | {"target": "weight", "subgroups": ["colour"]}
    project.contract_file.write_text(json.dumps(contract))
    settings = {"metric": "mape", "folds": 3, "candidates": {"baseline": {}, "linear": {}}}
    write_params(project, kind="regression", train=settings)
    run_stages()
    printed = capsys.readouterr().out
    assert "train: linear         mape 0." in printed
    assert "\nmape          0." in printed
    leaderboard = pd.read_csv(project.leaderboard).set_index("candidate")
    assert leaderboard["mape_mean"]["linear"] < leaderboard["mape_mean"]["baseline"]
    predictions = pd.read_csv(project.plots / "predictions.csv")
    scores = json.loads(project.metrics.read_text())
    expected = sk.mean_absolute_percentage_error(predictions["actual"], predictions["prediction"])
    assert scores["mape"] == pytest.approx(expected)
    low, high = scores["intervals"]["mape"]
    assert low < scores["mape"] < high
    assert scores["gain"]["mape"][0] > 0
    assert [line["mape"] > 0 for line in scores["subgroups"]] == [True, True]
    assert "| mape | 0." in project.model_card.read_text()
    page = project.report.read_text()
    assert "The mean absolute error as a share of the true value; undefined where one is" in page
    assert "The champion, linear, is better than the baseline: mape on " in page


def test_an_own_metric_that_is_not_defined_is_none_in_the_metrics(project: Project) -> None:
    rows = pd.read_csv(project.root / "data" / "raw" / "fruit.csv")
    rows.assign(seeds=rows["seeds"] % 2).to_csv(
        project.root / "data" / "raw" / "fruit.csv", index=False
    )
    columns = CONTRACT["columns"] | {"seeds": {"type": "integer", "meaning": "none or one"}}
    contract = CONTRACT | {"target": "seeds", "columns": columns}
    project.contract_file.write_text(json.dumps(contract))
    settings = {"metrics": ["mape"], "folds": 3, "candidates": {"baseline": {}}}
    write_params(project, kind="regression", train=settings)
    run_stages()
    scores = json.loads(project.metrics.read_text())
    assert scores["mape"] is scores["intervals"]["mape"] is scores["gain"]["mape"] is None
    assert scores["rmse"] > 0
    assert "| mape | undefined |" in project.model_card.read_text()
