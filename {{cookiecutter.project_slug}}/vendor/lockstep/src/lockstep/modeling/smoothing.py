"""Classifiers that hold no class of the train rows impossible.

Shares of classes among few rows are often zero, for which the logarithm of a true class's
probability has no bound. Here the shares of all train rows have a vote as well, so that a class
becomes as improbable as the number of votes allows (the m-estimate of Cestnik, 1990). What is said
of classes here holds of each of several labels, too, of which a row has any.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, column_or_1d


class Smoothing:
    """Gives the classes' shares of all train rows a vote, beside those that an estimator counts.

    Attributes:
        class_shares_: (n_classes,) share of each class in the weight of the train rows; of several
            labels (n_labels,) that of each, none of them 0 or 1.
    """

    classes_: Any

    def _learn_shares(self, y: np.ndarray, sample_weight: Any, class_weight: Any) -> None:
        weights = np.ones(len(y))
        if class_weight is not None:
            weights = compute_sample_weight(class_weight, y)
        if sample_weight is not None:
            weights = weights * sample_weight
        if y.ndim == 2:
            self.class_shares_ = smooth_shares(y, weights)
            return
        sums = np.bincount(np.searchsorted(self.classes_, y), weights, len(self.classes_))
        self.class_shares_ = sums / sums.sum()

    def _count_votes(self, X: Any) -> tuple[Any, float]:
        """Of how many votes a row's shares are, a number or (n_rows, 1), and how many all have."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_classes) probabilities, in the order of `classes_`; each row sums to 1.

        Of several labels (n_rows, n_labels), that of each.
        """
        check_is_fitted(self)
        shares: Any = super().predict_proba(X)  # type: ignore[misc]
        if isinstance(shares, list):
            pairs = zip(shares, self.classes_, strict=True)
            shares = np.column_stack([one @ classes for one, classes in pairs])
        votes, others = self._count_votes(X)
        mixed: np.ndarray = (votes * shares + others * self.class_shares_) / (votes + others)
        return mixed

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) most probable class; of labels (n_rows, n_labels) 1 where more probable."""
        probabilities = self.predict_proba(X)
        if isinstance(self.classes_, list):
            labels: np.ndarray = (probabilities >= 0.5).astype("int8")
            return labels
        classes: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return classes

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()  # type: ignore[misc]
        tags.target_tags.multi_output = False
        tags.classifier_tags.multi_label = False  # probabilities would be a list, by the convention
        return tags


def smooth_shares(y: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """(n_labels,) the share of the rows that has each label, as if half a row more had and had not.

    So no label is impossible or sure (Krichevsky and Trofimov, 1981).

    Args:
        y: (n_rows, n_labels) of 0 and 1.
        weights: (n_rows,) how often each counts; once without.
    """
    counts = np.ones(len(y)) if weights is None else weights
    shares: np.ndarray = (counts @ y + 0.5) / (counts.sum() + 1)
    return shares


def _read_targets(y: Any) -> np.ndarray:
    """(n_rows,) classes, or (n_rows, n_labels) of 0 and 1."""
    targets = np.asarray(y)
    if targets.ndim == 2 and targets.shape[1] > 1:
        return targets
    column: np.ndarray = column_or_1d(y, warn=True)
    return column


class SmoothGrowth(Smoothing):
    """What grows on rows that may have weights, of their own and of their classes."""

    class_weight: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Grow on (n_rows, n_features) numbers and (n_rows,) classes or (n_rows, n_labels)."""
        y = _read_targets(y)
        super().fit(X, y, sample_weight)  # type: ignore[misc]
        self._learn_shares(y, sample_weight, self.class_weight)
        return self


class SmoothTree(SmoothGrowth, DecisionTreeClassifier):
    """A decision tree; the shares of all rows count in each leaf as much as the smallest leaf."""

    def _count_votes(self, X: Any) -> tuple[Any, float]:
        weights = self.tree_.weighted_n_node_samples
        smallest = weights[self.tree_.children_left < 0].min()
        return weights[self.apply(X), np.newaxis], smallest


class SmoothForest(SmoothGrowth, RandomForestClassifier):
    """A random forest and one more tree, which knows nothing but the shares of all rows."""

    def _count_votes(self, X: Any) -> tuple[Any, float]:  # noqa: ARG002
        return self.n_estimators, 1


class SmoothNeighbours(Smoothing, KNeighborsClassifier):
    """Nearest neighbours and one more, which is of each class by its share of all rows."""

    def fit(self, X: Any, y: Any) -> Self:
        """Keep (n_rows, n_features) numbers and (n_rows,) classes or (n_rows, n_labels)."""
        y = _read_targets(y)
        super().fit(X, y)
        self._learn_shares(y, None, None)
        return self

    def _count_votes(self, X: Any) -> tuple[Any, float]:  # noqa: ARG002
        return self.n_neighbors, 1
