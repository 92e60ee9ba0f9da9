"""The candidates, as params.yaml calls them, are scikit-learn estimators."""

import importlib
from typing import Any, Unpack

import numpy as np
import pytest
from conftest import POOL, run_stage, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling.candidates import CANDIDATES, candidate, make_candidate
from lockstep.modeling.keras import keras
from lockstep.modeling.model import Model
from lockstep.modeling.networks import Training
from lockstep.modeling.problem import Problem
from owner import models  # noqa: F401 - it registers the candidates
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

KINDS = ("classification", "regression")
X = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
TARGETS = {
    "classification": np.where(X[:, 0] + X[:, 1] > 0, "up", "down").astype(object),
    "regression": 100 + 50 * X[:, 0] - 20 * X[:, 2],
}
SHORT = {name: {"max_epochs": 12} for name in ("mlp", "wide_and_deep", "cnn")}
# Every candidate for each kind of problem; a convolution learns classes here.
CASES = [
    *((name, kind) for name in POOL for kind in KINDS if name != "cnn"),
    ("cnn", "classification"),
]


def make_problem(name: str, kind: str) -> Problem:
    return Problem(kind, seed=1, image=(2, 2, 1) if name == "cnn" else None)


def make(name: str, kind: str, **options: object) -> BaseEstimator:
    tiny = {"filters": [8], "padding": "same", "batch_size": 8, "learning_rate": 0.01}
    tiny = tiny if name == "cnn" else {}
    return make_candidate(name, SHORT.get(name, {}) | tiny | options, make_problem(name, kind))


def test_the_pool_has_a_candidate_of_every_family() -> None:
    assert {*POOL} <= {*CANDIDATES}


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_candidate_is_a_classifier_or_a_regressor_as_the_problem_asks(
    name: str, kind: str
) -> None:
    assert (is_classifier if kind == "classification" else is_regressor)(make(name, kind))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_clone_has_the_same_parameters(name: str, kind: str) -> None:
    estimator = make(name, kind)
    assert repr(clone(estimator).get_params()) == repr(estimator.get_params())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(
            *case, marks=[pytest.mark.matrix] if case[0] in ("cnn", "wide_and_deep") else []
        )
        for case in CASES
    ],
)
def test_a_candidate_can_be_cross_validated_and_learns(name: str, kind: str) -> None:
    scores = cross_validate(make(name, kind), X, TARGETS[kind], cv=3)["test_score"]
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
    ("knn", "regression"): dict.fromkeys(WEIGHTS, "so many rows are near, whatever they weigh"),
    ("svm", "regression"): {WEIGHTS[0]: "gamma follows the spread of rows, whatever they weigh"},
    ("svm", "classification"): DRAWN
    | {"check_supervised_y_2d": "the calibration takes one target, as the pipeline gives"},
    ("tree", "classification"): LEAVES,
    ("tree", "regression"): LEAVES,
    ("mlp", "regression"): {WEIGHTS[0]: "batches and watched rows are drawn, whatever they weigh"},
    ("forest", "classification"): DRAWN,
    ("forest", "regression"): DRAWN,
}
COSTLY = ("mlp", "boosting", "svm", "forest")
"""Those of them whose checks take long."""
SMALL = {"knn": {"neighbours": 5}, "forest": {"trees": 10}}
SMALL |= {"mlp": {"max_epochs": 5}}


# Not the convolutional network: the checks feed tables of any width, and its rows are images of one
# size. Nor the wide and deep one: it is of the same classes as the perceptron, built by another
# function. Skipped by scikit-learn itself is check_array_api_input, for arrays other than numpy's.
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(*case, marks=[pytest.mark.matrix] if case[0] in COSTLY else [])
        for case in CASES
        if case[0] not in ("cnn", "wide_and_deep", "baseline")
    ],
)
def test_scikit_learn_finds_nothing_amiss(name: str, kind: str) -> None:
    estimator = make_candidate(name, SMALL.get(name, {}), make_problem(name, kind))
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
    "linear": "C",
    "knn": "n_neighbors",
    "tree": "max_depth",
    "forest": "n_estimators",
    "boosting": "max_iter",
    "wide_and_deep": "patience",
}
OPTIONS = {
    "mlp": [{"hidden_units": (units,), "dropout": 0.0} for units in (32, 3)],
    "cnn": [
        make("cnn", "classification", filters=(count,)).get_params()["options"] for count in (8, 3)
    ],
}


@pytest.mark.parametrize(
    ("name", "parameter", "values"),
    [
        *((name, parameter, [2, 3]) for name, parameter in GRIDS.items()),
        *(
            pytest.param(name, "options", values, marks=pytest.mark.matrix)
            for name, values in OPTIONS.items()
        ),
    ],
)
def test_a_candidate_can_be_searched_over(name: str, parameter: str, values: list) -> None:
    grid = GridSearchCV(make(name, "classification"), {parameter: values}, cv=2)
    grid.fit(X, TARGETS["classification"])
    assert grid.best_estimator_.get_params()[parameter] in values
    assert len(grid.predict(X)) == len(X)


@pytest.mark.parametrize("name", [name for name in POOL if name not in ("baseline", "knn")])
def test_balanced_classes_find_more_of_the_rare_one(name: str) -> None:
    rng = np.random.default_rng(3)
    y = np.where(X[:, 0] + rng.normal(0, 1.5, 90) > 1.6, "rare", "common").astype(object)
    found = [
        make(name, "classification", class_weight=weight).fit(X, y).predict_proba(X)[:, 1].mean()
        for weight in (None, "balanced")
    ]
    if name == "svm":
        # Its probabilities are calibrated to the shares of the classes; what it weighs is inside.
        assert make(name, "classification", class_weight="balanced").estimator.class_weight
    else:
        assert found[1] > found[0]


@pytest.mark.usefixtures("own_candidates")
def test_a_new_candidate_is_one_function() -> None:
    @candidate
    def stump(problem: Problem, *, depth: int = 3) -> BaseEstimator:
        assert problem.classifies
        return DecisionTreeClassifier(max_depth=depth, random_state=problem.seed)

    estimator = make_candidate("stump", {"depth": 2}, make_problem("stump", "classification"))
    assert estimator.max_depth == 2


def leaky(columns: int, outputs: int, activation: str, *, units: int, slope: float) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((columns,)),
            layers.Dense(units),
            layers.LeakyReLU(slope),
            layers.Dense(outputs, activation=activation),
        ]
    )


@pytest.mark.usefixtures("own_candidates")
@pytest.mark.matrix
def test_a_new_option_of_a_network_is_a_keyword_of_both_its_functions(project: Project) -> None:
    @candidate
    def leaky_mlp(
        problem: Problem, *, units: int = 8, slope: float = 0.1, **training: Unpack[Training]
    ) -> BaseEstimator:
        return problem.network(leaky, training, units=units, slope=slope)

    options = {"slope": 0.25, "max_epochs": 20}
    settings = {"metric": "accuracy", "holdout": 0.5, "training_sizes": []}
    write_params(project, train=settings | {"candidates": {"baseline": {}, "leaky_mlp": options}})
    for stage in ("ingest", "preprocess", "train"):
        run_stage(stage)
    champion = Model.load(project.champion, "models/champion")
    assert champion.candidate == "leaky_mlp"
    network = champion.pipeline[-1]
    assert (network.max_epochs, network.options) == (20, {"units": 8, "slope": 0.25})
    assert network.network_.layers[1].negative_slope == 0.25
    with pytest.raises(UserError, match=r"leaky_mlp\.slop: unknown option; did you mean slope\?"):
        make_candidate("leaky_mlp", {"slop": 1}, make_problem("leaky_mlp", "classification"))


def test_an_unknown_option_of_a_network_lists_how_it_is_trained_too() -> None:
    with pytest.raises(UserError) as error:
        make_candidate("mlp", {"learning_rat": 0.1}, make_problem("mlp", "classification"))
    assert str(error.value) == (
        "params.yaml: train.candidates.mlp.learning_rat: unknown option; did you mean "
        "learning_rate? allowed: hidden_units, dropout, learning_rate, schedule, batch_size, "
        "max_epochs, patience, validation_fraction, class_weight, loss, power"
    )


@pytest.mark.usefixtures("own_candidates")
def test_a_candidate_whose_library_is_missing_names_the_command_that_installs_it() -> None:
    @candidate
    def elsewhere(problem: Problem) -> BaseEstimator:
        return importlib.import_module("a_library_from_elsewhere").Model(problem.seed)

    with pytest.raises(UserError, match="elsewhere: it needs a_library_from_elsewhere, which is"):
        make_candidate("elsewhere", {}, make_problem("elsewhere", "classification"))


@pytest.mark.parametrize(
    ("name", "options", "parameter", "value"),
    [
        ("linear", {"alpha": 4}, "alpha", 4),
        ("knn", {"neighbours": 3}, "n_neighbors", 3),
        ("svm", {"kernel": "poly"}, "regressor__kernel", "poly"),
        ("forest", {"trees": 7}, "n_estimators", 7),
        ("linear", {"alpha": 4, "loss": "poisson"}, "max_iter", 1000),
        ("boosting", {"l2": 0.5}, "l2_regularization", 0.5),
        ("boosting", {"loss": "poisson"}, "loss", "poisson"),
        ("mlp", {"hidden_units": [3, 2]}, "options", {"hidden_units": (3, 2), "dropout": 0.0}),
        ("mlp", {"schedule": "cosine"}, "schedule", "cosine"),
    ],
)
def test_options_reach_the_estimator(
    name: str, options: dict, parameter: str, value: object
) -> None:
    estimator = make_candidate(name, options, Problem("regression", seed=1))
    assert estimator.get_params()[parameter] == value


@pytest.mark.parametrize("name", ["linear", "boosting"])
def test_counts_are_predicted_by_rates_above_zero(name: str) -> None:
    counts = np.random.default_rng(1).poisson(np.exp(X[:, 0] - 1))
    estimator = make(name, "regression", loss="poisson").fit(X, counts)
    assert estimator.predict(X * 3).min() > 0
    assert is_classifier(make(name, "classification", loss="poisson"))


def test_boosting_splits_sets_of_categories() -> None:
    codes = np.random.default_rng(1).integers(-1, 300, size=(400, 2)) % [8, 300]
    numbers = np.isin(codes[:, 0], (1, 4, 6)).astype("float64")
    problem = Problem("regression", seed=1, codes=(8, 300))
    options = {"trees": 100, "max_leaf_nodes": 2, "max_features": 1}
    estimator = make_candidate("boosting", options, problem)
    assert estimator.fit(codes, numbers).score(codes, numbers) > 0.95
    # Above the library's 255 bins they are taken for numbers.
    assert estimator.is_categorical_.tolist() == [True, False]


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
        ("cnn", {}, "train.candidates.cnn: it learns from images, and the contract"),
        ("tcn", {}, "train.candidates.tcn: it forecasts series; `kind` is classification"),
    ],
)
def test_a_mistake_in_params_is_told_in_one_line(name: str, options: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        make_candidate(name, options, Problem("classification", seed=1))
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
        make_candidate(name, options, Problem("classification", seed=1))
    assert str(error.value) == f"params.yaml: train.candidates.{expected}"


def test_an_image_too_small_for_its_convolutions_is_told() -> None:
    small = Problem("classification", seed=1, image=(8, 8, 1))
    with pytest.raises(UserError, match="nothing is left of 8x8 pixels after 2 convolutions"):
        make_candidate("cnn", {}, small)
    assert make_candidate("cnn", {"padding": "same"}, small).options["image"] == (8, 8, 1)


def test_tables_candidates_that_embed_columns_refuse_images() -> None:
    with pytest.raises(UserError, match="wide_and_deep: it is for tables"):
        make_candidate("wide_and_deep", {}, Problem("classification", seed=1, image=(8, 8, 1)))


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("lof", "classification", "lof: it looks for anomalies; this is kind: classification"),
        ("kmeans", "regression", "kmeans: it looks for clusters; this is kind: regression"),
        ("linear", "anomalies", "linear: it predicts a target; this is kind: anomalies"),
        ("linear", "clustering", "linear: it predicts a target; this is kind: clustering"),
        ("ecod", "clustering", "ecod: it looks for anomalies; this is kind: clustering"),
    ],
)
def test_a_candidate_of_another_kind_is_refused(name: str, kind: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        make_candidate(name, {}, Problem(kind, 0))
