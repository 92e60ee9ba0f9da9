"""Every candidate learns, predicts, and is loaded as it was saved."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lockstep import (
    CANDIDATES,
    Contract,
    Model,
    Params,
    Problem,
    keras,
    make_candidate,
    make_features,
    make_problem,
)
from sklearn.pipeline import make_pipeline

from package_name import features, models  # noqa: F401 - the recipe names the steps in it

NETWORKS = {name: {"max_epochs": 2} for name in ("mlp", "wide_and_deep")}
OTHERS = ("baseline", "linear", "knn", "svm", "tree", "forest", "boosting")
TABLES = [name for name in (*OTHERS, *NETWORKS) if name in CANDIDATES]


def fit(name: str, fruit: pd.DataFrame, contract: Contract, params: Params) -> Model:
    problem = make_problem(params, contract)
    estimator = make_candidate(name, NETWORKS.get(name, {}), problem)
    pipeline = make_pipeline(make_features(name, params, contract), estimator)
    fitted = pipeline.fit(fruit[contract.features], fruit[contract.target].to_numpy())
    return Model(fitted, name, params.kind, contract)


@pytest.mark.parametrize("name", TABLES)
def test_a_candidate_predicts_probabilities_and_is_loaded_as_it_was(
    tmp_path: Path, fruit: pd.DataFrame, contract: Contract, params: Params, name: str
) -> None:
    model = fit(name, fruit, contract, params)
    predictions = model.predict(fruit)
    probabilities = predictions[["probability_apple", "probability_melon"]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert set(predictions["prediction"]) <= {"apple", "melon"}
    model.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model", "model")
    pd.testing.assert_frame_equal(loaded.predict(fruit), predictions)


@pytest.mark.parametrize("name", TABLES)
def test_a_candidate_predicts_numbers(
    fruit: pd.DataFrame, contract: Contract, params: Params, name: str
) -> None:
    content = contract.model_dump(exclude_none=True) | {"target": "weight"}
    contract = Contract.model_validate(content)
    params = params.model_copy(update={"kind": "regression"})
    predictions = fit(name, fruit, contract, params).predict(fruit)["prediction"]
    assert np.isfinite(predictions).all()
    assert predictions.between(-1000, 1000).all()


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("baseline", *NETWORKS)])
def test_a_candidate_is_better_than_the_baseline(
    fruit: pd.DataFrame, contract: Contract, params: Params, name: str
) -> None:
    of_baseline, of_candidate = (
        (fit(each, fruit, contract, params).predict(fruit)["prediction"] == fruit["fruit"]).mean()
        for each in ("baseline", name)
    )
    assert of_candidate > of_baseline


@pytest.mark.skipif("cnn" not in CANDIDATES, reason="this project has no cnn any more")
def test_the_convolutional_network_takes_images_and_gives_a_probability_for_each_class() -> None:
    options = {"filters": [4], "padding": "same", "shift": 1, "max_epochs": 1}
    cnn = make_candidate("cnn", options, Problem("classification", 1, image=(8, 8, 1)))
    X = np.random.default_rng(0).random((40, 64), dtype="float32")
    probabilities = cnn.fit(X, np.array(["a", "b", "c", "d"] * 10)).predict_proba(X)
    assert probabilities.shape == (40, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert "RandomShift" in {type(layer).__name__ for layer in cnn.network_.layers}
    assert isinstance(cnn.network_, keras.Model)
