"""What `tune` may try of the candidates that data need."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..core.editing import ABSENT
from ..core.params import Params, SearchParams

LEARNING_RATES = {"low": 0.0003, "high": 0.03, "log": True}
UNITS = {"low": 8, "high": 128, "log": True}
HIDDEN_UNITS = {"low": 16, "high": 256, "log": True, "length": [1, 3]}
RIDGES = {"low": 0.01, "high": 10000.0, "log": True}
SPACES: dict[str, dict[str, Any]] = {
    "linear": {"alpha": {"low": 0.001, "high": 1000.0, "log": True}},
    "ordinal": {"alpha": {"low": 0.001, "high": 1000.0, "log": True}},
    "knn": {
        "neighbours": {"low": 1, "high": 50, "log": True},
        "weights": ["uniform", "distance"],
    },
    "svm": {
        "penalty": {"low": 0.1, "high": 100.0, "log": True},
        "gamma": {"low": 0.001, "high": 1.0, "log": True},
    },
    "tree": {
        "max_depth": {"low": 2, "high": 16},
        "min_samples_leaf": {"low": 1, "high": 100, "log": True},
    },
    "forest": {
        "trees": {"low": 50, "high": 400, "log": True},
        "max_features": {"low": 0.1, "high": 1.0},
        "min_samples_leaf": {"low": 1, "high": 30, "log": True},
    },
    "boosting": {
        "learning_rate": {"low": 0.01, "high": 0.3, "log": True},
        "trees": {"low": 50, "high": 500, "log": True},
        "max_leaf_nodes": {"low": 2, "high": 64, "log": True},
        "min_samples_leaf": {"low": 2, "high": 60, "log": True},
        "max_features": {"low": 0.1, "high": 1.0},
        "l2": {"low": 0.01, "high": 100.0, "log": True},
    },
    "mlp": {
        "hidden_units": HIDDEN_UNITS,
        "dropout": {"low": 0.0, "high": 0.5},
        "learning_rate": LEARNING_RATES,
        "batch_size": [32, 64, 128, 256],
    },
    "wide_and_deep": {
        "hidden_units": HIDDEN_UNITS,
        "embedding": {"low": 2, "high": 16, "log": True},
        "dropout": {"low": 0.0, "high": 0.5},
        "learning_rate": LEARNING_RATES,
        "batch_size": [32, 64, 128, 256],
    },
    "cnn": {
        "filters": [[16, 32], [32, 64], [64, 128]],
        "dropout": {"low": 0.0, "high": 0.6},
        "shift": [0, 1, 2],
        "learning_rate": {"low": 0.0003, "high": 0.01, "log": True},
        "batch_size": [32, 64, 128],
    },
    "resnet": {
        "filters": [[8, 16, 32], [16, 32, 64], [32, 64, 128]],
        "blocks": [1, 2],
        "shift": [0, 1, 2],
        "learning_rate": {"low": 0.0003, "high": 0.01, "log": True},
        "batch_size": [32, 64, 128],
    },
    "isolation_forest": {
        "trees": {"low": 50, "high": 500, "log": True},
        "sample": {"low": 64, "high": 1024, "log": True},
        "max_features": {"low": 0.2, "high": 1.0},
    },
    "lof": {"neighbours": {"low": 3, "high": 100, "log": True}},
    "pca_error": {"share": {"low": 0.3, "high": 0.99}},
    "autoencoder": {
        "hidden_units": {"low": 8, "high": 128, "log": True, "length": [1, 2]},
        "code": {"low": 1, "high": 16, "log": True},
        "learning_rate": LEARNING_RATES,
    },
    "gaussian_mixture": {
        "covariance": ["full", "tied", "diag", "spherical"],
        "regularisation": {"low": 1e-6, "high": 0.1, "log": True},
    },
    "agglomerative": {"linkage": ["ward", "complete", "average"]},
    "hdbscan": {
        "share": {"low": 0.01, "high": 0.2, "log": True},
        "neighbours": {"low": 2, "high": 50, "log": True},
    },
    "autoregression": {"alpha": RIDGES},
    "combination": {"alpha": RIDGES},
    "recurrent": {"cell": ["gru", "lstm"], "units": UNITS, "learning_rate": LEARNING_RATES},
    "tcn": {"filters": UNITS, "learning_rate": LEARNING_RATES},
    "rnn": {"cell": ["gru", "lstm"], "units": UNITS, "learning_rate": LEARNING_RATES},
    "rocket": {
        "features": [1260, 2520, 5040, 10080],
        "alpha": {"low": 0.1, "high": 100000.0, "log": True},
    },
    "naive_bayes": {"alpha": {"low": 0.001, "high": 10.0, "log": True}},
    "text_rnn": {
        "embedding": UNITS,
        "units": UNITS,
        "dropout": {"low": 0.0, "high": 0.6},
        "learning_rate": LEARNING_RATES,
    },
    "text_cnn": {
        "embedding": UNITS,
        "filters": UNITS,
        "dropout": {"low": 0.0, "high": 0.8},
        "learning_rate": LEARNING_RATES,
    },
    "conv1d": {
        "filters": [[32, 64, 32], [64, 128, 64], [128, 256, 128]],
        "width": {"low": 3, "high": 15},
        "learning_rate": LEARNING_RATES,
    },
}


def suggest_spaces(candidates: Collection[str], params: Params) -> dict[str, Any]:
    """Settings by their keys in params.yaml, for candidates that have no space there yet.

    Those that are as here, of other candidates, are to go. There are none where the owner has taken
    all spaces away.
    """
    spaces = params.search.space
    usual = SearchParams.model_validate({"space": SPACES}).space
    new = [name for name in candidates if spaces and name in SPACES and name not in spaces]
    idle = {*spaces} - {*candidates}
    return {f"search.space.{name}": SPACES[name] for name in new} | {
        f"search.space.{name}": ABSENT
        for name in spaces
        if name in idle and spaces[name] == usual.get(name)
    }
