"""The candidates, as params.yaml calls them, are scikit-learn estimators."""

import importlib

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from lockstep.core.errors import UserError
from lockstep.modeling import candidates as estimators
from lockstep.modeling.candidates import CANDIDATES, Problem, build
from lockstep.modeling.registry import Registry

KINDS = ("classification", "regression")
X = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
TARGETS = {
    "classification": np.where(X[:, 0] + X[:, 1] > 0, "up", "down").astype(object),
    "regression": 100 + 50 * X[:, 0] - 20 * X[:, 2],
}
SHORT = {name: {"max_epochs": 12} for name in ("mlp", "wide_and_deep", "cnn")}
# Every candidate for each kind of problem; a convolution tells classes of images apart only.
CASES = [
    *((name, kind) for name in CANDIDATES for kind in KINDS if name != "cnn"),
    ("cnn", "classification"),
]


def problem(name: str, kind: str) -> Problem:
    return Problem(kind, seed=1, image=(2, 2, 1) if name == "cnn" else None)


def made(name: str, kind: str, **options: object) -> BaseEstimator:
    tiny = {"filters": [8], "padding": "same", "batch_size": 8, "learning_rate": 0.01}
    tiny = tiny if name == "cnn" else {}
    return build(name, SHORT.get(name, {}) | tiny | options, problem(name, kind))


def test_the_pool_has_a_candidate_of_every_family() -> None:
    assert list(CANDIDATES) == [
        *("baseline", "linear", "knn", "svm", "tree", "forest", "boosting"),
        *("mlp", "wide_and_deep", "cnn"),
    ]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_candidate_is_a_classifier_or_a_regressor_as_the_problem_asks(
    name: str, kind: str
) -> None:
    assert (is_classifier if kind == "classification" else is_regressor)(made(name, kind))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_clone_has_the_same_parameters(name: str, kind: str) -> None:
    estimator = made(name, kind)
    assert repr(clone(estimator).get_params()) == repr(estimator.get_params())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_candidate_can_be_cross_validated_and_learns(name: str, kind: str) -> None:
    scores = cross_validate(made(name, kind), X, TARGETS[kind], cv=3)["test_score"]
    least = {"baseline": -1, "tree": 0.5, "knn": 0.5}.get(name, 0.6)
    assert scores.mean() > least


WEIGHTS = ("check_sample_weight_equivalence_on_dense_data",)
WEIGHTS += ("check_sample_weight_equivalence_on_sparse_data",)
# What does not apply of scikit-learn's own checks, and why.
LEAVES = dict.fromkeys(WEIGHTS, "a leaf needs some number of rows, whatever they weigh")
DRAWN = dict.fromkeys(WEIGHTS, "rows are drawn, for a tree or a fold, whatever they weigh")
NOT_APPLICABLE = {
    ("linear", "regression"): {
        "check_non_transformer_estimators_n_iter": "ridge is solved without iterations"
    },
    ("svm", "classification"): DRAWN
    | {"check_supervised_y_2d": "the calibration takes one target, as the pipeline gives"},
    ("tree", "classification"): LEAVES,
    ("tree", "regression"): LEAVES,
    ("forest", "classification"): DRAWN,
    ("forest", "regression"): DRAWN,
}
SMALL = {"knn": {"neighbours": 5}, "forest": {"trees": 10}}


# Networks are checked in test_networks.py.
@pytest.mark.parametrize(
    ("name", "kind"), [case for case in CASES if case[0] not in (*SHORT, "baseline")]
)
def test_scikit_learn_finds_nothing_amiss(name: str, kind: str) -> None:
    estimator = build(name, SMALL.get(name, {}), problem(name, kind))
    checks = check_estimator(
        estimator,
        expected_failed_checks=NOT_APPLICABLE.get((name, kind), {}),
        on_skip=None,
        on_fail=None,
    )
    assert len(checks) > 40
    assert [check["check_name"] for check in checks if check["status"] == "failed"] == []
    expected = {check["check_name"] for check in checks if check["status"] == "xfail"}
    assert expected == {*NOT_APPLICABLE.get((name, kind), {})}


GRIDS = {
    "linear": ("alpha", "C"),
    "knn": ("neighbours", "n_neighbors"),
    "tree": ("max_depth", "max_depth"),
    "forest": ("trees", "n_estimators"),
    "boosting": ("trees", "max_iter"),
    "mlp": ("hidden_units", "hidden_units"),
    "wide_and_deep": ("embedding", "embedding"),
    "cnn": ("filters", "filters"),
}


@pytest.mark.parametrize(("name", "parameter"), [(name, grid[1]) for name, grid in GRIDS.items()])
def test_a_candidate_can_be_searched_over(name: str, parameter: str) -> None:
    values = [(2,), (3,)] if parameter in ("hidden_units", "filters") else [2, 3]
    grid = GridSearchCV(made(name, "classification"), {parameter: values}, cv=2)
    grid.fit(X, TARGETS["classification"])
    assert grid.best_estimator_.get_params()[parameter] in values
    assert len(grid.predict(X)) == len(X)


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name not in ("baseline", "knn")])
def test_balanced_classes_find_more_of_the_rare_one(name: str) -> None:
    rng = np.random.default_rng(3)
    y = np.where(X[:, 0] + rng.normal(0, 1.5, 90) > 1.6, "rare", "common").astype(object)
    found = [
        made(name, "classification", class_weight=weight).fit(X, y).predict_proba(X)[:, 1].mean()
        for weight in (None, "balanced")
    ]
    if name == "svm":
        # Its probabilities are calibrated to the shares of the classes; what it weighs is inside.
        assert made(name, "classification", class_weight="balanced").estimator.class_weight
    else:
        assert found[1] > found[0]


def test_a_new_candidate_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "CANDIDATES", Registry("candidate"))

    @estimators.candidate
    def stump(problem: Problem, *, depth: int = 3) -> BaseEstimator:
        assert problem.classifies
        return DecisionTreeClassifier(max_depth=depth, random_state=problem.seed)

    assert build("stump", {"depth": 2}, problem("stump", "classification")).max_depth == 2


def test_a_candidate_whose_library_is_missing_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(estimators, "CANDIDATES", Registry("candidate"))

    @estimators.candidate
    def elsewhere(problem: Problem) -> BaseEstimator:
        return importlib.import_module("a_library_from_elsewhere").Model(problem.seed)

    with pytest.raises(UserError, match="elsewhere: it needs a_library_from_elsewhere, which is"):
        build("elsewhere", {}, problem("elsewhere", "classification"))


@pytest.mark.parametrize(
    ("name", "options", "parameter", "value"),
    [
        ("linear", {"alpha": 4}, "alpha", 4),
        ("knn", {"neighbours": 3}, "n_neighbors", 3),
        ("svm", {"kernel": "poly"}, "regressor__kernel", "poly"),
        ("forest", {"trees": 7}, "n_estimators", 7),
        ("boosting", {"l2": 0.5}, "l2_regularization", 0.5),
        ("mlp", {"hidden_units": [3, 2]}, "hidden_units", (3, 2)),
        ("mlp", {"schedule": "cosine"}, "schedule", "cosine"),
    ],
)
def test_options_reach_the_estimator(
    name: str, options: dict, parameter: str, value: object
) -> None:
    estimator = build(name, options, Problem("regression", seed=1))
    assert estimator.get_params()[parameter] == value


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("lineer", {}, "train.candidates.lineer: unknown candidate; did you mean linear?"),
        (
            "linear",
            {"alfa": 1},
            "train.candidates.linear.alfa: unknown option; did you mean alpha?",
        ),
        (
            "linear",
            {"alpha": -1},
            "train.candidates.linear.alpha: found -1, which should be greater",
        ),
        (
            "baseline",
            {"alpha": 1},
            "train.candidates.baseline.alpha: unknown option; allowed: none",
        ),
        (
            "mlp",
            {"dropout": 1},
            "train.candidates.mlp.dropout: found 1, which should be less than 1",
        ),
        ("mlp", {"schedule": "linear"}, "train.candidates.mlp.schedule: found 'linear'"),
        ("tree", {"class_weight": "even"}, "train.candidates.tree.class_weight: found 'even'"),
        ("cnn", {}, "train.candidates.cnn: it tells classes of images apart; this is a class"),
    ],
)
def test_a_mistake_in_params_is_told_in_one_line(name: str, options: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        build(name, options, Problem("classification", seed=1))
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("mlp", {"hidden_units": 32}, "mlp.hidden_units: found 32, which should be a list"),
        (
            "svm",
            {"gamma": "auto"},
            "svm.gamma: found 'auto', which should be a valid number, unable to parse string as a "
            "number, or 'scale'",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_one_mistake(name: str, options: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        build(name, options, Problem("classification", seed=1))
    assert str(error.value) == f"params.yaml: train.candidates.{expected}"


def test_an_image_too_small_for_its_convolutions_is_told() -> None:
    small = Problem("classification", seed=1, image=(8, 8, 1))
    with pytest.raises(UserError, match="nothing is left of 8x8 pixels after 2 convolutions"):
        build("cnn", {}, small)
    assert build("cnn", {"padding": "same"}, small).image == (8, 8, 1)


def test_tables_candidates_that_embed_columns_refuse_images() -> None:
    with pytest.raises(UserError, match="wide_and_deep: it is for tables"):
        build("wide_and_deep", {}, Problem("classification", seed=1, image=(8, 8, 1)))
