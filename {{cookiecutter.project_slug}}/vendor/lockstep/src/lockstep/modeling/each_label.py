"""Learning several labels at once from what learns one: an estimator for each label.

A row may have any of the labels, so that each is a question of its own with the answers 0 and 1
(binary relevance; Tsoumakas and Katakis, 2007).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.multioutput import ClassifierChain
from sklearn.utils.validation import check_is_fitted

from .networks import Network
from .smoothing import Smoothing, smooth_shares

FEWEST = 2
"""Rows with a label, and without it, below which nothing can be learnt of it."""


class EachLabel(ClassifierMixin, BaseEstimator):
    """A clone of a classifier for each label.

    A label that fewer than two rows have, or all but fewer than two, has the same probability in
    all rows: its share.

    Args:
        classifier: Learns 0 and 1 from (n_rows,) of them.

    Attributes:
        classifiers_: One for each label; None where there is nothing to learn.
        label_shares_: (n_labels,) share of the train rows that has each, none of them 0 or 1.
    """

    def __init__(self, classifier: BaseEstimator) -> None:
        self.classifier = classifier

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from (n_rows, n_features) numbers and (n_rows, n_labels) of 0 and 1."""
        y = np.asarray(y)
        self.label_shares_ = smooth_shares(y)
        counts = y.sum(axis=0)
        self.classifiers_ = [
            clone(self.classifier).fit(X, labels) if min(count, len(y) - count) >= FEWEST else None
            for labels, count in zip(y.T, counts, strict=True)
        ]
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_labels) probability that a row has each label."""
        check_is_fitted(self)
        shares = np.tile(self.label_shares_, (X.shape[0], 1))
        for place, classifier in enumerate(self.classifiers_):
            if classifier is not None:
                shares[:, place] = classifier.predict_proba(X)[:, 1]
        return shares

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows, n_labels) 1 where a label is more probable than not."""
        labels: np.ndarray = (self.predict_proba(X) >= 0.5).astype("int8")
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class EncodeByLabel(TransformerMixin, BaseEstimator):
    """A clone of a transformer that learns from the target, for each label; beside each other.

    Args:
        transformer: Learns from (n_rows,) of 0 and 1.
    """

    def __init__(self, transformer: TransformerMixin) -> None:
        self.transformer = transformer

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from the columns and (n_rows, n_labels) of 0 and 1."""
        self.transformers_ = [clone(self.transformer).fit(X, labels) for labels in np.asarray(y).T]
        return self

    def fit_transform(self, X: Any, y: Any) -> Any:
        """The same, and what each makes of the rows that it learns from."""
        self.transformers_ = [clone(self.transformer) for _ in np.asarray(y).T]
        pairs = zip(self.transformers_, np.asarray(y).T, strict=True)
        return _join([each.fit_transform(X, labels) for each, labels in pairs])

    def transform(self, X: Any) -> Any:
        """(n_rows, n_labels * n_columns) what each makes of the columns."""
        check_is_fitted(self)
        return _join([each.transform(X) for each in self.transformers_])


def _join(parts: list[Any]) -> Any:
    return sparse.hstack(parts).tocsr() if sparse.issparse(parts[0]) else np.hstack(parts)


def take_labels(estimator: BaseEstimator) -> BaseEstimator:
    """What learns several labels: the estimator itself if it does, or else one for each label."""
    is_able = isinstance(estimator, Network | Smoothing | ClassifierChain)
    return estimator if is_able else EachLabel(estimator)
