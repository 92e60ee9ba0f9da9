"""How often intervals hold the true figure, by simulation; see coverage.py, which runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
import pandas as pd
from lockstep.core.contract import Contract
from lockstep.core.examples import BLOCK, PAST, SCALE, SQUARED_SCALE, frame_contract
from lockstep.core.params import EvaluateParams, Params, SplitParams
from lockstep.data.examples import make_examples
from lockstep.data.past import decode_pasts
from lockstep.modeling.intervals import bootstrap, compare_models
from lockstep.modeling.metrics import METRICS, ON_REQUEST
from lockstep.modeling.outcome import FORECAST, Outcome
from scipy.signal import lfilter
from scipy.special import softmax

SETTINGS = EvaluateParams(resamples=500, confidence=0.95)
ROWS = (40, 200, 1000)
MANY = 1_000_000
"""Rows whose figures are taken for the true ones."""
SMALL = 1e-9
SERIES = Contract.model_validate(
    {
        "title": "One series",
        "source": "a seeded generator",
        "licence": "none",
        "target": "value",
        "time": "time",
        "every": 1,
        "horizon": 7,
        "season": 1,
        "window": 14,
        "columns": {
            "time": {"type": "integer", "meaning": "when"},
            "value": {"type": "numeric", "meaning": "how much"},
        },
    }
)
HALF = Params.model_construct(kind="forecasting", split=SplitParams(by="time", test_fraction=0.5))
SCALED = ("mase", "rmsse")
"""Of a series that wanders, shares of its own values have no true figure."""
OF_COUNTS = ("poisson_deviance", "d2_poisson", "gini")
Draw = Callable[[np.random.Generator, int], tuple[Outcome, Outcome]]


def draw_classes(
    rng: np.random.Generator,
    rows: int,
    *,
    shares: tuple[float, ...],
    sharpness: float,
    boldness: float = 1,
    per_group: int = 1,
) -> tuple[Outcome, Outcome]:
    """Rows whose classes follow their true probabilities, as two models predict them.

    One has log-odds of `boldness` times the true ones, the other predicts the shares. Rows of a
    group have half of what tells classes apart in common.
    """
    groups = np.arange(rows) // per_group
    own, common = rng.standard_normal((2, rows, len(shares)))
    signal = own if per_group == 1 else (own + common[groups]) / np.sqrt(2)
    scores = np.log(shares) + sharpness * signal
    steps = softmax(scores, axis=1).cumsum(axis=1)[:, :-1]
    luck = rng.random((rows, 1))
    if per_group > 1:  # what the model does not know is common as well
        luck = luck[groups]
    actual = (luck > steps).sum(axis=1)
    likely, guess = softmax(boldness * scores, axis=1), np.tile(shares, (rows, 1))
    names = tuple("abc"[: len(shares)])
    drawn = groups if per_group > 1 else None
    return Outcome(actual, likely, names, drawn), Outcome(actual, guess, names, drawn)


def draw_numbers(
    rng: np.random.Generator,
    rows: int,
    *,
    errors: Callable[[np.random.Generator, int], np.ndarray],
    per_group: int = 1,
) -> tuple[Outcome, Outcome]:
    """Rows whose number is twice a feature and an error; one model knows the feature.

    Errors of a group have half of their variance in common.
    """
    groups = np.arange(rows) // per_group
    feature, error = rng.standard_normal(rows), errors(rng, rows)
    if per_group > 1:
        error = (error + errors(rng, rows)[groups]) / np.sqrt(2)
    actual = 2 * feature + error
    drawn = groups if per_group > 1 else None
    return (
        Outcome(actual, 2 * feature, groups=drawn),
        Outcome(actual, np.zeros(rows), groups=drawn),
    )


def draw_counts(
    rng: np.random.Generator, rows: int, *, mean: float, is_exposed: bool = False
) -> tuple[Outcome, Outcome]:
    """Rows whose count has a Poisson distribution; one model knows the rate of each.

    The other one knows the mean rate. Rows are exposed equally, or between nearly nothing and 1.
    """
    rates = mean * np.exp(rng.standard_normal(rows) - 0.5)
    exposure = rng.uniform(0.05, 1, rows) if is_exposed else np.ones(rows)
    actual = rng.poisson(rates * exposure).astype("float64")
    exposed = exposure if is_exposed else None
    return (
        Outcome(actual, rates * exposure, exposure=exposed),
        Outcome(actual, mean * exposure, exposure=exposed),
    )


def draw_forecasts(
    rng: np.random.Generator, rows: int, *, persistence: float
) -> tuple[Outcome, Outcome]:
    """Forecasts at as many times of one series, each value of which has so much of the one before.

    One model forecasts the latest value, the other the mean of the window. The errors' scale is 1.
    """
    values = lfilter([1], [1, -persistence], rng.standard_normal(2 * rows))
    series = pd.DataFrame({"time": np.arange(2 * rows), "value": values})
    table = pd.concat(make_examples([series], SERIES, HALF))
    table = table[table["part"] == "test"].assign(**{SCALE: 1.0, SQUARED_SCALE: 1.0})
    past = decode_pasts(table[PAST].tolist(), frame_contract(SERIES).columns[PAST])[..., 0]
    latest, mean = (
        Outcome.concatenate(
            [Outcome(table["value"].to_numpy(), predicted, forecasts=table[FORECAST])],
            table[BLOCK],
        )
        for predicted in (past[:, -1], past.mean(axis=1))
    )
    return latest, mean


def normal(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.standard_normal(rows)


def skewed(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Of skewness 0.8, around zero."""
    return (rng.gamma(6, size=rows) - 6) / np.sqrt(6)


def heavy(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Of skewness 2 and kurtosis 9, around zero."""
    return rng.exponential(size=rows) - 1


POPULATIONS: dict[str, Draw] = {
    "two classes, calibrated": partial(draw_classes, shares=(0.5, 0.5), sharpness=1.5),
    "two classes, overconfident": partial(
        draw_classes, shares=(0.5, 0.5), sharpness=1.2, boldness=2.5
    ),
    "one row in ten, calibrated": partial(draw_classes, shares=(0.9, 0.1), sharpness=1.5),
    "two classes, nearly all right": partial(draw_classes, shares=(0.5, 0.5), sharpness=6),
    "three classes, calibrated": partial(draw_classes, shares=(0.6, 0.3, 0.1), sharpness=1.5),
    "three classes, overconfident": partial(
        draw_classes, shares=(0.6, 0.3, 0.1), sharpness=1.5, boldness=2.5
    ),
    "two classes in groups of 4": partial(
        draw_classes, shares=(0.5, 0.5), sharpness=1.5, per_group=4
    ),
    "numbers, normal errors": partial(draw_numbers, errors=normal),
    "numbers, skewed errors": partial(draw_numbers, errors=skewed),
    "numbers, heavy errors": partial(draw_numbers, errors=heavy),
    "numbers in groups of 4": partial(draw_numbers, errors=normal, per_group=4),
    "counts, 2 on average": partial(draw_counts, mean=2),
    "counts, 0.3 on average": partial(draw_counts, mean=0.3),
    "counts, unequal exposure": partial(draw_counts, mean=2, is_exposed=True),
    "forecasts of a random walk": partial(draw_forecasts, persistence=1),
    "forecasts, persistence 0.7": partial(draw_forecasts, persistence=0.7),
}


def count_hits(name: str, rows: int, simulations: int) -> list[tuple[str, int, np.ndarray]]:
    """Of each metric how often it is defined, and how often each kind of interval holds it.

    The kinds are percentiles of the bootstrap and ours, of the figure; and both of the gain.
    """
    draw = POPULATIONS[name]
    true, other = draw(np.random.default_rng(0), MANY)
    metrics = METRICS["classification" if true.classes else "regression"]
    if name.startswith("counts"):
        metrics = [metric for metric in ON_REQUEST["regression"] if metric.name in OF_COUNTS]
    if true.forecasts is not None:
        metrics = [metric for metric in METRICS["forecasting"] if metric.name in SCALED]
    metrics = [metric for metric in metrics if metric.has_interval]
    truth = np.array([metric.score(true) for metric in metrics])
    gain = truth - [metric.score(other) for metric in metrics]
    defined, hits = np.zeros(len(metrics), dtype=int), np.zeros((len(metrics), 4), dtype=int)
    for seed in range(1, simulations + 1):
        outcomes = draw(np.random.default_rng([rows, seed]), rows)
        scores = compare_models(metrics, *outcomes, SETTINGS, seed)
        drawn = [bootstrap(metrics, one, SETTINGS.resamples, seed) for one in outcomes]
        percentiles = [
            np.nanquantile(figures, (0.025, 0.975), axis=1)
            for figures in (drawn[0], drawn[0] - drawn[1])
        ]
        for place, metric in enumerate(metrics):
            if scores[metric.name] is None:
                continue
            defined[place] += 1
            gained = sorted(metric.sign * end for end in scores["gain"][metric.name])
            pairs = (
                (percentiles[0][:, place], truth),
                (scores["intervals"][metric.name], truth),
                (percentiles[1][:, place], gain),
                (gained, gain),
            )
            hits[place] += [
                low - SMALL <= value[place] <= high + SMALL for (low, high), value in pairs
            ]
    return [(one.name, *pair) for one, *pair in zip(metrics, defined, hits, strict=True)]


def list_lines(rows: tuple[int, ...], simulations: int) -> Iterator[str]:
    """A table of a line per population and metric, as soon as each population is done."""
    yield f"Percent of {simulations} simulations, percentiles of the bootstrap -> ours"
    error = 100 * np.sqrt(0.95 * 0.05 / simulations)
    yield f"(standard error of a figure {error:.1f}); a gain is over a model that guesses.\n"
    heads = [f"{count} rows | gain, {count} rows" for count in rows]
    yield f"| population | metric | {' | '.join(heads)} |"
    yield "| --- " * (2 + 2 * len(rows)) + "|"
    jobs = [(name, count, simulations) for name in POPULATIONS for count in rows]
    with ProcessPoolExecutor(2) as pool:
        results = pool.map(count_hits, *zip(*jobs, strict=True))
        for name in POPULATIONS:
            for by_rows in zip(*(next(results) for _ in rows), strict=True):
                cells = []
                for _, defined, hits in by_rows:
                    before, after, gain_before, gain_after = 100 * hits / defined
                    cells += [
                        f"{before:.1f} -> {after:.1f}",
                        f"{gain_before:.1f} -> {gain_after:.1f}",
                    ]
                yield f"| {name} | {by_rows[0][0]} | {' | '.join(cells)} |"


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=400)
    for line in list_lines(ROWS, options.parse_args().simulations):
        print(line, flush=True)
