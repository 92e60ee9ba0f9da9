"""Clusters beside known classes, and where there are none; see clustering.py, which runs it."""

from __future__ import annotations

import argparse
import warnings

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
from _unlabelled import make_contract, make_pipelines, make_rows, make_table
from lockstep.modeling.candidates import BASELINE
from lockstep.modeling.cluster_trials import try_structureless
from lockstep.modeling.metrics import primary_metric
from lockstep.modeling.model import Model
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

NUMBERS = range(2, 11)
"""Of clusters that are tried."""
ROWS = 400
"""Of those that are drawn."""
TEST_FRACTION = 0.25


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(n_rows, n_features) numbers and (n_rows,) classes that scikit-learn carries."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, y


def draw(name: str, seed: int) -> np.ndarray:
    """(n_rows, n_features) numbers: the rows of a table, or others that are drawn."""
    rng = np.random.default_rng(seed)
    if name == "square":
        return rng.uniform(size=(ROWS, 2))
    if name == "cloud":
        return rng.standard_normal((ROWS, 2))
    if name == "blobs":
        return datasets.make_blobs(ROWS, 3, centers=4, random_state=seed)[0]
    return read(name)[0]


def choose_by_silhouette(X: np.ndarray) -> np.ndarray:
    """(n_rows,) clusters of k-means, their number that of the best silhouette."""
    trials = [KMeans(number, n_init=10, random_state=0).fit_predict(X) for number in NUMBERS]
    return max(trials, key=lambda labels: silhouette_score(X, labels))


def choose_by_bic(X: np.ndarray) -> np.ndarray:
    """(n_rows,) clusters of a Gaussian mixture, their number that of the lowest BIC."""
    trials = [GaussianMixture(number, random_state=0).fit(X) for number in NUMBERS]
    return min(trials, key=lambda mixture: mixture.bic(X)).predict(X)


def compare(name: str) -> str:
    """A line of the table: clusters of all rows and their index, by candidate and by peer."""
    X, y = read(name)
    contract = make_contract(X, "clusters")
    rows = make_rows(X, contract)
    found = {
        candidate: rows.fit(candidate, pipeline)[-1].labels_
        for candidate, pipeline in make_pipelines(rows, rows.params).items()
        if candidate != BASELINE
    }
    scaled = StandardScaler().fit_transform(X)
    found |= {
        "k-means by silhouette": choose_by_silhouette(scaled),
        "mixture by BIC": choose_by_bic(scaled),
    }
    cells = [
        f"{len(np.unique(labels))}: {adjusted_rand_score(y, labels):.3f}"
        for labels in found.values()
    ]
    return f"| {name}, {len(np.unique(y))} classes | {' | '.join(cells)} |"


def is_shown(X: np.ndarray, seed: int) -> bool:
    """Whether k-means shows clusters on a quarter of the rows that it has not learnt from."""
    learn, held_out = train_test_split(X, test_size=TEST_FRACTION, random_state=seed)
    contract = make_contract(learn, "clusters")
    rows = make_rows(learn, contract)
    fitted = rows.fit("kmeans", make_pipelines(rows, rows.params)["kmeans"])
    outcome = Model(fitted, "kmeans", "clustering", contract).try_on(make_table(held_out, contract))
    figure = primary_metric(rows.params).score(outcome)
    references = try_structureless(fitted[-1], len(outcome), rows.params.seed)
    # They are not shown once a single draw is as good, so that the others need not be made.
    return all(figure > reference for reference in references)


def count(name: str, simulations: int) -> str:
    """A line of the table: how often clusters are shown."""
    shown = sum(is_shown(draw(name, seed), seed) for seed in range(simulations))
    return f"| {name} | {shown} of {simulations} |"


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=20)
    simulations = options.parse_args().simulations
    warnings.simplefilter("ignore")  # a single cluster is what some find
    heads = ["kmeans", "gaussian_mixture", "agglomerative", "hdbscan"]
    heads += ["k-means by silhouette", "mixture by BIC"]
    print(
        f"| clusters: adjusted Rand index | {' | '.join(heads)} |\n|{' --- |' * (1 + len(heads))}"
    )
    for name in ("iris", "wine", "breast_cancer", "digits"):
        print(compare(name), flush=True)
    print("\n| rows | clusters of k-means are shown |\n| --- | --- |")
    for name in ("square", "cloud"):
        print(count(name, simulations), flush=True)
    for name in ("iris", "wine", "blobs"):
        print(count(name, max(2, simulations // 4)), flush=True)
