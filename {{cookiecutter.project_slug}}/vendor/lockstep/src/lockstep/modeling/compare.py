"""Comparing candidates on validation rows, and choosing the champion."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..core.decimals import count_decimals
from ..core.errors import UserError
from ..core.params import Params
from ..core.progress import clear_line, progress
from ..core.workers import Task, run_tasks
from ..data.folds import Fold
from ..data.split import find_groups
from .cluster_trials import require_enough_rows
from .cost import estimate_cost
from .fit_names import naming
from .intervals import bootstrap, compare_folds
from .metrics import Metric, primary_metric, run_metrics
from .model import Model
from .outcome import Outcome
from .postprocessing import NONE, Postprocessing, fit_postprocessing, require_fitting_decision
from .train_rows import TrainRows, gather_warnings, print_once

HISTORY_COLUMNS = ["candidate", "fold", "epoch", "loss", "val_loss"]
SIZES_COLUMNS = ["rows", "fold", "train", "validation"]
NAME_WIDTH = 14
"""Of the names of candidates in the lines that `train` prints, unless one is longer."""
RARE = 10
"""Rows of a class below which its scores say little."""
STANDARD_ERROR, STANDARD_ERROR_RESAMPLES = "standard_error", 200
BEHIND = ["behind_low", "behind_high"]
CONFIDENCE = 0.95
"""Of the intervals of what a candidate is behind by; what `evaluate` asks for is no matter here."""


def warn_of_rare_classes(rows: TrainRows, folds: list[Fold]) -> None:
    """Print a line to stderr for each class or label that is rare, or not learnt in a fold."""
    if labels := rows.contract.labels:
        y = rows.y
        rare = [
            f"label {name!r} has {count} train rows; scores of so few mean little"
            for name, count in zip(labels, y.sum(axis=0).tolist(), strict=True)
            if count < RARE
        ]
        for line in rare:
            print(f"train: {line}", file=sys.stderr)
    if rows.params.kind != "classification":
        return
    counts = pd.Series(rows.y).value_counts().reindex(rows.contract.classes, fill_value=0)
    lines = [
        f"class {name!r} has {count} train rows; "
        + ("scores of so few mean little" if count else "it is never predicted")
        for name, count in counts.items()
        if count < RARE
    ]
    for number, (learn, validation) in enumerate(folds, start=1):
        if unlearnt := sorted({*rows.y[validation]} - {*rows.y[learn]}):
            lines.append(
                f"fold {number} is tried on classes it has not learnt: {', '.join(unlearnt)}"
            )
    for line in lines:
        print(f"train: {line}", file=sys.stderr)


@dataclass(frozen=True)
class Validation:
    """How a candidate did on validation rows."""

    scores: pd.DataFrame
    """A row per fold and a column per metric; with a single fold also `standard_error`."""
    history: pd.DataFrame
    """`fold`, `epoch`, `loss`, `val_loss` of a network; empty when the candidate is none."""
    outcomes: list[Outcome]
    """What was predicted for the validation rows of each fold, by a model that had not learnt them,
    and decided as `postprocessing` says."""
    postprocessing: Postprocessing
    """What they teach about using the candidate."""
    validation_rows: int
    """How many rows the last fold was tried on."""
    sample_rows: int | None
    """How many rows it learnt from, where that is a sample of more."""
    warnings: tuple[str, ...]
    """What libraries have warned of."""


def cross_validate(
    candidates: Mapping[str, Pipeline], rows: TrainRows, folds: list[Fold]
) -> Iterator[tuple[str, Validation]]:
    """Fit and score a clone of each candidate per fold, on all cores.

    Args:
        candidates: Features and estimator of each, by its name.
        rows: The train rows.
        folds: Which of those in memory are learnt from, and which are predicted.

    Yields:
        Each name and how the candidate did, in their order. What libraries warn of is printed once
        before, in a line that names the candidate.

    Raises:
        UserError: A candidate cannot learn from these rows, or `train.decision` does not suit the
            problem.
    """
    with progress("train", "fits", len(candidates) * len(folds)) as count:
        for name, validation in try_candidates(candidates, rows, folds, on_fit=count):
            clear_line()
            if isinstance(validation, UserError):
                raise validation
            print_once(name, validation.warnings)
            yield name, validation


def try_candidates(
    candidates: Mapping[str, Pipeline],
    rows: TrainRows,
    folds: list[Fold],
    *,
    on_fit: Callable[[], None] = lambda: None,
    cost: float | None = None,
) -> Iterator[tuple[str, Validation | UserError]]:
    """As `cross_validate`, but gives the error of a candidate instead of raising it, and is silent.

    `on_fit` is called after each fit; `cost` is as in `run_tasks`.
    """
    require_fitting_decision(rows.params, rows.contract)
    require_enough_rows(rows.params, folds)
    tasks = [
        Task(
            f"{name}, fold {number + 1}",
            estimate_cost(pipeline, rows.contract, len(learn)),
            (name, pipeline, number),
        )
        for name, pipeline in candidates.items()
        for number, (learn, _) in enumerate(folds)
    ]
    results = run_tasks(_try_fold, (rows, folds), tasks, on_fit, cost)
    for name, pipeline in candidates.items():
        fits = list(islice(results, len(folds)))
        error = next((fit for fit in fits if isinstance(fit, UserError)), None)
        yield name, error or _validate(fits, rows, folds, pipeline)


@dataclass(frozen=True)
class FoldFit:
    """What came of fitting a candidate in one fold."""

    outcome: Outcome
    history: pd.DataFrame
    """`loss` and `val_loss` of a network by epoch; empty when it is none."""
    warnings: list[str]


def _try_fold(
    rows: TrainRows, folds: list[Fold], name: str, pipeline: Pipeline, number: int
) -> FoldFit | UserError:
    learn, validation = folds[number]
    params, contract = rows.params, rows.contract
    try:
        with gather_warnings(name) as texts, naming(f"{name}, fold {number + 1}"):
            fitted = rows.fit_fold(pipeline, (learn, validation))
            model = Model(fitted, name, params.kind, contract, rows.start)
            # Without its clusterer, which knows all that it has learnt from.
            outcome = replace(model.try_on(rows.table.iloc[validation]), clusterer=None)
    except UserError as error:
        return error
    groups = find_groups(rows.table.iloc[validation], contract)
    history = pd.DataFrame(getattr(fitted[-1], "history_", {}))
    return FoldFit(Outcome.concatenate([outcome], groups), history, texts)


def _validate(
    fits: list[FoldFit], rows: TrainRows, folds: list[Fold], pipeline: Pipeline
) -> Validation:
    params = rows.params
    postprocessing = fit_postprocessing(
        params, Outcome.concatenate([fit.outcome for fit in fits], None), rows.start
    )
    outcomes = [postprocessing.apply(fit.outcome, rows.contract) for fit in fits]
    epochs = [
        fit.history.assign(fold=number, epoch=np.arange(1, len(fit.history) + 1))
        for number, fit in enumerate(fits, start=1)
    ]
    return Validation(
        pd.DataFrame([score_outcome(outcome, params) for outcome in outcomes]),
        pd.concat(epochs, ignore_index=True).reindex(columns=HISTORY_COLUMNS[1:]),
        outcomes,
        postprocessing,
        len(folds[-1][1]),
        len(rows.table) if rows.is_sampled_by(pipeline) else None,
        tuple(text for fit in fits for text in fit.warnings),
    )


def score_outcome(outcome: Outcome, params: Params) -> dict[str, float]:
    """Every metric; of a single fold also the standard error of the primary one (bootstrap)."""
    scores = {metric.name: metric.score(outcome) for metric in run_metrics(params)}
    if params.train.holdout is None:
        return scores
    if outcome.groups is not None and np.ptp(outcome.groups) == 0:
        return scores | {STANDARD_ERROR: np.nan}  # all resamples of a single group are alike
    primary = (primary_metric(params),)
    figures = bootstrap(primary, outcome, STANDARD_ERROR_RESAMPLES, params.seed)
    return scores | {STANDARD_ERROR: float(np.nanstd(figures, ddof=1))}


class Leaderboard:
    """The candidates with their scores, and which of them is best."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.metric = primary_metric(params)
        self._lines: list[dict[str, Any]] = []
        self._histories: list[pd.DataFrame] = []
        self.outcomes: dict[str, list[Outcome]] = {}
        """Of each candidate, what it predicted of the validation rows of each fold."""
        self.postprocessing: dict[str, Postprocessing] = {}
        """Of each candidate, as its own validation rows teach it."""

    def add(self, name: str, validation: Validation) -> None:
        """Take in how a candidate did, and print it."""
        line, folds = summarise_scores(validation.scores, self.metric), len(validation.scores)
        mean, error = line[f"{self.metric.name}_mean"], line[STANDARD_ERROR]
        decimals = count_decimals(mean)
        figure = f"{mean:.{decimals}f}{f' +- {error:.{decimals}f}' if error >= 0 else ''},"
        figure = "undefined" if np.isnan(mean) else figure
        held_out = f"on {validation.validation_rows} held-out rows"
        where = f"over {folds} folds" if folds > 1 else held_out
        sample = validation.sample_rows
        learnt = "on all rows" if sample is None else f"on a sample of {sample}"
        note = "" if sample is None else f", {learnt}"
        threshold = validation.postprocessing.threshold
        is_said = isinstance(validation.postprocessing.decision, float)
        is_chosen = threshold is not None and not is_said
        # One that says the same of all rows of a fold decides nothing.
        if is_chosen and any(np.ptp(one.decisions) for one in validation.outcomes):
            note += f", decided at {threshold:.3g}"
        width = max(NAME_WIDTH, *map(len, self.params.train.candidates))
        print(f"train: {name:<{width}} {self.metric.name} {figure} {where}{note}", flush=True)
        self._lines.append({"candidate": name, **line, "learnt": learnt})
        self._histories.append(validation.history.assign(candidate=name))
        self.outcomes[name] = validation.outcomes
        self.postprocessing[name] = validation.postprocessing

    def choose(self) -> str:
        """The candidate with the best mean of the primary metric; a tie goes to the first one.

        If `train.champion` names one, it is that. With `train.one_standard_error` it is the first
        one whose mean is within one standard error of the best, the simplest that is about as good
        (Breiman et al., 1984).

        Raises:
            UserError: The metric is not defined for any candidate.
        """
        if self.params.train.champion is not None:
            return self.params.train.champion
        lines = pd.DataFrame(self._lines).set_index("candidate")
        return choose_champion(lines, self.metric, self.params.train.one_standard_error)

    @property
    def table(self) -> pd.DataFrame:
        """A line per candidate: mean and standard deviation of each metric, and the champion.

        A candidate is behind the champion in the primary metric by `behind_low` to `behind_high`, a
        95% interval paired on the validation rows; below zero it is ahead.
        """
        lines, champion = pd.DataFrame(self._lines), self.choose()
        behind = [self._compare(champion, name) for name in lines["candidate"]]
        lines[BEHIND] = pd.DataFrame(behind, dtype="float64")
        return lines.assign(champion=lines["candidate"] == champion)

    def _compare(self, champion: str, other: str) -> list[float]:
        """By how much the champion is better, at least and at most; nan where that is unknown."""
        unknown = [np.nan, np.nan]
        if champion == other or not self.metric.has_interval:
            return unknown
        ours, theirs = self.outcomes[champion], self.outcomes[other]
        resamples, seed = STANDARD_ERROR_RESAMPLES, self.params.seed
        ends = compare_folds(self.metric, ours, theirs, resamples, CONFIDENCE, seed)
        return ends or unknown

    @property
    def figures(self) -> dict[str, Any]:
        """The champion, the mean of each metric over its folds, and how sure the primary one is.

        DVC compares them between experiments; what is not defined is None.
        """
        champion = self.choose()
        line = next(line for line in self._lines if line["candidate"] == champion)
        names = {metric.name: f"{metric.name}_mean" for metric in run_metrics(self.params)}
        figures = {
            name: line[key] for name, key in (names | {STANDARD_ERROR: STANDARD_ERROR}).items()
        }
        validation = {
            name: None if np.isnan(value) else float(value) for name, value in figures.items()
        }
        return {"champion": champion, "validation": validation}

    @property
    def history(self) -> pd.DataFrame:
        """`candidate`, `fold`, `epoch`, `loss`, `val_loss` of all networks."""
        return pd.concat(self._histories, ignore_index=True)[HISTORY_COLUMNS]


def choose_champion(lines: pd.DataFrame, metric: Metric, one_standard_error: bool) -> str:
    """The best of a leaderboard's candidates, which index its lines; see `Leaderboard.choose`."""
    merit = lines[f"{metric.name}_mean"] * metric.sign
    if merit.isna().all():
        raise UserError(
            f"params.yaml: train.metric: {metric.name} is not defined on the rows that candidates "
            "are compared on; a class may be missing there"
        )
    best: Any = merit.idxmax()
    error = lines.loc[best, STANDARD_ERROR]
    rounding = 1e-9 * abs(merit[best])
    leeway = error if one_standard_error and error > 0 else rounding
    return str(merit.index[merit >= merit[best] - leeway][0])


def summarise_scores(scores: pd.DataFrame, metric: Metric) -> dict[str, float]:
    """A line of the leaderboard: mean and standard deviation of each figure over the folds.

    Of the primary `metric` also the standard error of the mean, which a single fold brings along. A
    fold in which a figure is not defined does not count.
    """
    figures = scores.drop(columns=STANDARD_ERROR, errors="ignore")
    spread, defined = figures.std(ddof=1), figures[metric.name].notna().sum()
    line: dict[str, float] = {}
    for name in figures.columns:
        line |= {f"{name}_mean": figures[name].mean(), f"{name}_std": spread[name]}
    is_alone = STANDARD_ERROR in scores
    error = scores[STANDARD_ERROR].iloc[0] if is_alone else spread[metric.name] / defined**0.5
    return line | {STANDARD_ERROR: error}


def learning_curve(
    name: str,
    pipeline: Pipeline,
    rows: TrainRows,
    folds: list[Fold],
    postprocessing: Postprocessing = NONE,
) -> pd.DataFrame:
    """How good a candidate is when it learns from fewer of the rows in memory.

    Shares of the rows that are too few to learn from are left out, with a line on stderr.

    Args:
        name: What messages call the candidate.
        pipeline: Features and estimator.
        rows: The train rows; params.yaml says which shares of them, as `train.training_sizes`.
        folds: What it is tried on.
        postprocessing: How its probabilities become decisions, for a metric of these.

    Returns:
        For each share and fold `rows`, `fold`, and the primary metric on the rows learnt from
        (`train`) and on the others (`validation`).

    Raises:
        UserError: The candidate can learn from none of these shares, for its library's reason.
    """
    params = rows.params
    metric = primary_metric(params)
    # Earlier folds by time learn from fewer rows than the sizes ask for.
    first = len(folds) - 1 if params.split.by == "time" else 0
    whole = len(folds[first][0])
    shares = [share for share in params.train.training_sizes if int(share * whole) >= 2]
    if not shares:
        return pd.DataFrame(columns=SIZES_COLUMNS)
    counts = sorted({int(share * whole) for share in shares})
    rng, tasks = np.random.default_rng(params.seed), []
    for number in range(first, len(folds)):
        order = rng.permutation(folds[number][0])
        for count in counts:
            cost = estimate_cost(pipeline, rows.contract, count)
            arguments = (name, pipeline, postprocessing, number, order[:count])
            tasks.append(Task(f"{name}, {count} rows of fold {number + 1}", cost, arguments))
    lines = []
    with progress("train", f"fits of {name} on fewer rows", len(tasks)) as on_fit:
        results = run_tasks(_try_size, (rows, folds), tasks, on_fit)
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, list):
                *_, number, places = task.arguments
                lines.append([len(places), number + 1 - first, *map(metric.score, result)])
    if not lines:
        raise result
    curve = pd.DataFrame(lines, columns=SIZES_COLUMNS).dropna()
    curve = curve.sort_values(["rows", "fold"], ignore_index=True)
    # Folds differ by a few rows where equal ones stay together.
    sizes = curve["fold"].value_counts().max() if len(curve) else 0
    shortfall = len(params.train.training_sizes) - sizes
    if shortfall:
        print(
            f"train: {shortfall} of train.training_sizes are too few rows for {name}, left out",
            file=sys.stderr,
        )
    return curve


def _try_size(
    rows: TrainRows,
    folds: list[Fold],
    name: str,
    pipeline: Pipeline,
    postprocessing: Postprocessing,
    number: int,
    learn: np.ndarray,
) -> list[Outcome] | UserError:
    """What a candidate that has learnt from some rows makes of these and of others."""
    try:
        with gather_warnings(name):
            fitted = rows.fit_in_memory(pipeline, learn)
            model = Model(fitted, name, rows.params.kind, rows.contract, postprocessing)
            return [model.try_on(rows.table.iloc[places]) for places in (learn, folds[number][1])]
    except UserError as error:
        # With few rows a fit may fail, for instance because a class is missing.
        return error
