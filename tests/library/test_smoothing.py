"""Shares of few rows never make a class impossible."""

import joblib
import numpy as np
import pytest
from lockstep import SmoothForest, SmoothNeighbours, SmoothTree
from sklearn.base import ClassifierMixin
from sklearn.metrics import log_loss
from sklearn.tree import DecisionTreeClassifier

RNG = np.random.default_rng(0)
X, X_NEW = RNG.normal(size=(2, 400, 5))
y, y_new = (np.where(X_[:, 0] + RNG.normal(size=400) > 1, "yes", "no") for X_ in (X, X_NEW))
SMOOTH = [
    SmoothTree(min_samples_leaf=5, random_state=1),
    SmoothForest(20, min_samples_leaf=2, random_state=1),
    SmoothNeighbours(5, weights="distance"),
]


@pytest.mark.parametrize("estimator", SMOOTH, ids=lambda estimator: type(estimator).__name__)
class TestSmoothing:
    def test_no_class_of_the_train_rows_is_impossible(self, estimator: ClassifierMixin) -> None:
        bases = type(estimator).__mro__
        base = next(base for base in bases if base.__module__.startswith("sklearn"))
        usual = base(**estimator.get_params()).fit(X, y)
        assert (usual.predict_proba(X_NEW) == 0).any()
        shares = estimator.fit(X, y).predict_proba(X_NEW)
        assert shares.min() > 0.001
        assert shares.sum(axis=1) == pytest.approx(1)

    def test_it_pays_less_than_guessing_the_shares(self, estimator: ClassifierMixin) -> None:
        guess = np.tile([(y == "no").mean(), (y == "yes").mean()], (400, 1))
        assert log_loss(y_new, estimator.fit(X, y).predict_proba(X_NEW)) < log_loss(y_new, guess)

    def test_it_predicts_the_most_probable_class(self, estimator: ClassifierMixin) -> None:
        places = estimator.fit(X, y).predict_proba(X_NEW).argmax(axis=1)
        assert (estimator.predict(X_NEW) == estimator.classes_[places]).all()

    def test_the_same_rows_give_the_same_bytes(self, estimator: ClassifierMixin) -> None:
        assert joblib.hash(estimator.fit(X, y)) == joblib.hash(estimator.fit(X, y))


def test_the_shares_of_all_rows_count_in_a_leaf_as_much_as_the_smallest_one() -> None:
    tree = SmoothTree(max_leaf_nodes=2, min_samples_leaf=5).fit([[0]] * 30 + [[1]] * 10, [0] * 40)
    assert tree.predict_proba([[0]]).tolist() == [[1.0]]
    rows, classes = [[0]] * 30 + [[1]] * 10, ["a"] * 30 + ["b"] * 8 + ["a"] * 2
    shares = SmoothTree(max_leaf_nodes=2).fit(rows, classes).predict_proba([[0], [1]])
    assert shares[:, 1] == pytest.approx([(0 + 10 * 0.2) / 40, (8 + 10 * 0.2) / 20])


def test_rows_count_by_their_weights_and_those_of_their_classes() -> None:
    weights = np.where(y == "yes", 3.0, 1.0)
    for estimator in (SmoothTree(random_state=1), SmoothForest(5, random_state=1)):
        estimator.fit(X, y, weights)
        assert estimator.class_shares_[1] == pytest.approx(
            weights[y == "yes"].sum() / weights.sum()
        )
        balanced = estimator.set_params(class_weight="balanced").fit(X, y)
        assert balanced.class_shares_ == pytest.approx([0.5, 0.5])


def test_the_usual_tree_pays_more_than_guessing() -> None:
    usual = DecisionTreeClassifier(min_samples_leaf=5, random_state=1).fit(X, y)
    assert log_loss(y_new, usual.predict_proba(X_NEW)) > 2
