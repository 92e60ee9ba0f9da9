"""Comparing candidates and choosing one."""

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, write_params

from package_name.config import Project
from package_name.data.contract import Contract
from package_name.errors import UserError
from package_name.modeling.metrics import primary_metric
from package_name.train import candidates, choose, folds_for

LEADERBOARD = pd.DataFrame(
    {
        "candidate": ["baseline", "linear", "mlp"],
        "accuracy_mean": [0.3, 0.9, 0.9],
        "log_loss_mean": [1.1, 0.4, 0.3],
    }
)


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", "linear"), ("log_loss", "mlp")])
def test_the_best_candidate_wins_and_a_tie_goes_to_the_earlier(metric: str, expected: str) -> None:
    assert choose(LEADERBOARD, primary_metric("classification", metric)) == expected


def test_every_fold_of_a_classification_holds_every_class() -> None:
    y = np.array(["a"] * 40 + ["b"] * 5, dtype=object)
    folds = folds_for("classification", y, 5, seed=1)
    assert [list(y[test]).count("b") for _, test in folds.split(y, y)] == [1] * 5


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["a"] * 9, "the train rows hold one class only, 'a'; two are needed"),
        (["a"] * 9 + ["b"] * 2, "3 folds need 3 train rows of each class, but 'b' has 2"),
    ],
)
def test_classes_that_cannot_be_folded_are_told(y: list[str], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        folds_for("classification", np.array(y, dtype=object), 3, seed=1)


def test_more_folds_than_rows_are_told() -> None:
    with pytest.raises(UserError, match=r"train\.folds: 5 is more than the 3 train rows"):
        folds_for("regression", np.arange(3.0), 5, seed=1)


def test_the_baseline_cannot_be_left_out(project: Project, contract: Contract) -> None:
    write_params(project, train=PARAMS["train"] | {"candidates": {"linear": {}}})
    with pytest.raises(UserError, match=r"train\.candidates: baseline is missing"):
        candidates(project.params(), contract)


def test_unseen_categories_and_missing_numbers_can_be_predicted(
    project: Project, contract: Contract, fruit: pd.DataFrame
) -> None:
    X = fruit[contract.features]
    pipeline = candidates(project.params(), contract)["linear"].fit(X, fruit["fruit"].to_numpy())
    odd = X.head(2).assign(colour="blue", seeds=pd.array([None, 3], dtype="Int64"))
    assert np.isfinite(pipeline.predict_proba(odd)).all()
