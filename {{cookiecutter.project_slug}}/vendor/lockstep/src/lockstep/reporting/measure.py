"""Measuring models on the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.metrics import confusion_matrix

from ..core.contract import Contract
from ..core.examples import ORIGIN, SCALE, STEP
from ..core.params import Params
from ..core.table import Table
from ..data.row_names import name_rows
from ..data.split import find_groups
from ..modeling.cluster_trials import try_structureless
from ..modeling.intervals import compare_models, find_share_interval, summarise
from ..modeling.metrics import RANKS, RATES, run_metrics
from ..modeling.model import Model
from ..modeling.ordered_metrics import find_rank_errors
from ..modeling.outcome import Outcome
from ..modeling.structureless import judge_structure
from .anomalies import measure_ways
from .labels import measure_labels
from .rate_facts import measure_rates


def predict_all(table: Table, *models: Model) -> tuple[pd.DataFrame, list[Outcome]]:
    """Have each model predict all rows of a table, batch by batch.

    Args:
        table: Rows with their target, such as `project.table(project.test)`.
        models: At least one, all of the same contract.

    Returns:
        (n_rows, n_columns) the target and what rows are told apart by: their group, their side of a
        given split, the subgroups and, of forecasts, the series, the origin and the step ahead;
        indexed by their names; and an outcome of all rows for each model.
    """
    contract = models[0].contract
    needed = [contract.target, contract.group, contract.part, *contract.subgroups]
    if contract.history is not None:
        needed += [contract.history.series, ORIGIN, STEP]
    columns = [name for name in dict.fromkeys(needed) if name is not None]
    trials = [*table.map(partial(_try_all, models, columns))]
    groups = pd.concat([trial.groups for trial in trials], ignore_index=True)
    by_model = zip(*(trial.outcomes for trial in trials), strict=True)
    return (
        pd.concat([trial.rows for trial in trials]),
        [Outcome.concatenate(outcomes, groups) for outcomes in by_model],
    )


class _Trial(NamedTuple):
    """What models give of some rows."""

    rows: pd.DataFrame
    """What they are told apart by."""
    groups: pd.Series
    outcomes: list[Outcome]
    """One of each model."""


def _try_all(models: Sequence[Model], columns: list[str], batch: pd.DataFrame) -> _Trial:
    contract = models[0].contract
    rows = batch[columns].set_axis(name_rows(batch, contract).iloc[:, -1])
    outcomes = [model.try_on(batch) for model in models]
    return _Trial(rows, find_groups(batch, contract), outcomes)


def measure(params: Params, champion: Outcome, baseline: Outcome) -> dict[str, Any]:
    """All metrics of the champion with their intervals, and those of the baseline.

    Returns:
        `test_rows`, each metric by its name, their `intervals`, the same of the `baseline`, and
        `gain`, the intervals of what the champion is better by on the same resamples. Of two
        classes also `decisions`, how many are right and wrong; of classes in an order
        `rank_errors`, how many rows are off by how many classes; of several labels `labels`, how
        each is told; of numbers `prediction_intervals`, how many rows they hold and how wide they
        are; of rates their means as `rates`; of anomalies how many rows are `flagged`, and for each
        way in which rows were made odd what came of these as `injected`; of clusters what those of
        rows without any reach as `structureless`; of forecasts also `by_step` ahead, and how many
        `unscaled_rows` have no scale of errors.
    """
    scores = compare_models(run_metrics(params), champion, baseline, params.evaluate, params.seed)
    scores = {"test_rows": len(champion), **scores}
    known = champion.take(champion.actual >= 0) if champion.injected is not None else champion
    if len(champion.classes) == 2 and len(known):
        scores["decisions"] = _count_decisions(known)
    if champion.labels:
        scores["labels"] = measure_labels(champion, params.evaluate.confidence)
    if champion.injected is not None:
        scores["flagged"] = _count_flagged(champion, params.evaluate.confidence)
        scores["injected"] = measure_ways(champion).set_index("way").to_dict("index")
    if champion.clusters is not None:
        assert champion.clusterer is not None
        references = [*try_structureless(champion.clusterer, len(champion), params.seed)]
        scores["structureless"] = judge_structure(scores["stable_silhouette"], references)
    if params.train.metric in RATES:
        scores["rates"] = measure_rates(champion)
    if params.train.metric == RANKS:
        errors = np.bincount(find_rank_errors(champion), minlength=len(champion.classes))
        scores["rank_errors"] = {str(off): int(count) for off, count in enumerate(errors)}
    if champion.forecasts is not None:
        scores["unscaled_rows"] = int(champion.forecasts[SCALE].isna().sum())
    if champion.interval is not None:
        confidence = params.evaluate.confidence
        scores["prediction_intervals"] = _measure_intervals(champion, confidence)
        if champion.forecasts is not None:
            steps = champion.forecasts[STEP].to_numpy("int64")
            scores["prediction_intervals"]["by_step"] = [
                {"step": int(step), **_measure_intervals(champion.take(steps == step), confidence)}
                for step in np.unique(steps)
            ]
    return scores


def _count_decisions(outcome: Outcome) -> dict[str, Any]:
    """How many rows of each of two classes are decided rightly; the second is the positive."""
    names = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    counts = confusion_matrix(outcome.actual, outcome.decisions, labels=[0, 1]).ravel().tolist()
    threshold = {} if outcome.threshold is None else {"threshold": outcome.threshold}
    return threshold | dict(zip(names, counts, strict=True))


def _count_flagged(outcome: Outcome, confidence: float) -> dict[str, Any]:
    """How many rows are called anomalies, and the share with its interval (Wilson, 1927)."""
    count = int((outcome.decisions == 1).sum())
    share, quantile = count / len(outcome), ndtri((1 + confidence) / 2)
    size = len(outcome) if outcome.groups is None else len(np.unique(outcome.groups))
    return {
        "rows": count,
        "share": share,
        "interval": [*find_share_interval(share, size, quantile)],
    }


def _measure_intervals(outcome: Outcome, confidence: float) -> dict[str, Any]:
    """The share of rows whose interval holds the true number (and Wilson's interval of it, 1927),
    and the mean width."""
    assert outcome.interval is not None
    share = float(outcome.is_held.mean())
    # Rows of a group may be alike, so that all of them may tell no more than one.
    count = len(outcome) if outcome.groups is None else len(np.unique(outcome.groups))
    ends = find_share_interval(share, count, ndtri((1 + confidence) / 2))
    width = float((outcome.interval[:, 1] - outcome.interval[:, 0]).mean())
    return {"coverage": share, "interval": [*ends], "mean_width": width}


def measure_subgroups(
    params: Params, contract: Contract, rows: pd.DataFrame, champion: Outcome
) -> list[dict[str, Any]]:
    """All metrics of the champion for the rows of each value of the contract's subgroups.

    Args:
        params: What to measure, and how.
        contract: It names the columns.
        rows: (n_rows, n_columns) of `predict_all`.
        champion: The outcome of the same rows.

    Returns:
        Of each value its `column`, the `value`, its `test_rows` and the metrics.
    """
    metrics = run_metrics(params)
    lines: list[dict[str, Any]] = []
    for column in contract.subgroups:
        values = rows[column].fillna("missing")
        for value in sorted(values.unique()):
            part = champion.take((values == value).to_numpy())
            scores = summarise(metrics, part, params.evaluate, params.seed)
            lines.append({"column": column, "value": value, "test_rows": len(part), **scores})
    return lines
