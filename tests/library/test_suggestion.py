"""What `use` suggests follows the size of the data and what is to be predicted."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, TEMPLATE
from lockstep.adopting.comments import COMMENTS
from lockstep.adopting.spaces import SPACES, suggest_spaces
from lockstep.adopting.suggestion import suggest
from lockstep.adopting.summary import describe_plan
from lockstep.core.contract import Contract
from lockstep.core.editing import ABSENT
from lockstep.core.params import Params
from lockstep.modeling.candidates import CANDIDATES, make_candidate
from lockstep.modeling.problem import Problem
from owner import models  # noqa: F401 - it registers the candidates
from sklearn.base import BaseEstimator
from sklearn.datasets import make_friedman1
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error

TARGETS: dict[str, dict[str, Any]] = {
    "classes": {"type": "binary", "categories": ["no", "yes"]},
    "numbers": {"type": "numeric"},
    "counts": {"type": "integer"},
}


def suggest_for(target: str, rows: int, least: int = 0) -> tuple[Contract, dict[str, Any]]:
    """The contract of made-up rows with such a target, and the settings for them."""
    rng = np.random.default_rng(0)
    values = {
        "classes": rng.choice(["no", "yes"], rows),
        "numbers": rng.normal(size=rows),
        "counts": np.append(rng.poisson(2, rows - 1), 0) + least,
    }
    table = pd.DataFrame(
        {"age": rng.normal(size=rows), "region": rng.choice(["a", "b"], rows), "y": values[target]}
    )
    columns = {
        "age": {"type": "numeric", "meaning": "age"},
        "region": {"type": "binary", "categories": ["a", "b"], "meaning": "region"},
        "y": {**TARGETS[target], "meaning": "what is predicted"},
    }
    parts = {"title": "rows", "source": "made up", "licence": "none", "target": "y"}
    contract = Contract.model_validate({**parts, "columns": columns})
    return contract, suggest(contract, table)


@pytest.mark.parametrize("rows", [200, 5_000, 50_000])
@pytest.mark.parametrize("target", TARGETS)
def test_every_suggested_candidate_takes_its_options(target: str, rows: int) -> None:
    contract, settings = suggest_for(target, rows)
    for name, options in settings["train.candidates"].items():
        estimator = make_candidate(name, options, Problem(contract.kind, seed=1, codes=(2,)))
        assert isinstance(estimator, BaseEstimator)


def test_more_rows_get_more_trees_and_larger_ones_and_larger_batches() -> None:
    few, some, many = (
        suggest_for("numbers", rows)[1]["train.candidates"] for rows in (200, 5_000, 50_000)
    )
    sizes = [
        one["boosting"]["trees"] * one["boosting"]["max_leaf_nodes"] for one in (few, some, many)
    ]
    assert sizes == sorted({*sizes})
    batches = [one["mlp"]["batch_size"] for one in (few, some, many)]
    assert batches == sorted({*batches})
    assert few["boosting"]["min_samples_leaf"] < 20


def test_probabilities_and_counts_get_smaller_trees_than_numbers() -> None:
    leaves = {
        target: suggest_for(target, 5_000)[1]["train.candidates"]["boosting"]["max_leaf_nodes"]
        for target in TARGETS
    }
    assert leaves["classes"] == leaves["counts"] < leaves["numbers"]


def test_counts_get_few_trees_however_many_rows_there_are_and_forests_of_large_leaves() -> None:
    counts = [suggest_for("counts", rows)[1]["train.candidates"] for rows in (5_000, 50_000)]
    numbers = suggest_for("numbers", 5_000)[1]["train.candidates"]
    assert counts[0]["boosting"] == counts[1]["boosting"]
    assert counts[0]["boosting"]["trees"] < numbers["boosting"]["trees"]
    few = suggest_for("counts", 500)[1]["train.candidates"]
    leaves = [
        one[name]["min_samples_leaf"] for one in (few, *counts) for name in ("tree", "forest")
    ]
    assert min(leaves) >= 20
    assert "svm" not in few  # it takes any number for as likely, also below zero
    assert "min_samples_leaf" not in numbers["forest"]


def test_whole_numbers_from_zero_are_counts() -> None:
    contract, settings = suggest_for("counts", 500)
    assert settings["train.metric"] == "poisson_deviance"
    candidates = settings["train.candidates"]
    assert candidates["linear"]["loss"] == candidates["boosting"]["loss"] == "poisson"
    assert "a regression of counts, from 2 columns" in describe_plan(
        contract, pd.DataFrame(), settings, ()
    )


@pytest.mark.parametrize(("target", "least"), [("counts", 1), ("numbers", 0)])
def test_other_numbers_are_no_counts(target: str, least: int) -> None:
    contract, settings = suggest_for(target, 500, least)
    assert settings["train.metric"] == "rmse"
    assert "loss" not in settings["train.candidates"]["linear"]
    assert "counts" not in describe_plan(contract, pd.DataFrame(), settings, ())


@pytest.mark.matrix
def test_on_some_thousand_rows_boosting_is_better_than_by_scikit_learns_defaults() -> None:
    X, y = make_friedman1(15_000, noise=1.0, random_state=0)
    options = suggest_for("numbers", len(X))[1]["train.candidates"]["boosting"]
    ours, theirs = (
        root_mean_squared_error(y[:4000], estimator.fit(X[4000:], y[4000:]).predict(X[:4000]))
        for estimator in (
            make_candidate("boosting", options, Problem("regression", seed=1)),
            HistGradientBoostingRegressor(random_state=0),
        )
    )
    assert ours < 0.99 * theirs


def test_candidates_that_data_need_bring_what_tune_may_try_of_them() -> None:
    params = Params.model_validate(PARAMS | {"search": {"space": {"tcn": {"filters": [8, 16]}}}})
    spaces = suggest_spaces(["baseline", "autoregression", "tcn"], params)
    assert spaces == {"search.space.autoregression": SPACES["autoregression"]}
    assert suggest_spaces(["baseline"], params) == {}  # the person's own
    params = Params.model_validate(PARAMS | {"search": {"space": {"mlp": SPACES["mlp"]}}})
    spaces = suggest_spaces(["autoregression"], params)
    assert spaces["search.space.mlp"] is ABSENT
    assert suggest_spaces(["autoregression"], Params.model_validate(PARAMS)) == {}


@pytest.mark.parametrize("texts", [["a b", "c d"], ["a b", "a d"], ["", "."]])
def test_texts_without_common_words_get_a_vocabulary_that_params_takes(texts: list[str]) -> None:
    columns = {
        "note": {"type": "text", "meaning": "a note"},
        "y": {"type": "binary", "categories": ["no", "yes"], "meaning": "a verdict"},
    }
    parts = {"title": "notes", "source": "made up", "licence": "none", "target": "y"}
    contract = Contract.model_validate({**parts, "columns": columns})
    table = pd.DataFrame({"note": texts, "y": ["no", "yes"]}, dtype="str")
    tokens = suggest(contract, table)["features.tokens"]
    assert tokens["vocabulary"] == 3
    Params.model_validate(PARAMS | {"features": {"tokens": tokens}})


@pytest.mark.parametrize("name", SPACES)
def test_a_space_that_is_suggested_has_options_that_the_candidate_takes(name: str) -> None:
    assert {*SPACES[name]} <= {*CANDIDATES.options(name)}
    Params.model_validate(PARAMS | {"search": {"space": {name: SPACES[name]}}})


@pytest.mark.parametrize(
    ("rows", "target", "expected"),
    [
        (60, "shape", {"cnn": (32, 60, 1), "resnet": (32, 60, 1), "knn": None}),
        (60, "price", {"cnn": (32, 60, None), "resnet": (32, 60, None), "knn": None}),
        (25_000, "shape", {"cnn": (128, 10, 1)}),
    ],
)
def test_more_images_take_fewer_passes_in_larger_batches_and_no_second_network(
    rows: int, target: str, expected: dict[str, Any]
) -> None:
    columns = {
        "shape": {"type": "binary", "categories": ["box", "disc"], "meaning": "what it is"},
        "price": {"type": "numeric", "meaning": "what it costs"},
    }
    contract = Contract.model_validate(
        {
            **{"title": "t", "source": "s", "licence": "l", "target": target},
            "images": {"width": 8, "height": 8, "names": "photo"},
            "columns": {target: columns[target]},
        }
    )
    values = {"shape": ["box", "disc"] * (rows // 2), "price": np.linspace(-1, 1, rows)}
    candidates = suggest(contract, pd.DataFrame({target: values[target]}))["train.candidates"]
    assert {*candidates} == {"baseline", "linear", "forest", *expected}
    for name, (batch, epochs, shift) in ((n, e) for n, e in expected.items() if e):
        options = candidates[name]
        assert (options["batch_size"], options["max_epochs"]) == (batch, epochs)
        assert options.get("shift") == shift
        make_candidate(name, options, Problem(contract.kind, seed=1, image=(8, 8, 1)))


def test_a_setting_that_use_adds_is_commented_as_in_the_projects_of_such_samples() -> None:
    lines = (TEMPLATE / "params.yaml").read_text(encoding="utf-8").splitlines()
    told = " ".join(line.strip().removeprefix("# ") for line in lines)
    assert [key for key, comment in COMMENTS.items() if comment not in told] == []
