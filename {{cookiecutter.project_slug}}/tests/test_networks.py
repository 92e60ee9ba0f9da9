"""Keras networks behave as scikit-learn estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_validate

from package_name.errors import UserError
from package_name.modeling.networks import (
    PerceptronClassifier,
    PerceptronRegressor,
)

X = np.random.default_rng(0).normal(size=(80, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
VALUES = 100 + 50 * X[:, 0] - 20 * X[:, 2]


def test_clone_keeps_every_parameter() -> None:
    changed = {"hidden_units": (7,), "dropout": 0.1, "learning_rate": 0.5, "batch_size": 3}
    changed |= {"max_epochs": 9, "patience": 2, "validation_fraction": 0.3, "random_state": 5}
    estimator = PerceptronClassifier(**changed)
    assert clone(estimator).get_params() == changed == estimator.get_params()


def test_cross_validation_trains_as_long_as_a_direct_fit() -> None:
    estimator = PerceptronClassifier(max_epochs=4, patience=4)
    result = cross_validate(estimator, X, LABELS, cv=2, return_estimator=True)
    assert [len(fitted.history_["loss"]) for fitted in result["estimator"]] == [4, 4]


def test_a_classifier_learns_and_gives_probabilities() -> None:
    estimator = PerceptronClassifier(max_epochs=60).fit(X, LABELS)
    likely = estimator.predict_proba(X)
    assert estimator.classes_.tolist() == ["down", "up"]
    assert likely.shape == (80, 2)
    np.testing.assert_allclose(likely.sum(axis=1), 1)
    assert estimator.score(X, LABELS) > 0.9


def test_a_regressor_learns_in_the_targets_own_unit() -> None:
    estimator = PerceptronRegressor(max_epochs=60).fit(X, VALUES)
    assert estimator.score(X, VALUES) > 0.9


def test_the_same_seed_gives_the_same_network() -> None:
    one, two, other = (
        PerceptronRegressor(max_epochs=3, random_state=seed).fit(X, VALUES).predict(X)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_training_stops_early_and_keeps_the_best_epoch() -> None:
    noise = np.random.default_rng(1).choice(["up", "down"], size=80)
    estimator = PerceptronClassifier(hidden_units=(64,), learning_rate=0.1, patience=3).fit(
        X, noise
    )
    watched = estimator.history_["val_loss"]
    assert len(watched) < 200
    assert int(np.argmin(watched)) == len(watched) - 1 - 3


def test_a_network_that_diverges_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match=r"a network's loss is no number any more after 1 epochs"):
        PerceptronRegressor(learning_rate=1e30).fit(X, VALUES)


def test_a_pickle_does_not_hold_the_network() -> None:
    estimator = PerceptronClassifier(max_epochs=1).fit(X, LABELS)
    assert not hasattr(pickle.loads(pickle.dumps(estimator)), "network_")
    assert hasattr(estimator, "network_")


@pytest.mark.parametrize("labels", [["a"] * 79 + ["b"], ["a", "b"] * 40])
def test_a_rare_class_does_not_stop_the_fit(labels: list[str]) -> None:
    estimator = PerceptronClassifier(max_epochs=1).fit(X, np.array(labels))
    assert estimator.classes_.tolist() == ["a", "b"]
