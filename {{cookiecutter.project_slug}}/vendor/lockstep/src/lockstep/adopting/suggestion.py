"""Settings to begin with, by what the contract says of the data."""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import numpy as np
import pandas as pd

from ..core.contract import LEVELS, NUMBERS, Contract, Images
from ..core.params import FeaturesParams, Params
from ..modeling.metrics import RANKS, RATES
from ..modeling.outcome import EVEN
from ..modeling.tokens import FIRST, list_common
from ..modeling.words import join_texts
from .doubts import CHAMPION_WITHOUT_LABELS, ENOUGH, RARE
from .inference import MANY_CATEGORIES
from .rates import AMOUNTS, COUNTS, find_rates

SMALLEST_SIDE, PIXELS_PER_SHIFT = 4, 16
"""Of images, pixels that two poolings leave something of, and by each of which more one is moved
further."""
MOST_ROWS_OF_NEIGHBOURS = 20_000
"""Rows above which comparing each with each takes too long."""
MOST_IMAGES_FOLDED = 1000
"""Images above which training each candidate five times takes too long."""
MOST_SHADES_FOLDED = 500_000
"""Shades of all images, above which it does so of few images, too."""
MOST_VALUES_LEARNT_AGAIN = 2_000_000
"""Cells, or shades of images, above which a single fit of a forest or network takes minutes."""
MOST_ROWS_CONVOLVED = 50_000
"""Sequences above which thousands of numbers of each are too much for memory."""
FEW_ROWS, MANY_ROWS = 2_000, 20_000
"""Rows below which candidates are kept small, and from which on they may be large."""
ROWS_OF_FEW_STEPS = 500
"""Rows below which a network makes so few steps that they must be larger, or batches smaller."""
MOST_LABELS_BOOSTED = 20
"""Labels above which boosting, which learns each by itself, takes too long."""
SKEW, MANY_GAPS = 3.0, 0.05
TEST_FRACTION, TRAINING_SIZES = 0.25, [0.25, 0.5, 0.75, 1.0]
"""As in a new project."""
TEST_SHARE, LARGEST_TEST_SHARE = 0.2, 0.4
"""Of the times of a forecast, what the test has, unless two horizons take more; and at most."""
TWO_YEARS = pd.Timedelta(days=730)
EXAMPLES_PASSED = 1_000_000
"""Examples that a network of a forecast goes over in all its epochs, which takes about a minute."""
MANY_EXAMPLES = 200_000
"""Examples above which a forecast is compared over fewer folds."""
CONTAMINATION = 0.01
"""Share of the rows that is expected to be anomalies where nobody says more."""
LEAST_CONTAMINATION, MOST_CONTAMINATION = 0.001, 0.5
RARE_TEXT = 0.01
"""Share of the rows below which all texts of a column of many are one."""
MOST_ROWS_FOLDED = 50_000
"""Rows above which anomalies or clusters are looked for in one part of them instead of five."""
WORDS = 100
"""What a text counts for, in cells."""
LONGEST_READ = 200
"""Words of a text that networks read."""
MOST_WORDS = 20_000
"""That they tell apart."""
MANY_SIGNS = 10_000_000
"""Of all texts, from which on parts of words take too much memory."""
LOSSES = {COUNTS: "poisson", AMOUNTS: "tweedie"}
"""What candidates make small of numbers that are judged so."""


def suggest(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Settings for a typed table, by their keys in params.yaml."""
    if contract.horizon is not None:
        return _suggest_forecast(contract, contract.horizon, table)
    if contract.anomalies:
        return _suggest_for_anomalies(contract, table)
    if contract.clusters:
        return _suggest_for_clusters(contract, table)
    is_costly = contract.images is not None and (
        len(table) > MOST_IMAGES_FOLDED
        or len(table) * prod(contract.images.shape) > MOST_SHADES_FOLDED
    )
    target = table[contract.target].dropna()
    decision: str | float | None = None
    if contract.is_ordered:
        metric, decision = RANKS, EVEN  # the median, which is off by few classes
    elif contract.classes:
        is_rare = target.value_counts(normalize=True).min() < RARE
        metric = "average_precision" if is_rare else "log_loss"
        decision = "f1_macro" if is_rare and len(contract.classes) == 2 else None
    elif contract.labels:
        metric, decision = "log_loss", "f1_macro"
    else:
        metric = _suggest_metric_of_numbers(contract, target)
    return {
        "kind": contract.kind,
        "split.by": _suggest_split(contract),
        **({"features.signal": [*FeaturesParams().signal]} if contract.points else {}),
        **(_suggest_for_texts(table[contract.texts]) if contract.texts else {}),
        "features.columns": _suggest_steps(contract, table),
        "train.metric": metric,
        "train.decision": decision,
        "train.folds": None if is_costly else 5,
        "train.holdout": 0.2 if is_costly else None,
        "train.candidates": _suggest_candidates(contract, len(table), metric),
    }


def list_idle_keys(contract: Contract) -> list[str]:
    """The keys of params.yaml that such data have no use for."""
    is_table = not contract.forecasts and contract.points is None
    is_idle = {
        "data.resize": not is_table,
        "split.seed": contract.forecasts,
        "features.past": not contract.forecasts,
        "features.signal": contract.points is None,
        "features.text": not contract.texts,
        "features.tokens": not contract.texts,
        "train.decision": contract.forecasts or contract.is_unlabelled,
        "train.champion": not contract.anomalies,
        "train.contamination": not contract.anomalies,
        "train.clusters": not contract.clusters,
        "train.training_sizes": contract.clusters,
    }
    return [key for key, idle in is_idle.items() if idle]


def restore_usual(former: Params, contract: Contract) -> dict[str, Any]:
    """What data of another kind took out of params.yaml, or chose for themselves alone."""
    usual: dict[str, Any] = {}
    if former.kind == "clustering" and not contract.clusters:
        usual["train.training_sizes"] = TRAINING_SIZES
    if former.kind == "forecasting" and not contract.forecasts:
        usual["split.test_fraction"] = TEST_FRACTION
    return usual


def _suggest_metric_of_numbers(contract: Contract, numbers: pd.Series) -> str:
    is_whole = contract.columns[contract.target].type == "integer"
    if is_whole and contract.exposure is not None and numbers.min() >= 0:
        return COUNTS  # what adds up over an exposure, though it may nowhere be zero or rare
    usual = "mae" if _is_skewed(numbers) else "rmse"
    return find_rates(numbers, is_whole=is_whole) or usual


def _suggest_split(contract: Contract) -> str:
    if contract.time and contract.points is None:
        return "time"
    return "group" if contract.group else "row"


def _suggest_forecast(contract: Contract, horizon: int, table: pd.DataFrame) -> dict[str, Any]:
    """Those of the rows of series, which are tested on two horizons at least."""
    known = table[table[contract.target].notna()]
    share = max(TEST_SHARE, 2 * horizon / known[contract.time].nunique())
    examples = len(known) * horizon
    return {
        "kind": contract.kind,
        "split.by": "time",
        "split.test_fraction": min(ceil(100 * share) / 100, LARGEST_TEST_SHARE),
        "features.past": ["seasons", "averages"],
        "features.columns": _suggest_times(contract, known) | _suggest_steps(contract, table),
        "train.metric": "mase",
        "train.folds": 5 if examples <= MANY_EXAMPLES else 3,
        "train.holdout": None,
        "train.candidates": _suggest_forecasters(examples),
    }


def _suggest_for_anomalies(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Settings for a typed table, by their keys in params.yaml."""
    rows, width = len(table), len(contract.features)
    normal, known = (int((table[contract.target] == name).sum()) for name in contract.classes)
    network = _suggest_network(rows) | {"hidden_units": [32], "code": max(1, min(8, width // 2))}
    neighbours = {"lof": {"neighbours": 20}} if rows <= MOST_ROWS_OF_NEIGHBOURS else {}
    # Made-up anomalies flatter these, and unknown ones among the train rows mislead them.
    judged_by_labels = {"pca_error": {"share": 0.9}, **neighbours, "autoencoder": network}
    has_labels = min(normal, known) >= ENOUGH
    return {
        "kind": contract.kind,
        "split.by": _suggest_split(contract),
        "features.columns": _suggest_steps(contract, table),
        "train.metric": "average_precision" if has_labels else "injected_precision",
        "train.champion": None if has_labels else CHAMPION_WITHOUT_LABELS,
        "train.contamination": _suggest_contamination(table[contract.target], known),
        "train.decision": None,
        **_suggest_folds(rows),
        "train.candidates": {
            "baseline": {},
            "ecod": {},
            "isolation_forest": {"trees": 200},
            **(judged_by_labels if has_labels else {}),
        },
    }


def _suggest_contamination(labels: pd.Series, known: int) -> float:
    """What the labels tell, unless that is too few or too many to look for.

    Where no other rows have a label, more may be anomalies than the known ones.
    """
    least = LEAST_CONTAMINATION if labels.notna().sum() > known else CONTAMINATION
    return min(max(share_known(labels, known), least), MOST_CONTAMINATION)


def share_known(labels: pd.Series, known: int) -> float:
    """The share of known anomalies, to two digits: among the rows with a label, or among all rows
    where no others have one.
    """
    count = int(labels.notna().sum())
    return float(f"{known / (count if count > known else len(labels)):.2g}")


def _suggest_for_clusters(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Settings for a typed table, by their keys in params.yaml."""
    rows = len(table)
    return {
        "kind": contract.kind,
        "split.by": _suggest_split(contract),
        "features.columns": _suggest_steps(contract, table),
        "train.metric": "stable_silhouette",
        "train.clusters": None,
        **_suggest_folds(rows),
        "train.candidates": {
            "baseline": {},
            "kmeans": {"starts": 4},
            "gaussian_mixture": {"covariance": "full"},
            "agglomerative": {"linkage": "ward"},
            "hdbscan": {"share": 0.05},
        },
    }


def _suggest_folds(rows: int) -> dict[str, Any]:
    """How candidates are compared that need no target."""
    if rows <= MOST_ROWS_FOLDED:
        return {"train.folds": 5, "train.holdout": None}
    return {"train.folds": None, "train.holdout": 0.2}


def _suggest_times(contract: Contract, known: pd.DataFrame) -> dict[str, Any]:
    """Nothing of a time that never comes again: a place on a line, a month of a single year."""
    assert contract.time is not None
    if contract.columns[contract.time].type != "datetime":
        return {contract.time: "drop"}
    times = known[contract.time]
    if times.max() - times.min() >= TWO_YEARS:
        return {}
    return {contract.time: [{"calendar": {"month": False}}, "impute"]}


def is_fit_long(contract: Contract, rows: int) -> bool:
    """Whether a single fit takes minutes, so that more of them than need be are not made."""
    width = prod(contract.images.shape) if contract.images else len(contract.features)
    width += len(contract.texts) * WORDS
    return rows * width > MOST_VALUES_LEARNT_AGAIN


def _is_skewed(numbers: pd.Series) -> bool:
    """Whether a few numbers are far above all others."""
    skew: Any = numbers.astype("float64").skew()
    return bool(skew > SKEW)


def _suggest_steps(contract: Contract, table: pd.DataFrame) -> dict[str, Any]:
    """Steps of the columns that those of their group would serve badly."""
    steps: dict[str, Any] = {}
    for name, column in contract.learnt_only().items():
        if contract.forecasts and not column.future:
            continue  # what is of the past is no column of an example
        if column.type in NUMBERS:
            marks = ["indicate_missing"] if table[name].isna().mean() > MANY_GAPS else []
            logs = ["log1p"] if _is_skewed(table[name]) else []
            if marks or logs:
                steps[name] = [*marks, "impute", *logs, "standardise"]
        elif column.type in LEVELS and len(column.categories or []) > MANY_CATEGORIES:
            steps[name] = _suggest_steps_of_many_levels(contract)
    return steps


def _suggest_steps_of_many_levels(contract: Contract) -> list[Any]:
    """By the target's means, unless there is none, or rows count unlike for one."""
    if contract.is_supervised and contract.exposure is None:
        return ["target_encode", "standardise"]
    return [{"one_hot": {"min_frequency": RARE_TEXT}}]


def _suggest_candidates(contract: Contract, rows: int, metric: str) -> dict[str, Any]:
    if contract.images:
        return _suggest_for_images(contract, contract.images, rows, metric)
    if contract.points is not None:
        return _suggest_for_sequences(contract, rows, metric)
    if contract.texts:
        return _suggest_readers(contract, rows, metric)
    has_levels = any(column.type in LEVELS for column in contract.features_only().values())
    loss, of_trees = _suggest_losses(metric)
    network = {**_suggest_network(rows), **loss}
    boosting = {"boosting": {**_suggest_boosting(rows, metric), **of_trees}}
    machine = {} if contract.labels or metric in RATES else {"svm": {"penalty": 1.0}}
    neighbours = {"knn": {"neighbours": 15}, **machine}
    return {
        "baseline": {},
        "linear": {"alpha": 0.01 if loss else 1.0, **loss},
        **({"ordinal": {"alpha": 1.0}} if contract.is_ordered else {}),
        **(neighbours if rows <= MOST_ROWS_OF_NEIGHBOURS else {}),
        "tree": {"min_samples_leaf": 5 if rows < FEW_ROWS and metric not in RATES else 20},
        "forest": _suggest_forest(metric),
        **(boosting if len(contract.labels) <= MOST_LABELS_BOOSTED else {}),
        "mlp": network,
        **({"wide_and_deep": network} if has_levels else {}),
    }


def _suggest_for_images(
    contract: Contract, images: Images, rows: int, metric: str
) -> dict[str, Any]:
    """Those that learn from shades, and those that see shapes, of which more take fewer passes."""
    loss, _ = _suggest_losses(metric)
    batch, epochs = (32, 60) if rows < FEW_ROWS else (64, 30) if rows < MANY_ROWS else (128, 10)
    network = {
        **{"batch_size": batch, "learning_rate": 0.003, "schedule": "cosine"},
        **{"max_epochs": epochs, "patience": min(epochs, 20)},
        **loss,
    }
    side = min(images.width, images.height)
    # A number may be where something is, which moves with the image.
    shift = {"shift": max(1, side // PIXELS_PER_SHIFT)} if contract.classes else {}
    share = {} if contract.classes else {"max_features": 0.1}
    return {
        "baseline": {},
        "linear": {"alpha": 0.01 if contract.classes or loss else 100.0, **loss},
        **({"knn": {"neighbours": 5}} if rows <= MOST_ROWS_OF_NEIGHBOURS else {}),
        "forest": {"trees": 100, **share},
        **({"cnn": {"padding": "same", **shift, **network}} if side >= SMALLEST_SIDE else {}),
        # Of many images it takes an hour or more.
        **({"resnet": {**shift, **network}} if rows < MANY_ROWS else {}),
    }


def _suggest_for_sequences(contract: Contract, rows: int, metric: str) -> dict[str, Any]:
    """Those that learn from summaries, and those that read each point."""
    batch = 8 if rows < ROWS_OF_FEW_STEPS else 32 if rows < FEW_ROWS else 128
    loss, of_trees = _suggest_losses(metric)
    network = {"schedule": "cosine", "batch_size": batch, "max_epochs": 60, "patience": 20, **loss}
    convolutions = {"rocket": {"alpha": 10.0 if contract.classes else 1000.0}}
    return {
        "baseline": {},
        "linear": {"alpha": 0.01 if loss else 1.0, **loss},
        "forest": _suggest_forest(metric),
        "boosting": {**_suggest_boosting(rows, metric), **of_trees},
        **(convolutions if rows <= MOST_ROWS_CONVOLVED else {}),
        "conv1d": network,
        "rnn": {"cell": "gru", **network},
    }


def _suggest_for_texts(X: pd.DataFrame) -> dict[str, Any]:
    """How the sentences of (n_rows, n_columns) texts are read."""
    texts = join_texts(X)
    lengths = [len(text.split()) for text in texts]
    is_much = sum(map(len, texts)) > MANY_SIGNS
    return {
        "features.text": [
            {"terms": {"words": 2, "characters": 0}} if is_much else "terms",
            {"latent": 64},
            "standardise",
        ],
        "features.tokens": {
            "length": min(LONGEST_READ, max(10, _round_up(np.quantile(lengths, 0.95)))),
            # A word at least, which may be one that no two texts have.
            "vocabulary": min(MOST_WORDS, _round_up(FIRST + max(1, len(list_common(texts))))),
        },
    }


def _round_up(number: float) -> int:
    """To two digits."""
    unit: int = 10 ** max(0, len(f"{number:.0f}") - 2)
    return ceil(number / unit) * unit


def _suggest_readers(contract: Contract, rows: int, metric: str) -> dict[str, Any]:
    """Those that learn from all terms, from few numbers of them, and that read word by word."""
    loss, of_trees = _suggest_losses(metric)
    has_others = len(contract.features) > len(contract.texts)
    is_told_apart = bool(contract.classes or contract.labels)
    epochs = 30 if rows < FEW_ROWS else 12 if rows < MANY_ROWS else 5
    boosting = {"boosting": {**_suggest_boosting(rows, metric), **of_trees}}
    batch = 16 if rows < ROWS_OF_FEW_STEPS else 32 if rows < FEW_ROWS else 64
    network = {"schedule": "cosine", "batch_size": batch, "max_epochs": epochs, **loss}
    return {
        "baseline": {},
        **({"naive_bayes": {}} if is_told_apart and not has_others else {}),
        "linear": {"alpha": 0.01 if loss else 0.1 if is_told_apart else 1.0, **loss},
        **({"ordinal": {"alpha": 1.0}} if contract.is_ordered else {}),
        **({"forest": _suggest_forest(metric)} if has_others else {}),
        **(boosting if len(contract.labels) <= MOST_LABELS_BOOSTED else {}),
        "text_cnn": network,
        "text_rnn": network,
    }


def _suggest_losses(metric: str) -> tuple[dict[str, str], dict[str, str]]:
    """The option of linear models and networks, and of trees, which have no Tweedie loss: that of
    Poisson finds the mean of any numbers from zero on."""
    if metric not in LOSSES:
        return {}, {}
    return {"loss": LOSSES[metric]}, {"loss": "poisson"}


def _suggest_forest(metric: str) -> dict[str, Any]:
    """Of counts and amounts a leaf needs some rows, since those of few are often all zero."""
    return {"trees": 100, **({"min_samples_leaf": 20} if metric in RATES else {})}


def _suggest_boosting(rows: int, metric: str) -> dict[str, Any]:
    """Small steps of small trees, more and larger ones for more rows.

    Probabilities, counts and skewed numbers are overdone sooner, so that they take smaller trees;
    and counts and amounts fewer of them, however many rows there are.
    """
    if rows < FEW_ROWS:
        return {"learning_rate": 0.05, "trees": 200, "max_leaf_nodes": 8, "min_samples_leaf": 10}
    if metric in RATES:
        return {"learning_rate": 0.05, "trees": 200, "max_leaf_nodes": 8}
    leaves = 16 if metric == "rmse" else 8
    leaves *= 2 if rows >= MANY_ROWS else 1
    return {"learning_rate": 0.05, "trees": 400, "max_leaf_nodes": leaves}


def _suggest_network(rows: int) -> dict[str, Any]:
    """More rows allow more units and larger steps over larger batches, and need fewer passes."""
    units, training = [64, 64], {"batch_size": 256, "learning_rate": 0.01, "max_epochs": 40}
    if rows < FEW_ROWS:
        rate = 0.01 if rows < ROWS_OF_FEW_STEPS else 0.003
        units, training = [32], {"batch_size": 32, "learning_rate": rate, "max_epochs": 100}
    elif rows < MANY_ROWS:
        training["batch_size"] = 128
    return {"hidden_units": units, "schedule": "cosine", **training, "patience": 20}


def _suggest_forecasters(examples: int) -> dict[str, Any]:
    """Few examples allow little beyond their averages; many need few passes of a network."""
    epochs = min(60, max(3, EXAMPLES_PASSED // max(1, examples)))
    network = {
        **{"schedule": "cosine", "batch_size": 64 if examples < FEW_ROWS else 256},
        **{"learning_rate": 0.003, "max_epochs": epochs},
    }
    ridge = {"alpha": 100.0 if examples < MANY_ROWS else 10.0}
    return {
        "baseline": {},
        "naive": {},
        "drift": {},
        "smoothing": {},
        "autoregression": ridge,
        "combination": ridge,
        "boosting": _suggest_boosting(examples, "mase") | {"loss": "absolute_error"},
        "recurrent": {"cell": "gru", **network},
        "tcn": network,
    }
