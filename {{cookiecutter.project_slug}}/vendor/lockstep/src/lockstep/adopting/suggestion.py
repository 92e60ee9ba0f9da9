"""Settings to begin with, by what the contract says of the data."""

from __future__ import annotations

from math import prod
from typing import Any

import pandas as pd

from ..core.contract import LEVELS, NUMBERS, Contract
from .doubts import RARE
from .inference import MANY_CATEGORIES

NETWORK = {"hidden_units": [32], "schedule": "cosine", "max_epochs": 100, "patience": 20}
CONVOLUTIONS = {
    **{"padding": "same", "shift": 1, "batch_size": 32, "learning_rate": 0.003},
    **{"schedule": "cosine", "max_epochs": 60, "patience": 20},
}
MOST_ROWS_OF_NEIGHBOURS = 20_000
"""Rows above which comparing each with each takes too long."""
MOST_IMAGES_FOLDED = 1000
"""Images above which training each candidate five times takes too long."""
MOST_VALUES_LEARNT_AGAIN = 2_000_000
"""Cells, or shades of images, above which a single fit of a forest or network takes minutes."""
SKEW, MANY_GAPS = 3.0, 0.05


def suggest(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Settings for a typed table, by their keys in params.yaml."""
    is_costly = contract.images is not None and len(table) > MOST_IMAGES_FOLDED
    target, is_rare = table[contract.target].dropna(), False
    if contract.classes:
        is_rare = target.value_counts(normalize=True).min() < RARE
        metric = "average_precision" if is_rare else "log_loss"
    else:
        metric = "mae" if _is_skewed(target) else "rmse"
    return {
        "kind": contract.kind,
        "split.by": "time" if contract.time else "group" if contract.group else "row",
        "features.columns": _suggest_steps(contract, table),
        "train.metric": metric,
        "train.decision": "f1_macro" if is_rare and len(contract.classes) == 2 else None,
        "train.folds": None if is_costly else 5,
        "train.holdout": 0.2 if is_costly else None,
        "train.candidates": _suggest_candidates(contract, len(table)),
    }


def is_fit_long(contract: Contract, rows: int) -> bool:
    """Whether a single fit takes minutes, so that more of them than need be are not made."""
    width = prod(contract.images.shape) if contract.images else len(contract.features)
    return rows * width > MOST_VALUES_LEARNT_AGAIN


def _is_skewed(numbers: pd.Series) -> bool:
    """Whether a few numbers are far above all others."""
    skew: Any = numbers.astype("float64").skew()
    return bool(skew > SKEW)


def _suggest_steps(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Steps of the columns that those of their group would serve badly."""
    steps: dict[str, Any] = {}
    for name, column in contract.features_only().items():
        if column.type in NUMBERS:
            marks = ["indicate_missing"] if table[name].isna().mean() > MANY_GAPS else []
            logs = ["log1p"] if _is_skewed(table[name]) else []
            if marks or logs:
                steps[name] = [*marks, "impute", *logs, "standardise"]
        elif column.type in LEVELS and len(column.categories or []) > MANY_CATEGORIES:
            steps[name] = ["target_encode", "standardise"]
    return steps


def _suggest_candidates(contract: Contract, rows: int) -> dict[str, Any]:
    if contract.images:
        return {
            "baseline": {},
            "linear": {"alpha": 0.01},
            "knn": {"neighbours": 5},
            "forest": {"trees": 100},
            "cnn": CONVOLUTIONS,
        }
    has_levels = any(column.type in LEVELS for column in contract.features_only().values())
    neighbours = {"knn": {"neighbours": 15}, "svm": {"penalty": 1.0}}
    return {
        "baseline": {},
        "linear": {"alpha": 1.0},
        **(neighbours if rows <= MOST_ROWS_OF_NEIGHBOURS else {}),
        "tree": {"min_samples_leaf": 5},
        "forest": {"trees": 100},
        "boosting": {"trees": 100, "learning_rate": 0.1},
        "mlp": NETWORK,
        **({"wide_and_deep": NETWORK} if has_levels else {}),
    }
