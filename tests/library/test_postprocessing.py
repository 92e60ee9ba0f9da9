"""What becomes of a model's probabilities and numbers: decisions and intervals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS, StubPipeline, make_params
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.params import Params
from lockstep.modeling.metrics import METRICS, OWN_METRICS, metric
from lockstep.modeling.model import Model
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import (
    NONE,
    Postprocessing,
    choose_threshold,
    conformal_margins,
    fit_postprocessing,
    make_cost,
    require_fitting_decision,
)
from pydantic import ValidationError

ROWS = pd.DataFrame({"weight": [1.0, 2.0, 3.0], "seeds": [1, 2, 3], "colour": ["red"] * 3})


def make_classifier(probabilities: list[float], threshold: float | None) -> Model:
    """One that gives these probabilities of the second class."""
    sure = np.array(probabilities)
    pipeline = StubPipeline(
        classes_=np.array(["apple", "melon"], dtype=object),
        predict_proba=lambda _: np.column_stack([1 - sure, sure]),
    )
    contract = Contract.model_validate(CONTRACT)
    return Model(pipeline, "", "classification", contract, Postprocessing(threshold=threshold))


def make_regressor(numbers: list[float], postprocessing: Postprocessing) -> Model:
    """One that predicts these numbers of a target from 0 to 500."""
    pipeline = StubPipeline(predict=lambda _: np.array(numbers))
    columns = CONTRACT["columns"] | {"fruit": CONTRACT["columns"]["weight"]}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    return Model(pipeline, "", "regression", contract, postprocessing)


def test_a_threshold_decides_between_two_classes() -> None:
    usual, eager = (make_classifier([0.1, 0.2, 0.6], threshold) for threshold in (None, 0.2))
    assert usual.apply(ROWS)["prediction"].tolist() == ["apple", "apple", "melon"]
    assert eager.apply(ROWS)["prediction"].tolist() == ["apple", "melon", "melon"]
    outcome = eager.try_on(ROWS.assign(fruit=["apple", "melon", "apple"]))
    assert outcome.decisions.tolist() == [0, 1, 1]
    assert outcome.take(np.array([2, 1])).decisions.tolist() == [1, 1]
    assert outcome.concatenate([outcome, outcome], None).decisions.tolist() == [0, 1, 1] * 2


def test_a_number_has_an_interval_within_the_contracts_range() -> None:
    postprocessing = Postprocessing(coverage=0.9, margins=(-20, 30))
    model = make_regressor([10.0, 100.0, 490.0], postprocessing)
    predictions = model.apply(ROWS)
    assert predictions["prediction_low"].tolist() == [0, 80, 470]
    assert predictions["prediction_high"].tolist() == [40, 130, 500]
    outcome = model.try_on(ROWS.assign(fruit=[1.0, 2.0, 3.0]))
    assert outcome.take(np.array([1])).interval.tolist() == [[80, 130]]
    assert outcome.concatenate([outcome, outcome], None).interval.shape == (6, 2)
    assert [*make_regressor([1.0, 2.0, 3.0], Postprocessing()).apply(ROWS)] == ["prediction"]


@pytest.mark.parametrize("postprocessing", [NONE, Postprocessing(coverage=0.9, margins=(-20, 30))])
def test_a_number_keeps_to_the_contracts_range(postprocessing: Postprocessing) -> None:
    model = make_regressor([-50.0, 100.0, 540.0], postprocessing)
    predictions = model.apply(ROWS)
    assert predictions["prediction"].tolist() == [0, 100, 500]
    assert model.try_on(ROWS.assign(fruit=[1.0, 2.0, 3.0])).predicted.tolist() == [0, 100, 500]
    if postprocessing.margins:
        assert (predictions["prediction_low"] <= predictions["prediction"]).all()
        assert (predictions["prediction"] <= predictions["prediction_high"]).all()


MERITS = {one.name: one for one in METRICS["classification"]}


def make_outcome(actual: list[int], sure: list[float]) -> Outcome:
    probabilities = np.column_stack([1 - np.array(sure), sure])
    return Outcome(np.array(actual), probabilities, ("apple", "melon"))


def make_rare(rows: int = 400, seed: int = 0) -> Outcome:
    """Honest probabilities of a class that one row in twenty belongs to, and never above 0.5."""
    rng = np.random.default_rng(seed)
    sure = np.clip(rng.beta(0.5, 9.5, rows), 0, 0.5)
    return make_outcome((rng.random(rows) < sure).astype(int).tolist(), sure.tolist())


def ask(**train: object) -> Params:
    return make_params(train=PARAMS["train"] | train)


def test_a_rare_class_is_predicted_where_that_makes_the_metric_better() -> None:
    rare = make_rare()
    assert rare.decisions.sum() == 0
    postprocessing = fit_postprocessing(ask(decision="f1_macro"), rare)
    decided = replace(rare, threshold=postprocessing.threshold)
    assert 0 < decided.decisions.sum() < 100
    assert MERITS["f1_macro"].score(decided) > MERITS["f1_macro"].score(rare) + 0.1


def test_the_middle_of_equally_good_thresholds_is_taken() -> None:
    apart = make_outcome([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9])
    assert choose_threshold(apart, MERITS["accuracy"]) == pytest.approx(0.4)
    mixed = make_outcome([0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.5, 0.6, 0.9])
    # Four of six rows are right at 0.15, 0.4 and 0.75.
    assert choose_threshold(mixed, MERITS["accuracy"]) == pytest.approx(0.4)


def test_a_model_that_knows_nothing_says_always_or_never() -> None:
    constant = make_outcome([0] * 9 + [1], [0.1] * 10)
    assert choose_threshold(constant, MERITS["accuracy"]) > 0.1
    assert choose_threshold(constant, make_cost(missed=20, false_alarm=1)) <= 0.1


def test_costs_move_the_threshold_to_where_wrong_decisions_cost_least() -> None:
    rare = make_rare(20_000)
    for missed, expected in ((4, 1 / 5), (19, 1 / 20)):
        costs = {"missed": missed, "false_alarm": 1}
        threshold = fit_postprocessing(ask(decision=costs), rare).threshold
        assert threshold == pytest.approx(expected, rel=0.3)


def test_of_very_many_rows_the_threshold_is_as_good_as_any() -> None:
    rare = make_rare(3000)
    f1 = MERITS["f1_macro"]
    sure = rare.predicted[:, 1]

    def score(threshold: float) -> float:
        return f1.score(replace(rare, threshold=threshold))

    assert score(choose_threshold(rare, f1)) > max(map(score, sure)) - 0.01


def test_a_threshold_of_ones_own_is_taken_as_it_is() -> None:
    assert fit_postprocessing(ask(decision=0.3), make_rare()).threshold == 0.3
    assert fit_postprocessing(ask(), make_rare()) == Postprocessing()


@pytest.mark.parametrize(
    "decision", [0, 1, 1.5, True, [1], {"missed": 20}, {"missed": 0, "false_alarm": 1}]
)
def test_what_is_no_decision_is_told_in_one_line(decision: object) -> None:
    with pytest.raises(
        ValidationError, match="a metric of decisions such as f1_macro, costs"
    ) as told:
        ask(decision=decision)
    assert told.value.error_count() == 1


def test_a_decision_that_does_not_suit_the_problem_is_told() -> None:
    fruit = CONTRACT["columns"]["fruit"] | {"categories": ["apple", "melon", "plum"]}
    three = Contract.model_validate(CONTRACT | {"columns": CONTRACT["columns"] | {"fruit": fruit}})
    with pytest.raises(
        UserError, match="two classes or those in an order, and fruit has 3 classes"
    ):
        require_fitting_decision(ask(decision=0.3), three)
    weight = Contract.model_validate(CONTRACT | {"target": "weight"})
    with pytest.raises(UserError, match="and weight has numbers; leave the key out"):
        require_fitting_decision(ask(decision=0.3), weight)
    two = Contract.model_validate(CONTRACT)
    with pytest.raises(UserError, match="log_loss judges probabilities, which no threshold"):
        require_fitting_decision(ask(decision="log_loss"), two)
    with pytest.raises(UserError, match=r"train\.decision: no metric 'f1' for classification"):
        require_fitting_decision(ask(decision="f1"), two)
    require_fitting_decision(ask(decision="f1_macro"), two)


def test_a_metric_of_ones_own_can_choose_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OWN_METRICS, "classification", {})

    @metric(kind="classification")
    def melons_called(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:  # noqa: ARG001
        return float(np.mean(y_pred == "melon"))

    threshold = fit_postprocessing(ask(decision="melons_called"), make_rare()).threshold
    assert threshold <= make_rare().predicted[:, 1].min()


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_hold_the_share_that_is_asked_for(coverage: float) -> None:
    """The share holds on average over many draws of the rows that the margins come from."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(400):
        low, high = conformal_margins(rng.exponential(size=39), coverage)
        fresh = rng.exponential(size=200)
        shares.append(np.mean((low <= fresh) & (fresh <= high)))
    assert np.mean(shares) == pytest.approx(coverage, abs=0.015)


def test_margins_follow_the_sign_of_the_residuals() -> None:
    residuals = np.append(np.full(90, -1.0), np.full(9, 10.0))
    assert conformal_margins(residuals, 0.9) == (-1, 10)


def test_too_few_rows_give_no_interval() -> None:
    assert conformal_margins(np.arange(18.0), 0.9) is None
    assert conformal_margins(np.arange(19.0), 0.9) == (0, 18)
    rows = Outcome(np.arange(5.0), np.zeros(5))
    assert fit_postprocessing(make_params(kind="regression"), rows) == Postprocessing()
