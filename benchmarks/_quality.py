"""How good estimates of quality are before outcomes come, by simulation; quality.py runs it."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
import pandas as pd
from lockstep.modeling.expectation import Expectation
from lockstep.modeling.metrics import METRICS
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import conformal_margins
from lockstep.modeling.scales import make_number_scale
from lockstep.monitoring.estimates import DRAWS
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB

ROWS, WINDOWS = (300, 3000), (200, 2000)
NAMES = [f"x{number}" for number in range(6)]
MODELS: dict[str, Callable[[], BaseEstimator]] = {
    "logistic regression": LogisticRegression,
    "naive Bayes, overconfident": GaussianNB,
    "forest of classes": lambda: RandomForestClassifier(50, min_samples_leaf=3, random_state=0),
    "linear regression": LinearRegression,
    "forest of numbers": lambda: RandomForestRegressor(50, min_samples_leaf=3, random_state=0),
}
SETTINGS = {"no drift": (0, 1), "shift 0.5": (0.5, 1), "shift 1": (1, 1), "concept": (0, -1)}
"""By how much the first column is higher, and how much of its effect on the target is left."""
SHOWN = ("accuracy", "log_loss", "roc_auc", "rmse", "mae")
STREAMS = 20
"""Simulations whose windows the peer estimates, too."""


def draw(
    rng: np.random.Generator, rows: int, shift: float, effect: float, *, of_classes: bool
) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of six columns, two of which belong together, and classes or numbers.

    Errors of numbers have heavy tails, and are the larger the higher the first column is.
    """
    values = rng.standard_normal((rows, len(NAMES)))
    values[:, 1] = 0.6 * values[:, 0] + 0.8 * values[:, 1]
    values[:, 0] += shift
    first, second, third, fourth = values.T[:4]
    signal = 1.2 * effect * first + 0.8 * second * (third > 0) + 0.7 * np.sin(2 * fourth)
    if of_classes:
        actual = (rng.random(rows) < expit(signal - 0.5)).astype(int)
    else:
        actual = 2 * signal + (0.4 + 0.5 * np.exp(first / 2)) * rng.standard_t(6, rows)
    return pd.DataFrame(values, columns=NAMES), actual


def simulate(name: str, rows: int, seed: int, streams: Path | None) -> list[tuple]:
    """A model, and what its quality is held to be in a window of each kind."""
    rng, make = np.random.default_rng([rows, seed]), MODELS[name]
    of_classes = hasattr(make(), "predict_proba")
    classes, method = (("0", "1"), "predict_proba") if of_classes else ((), "predict")
    metrics = METRICS["classification" if of_classes else "regression"]
    X, y = draw(rng, rows, 0, 1, of_classes=of_classes)
    folds = KFold(5, shuffle=True, random_state=0)
    held_out = cross_val_predict(make(), X, y, cv=folds, method=method)
    model = make().fit(X, y)
    scales = {column: make_number_scale(X[column]) for column in NAMES}
    if not of_classes:
        scales["prediction"] = make_number_scale(pd.Series(held_out))

    def place(X: pd.DataFrame, predicted: np.ndarray) -> dict[str, np.ndarray]:
        columns = X if of_classes else X.assign(prediction=predicted)
        return {column: scale.place(columns[column]) for column, scale in scales.items()}

    expectation = Expectation.fit(Outcome(y, held_out, classes), place(X, held_out))
    tables, lines = [_tabulate("reference", 0, X, y, held_out)], []
    for (setting, (shift, effect)), size in product(SETTINGS.items(), WINDOWS):
        X, y = draw(rng, size, shift, effect, of_classes=of_classes)
        window = Outcome(y, getattr(model, method)(X), classes)
        tables.append(_tabulate(setting, size, X, y, window.predicted))
        draws = [*expectation.draw(window, place(X, window.predicted), DRAWS, seed)]
        for metric in metrics:
            if metric.name in SHOWN:
                figures = np.array([metric.score(one) for one in draws])
                low, high = conformal_margins(figures, 0.95)
                truth, figure = metric.score(window), np.median(figures)
                is_held, off = low <= truth <= high, figure - truth
                lines.append((name, rows, metric.name, setting, size, is_held, off, truth))
    if streams and seed < STREAMS:
        streams.mkdir(exist_ok=True)
        file = streams / f"{name}, {rows}, {seed}.parquet"
        pd.concat(tables, ignore_index=True).to_parquet(file)
    return lines


def _tabulate(
    setting: str,
    size: int,
    X: pd.DataFrame,
    y: np.ndarray,
    predicted: np.ndarray,
) -> pd.DataFrame:
    score = predicted if predicted.ndim == 1 else predicted[:, 1]
    return X.assign(score=score, actual=y, setting=setting, size=size)


def summarise(lines: list[tuple]) -> list[str]:
    """A table: how often an interval holds, and how far the estimate is off in the mean."""
    cells: dict[tuple, list[tuple[bool, float, float]]] = defaultdict(list)
    for *key, is_held, off, truth in lines:
        cells[tuple(key)].append((is_held, off, truth))
    columns = [*product(SETTINGS, WINDOWS)]
    heads = [f"{setting}, {size}" for setting, size in columns]
    table = [
        "Percent of windows whose metric the interval holds, and how far the estimate is off in "
        "the mean, in percent of the metric.\n",
        f"| model | learnt from | metric | {' | '.join(heads)} |",
        "| --- " * (3 + len(columns)) + "|",
    ]
    for name, rows, metric in dict.fromkeys(key[:3] for key in cells):
        texts = []
        for setting, size in columns:
            held, off, truth = np.array(cells[name, rows, metric, setting, size]).T
            texts.append(f"{100 * held.mean():.0f} ({100 * off.mean() / truth.mean():+.1f})")
        table.append(f"| {name} | {rows} | {metric} | {' | '.join(texts)} |")
    return table


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=60)
    options.add_argument("--streams", type=Path)
    chosen = options.parse_args()
    jobs = [*product(MODELS, ROWS, range(chosen.simulations), [chosen.streams])]
    with ProcessPoolExecutor(2) as pool:
        parts = pool.map(simulate, *zip(*jobs, strict=True), chunksize=10)
        for text in summarise([line for part in parts for line in part]):
            print(text)
