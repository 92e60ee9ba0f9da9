"""Counts and amounts are predicted by their means, with metrics, intervals and figures to match."""

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS
from lockstep.adopting.doubts import find_doubts
from lockstep.adopting.inference import guess_target
from lockstep.adopting.rates import AMOUNTS, COUNTS, find_rates
from lockstep.core.contract import Contract, Layout
from lockstep.core.params import Params
from lockstep.modeling.losses import find_loss
from lockstep.modeling.metrics import find_metric, run_metrics
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import fit_postprocessing
from lockstep.reporting.rates import (
    calibrate_means,
    count_frequencies,
    show_rates,
    trace_lorenz,
)
from sklearn import metrics as sk

rng = np.random.default_rng(0)
MEANS = np.exp(rng.normal(-0.5, 1.2, 4000))
COUNTED = rng.poisson(MEANS).astype("float64")
CLAIMS = np.array([rng.gamma(2, 300, count).sum() for count in rng.poisson(0.2, 2000)])


def some_params(**train: object) -> Params:
    settings = {**PARAMS["train"], **train}
    return Params.model_validate(PARAMS | {"kind": "regression", "train": settings})


def make_contract(type_: str) -> Contract:
    columns = {
        "x": {"type": "numeric", "meaning": "x"},
        "y": {"type": type_, "meaning": "y", "range": (0, None)},
    }
    return Contract(title="t", source="s", licence="l", target="y", columns=columns)


@pytest.mark.parametrize(
    ("values", "is_whole", "expected"),
    [
        (COUNTED, True, COUNTS),
        (rng.poisson(300 + 300 * MEANS), True, None),
        (CLAIMS, False, AMOUNTS),
        (CLAIMS.round(), True, AMOUNTS),
        (COUNTED + 1, True, None),
        (COUNTED - 1, True, None),
        (rng.integers(1, 6, 500), True, None),
        (rng.integers(1950, 2020, 500), True, None),
        (100 - COUNTED, True, None),
        (rng.normal(size=500), False, None),
        (np.zeros(50), True, None),
    ],
)
def test_counts_and_amounts_are_told_from_other_numbers(
    values: np.ndarray, is_whole: bool, expected: str | None
) -> None:
    assert find_rates(pd.Series(values), is_whole=is_whole) == expected


@pytest.mark.parametrize(
    ("name", "values", "type_", "doubt"),
    [
        ("visits", rng.poisson(1.0, 2000).clip(0, 5), "integer", "taken for counts"),
        ("stars", rng.integers(1, 6, 300), "ordered", "classes in an order: `--kind regression`"),
        ("quality", rng.integers(3, 9, 300), "ordered", "in an order"),
        ("digit", rng.integers(0, 10, 300), "categorical", "taken for classes"),
        ("cultivar", rng.integers(1, 4, 300), "categorical", "taken for classes"),
    ],
)
def test_few_whole_numbers_are_counts_or_grades_or_names(
    name: str, values: np.ndarray, type_: str, doubt: str
) -> None:
    guess = guess_target(pd.Series(values, name=name).astype("str"), Layout(), None)
    assert guess.column is not None
    assert guess.column.type == type_
    assert any(doubt in each for each in guess.doubts)


def test_a_few_numbers_below_zero_among_counts_are_doubted() -> None:
    contract = make_contract("integer")
    y = np.concatenate([[-2] * 4, COUNTED[:396]])
    table = pd.DataFrame({"x": rng.permutation(400), "y": y}).astype("Int64")
    doubt = "4 of 400 are below zero, such as -2, and the others look like counts"
    assert any(doubt in each for each in find_doubts(table, contract))
    assert not any("below zero" in each for each in find_doubts(table[4:], contract))


@pytest.mark.parametrize(("power", "name"), [(1, "poisson"), (1.5, "tweedie")])
def test_deviance_and_what_is_explained_are_those_of_scikit_learn(power: float, name: str) -> None:
    outcome = Outcome(COUNTED[:60], MEANS[:60] * 1.2 + 0.1)
    weights = rng.integers(0, 4, size=(3, 60)).astype("float64")
    for metric, reference in (
        (f"{name}_deviance", sk.mean_tweedie_deviance),
        (f"d2_{name}", sk.d2_tweedie_score),
    ):
        expected = [
            reference(outcome.actual, outcome.predicted, sample_weight=row, power=power)
            for row in weights
        ]
        found = find_metric("regression", metric, "key").measure(outcome, weights)
        assert found == pytest.approx(expected)


def test_gini_is_that_of_the_roc_curve_where_all_is_nothing_or_one() -> None:
    actual = (rng.random(200) < 0.3).astype("float64")
    predicted = rng.random(200).round(1)
    gini = find_metric("regression", "gini", "key").score(Outcome(actual, predicted))
    auc = sk.roc_auc_score(actual, predicted)
    assert gini == pytest.approx((2 * auc - 1) * (1 - actual.mean()))


@pytest.mark.parametrize("name", ["d2_poisson", "d2_tweedie", "gini"])
def test_what_is_not_defined_of_zeros_or_negative_numbers_is_nan(name: str) -> None:
    metric = find_metric("regression", name, "key")
    assert np.isnan(metric.score(Outcome(np.zeros(4), np.ones(4))))
    assert np.isnan(metric.score(Outcome(np.array([-1.0, 2.0]), np.ones(2))))


def test_a_deviance_brings_its_companions() -> None:
    names = [each.name for each in run_metrics(some_params(metric="tweedie_deviance"))]
    assert names[-3:] == ["tweedie_deviance", "d2_tweedie", "gini"]


@pytest.mark.parametrize(("type_", "most"), [("integer", 0.97), ("numeric", 0.93)])
def test_intervals_hold_their_share_of_rare_and_of_frequent_counts(type_: str, most: float) -> None:
    """Of amounts the share is met at every level; of counts it cannot be less, and may be more."""
    params = some_params(metric="poisson_deviance", coverage=0.9)
    means = np.tile(np.exp(np.linspace(-3, 4, 4000)), 2)
    actual = rng.poisson(means) if type_ == "integer" else rng.gamma(means + 0.5, 1, len(means))
    half = len(means) // 2
    learnt = fit_postprocessing(params, Outcome(actual[:half].astype("float64"), means[:half]))
    outcome = Outcome(actual[half:].astype("float64"), means[half:])
    outcome = learnt.apply(outcome, make_contract(type_))
    assert outcome.interval is not None
    assert outcome.interval.min() >= 0
    if type_ == "integer":
        assert (outcome.interval == outcome.interval.round()).all()
    assert outcome.is_held.mean() < most
    for part in np.array_split(np.arange(half), 4):
        assert outcome.take(part).is_held.mean() > 0.87


def test_few_predictions_that_differ_have_intervals_too() -> None:
    params = some_params(metric="poisson_deviance", coverage=0.9)
    learnt = fit_postprocessing(params, Outcome(COUNTED[:500], np.full(500, 0.7)))
    assert learnt.rate_margins is not None
    assert len(learnt.rate_margins) == 1
    assert fit_postprocessing(params, Outcome(COUNTED[:5], np.ones(5))).coverage is None


def test_tables_of_figures_are_right_on_average() -> None:
    outcome = Outcome(COUNTED, MEANS)
    tenths = calibrate_means(outcome)
    assert len(tenths) == 10
    assert tenths["rows"].sum() == len(outcome)
    assert tenths["predicted"].between(tenths["low"], tenths["high"]).sum() >= 8
    lorenz = trace_lorenz(outcome)
    assert (lorenz["least_share"] <= lorenz["share"] + 1e-12).all()
    assert lorenz.iloc[-1].tolist() == pytest.approx([1, 1, 1])
    assert trace_lorenz(Outcome(np.zeros(3), np.ones(3))).empty
    counts = count_frequencies(outcome)
    assert counts["seen"].sum() == len(outcome)
    assert counts["expected"].sum() == pytest.approx(len(outcome))
    assert abs(counts["seen"] - counts["expected"]).max() < 4 * np.sqrt(len(outcome))


@pytest.mark.parametrize(("most", "label"), [(20, "20"), (21, "20+")])
def test_the_last_bar_is_of_larger_counts_as_well_only_where_there_are_some(
    most: int, label: str
) -> None:
    outcome = Outcome(np.arange(most + 1.0), np.full(most + 1, 9.0))
    pictures, _ = show_rates(outcome, "visits", is_whole=True)
    (axes,) = pictures["rootogram"].figure.axes
    labels = dict(zip(axes.get_xticks(), axes.get_xticklabels(), strict=True))
    assert labels[20].get_text() == label


def test_the_tweedie_loss_is_least_at_the_mean_and_made_once() -> None:
    loss = find_loss("tweedie", 1.5)
    assert loss is find_loss("tweedie", 1.5)
    assert callable(loss)
    y = np.array([[0.0, 0.0, 3.0, 1.0]], dtype="float32")
    losses = [float(loss(y, np.full_like(y, mean))[0]) for mean in (0.5, 1.0, 2.0)]
    assert losses[1] < min(losses[0], losses[2])
