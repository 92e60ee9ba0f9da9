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
from lockstep.modeling.intervals import summarise
from lockstep.modeling.metrics import DEFAULTS, METRICS, Metric
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import conformal_margins
from lockstep.modeling.scales import make_number_scale
from lockstep.monitoring.estimates import DRAWS, Figure
from lockstep.monitoring.estimates import SETTINGS as SETTINGS_OF_INTERVALS
from lockstep.monitoring.quality import WIDENING, Course, is_worse
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.isotonic import IsotonicRegression
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
ALARMING = ("logistic regression", "naive Bayes, overconfident", "linear regression")
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


class Learnt:
    """A model, and what is expected of it by rows that were held out."""

    def __init__(self, name: str, rows: int, rng: np.random.Generator) -> None:
        make = MODELS[name]
        self.rng, self.of_classes = rng, hasattr(make(), "predict_proba")
        self.classes = ("0", "1") if self.of_classes else ()
        self.metrics = METRICS["classification" if self.of_classes else "regression"]
        self.method = "predict_proba" if self.of_classes else "predict"
        self.X, y = draw(rng, rows, 0, 1, of_classes=self.of_classes)
        folds = KFold(5, shuffle=True, random_state=0)
        held_out = cross_val_predict(make(), self.X, y, cv=folds, method=self.method)
        self.model, self.validation = make().fit(self.X, y), Outcome(y, held_out, self.classes)
        self.scales = {column: make_number_scale(self.X[column]) for column in NAMES}
        if not self.of_classes:
            self.scales["prediction"] = make_number_scale(pd.Series(held_out))
        self.expectation = Expectation.fit(self.validation, self.place(self.X, held_out))

    def place(self, X: pd.DataFrame, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Where rows are on the scales."""
        columns = X if self.of_classes else X.assign(prediction=predicted)
        return {column: scale.place(columns[column]) for column, scale in self.scales.items()}

    def draw(self, rows: int, setting: str) -> tuple[pd.DataFrame, Outcome]:
        """A window."""
        X, y = draw(self.rng, rows, *SETTINGS[setting], of_classes=self.of_classes)
        return X, Outcome(y, getattr(self.model, self.method)(X), self.classes)

    def estimate(self, X: pd.DataFrame, window: Outcome, metric: Metric) -> Figure:
        """What a metric of a window is held to be."""
        places = self.place(X, window.predicted)
        draws = self.expectation.draw(window, places, DRAWS, 0)
        figures = np.array([metric.score(one) for one in draws])
        figures = figures[~np.isnan(figures)]  # of one class, some metrics are not defined
        return Figure(float(np.median(figures)), *conformal_margins(figures, 0.95))


def simulate(name: str, rows: int, seed: int, streams: Path | None) -> list[tuple]:
    """A model, and what its quality is held to be in a window of each kind."""
    learnt = Learnt(name, rows, np.random.default_rng([rows, seed]))
    known, lines = learnt.validation, []
    tables = [_tabulate("reference", 0, learnt.X, known)]
    steps = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    if learnt.of_classes:
        steps.fit(known.predicted[:, 1], known.actual)
    for setting, size in product(SETTINGS, WINDOWS):
        X, window = learnt.draw(size, setting)
        tables.append(_tabulate(setting, size, X, window))
        for metric in learnt.metrics:
            truth, key = metric.score(window), (name, rows, metric.name, setting, size)
            if metric.name in SHOWN:
                figure, low, high = learnt.estimate(X, window, metric)
                lines.append((*key, low <= truth <= high, figure - truth, truth))
            if metric.name == "log_loss":
                shares = steps.predict(window.predicted[:, 1])
                losses = -np.log(window.predicted.clip(1e-15))
                figure = (losses * np.column_stack([1 - shares, shares])).sum(axis=1).mean()
                key = (name, rows, "log_loss, isotonic", setting, size)
                lines.append((*key, np.nan, figure - truth, truth))
    if streams and seed < STREAMS:
        streams.mkdir(exist_ok=True)
        file = streams / f"{name}, {rows}, {seed}.parquet"
        pd.concat(tables, ignore_index=True).to_parquet(file)
    return lines


def count_alarms(name: str, rows: int, seed: int, size: int, setting: str) -> np.ndarray:
    """(2, 2) of ten windows alarms of log loss or RMSE, and whether there are any.

    Columns are by outcomes and by estimates.
    """
    learnt = Learnt(name, rows, np.random.default_rng([rows, seed, size]))
    primary = DEFAULTS["classification" if learnt.of_classes else "regression"]
    [metric] = [metric for metric in learnt.metrics if metric.name == primary]

    def realise(outcome: Outcome) -> Figure:
        figures = summarise([metric], outcome, SETTINGS_OF_INTERVALS, 0)
        return Figure(figures[primary], *figures["intervals"][primary])

    course = Course(metric, realise(learnt.validation), [], [])
    worse = np.zeros((10, 2), dtype=bool)
    for place in range(len(worse)):
        X, window = learnt.draw(size, setting)
        figures = realise(window), learnt.estimate(X, window, metric)
        pairs = zip(figures, (WIDENING, 1), strict=True)
        worse[place] = [is_worse(course, *pair) for pair in pairs]
    alarms = worse[1:] & worse[:-1]
    return np.array([alarms.sum(axis=0), alarms.any(axis=0)])


def _tabulate(setting: str, size: int, X: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    predicted = outcome.predicted
    score = predicted if predicted.ndim == 1 else predicted[:, 1]
    return X.assign(score=score, actual=outcome.actual, setting=setting, size=size)


def tell(lines: list[tuple]) -> list[str]:
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
            share = "-" if np.isnan(held).any() else f"{100 * held.mean():.0f}"
            texts.append(f"{share} ({100 * off.mean() / truth.mean():+.1f})")
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
        for text in tell([line for part in parts for line in part]):
            print(text)
        print("\nAlarms of ten windows each, by outcomes and by estimates, and models with any.\n")
        for name, rows, size, setting in product(ALARMING, ROWS, WINDOWS, SETTINGS):
            seeds = range(chosen.simulations)
            parts = pool.map(
                count_alarms, *zip(*product([name], [rows], seeds, [size], [setting]), strict=True)
            )
            print(name, rows, size, setting, *sum(parts).flat, sep=", ", flush=True)
