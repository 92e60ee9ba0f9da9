"""How often the gate errs, by simulation; see gate.py, which runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
from lockstep.core.params import EvaluateParams
from lockstep.modeling.intervals import compare_folds, compare_models, compare_pair
from lockstep.modeling.metrics import METRICS, Metric
from lockstep.modeling.outcome import Outcome
from lockstep.registry.measures import CALIBRATION_MARGIN
from scipy.optimize import brentq
from scipy.special import softmax

SETTINGS = EvaluateParams(resamples=300, confidence=0.95)
ROWS = {40: 1.0, 200: 0.5, 1000: 0.1, 10_000: 0.02}
"""Test rows, and which share of the simulations is made of so many."""
MANY = 400_000
"""Rows from which what two models must be like to be equally good is found."""
BETTER = 1.2
"""How much more noise the present model has, where the new one is better."""
Draw = Callable[[np.random.Generator, int, float], tuple[Outcome, Outcome]]
BY_NAME = {metric.name: metric for metrics in METRICS.values() for metric in metrics}


def draw_classes(
    rng: np.random.Generator,
    rows: int,
    worse: float,
    *,
    shares: tuple[float, ...] = (0.5, 0.5),
    common: float,
) -> tuple[Outcome, Outcome]:
    """A new model and the present one, which know the true log-odds but for some noise.

    The share `common` of the noise's variance is the same for both.
    """
    scores = np.log(shares) + 1.5 * rng.standard_normal((rows, len(shares)))
    actual = draw_actual(rng, scores)
    noise = rng.standard_normal((3, *scores.shape))
    return tuple(
        Outcome(
            actual,
            softmax(scores + size * mix(noise[0], own, common), axis=1),
            tuple("abc"[: len(shares)]),
        )
        for size, own in ((0.7, noise[1]), (0.7 * worse, noise[2]))
    )


def draw_actual(rng: np.random.Generator, scores: np.ndarray) -> np.ndarray:
    steps = softmax(scores, axis=1).cumsum(axis=1)[:, :-1]
    return (rng.random((len(scores), 1)) > steps).sum(axis=1)


def mix(both: np.ndarray, own: np.ndarray, common: float) -> np.ndarray:
    return np.sqrt(common) * both + np.sqrt(1 - common) * own


def draw_bold(
    rng: np.random.Generator, rows: int, *, bold: float, timid: float
) -> tuple[Outcome, Outcome]:
    """A bold model, a little better on most rows and much worse on a few, and a timid one."""
    scores = 1.5 * rng.standard_normal((rows, 2))
    actual = draw_actual(rng, scores)
    return tuple(Outcome(actual, softmax(by * scores, axis=1), ("a", "b")) for by in (bold, timid))


def find_timid(bold: float) -> float:
    """By what log-odds have to be multiplied to have the same log loss as with `bold`."""

    def differ(timid: float) -> float:
        pair = draw_bold(np.random.default_rng(0), MANY, bold=bold, timid=timid)
        one, other = map(BY_NAME["log_loss"].score, pair)
        return one - other

    return float(brentq(differ, 0.02, 0.99))


def draw_numbers(
    rng: np.random.Generator, rows: int, worse: float, *, common: float, heavy: bool = False
) -> tuple[Outcome, Outcome]:
    """A new model and the present one, which know the number but for noise and its error."""
    number = rng.standard_normal(rows)
    error = rng.exponential(size=rows) - 1 if heavy else rng.standard_normal(rows)
    noise = rng.standard_normal((3, rows))
    return tuple(
        Outcome(number + error, number + size * mix(noise[0], own, common))
        for size, own in ((1, noise[1]), (worse, noise[2]))
    )


CLASSES, NUMBERS = ("log_loss", "accuracy", "roc_auc"), ("rmse",)
POPULATIONS: dict[str, tuple[Draw, tuple[str, ...]]] = {
    "two classes, much alike": (partial(draw_classes, common=0.98), CLASSES),
    "two classes, half alike": (partial(draw_classes, common=0.5), CLASSES),
    "one row in ten": (partial(draw_classes, common=0.5, shares=(0.9, 0.1)), CLASSES),
    "numbers, much alike": (partial(draw_numbers, common=0.98), NUMBERS),
    "numbers, heavy errors": (partial(draw_numbers, common=0.5, heavy=True), NUMBERS),
}
BOLD = 1.8


def count_promotions(name: str, rows: int, simulations: int, worse: float) -> np.ndarray:
    """(n_metrics, 3) share of pairs that each way would promote, in percent."""
    draw, names = POPULATIONS[name]
    metrics = [BY_NAME[one] for one in names]
    return np.mean(
        [
            try_ways(metrics, *draw(np.random.default_rng([rows, seed]), rows, worse), seed)
            for seed in range(simulations)
        ],
        axis=0,
    )


def try_ways(metrics: list[Metric], new: Outcome, present: Outcome, seed: int) -> np.ndarray:
    """(n_metrics, 3) whether each way promotes, in percent."""
    models = compare_models(metrics, new, present, SETTINGS, seed)["gain"]
    pair = compare_pair(metrics, new, present, SETTINGS, seed)
    lows = []
    for metric in metrics:
        folds = compare_folds(metric, [new], [present], SETTINGS.resamples, 0.95, seed)
        ends = models[metric.name], folds, pair.get(metric.name, (0, 0))[1:]
        lows.append([end[0] if end else 0 for end in ends])
    return 100.0 * (np.array(lows) > 0)


def count_bold(rows: int, simulations: int, timid: float, is_turned: bool) -> np.ndarray:
    """The same of a bold model and a timid one, or of these turned round."""
    shares = []
    for seed in range(simulations):
        pair = draw_bold(np.random.default_rng([rows, seed]), rows, bold=BOLD, timid=timid)
        new, present = reversed(pair) if is_turned else pair
        shares.append(try_ways([BY_NAME["log_loss"]], new, present, seed))
    return np.mean(shares, axis=0)


def count_refusals(name: str, rows: int, simulations: int) -> np.ndarray:
    """Share of equally good pairs that a guardrail refuses, in percent.

    They are those of four subgroups of the rows, and that of the calibration error.
    """
    draw, names = POPULATIONS[name]
    strict = SETTINGS.model_copy(update={"confidence": 1 - (1 - SETTINGS.confidence) / 4})
    metric, refusals = BY_NAME[names[0]], []
    for seed in range(simulations):
        new, present = draw(np.random.default_rng([rows, seed]), rows, 1)
        parts = [np.arange(rows) % 4 == part for part in range(4)]
        gains = [
            compare_pair([metric], new.take(part), present.take(part), strict, seed)
            for part in parts
        ]
        is_worse = any(gain[metric.name][2] < 0 for gain in gains if gain)
        refusals.append([is_worse])
        if new.classes:
            calibration = BY_NAME["calibration_error"]
            found = compare_pair([calibration], new, present, SETTINGS, seed)
            refusals[-1].append(any(high < -CALIBRATION_MARGIN for *_, high in found.values()))
    return 100 * np.mean(refusals, axis=0)


def list_lines(simulations: int) -> Iterator[str]:
    """The tables, a line as soon as it is known."""
    counts = {rows: max(20, round(simulations * share)) for rows, share in ROWS.items()}
    heads = " | ".join(f"{rows} rows" for rows in ROWS)
    error = " ".join(f"{100 * np.sqrt(0.025 * 0.975 / count):.1f}" for count in counts.values())
    yield f"Percent of {'/'.join(map(str, counts.values()))} simulated pairs that are promoted, by"
    yield "compare_models / compare_folds / compare_pair (the gate's). The standard error of 2.5 is"
    yield f"{error}.\n"
    yield f"| population | metric | new model | {heads} |"
    yield "| --- " * (3 + len(ROWS)) + "|"
    with ProcessPoolExecutor(2) as pool:
        cases = [
            (
                name,
                kind,
                [pool.submit(count_promotions, name, *one, worse) for one in counts.items()],
            )
            for name in POPULATIONS
            for kind, worse in (("equally good", 1.0), ("better", BETTER))
        ]
        for name, kind, results in cases:
            for place, metric in enumerate(POPULATIONS[name][1]):
                cells = [tell(result.result()[place]) for result in results]
                yield f"| {name} | {metric} | {kind} | {' | '.join(cells)} |"
        timid = find_timid(BOLD)
        for is_turned, kind in ((False, "bold, equally good"), (True, "timid, equally good")):
            results = [pool.submit(count_bold, *one, timid, is_turned) for one in counts.items()]
            cells = [tell(result.result()[0]) for result in results]
            yield f"| bold beside timid | log_loss | {kind} | {' | '.join(cells)} |"
        yield "\nPercent of equally good pairs that guardrails refuse: subgroups / calibration.\n"
        yield f"| population | {heads} |"
        yield "| --- " * (1 + len(ROWS)) + "|"
        for name in POPULATIONS:
            results = [pool.submit(count_refusals, name, *one) for one in counts.items()]
            cells = [tell(result.result()) for result in results]
            yield f"| {name} | {' | '.join(cells)} |"


def tell(shares: np.ndarray) -> str:
    return " / ".join(f"{share:.1f}" for share in shares)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=200)
    for line in list_lines(options.parse_args().simulations):
        print(line, flush=True)
