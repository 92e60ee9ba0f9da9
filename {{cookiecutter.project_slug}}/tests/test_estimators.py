"""The candidates, as params.yaml calls them."""

import pytest
from sklearn.base import BaseEstimator

from package_name.errors import UserError
from package_name.modeling.estimators import CANDIDATES, build


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_fits_every_kind(name: str, kind: str) -> None:
    estimator = build(name, {}, kind, seed=1)
    assert isinstance(estimator, BaseEstimator)
    assert (
        estimator.__sklearn_tags__().estimator_type
        == {
            "classification": "classifier",
            "regression": "regressor",
        }[kind]
    )


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
