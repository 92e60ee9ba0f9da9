"""The candidates, as params.yaml calls them."""

import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.tree import DecisionTreeClassifier

from package_name.errors import UserError
from package_name.modeling import estimators
from package_name.modeling.estimators import build


@pytest.mark.parametrize("name", ["baseline", "linear", "mlp"])
def test_a_candidate_is_a_classifier_or_a_regressor_as_the_problem_asks(name: str) -> None:
    assert is_classifier(build(name, {}, "classification", seed=1))
    assert is_regressor(build(name, {}, "regression", seed=1))


def test_a_new_candidate_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "CANDIDATES", dict(estimators.CANDIDATES))

    @estimators.candidate
    def tree(kind: str, seed: int, *, depth: int = 3) -> BaseEstimator:
        assert kind == "classification"
        return DecisionTreeClassifier(max_depth=depth, random_state=seed)

    assert build("tree", {"depth": 2}, "classification", seed=1).max_depth == 2


def test_options_reach_the_estimator() -> None:
    assert build("linear", {"alpha": 4}, "regression", seed=1).alpha == 4
    assert build("mlp", {"hidden_units": [3, 2]}, "regression", seed=1).hidden_units == (3, 2)


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
    ],
)
def test_a_mistake_in_params_is_told_in_one_line(name: str, options: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        build(name, options, "classification", seed=1)
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1
