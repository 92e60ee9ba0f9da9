"""Classes in an order are learnt, judged and shown by it."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, STARTERS, StubPipeline
from lockstep.adopting.starters import find_missing_starters
from lockstep.adopting.suggestion import suggest
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.params import Params
from lockstep.core.project import Project
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.metrics import find_metric, run_metrics
from lockstep.modeling.model import Model
from lockstep.modeling.ordinal import OrdinalRegression
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import (
    Postprocessing,
    fit_postprocessing,
    require_fitting_decision,
)
from lockstep.modeling.problem import Problem
from lockstep.reporting.ordered import calibrate_ranks, count_rank_errors
from lockstep.reporting.ordered_facts import describe_rank_errors, describe_threshold
from owner import models  # noqa: F401 - it registers the candidates
from sklearn import metrics as sk
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

LEVELS = ("poor", "fair", "good", "excellent")
THRESHOLDS = [-1.0, 0.5, 2.0]
rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 3))
PLACES = np.digitize(X @ [1.0, 0.5, 0.0] + rng.logistic(size=4000), THRESHOLDS)
Y = np.array(LEVELS)[PLACES]


def make_contract(type_: str = "ordered") -> Contract:
    columns = {
        "size": {"type": "numeric", "meaning": "m"},
        "mark": {"type": type_, "categories": [*LEVELS], "meaning": "m"},
    }
    words = {"title": "t", "source": "s", "licence": "l", "target": "mark"}
    return Contract.model_validate(words | {"columns": columns})


def some_params(**train: object) -> Params:
    settings = {**PARAMS["train"], **train}
    return Params.model_validate(PARAMS | {"kind": "classification", "train": settings})


def make_outcome(rows: int = 400) -> Outcome:
    chances = rng.dirichlet(np.ones(4), rows)
    return Outcome(rng.integers(0, 4, rows), chances, LEVELS)


def score(name: str, outcome: Outcome) -> float:
    return find_metric("classification", name, "key").score(outcome)


def test_ordinal_regression_finds_the_odds_that_classes_were_drawn_by() -> None:
    model = OrdinalRegression(1e-6, LEVELS).fit(X, Y)
    assert model.classes_.tolist() == [*LEVELS]
    assert model.coef_ == pytest.approx([1.0, 0.5, 0.0], abs=0.1)
    assert model.thresholds_ == pytest.approx(THRESHOLDS, abs=0.15)
    chances = model.predict_proba(X)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances.min() >= 0
    assert chances.mean(axis=0) == pytest.approx(np.bincount(PLACES) / len(PLACES), abs=0.01)


def test_of_two_classes_it_is_logistic_regression() -> None:
    y = np.where(PLACES > 1, "yes", "no")
    ours, theirs = OrdinalRegression(2.0).fit(X, y), LogisticRegression(C=1 / 2, tol=1e-8).fit(X, y)
    assert ours.coef_ == pytest.approx(theirs.coef_[0], abs=1e-3)
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=1e-3)


def test_scikit_learn_finds_nothing_amiss_with_ordinal_regression() -> None:
    checks = check_estimator(OrdinalRegression(), on_skip=None, on_fail=None)
    assert [check["check_name"] for check in checks if check["status"] == "failed"] == []


def test_what_cannot_be_ordered_is_refused_in_a_line() -> None:
    with pytest.raises(ValueError, match="one class only, 'poor'"):
        OrdinalRegression(1.0, LEVELS).fit(X[:9], ["poor"] * 9)
    with pytest.raises(ValueError, match="'awful' is not in the order poor, fair"):
        OrdinalRegression(1.0, LEVELS).fit(X[:2], ["poor", "awful"])
    with pytest.raises(UserError, match="ordinal: it is for classes in an order, which a target"):
        make_candidate("ordinal", {}, Problem("classification", seed=1))


def test_a_level_that_never_comes_is_learnt_around() -> None:
    is_seen = Y != "good"
    model = OrdinalRegression(1.0, LEVELS).fit(X[is_seen], Y[is_seen])
    assert model.classes_.tolist() == ["poor", "fair", "excellent"]


@pytest.mark.matrix
def test_a_network_of_ordered_classes_gives_chances_of_each_and_is_cloned_with_the_order() -> None:
    problem = Problem("classification", seed=1, order=LEVELS)
    options = {"hidden_units": [4], "max_epochs": 8, "batch_size": 128}
    network = make_candidate("mlp", options, problem)
    assert clone(network).order == LEVELS
    network.fit(X[:1500], Y[:1500])
    assert network.classes_.tolist() == [*LEVELS]
    chances = network.predict_proba(X[1500:])
    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances.min() >= 0
    assert network.score(X[1500:], Y[1500:]) > 0.4


def test_the_kappa_is_that_of_scikit_learn() -> None:
    outcome = make_outcome()
    expected = sk.cohen_kappa_score(outcome.actual, outcome.decisions, weights="quadratic")
    assert score("quadratic_kappa", outcome) == pytest.approx(expected)
    assert np.isnan(score("quadratic_kappa", Outcome(np.zeros(3, int), np.eye(4)[[0] * 3], LEVELS)))
    always = Outcome(outcome.actual, np.tile(np.eye(4)[2], (len(outcome), 1)), LEVELS)
    assert f"{score('quadratic_kappa', always):.4f}" == "0.0000"


def test_a_miss_is_the_worse_the_further_it_is_off() -> None:
    outcomes = [Outcome(np.zeros(1, int), np.eye(4)[[place]], LEVELS) for place in range(4)]
    scores = [score("rank_probability_score", outcome) for outcome in outcomes]
    assert scores == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [score("mean_rank_error", outcome) for outcome in outcomes] == [0, 1, 2, 3]


def test_of_two_classes_the_score_is_that_of_brier() -> None:
    chance = rng.random(50)
    outcome = Outcome(rng.integers(0, 2, 50), np.column_stack([1 - chance, chance]), ("no", "yes"))
    expected = sk.brier_score_loss(outcome.actual, chance)
    assert score("rank_probability_score", outcome) == pytest.approx(expected)


CHANCES = [[0.4, 0.2, 0.3, 0.1], [0.1, 0.3, 0.2, 0.4]]


@pytest.mark.parametrize(
    ("threshold", "expected"), [(None, [0, 3]), (0.5, [1, 2]), (0.95, [0, 0]), (0.05, [3, 3])]
)
def test_the_highest_class_is_predicted_that_is_reached_with_such_a_chance(
    threshold: float | None, expected: list[int]
) -> None:
    pipeline = StubPipeline(
        classes_=np.array(LEVELS, dtype=object), predict_proba=lambda _: np.array(CHANCES)
    )
    learnt = Postprocessing(threshold=threshold)
    model = Model(pipeline, "", "classification", make_contract(), learnt)
    rows = pd.DataFrame({"size": [1.0, 2.0], "mark": [*LEVELS[:2]]})
    assert model.apply(rows)["prediction"].tolist() == [LEVELS[place] for place in expected]
    outcome = model.try_on(rows)
    assert outcome.decisions.tolist() == expected
    probabilities, is_right = outcome.claims
    assert probabilities.tolist() == [CHANCES[row][place] for row, place in enumerate(expected)]
    assert is_right.tolist() == [expected[0] == 0, expected[1] == 1]


def test_the_median_is_off_by_fewer_classes_and_less_often_right() -> None:
    chances = rng.dirichlet([0.6, 0.4, 0.4, 0.6], 4000)
    actual = (chances.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    usual = Outcome(actual, chances, LEVELS)
    median = replace(usual, threshold=0.5)
    assert score("mean_rank_error", median) < score("mean_rank_error", usual) - 0.02
    assert score("accuracy", median) < score("accuracy", usual)
    chosen = fit_postprocessing(some_params(decision="mean_rank_error"), usual)
    assert chosen.threshold == pytest.approx(0.5, abs=0.05)


def test_costs_move_decisions_to_the_side_that_is_cheaper() -> None:
    outcome = make_outcome()
    high, low = (
        replace(
            outcome, threshold=fit_postprocessing(some_params(decision=costs), outcome).threshold
        )
        for costs in ({"missed": 9, "false_alarm": 1}, {"missed": 1, "false_alarm": 9})
    )
    assert high.decisions.mean() > outcome.decisions.mean() > low.decisions.mean()


def test_a_decision_is_taken_of_classes_that_have_an_order() -> None:
    for decision in (0.5, "mean_rank_error", {"missed": 9, "false_alarm": 1}):
        require_fitting_decision(some_params(decision=decision), make_contract())
    with pytest.raises(UserError, match="or those in an order, and mark has 4 classes"):
        require_fitting_decision(some_params(decision=0.5), make_contract("categorical"))


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (0.5, "a probability of 0.5 or more (the median), as params.yaml says."),
        ("quadratic_kappa", "or more, because quadratic_kappa is best so on the validation rows."),
        ({"missed": 9, "false_alarm": 1}, "where each class too low costs 9 and each too high 1."),
    ],
)
def test_which_class_is_predicted_is_told(decision: object, expected: str) -> None:
    threshold = decision if isinstance(decision, float) else 0.3
    (line,) = describe_threshold(Postprocessing(decision=decision, threshold=threshold))
    assert line.endswith(expected)
    assert describe_threshold(Postprocessing()) == []


def test_the_score_brings_its_companions() -> None:
    params = some_params(metric="rank_probability_score")
    names = [metric.name for metric in run_metrics(params)]
    assert names[-3:] == ["rank_probability_score", "quadratic_kappa", "mean_rank_error"]


def test_tables_tell_how_far_predictions_are_off() -> None:
    outcome = make_outcome()
    errors = count_rank_errors(outcome)
    assert errors["rows"].sum() == len(outcome)
    table = calibrate_ranks(outcome)
    assert table.groupby("class")["rows"].sum().to_dict() == dict.fromkeys(LEVELS[:3], 400)
    assert describe_rank_errors({"0": 6, "1": 2, "2": 1, "3": 1}) == (
        "60.0% of the test rows are predicted right, 20.0% are off by one class, 10.0% by two and "
        "10.0% by more."
    )
    assert describe_rank_errors({"0": 3, "1": 1}) == (
        "75.0% of the test rows are predicted right, 25.0% are off by one class, none by more."
    )


@pytest.mark.parametrize(
    ("kind", "cells"), [("tables", [1.0, 2.0, 3.0, 4.0]), ("texts", ["a b", "a c", "a", "b"])]
)
def test_ordered_classes_bring_the_candidate_that_heeds_their_order(
    project: Project, kind: str, cells: list[object]
) -> None:
    columns = {
        "said": {"type": "text" if kind == "texts" else "numeric", "meaning": "what was said"},
        "mark": {"type": "ordered", "categories": [*LEVELS], "meaning": "how good it was"},
    }
    about = {"title": "t", "source": "s", "licence": "l", "target": "mark", "columns": columns}
    contract = Contract.model_validate(about)
    settings = suggest(contract, pd.DataFrame({"said": cells, "mark": LEVELS}))
    assert settings["train.candidates"]["ordinal"] == {"alpha": 1.0}
    assert settings["train.decision"] == 0.5
    shutil.copytree(STARTERS, project.root / "vendor/lockstep/starters")
    folder = project.root / "src/owner/models"
    folder.mkdir(parents=True)
    (folder / f"{kind}.py").write_text("# mine\n")
    text = (STARTERS / "ordered.py").read_text(encoding="utf-8")
    assert find_missing_starters(project, contract) == {folder / "ordered.py": text}
    columns["mark"]["type"] = "categorical"
    assert find_missing_starters(project, Contract.model_validate(about)) == {}
