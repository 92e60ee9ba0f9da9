"""Which train rows make the folds that candidates are compared on.

Folds follow the rule that set the test rows apart. They are drawn so that classes are spread
evenly, since nothing outlasts them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, TimeSeriesSplit

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.examples import ORIGIN, STEP
from ..core.labels import encode_labels
from ..core.params import Params
from .draws import draw_groups, draw_share, number_parts
from .duplicates import contains
from .split import (
    IsOnSide,
    find_start_of_latest,
    hash_keys,
    hash_rows,
    is_since,
    require_column,
    require_times,
)

LATER_HALF = 0.5
"""Of the origins of a forecast, so that the first fold learns from as many as all are tried on."""
Fold = tuple[np.ndarray, np.ndarray]
"""Positions of the rows to learn from and of those to try it on."""


def make_folds(rows: pd.DataFrame, contract: Contract, params: Params) -> list[Fold]:
    """The folds that candidates are compared on.

    By row, every class or label has its share in each fold. By group, they are spread as evenly as
    whole groups allow. By time, fold after fold learns from all that came
    before the rows it is tried on. With `train.holdout` there is one fold, that share of the rows.
    Of a forecast, what comes before is what was known at each origin that a fold is tried on.

    Raises:
        UserError: There are too few rows, classes, groups or times for so many folds.
    """
    y = _encode(rows, contract)
    _require_variety(y, params, "the train rows hold")
    if contract.history is not None:
        folds = _roll_origins(rows, contract.history, params)
    elif params.train.holdout is not None:
        folds = [_hold_out(rows, contract, params, params.train.holdout)]
    elif params.split.by == "time":
        folds = _fold_by_time(rows[require_column(contract, "time")], params.train.fold_count)
    elif params.split.by == "group":
        folds = _fold_by_group(y, rows[require_column(contract, "group")], params)
    else:
        folds = _fold_by_row(rows, contract, params)
    for number, (learn, _) in enumerate(folds, start=1):
        _require_variety(y[learn], params, f"split by {params.split.by}, fold {number} learns from")
    return folds


def make_filter(validation: pd.DataFrame, contract: Contract, params: Params) -> IsOnSide:
    """Gives what tells which of some rows may be learnt from by what is then tried on these.

    By the rule that divides rows: those of other features, of other groups, or of earlier times;
    of a forecast those of times that had come at all origins.
    """
    if params.split.by == "time":
        column = require_column(contract, "time")
        if contract.forecasts:
            end = validation[ORIGIN].min()
            return lambda rows: (rows[column] <= end).to_numpy(dtype="bool")
        start = validation[column].min()
        return lambda rows: ~is_since(start, rows[column])
    hashes = np.unique(hash_keys(validation, contract, params))
    return lambda rows: ~contains(hashes, hash_keys(rows, contract, params))


def _roll_origins(rows: pd.DataFrame, history: Contract, params: Params) -> list[Fold]:
    """Folds with one stretch of origins after the other, of which all steps are known.

    They are of the later half of these or, with `train.holdout`, of that share. A fold learns from
    the examples of times up to the first of its origins, so that none is of a time to come.
    """
    times, origins = (rows[name].to_numpy() for name in (require_column(history, "time"), ORIGIN))
    distinct = np.unique(origins[(rows[STEP] == history.horizon).to_numpy()])
    count, share = params.train.fold_count, params.train.holdout or LATER_HALF
    size = int(len(distinct) * share) // count
    if size == 0:
        raise UserError(
            f"params.yaml: train: {count} folds of a forecast of {history.horizon} steps need more "
            f"than the {len(distinct)} origins that all these steps are known of in the train "
            "rows; take fewer folds, or a shorter horizon"
        )
    folds = []
    for number in range(count, 0, -1):
        own = distinct[len(distinct) - number * size :][:size]
        is_tried = (origins >= own[0]) & (origins <= own[-1])
        folds.append((np.flatnonzero(times <= own[0]), np.flatnonzero(is_tried)))
    fewest = min(len(places) for fold in folds for places in fold)
    if fewest < 2:
        raise UserError(
            f"params.yaml: train: one of {count} folds of a forecast learns from, or is tried on, "
            f"{fewest} examples; both need two or more, so take fewer folds, or a shorter horizon"
        )
    return folds


def _encode(rows: pd.DataFrame, contract: Contract) -> np.ndarray:
    """(n_rows,) targets, or (n_rows, n_labels) whether each has each label."""
    target = rows[contract.target]
    if contract.labels:
        return encode_labels(target, contract.columns[contract.target])
    return target.to_numpy()


def _strata(rows: pd.DataFrame, contract: Contract, params: Params) -> np.ndarray:
    """What an equal share is taken of: each class or label, or all rows of a regression."""
    if params.kind == "multilabel":
        return _encode(rows, contract)
    if params.kind == "classification":
        return rows[contract.target].to_numpy()
    if params.kind == "anomalies":
        return rows[contract.target].fillna("unknown").to_numpy()
    return np.zeros(len(rows))


def _require_variety(y: np.ndarray, params: Params, where: str) -> None:
    if params.kind in ("anomalies", "clustering"):
        return
    if y.ndim == 2:
        if not len(y) or (y == y[0]).all():
            raise UserError(f"{where} the same labels in all rows; there is nothing to tell apart")
        return
    values = pd.unique(y)
    if len(values) == 1 and params.kind == "classification":
        raise UserError(f"{where} one class only, {values[0]!r}; two are needed")
    if len(values) == 1:
        raise UserError(f"{where} one target only, {values[0]:g}; there is nothing to tell apart")


def _hold_out(rows: pd.DataFrame, contract: Contract, params: Params, share: float) -> Fold:
    if params.split.by == "time":
        times = rows[require_column(contract, "time")]
        is_held_out = is_since(find_start_of_latest(times, share), times)
    else:
        hashes, strata = hash_keys(rows, contract, params), _strata(rows, contract, params)
        draw = draw_groups if params.split.by == "group" else draw_share
        is_held_out = draw(hashes, strata, share, params.seed)
    if min(is_held_out.sum(), (~is_held_out).sum()) < 2:
        raise UserError(
            f"params.yaml: train.holdout: {share:g} of {len(rows)} rows, split by "
            f"{params.split.by}, leaves fewer than two on a side"
        )
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _fold_by_row(rows: pd.DataFrame, contract: Contract, params: Params) -> list[Fold]:
    _require_rows(_encode(rows, contract), params)
    # Equal rows are in one fold, and each fold has its share of each stratum.
    count, strata = params.train.fold_count, _strata(rows, contract, params)
    numbers = number_parts(hash_keys(rows, contract, params), strata, count, params.seed)
    folds = _take_parts(numbers, count)
    if not all(len(validation) for _, validation in folds):
        raise UserError(
            f"params.yaml: train.folds: equal rows stay together, and too few of the {len(rows)} "
            f"train rows differ for {count} folds"
        )
    return folds


def _take_parts(numbers: np.ndarray, count: int) -> list[Fold]:
    """A fold for each part of the rows, (n_rows,) numbered from 0, that is tried on it."""
    return [
        (np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in range(count)
    ]


def _require_rows(y: np.ndarray, params: Params) -> None:
    count = params.train.fold_count
    if len(y) < count:
        raise UserError(f"params.yaml: train.folds: {count} is more than the {len(y)} train rows")
    if params.kind != "classification":
        return
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < count:
        raise UserError(
            f"params.yaml: train.folds: {count} folds need {count} train rows of each class, but "
            f"{classes[counts.argmin()]!r} has {counts.min()}"
        )


def _fold_by_group(y: np.ndarray, groups: pd.Series, params: Params) -> list[Fold]:
    _require_rows(y, params)
    count, distinct = params.train.fold_count, groups.nunique(dropna=False)
    if distinct < count:
        raise UserError(
            f"params.yaml: train.folds: {count} folds by group need {count} groups, but "
            f"{groups.name!r} has {distinct} in the train rows"
        )
    if y.ndim == 2:
        return _take_parts(number_parts(hash_rows(groups.to_frame()), y, count, params.seed), count)
    splitter = StratifiedGroupKFold if params.kind == "classification" else GroupKFold
    splits = splitter(count, shuffle=True, random_state=params.seed)
    return list(splits.split(y, y, groups.astype("str")))


def _fold_by_time(times: pd.Series, count: int) -> list[Fold]:
    require_times(times)
    distinct, places = np.unique(times.to_numpy(), return_inverse=True)
    if len(distinct) <= count:
        raise UserError(
            f"params.yaml: train.folds: {count} folds by time need {count + 1} times, but "
            f"{times.name!r} has {len(distinct)} in the train rows"
        )
    return [
        (np.flatnonzero(places < later[0]), np.flatnonzero(np.isin(places, later)))
        for _, later in TimeSeriesSplit(count).split(distinct)
    ]
