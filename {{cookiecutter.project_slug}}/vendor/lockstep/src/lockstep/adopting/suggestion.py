"""Settings to begin with, by what the contract says of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.contract import LEVELS, NUMBERS, Contract
from .doubts import RARE
from .inference import MANY_CATEGORIES

if TYPE_CHECKING:
    import pandas as pd

NETWORK = {"hidden_units": [32], "schedule": "cosine", "max_epochs": 100, "patience": 20}
CONVOLUTIONS = {
    **{"padding": "same", "shift": 1, "batch_size": 32, "learning_rate": 0.003},
    **{"schedule": "cosine", "max_epochs": 60, "patience": 20},
}
MOST_ROWS_OF_NEIGHBOURS = 20_000
"""Rows above which comparing each with each takes too long."""
MOST_IMAGES_FOLDED = 1000
"""Images above which training each candidate five times takes too long."""
SPREAD, MANY_GAPS = 3.0, 0.05


def suggest(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Settings for a typed table, by their keys in params.yaml."""
    by = "time" if contract.time else "group" if contract.group else "row"
    images = contract.images is not None
    costly = images and len(table) > MOST_IMAGES_FOLDED
    return {
        "kind": contract.kind,
        "split.by": by,
        "features.columns": {} if images else _recipes(contract, table),
        "train.metric": _metric(contract, table),
        "train.folds": None if costly else 5,
        "train.holdout": 0.2 if costly else None,
        "train.candidates": _of_images() if images else _of_tables(contract, len(table)),
    }


def _metric(contract: Contract, table: pd.DataFrame) -> str:
    target = table[contract.target].dropna()
    if contract.classes:
        rare = target.value_counts(normalize=True).min() < RARE
        return "average_precision" if rare else "log_loss"
    return "mae" if _is_spread(target) else "rmse"


def _is_spread(numbers: pd.Series) -> bool:
    """Whether a few numbers are far above all others."""
    skew: Any = numbers.astype("float64").skew()
    return bool(skew > SPREAD)


def _recipes(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Steps of the columns that those of their group would serve badly."""
    recipes: dict[str, Any] = {}
    for name, column in contract.features_only().items():
        if column.type in NUMBERS:
            marked = ["indicate_missing"] if table[name].isna().mean() > MANY_GAPS else []
            evened = ["log1p"] if _is_spread(table[name]) else []
            if marked or evened:
                recipes[name] = [*marked, "impute", *evened, "standardise"]
        elif column.type in LEVELS and len(column.categories or []) > MANY_CATEGORIES:
            recipes[name] = ["target_encode", "standardise"]
    return recipes


def _of_images() -> dict[str, Any]:
    return {
        "baseline": {},
        "linear": {"alpha": 0.01},
        "knn": {"neighbours": 5},
        "forest": {"trees": 100},
        "cnn": CONVOLUTIONS,
    }


def _of_tables(contract: Contract, rows: int) -> dict[str, Any]:
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
