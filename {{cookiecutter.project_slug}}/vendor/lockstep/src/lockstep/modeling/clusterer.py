"""Any clusterer of scikit-learn's as an estimator that assigns new rows."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import check_is_fitted, validate_data

from .stability import Trial, choose_number
from .structureless import Box

MOST_ROWS = 5000
"""Rows that a clusterer learns from which cannot assign others: most of those compare all pairs."""
NOISE = -1
NUMBERS = ("n_clusters", "n_components")
"""What scikit-learn calls the number of clusters."""


class Clusterer(ClusterMixin, BaseEstimator):
    """A clusterer that assigns new rows, and numbers its clusters from the largest one on.

    Where `estimator` has no `predict`, a row belongs to the cluster of the nearest train row, and
    a train row that is noise to it to that of the nearest one that is not.

    Args:
        estimator: A clusterer or a mixture of scikit-learn's, unfitted.
        clusters: How many there are to be; chosen by `choose_number` if None. An estimator that
            takes no number finds as many as it finds.
        random_state: Seed of the rows that are drawn.

    Attributes:
        estimator_: What has been fitted.
        labels_: (n_rows,) cluster of each train row, from 0.
        centres_: (n_clusters, n_features) means of the train rows of each.
        places_: (n_labels,) the cluster of each label that the estimator may give, -1 where no
            train row has it.
        trials_: What was seen of each number, where it was chosen.
        number_: How many were looked for, where the estimator takes a number.
        box_: What the train rows fill.
    """

    def __init__(
        self, estimator: BaseEstimator, clusters: int | None = None, random_state: int = 0
    ) -> None:
        self.estimator = estimator
        self.clusters = clusters
        self.random_state = random_state

    @property
    def number_key(self) -> str | None:
        """What the estimator calls the number of clusters; None if it takes none."""
        return next((key for key in NUMBERS if key in self.estimator.get_params()), None)

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return len(self.centres_)

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Find the clusters of (n_rows, n_features) numbers.

        Raises:
            ValueError: All rows are the same, or there are fewer different ones than clusters.
        """
        X = validate_data(self, X, dtype="float64")
        self._find(X)
        self.box_ = Box.fit(X)
        return self

    def find_again(self, X: np.ndarray, number: int) -> Clusterer:
        """One like this that has found so many clusters in (n_rows, n_features) numbers, if it can
        be told; without a `box_`.

        Raises:
            ValueError: As `fit` does.
        """
        other = Clusterer(self.estimator, number, self.random_state)
        other._find(validate_data(other, X, dtype="float64"))
        return other

    def _find(self, X: np.ndarray) -> None:
        distinct = len(np.unique(X, axis=0))
        if distinct < 2:
            raise ValueError("all rows are the same to it, so that nothing tells clusters apart")
        self.trials_: list[Trial] = []
        self.estimator_ = clone(self.estimator)
        if key := self.number_key:
            number = self.clusters
            if number is None:
                number, self.trials_ = choose_number(self, X, self.random_state)
            if number > distinct:
                raise ValueError(
                    f"train.clusters asks for {number} clusters, and {distinct} rows are different"
                )
            self.estimator_.set_params(**{key: number})
            self.number_ = number
        self._learn(X)

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) cluster of each row, from 0."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="float64")
        places: np.ndarray = self.places_[self._assign(X)]
        is_lost = places < 0  # to a cluster that no train row is of
        if is_lost.any():
            places[is_lost] = self._measure_distances(X[is_lost]).argmin(axis=1)
        return places

    def assign(self, X: Any) -> np.ndarray:
        """(n_rows, 2) cluster of each row, from 0, and how clearly it is of it, from -1 to 1.

        That is how much nearer the centre of the own cluster is than the next: the simplified
        silhouette (Hruschka et al., 2004), below 0 where another centre is nearer, and 0 of a
        single cluster.
        """
        places = self.predict(X)
        return np.column_stack([places, self._measure_clarity(np.asarray(X, "float64"), places)])

    def _measure_clarity(self, X: np.ndarray, places: np.ndarray) -> np.ndarray:
        if self.count == 1:
            return np.zeros(len(X))
        distances = self._measure_distances(X)
        rows = np.arange(len(X))
        own = distances[rows, places]
        distances[rows, places] = np.inf
        other = distances.min(axis=1)
        larger = np.maximum(own, other)
        clarity: np.ndarray = (other - own) / np.where(larger > 0, larger, 1)
        return clarity

    def _learn(self, X: np.ndarray) -> None:
        assigns = hasattr(self.estimator_, "predict")
        rng = np.random.default_rng(self.random_state)
        drawn = np.arange(len(X))
        if not assigns and len(X) > MOST_ROWS:
            drawn = np.sort(rng.permutation(len(X))[:MOST_ROWS])
        labels = self.estimator_.fit_predict(X[drawn])
        if not assigns:
            is_clustered = labels != NOISE
            if not is_clustered.any():
                labels, is_clustered = np.zeros_like(labels), ~is_clustered
            nearest = KNeighborsClassifier(1)
            self.nearest_ = nearest.fit(X[drawn[is_clustered]], labels[is_clustered])
        raw = self._assign(X)
        found, firsts, sizes = np.unique(raw, return_index=True, return_counts=True)
        order = np.lexsort([firsts, -sizes])
        self.places_ = np.full(max(int(found.max()) + 1, getattr(self, "number_", 1)), -1)
        self.places_[found[order]] = np.arange(len(found))
        self.labels_ = self.places_[raw]
        self.centres_ = np.array(
            [X[self.labels_ == place].mean(axis=0) for place in range(len(found))]
        )
        if self.count == 1:
            warnings.warn("it finds no clusters: all rows are of one", UserWarning, stacklevel=2)

    def _assign(self, X: np.ndarray) -> np.ndarray:
        """(n_rows,) labels as the estimator has them."""
        labels: np.ndarray = getattr(self, "nearest_", self.estimator_).predict(X)
        return labels

    def _measure_distances(self, X: np.ndarray) -> np.ndarray:
        """(n_rows, n_clusters) Euclidean distances to the centres."""
        gaps = X[:, np.newaxis, :] - self.centres_
        distances: np.ndarray = np.sqrt((gaps**2).sum(axis=2))
        return distances


class Halves(ClusterMixin, BaseEstimator):
    """Two halves of the rows, cut at the median of the first principal component.

    Any rows can be cut so, whether there are clusters or not.

    Attributes:
        direction_: (n_features,) of the component.
        cut_: Where along it.
    """

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Find where to cut (n_rows, n_features) numbers."""
        X = validate_data(self, X, dtype="float64")
        self.direction_ = PCA(1, svd_solver="full").fit(X).components_[0]
        values = np.unique(X @ self.direction_)
        middle = np.searchsorted(values, np.median(X @ self.direction_))
        place = int(np.clip(middle, 1, len(values) - 1))
        self.cut_ = values[place - 1 : place + 1].mean()
        self.labels_ = self.predict(X)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) 1 beyond the cut, else 0."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="float64")
        is_beyond: np.ndarray = X @ self.direction_ > self.cut_
        return is_beyond.astype(int)


class Density(ClusterMixin, BaseEstimator):
    """scikit-learn's HDBSCAN (Campello et al., 2013), its smallest cluster a share of the rows.

    Args:
        share: Of the rows, what a cluster has at least.
        neighbours: Rows around one that tell how dense it is there; as many as the smallest
            cluster has if None.

    Attributes:
        labels_: (n_rows,) cluster of each row from 0, -1 of noise.
    """

    def __init__(self, share: float = 0.05, neighbours: int | None = None) -> None:
        self.share = share
        self.neighbours = neighbours

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Find the clusters of (n_rows, n_features) numbers."""
        X = validate_data(self, X, dtype="float64")
        smallest = max(2, int(np.ceil(self.share * len(X))))
        neighbours = None if self.neighbours is None else min(self.neighbours, len(X))
        from sklearn.cluster import HDBSCAN  # what learns anything else need not wait for it

        search = HDBSCAN(min_cluster_size=smallest, min_samples=neighbours, copy=True)
        self.labels_ = search.fit(X).labels_
        return self
