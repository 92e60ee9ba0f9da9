"""A prediction is the same bits whatever rows stand beside its own."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from conftest import POOL
from lockstep.modeling.blocks import SIZE, predict_in_blocks
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.problem import Problem
from owner import models  # noqa: F401 - it registers the candidates
from sklearn.linear_model import LogisticRegression
from test_features import FRUIT, ROWS, transformer

RNG = np.random.default_rng(0)
COLUMNS = 36
X = RNG.normal(size=(2 * SIZE + 90, COLUMNS))
VALUES = X[:, 0] - 2 * X[:, 5] + RNG.normal(size=len(X))
TARGETS = {"classification": np.digitize(VALUES, [-1, 1]).astype(str), "regression": VALUES}
NETWORKS = ("mlp", "wide_and_deep", "cnn")
CASES = [
    *((name, kind) for name in POOL for kind in TARGETS if name not in ("cnn", "wide_and_deep")),
    pytest.param("cnn", "classification", marks=pytest.mark.matrix),
    *(pytest.param("wide_and_deep", kind, marks=pytest.mark.matrix) for kind in TARGETS),
]


def fit_candidate(name: str, kind: str) -> Callable[[np.ndarray], np.ndarray]:
    """What predicts by a fitted candidate, in blocks."""
    options = {"max_epochs": 2, "patience": 1} if name in NETWORKS else {}
    image = (6, 6, 1) if name == "cnn" else None
    options |= {"filters": [4], "padding": "same"} if image else {}
    problem = Problem(kind, seed=1, image=image)
    estimator = make_candidate(name, options, problem).fit(X, TARGETS[kind])
    method = estimator.predict_proba if kind == "classification" else estimator.predict
    return lambda rows: predict_in_blocks(estimator, method, rows)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_row_has_the_same_prediction_alone_among_others_and_wherever_it_stands(
    name: str, kind: str
) -> None:
    predict = fit_candidate(name, kind)
    whole = predict(X)
    assert len(whole) == len(X)
    for row in range(5):
        np.testing.assert_array_equal(predict(X[[row]]), whole[[row]])
    for rows in (3, 31, SIZE, SIZE + 1):
        np.testing.assert_array_equal(predict(X[:rows]), whole[:rows])
    shuffled = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(predict(X[shuffled]), whole[shuffled])


def test_without_blocks_the_last_digit_tells_how_many_rows_there_were() -> None:
    """So that the test above would see it, on this machine's processor too."""
    estimator = LogisticRegression().fit(X, TARGETS["classification"])
    alone = np.concatenate([estimator.predict_proba(row[np.newaxis]) for row in X])
    whole = estimator.predict_proba(X)
    np.testing.assert_allclose(alone, whole, rtol=1e-9)
    assert (alone != whole).any()


@pytest.mark.parametrize(
    "recipe",
    [
        {"numeric": ["indicate_missing", "impute", "standardise"]},
        {"numeric": ["impute", "log1p", "min_max"]},
        {"numeric": ["impute", {"quantile_bin": 3}]},
        {"binary": ["ordinal", "impute"], "ordered": ["ordinal", "impute", "standardise"]},
        {"categorical": ["one_hot"]},
        {"categorical": ["target_encode"]},
        {"datetime": ["calendar", "impute"]},
        {"datetime": ["elapsed", "impute", "standardise"]},
    ],
    ids=str,
)
def test_a_step_makes_the_same_numbers_of_a_row_whatever_rows_are_beside_it(recipe: dict) -> None:
    nothing = dict.fromkeys(["numeric", "binary", "categorical", "ordered", "datetime"], "drop")
    steps = transformer(nothing | recipe).fit(ROWS, FRUIT)
    many = pd.concat([ROWS] * 60, ignore_index=True)
    many["size"] *= RNG.uniform(0.1, 9, len(many))
    many["picked"] += pd.to_timedelta(RNG.integers(0, 10**8, len(many)), unit="s")
    whole = steps.transform(many)
    for rows in (1, 2, 7, 33):
        parts = [steps.transform(many[start : start + rows]) for start in range(0, 66, rows)]
        part = np.concatenate(parts)
        np.testing.assert_array_equal(part, whole[: len(part)])
