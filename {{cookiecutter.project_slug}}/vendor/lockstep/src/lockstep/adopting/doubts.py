"""What a person should look at before trusting a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from shlex import quote

import numpy as np
import pandas as pd

from ..core.contract import LEVELS, NUMBERS, Contract
from ..core.labels import encode_labels
from ..data.split import hash_rows
from .inference import MANY_CATEGORIES
from .rates import COUNTS, find_rates
from .several_labels import MARKS, find_doubts_of_labels

FEW_ROWS = 100
ENOUGH = 20
"""Known anomalies from which on they choose the champion, and no rows that are made odd."""
CHAMPION_WITHOUT_LABELS = "isolation_forest"
"""No figure without labels chooses a detector better than this one is by itself (Ma et al., 2023,
of 39 tables)."""
VERY_RARE = 0.02
RARE = 0.05
"""Share of the rows below which a class is rare."""
ADVICE = "; `--kind anomalies` learns from the others what is usual, and needs few labels or none"
MANY_GAPS = 0.2
"""Share of rows without the target from which the others may be of another kind."""
MANY_NEGATIVES = 0.1
"""Share of numbers below zero from which the others are hardly meant to be counts."""
MOST_ROWS_OF_ONE = 50
"""Rows for each of many names up to which these may be of one thing, such as a patient."""
SURE, SAME, NEW = 0.99, 0.9999, 0.1
MOST_COMPARED = 500
"""Columns of numbers of which each pair is compared."""
SAMPLE_ROWS = 50_000


def find_doubts(table: pd.DataFrame, contract: Contract) -> list[str]:
    """What is doubtful about a typed table as a whole, in words."""
    sample = table.sample(min(len(table), SAMPLE_ROWS), random_state=0).reset_index(drop=True)
    if contract.forecasts:  # what rows lack and share is told of series, and the past is no leak
        return [*_find_leaks(sample, contract), *_find_twins(sample, contract)]
    if contract.anomalies:  # no target is learnt, so that none can leak
        return [*_find_few_labels(table, contract), *_find_twins(sample, contract)]
    if contract.clusters:
        return [*_find_few_rows(table, contract), *_find_twins(sample, contract)]
    return [
        *_find_scarcity(table, contract),
        *_find_several_labels(contract),
        *_find_leaks(sample, contract),
        *_find_twins(sample, contract),
        *_find_copies(table, contract),
    ]


def find_repeated(table: pd.DataFrame, contract: Contract) -> dict[str, str]:
    """Of columns of many names, how to keep the rows of one together where nothing says so."""
    is_told = contract.group or contract.time or contract.horizon or contract.sequence
    if is_told or not contract.is_supervised:
        return {}
    return {
        name: (
            f"where rows of one belong together, `--group {quote(name)}` keeps them on one side of "
            "the split"
        )
        for name, column in contract.features_only().items()
        if column.type == "categorical"
        and (count := len(column.categories or [])) > MANY_CATEGORIES
        and 2 <= table[name].count() / count <= MOST_ROWS_OF_ONE
    }


def _name_rows(contract: Contract) -> str:
    return "rows" if contract.points is None else "sequences"


def _find_scarcity(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    rows = _name_rows(contract)
    if gaps := int(table[contract.target].isna().sum()):
        missing = f"{gaps} of {len(table)} {rows} lack the target"
        reason = ", and where so many do, the others may be no fair sample"
        is_much = gaps >= MANY_GAPS * len(table)
        yield f"{missing}: nothing is learnt from them{reason if is_much else ''}"
    if len(table) - gaps < FEW_ROWS:
        yield f"{len(table) - gaps} {rows} are few: expect wide intervals"
    if contract.columns[contract.target].type == "integer":
        numbers = table[contract.target]
        negative, others = numbers[numbers < 0], numbers[~(numbers < 0)]
        is_few = 0 < len(negative) < MANY_NEGATIVES * len(table)
        if is_few and find_rates(others, is_whole=True) == COUNTS:
            yield (
                f"{len(negative)} of {len(table)} are below zero, such as {negative.iloc[0]}, and "
                "the others look like counts: mend them, or say that they are missing by `missing` "
                "in references/schema.yaml"
            )
    if contract.labels:
        target = table[contract.target].dropna()
        matrix = encode_labels(target, contract.columns[contract.target])
        yield from find_doubts_of_labels(matrix, contract.labels)
    if contract.classes:
        shares = table[contract.target].value_counts(normalize=True)
        if shares.min() < RARE:
            yield (
                f"class {shares.idxmin()!r} is rare, {shares.min():.1%} of the {rows}: a model may "
                "be right on all others and never find it"
                + (ADVICE if shares.min() < VERY_RARE and len(shares) == 2 else "")
            )


def _find_few_labels(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    if len(table) < FEW_ROWS:
        yield f"{len(table)} rows are few: what is usual is hard to tell from them"
    if len(contract.features) == 1:
        yield "one column only: nothing but a value far out can be odd"
    labels = table[contract.target]
    if labels.isna().all():
        return
    count = int((labels == contract.classes[1]).sum())
    if count < ENOUGH:
        yield (
            f"{count} known anomalies are few to choose a detector by: {CHAMPION_WITHOUT_LABELS} "
            "is taken, and candidates are compared on rows that are made odd on purpose"
        )
    told = int(labels.notna().sum())
    if count < told < len(labels) / 2:
        yield (
            f"{told} of {len(labels)} rows have a label, and {100 * count / told:.2g}% of them are "
            "anomalies: where suspicious rows were chosen for one, far fewer of all rows are, as "
            "train.contamination in params.yaml should say"
        )
    if count > len(labels) / 2:
        yield (
            f"{count} of {len(table)} rows are {contract.classes[1]!r}, which is taken for the "
            "anomaly: is it? the second of the target's `categories` in references/schema.yaml is"
        )


def _find_few_rows(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    if len(table) < FEW_ROWS:
        yield f"{len(table)} rows are few: other ones may have other clusters"
    if len(contract.features) == 1:
        yield "one column only: clusters are ranges of it, or groups of its categories"
    elif all(column.type in LEVELS for column in contract.features_only().values()):
        yield "no column of numbers: clusters of categories alone are mostly single categories"


def _find_several_labels(contract: Contract) -> Iterator[str]:
    """A class that is made of what other classes, or parts of others, are called."""
    for mark in MARKS:
        labels = {name: [*map(str.strip, name.split(mark))] for name in contract.classes}
        counts = Counter(label for each in labels.values() for label in each)
        several = [
            name
            for name, each in labels.items()
            if len(each) > 1 and min(counts[label] for label in each) > 1
        ]
        if several:
            yield (
                f"classes such as {several[0]!r} look like several labels in one cell: each "
                "combination is taken for a class of its own; `--kind multilabel` learns the labels"
            )


def _find_leaks(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    """Columns from which alone the target of unseen rows can be told."""
    table = table[table[contract.target].notna()]
    if len(table) < FEW_ROWS / 2:
        return
    targets = _encode_targets(table[contract.target], contract)
    is_train = np.random.default_rng(0).permutation(len(table)) < len(table) / 2
    for name, column in contract.features_only().items():
        if column.type in ("image", "sequence", "text") or table[name].isna().all():
            continue
        if contract.forecasts and not column.future:
            continue
        is_level = column.type in LEVELS
        x = _encode(table[name], is_level)
        for what, y, classes in targets:
            if _is_leak(x, y, is_train, classes, is_level):
                yield (
                    f"{name!r} alone tells {what}: was it known before the target was? "
                    f"if not, `--drop {quote(name)}`"
                )
                break


def _encode_targets(cells: pd.Series, contract: Contract) -> list[tuple[str, np.ndarray, int]]:
    """What is to be predicted, as (n_rows,) numbers or places of so many classes; 0 of numbers."""
    if contract.labels:
        matrix = encode_labels(cells, contract.columns[contract.target])
        pairs = zip(contract.labels, matrix.T.astype("int64"), strict=True)
        return [(f"the label {label!r}", y, 2) for label, y in pairs]
    return [("the target", _encode(cells, bool(contract.classes)), len(contract.classes))]


def _encode(cells: pd.Series, is_level: bool) -> np.ndarray:
    """(n_rows,) places of levels, or numbers."""
    if is_level:
        return pd.factorize(cells, sort=True)[0]
    if cells.dtype.kind == "M":
        cells = cells.astype("int64").where(cells.notna())
    if cells.dtype.kind not in "iuf":
        cells = cells.astype("Float64")
    return cells.to_numpy("float64", na_value=float("nan"))


def _is_leak(
    x: np.ndarray, y: np.ndarray, is_train: np.ndarray, classes: int, is_level: bool
) -> bool:
    """Whether what goes with each value in one half of the rows, `is_train`, holds in the other.

    Both are (n_rows,) numbers or places of levels; `y` has so many `classes`, 0 when of numbers.
    """
    # A gap is a value too, far from all others.
    x = np.where(np.isnan(x), np.nanmin(x) - 2 * (np.nanmax(x) - np.nanmin(x)) - 1, x)
    values, places = np.unique(x[is_train], return_inverse=True)
    x_test, y_train, y_test = x[~is_train], y[is_train], y[~is_train]
    if is_level and (~np.isin(x_test, values)).mean() > NEW:
        return False
    nearest = np.searchsorted((values[1:] + values[:-1]) / 2, x_test)
    if classes:
        counts = np.bincount(places * classes + y_train, minlength=values.size * classes)
        y_pred = counts.reshape(-1, classes).argmax(axis=1)[nearest]
        unusual = y_test != np.bincount(y_train).argmax()
        wrong = (y_pred != y_test).sum()
        return bool(wrong <= (1 - SURE) * len(y_test) and wrong <= unusual.sum() / 10 > 0.5)
    y_pred = (np.bincount(places, weights=y_train) / np.bincount(places))[nearest]
    return bool(((y_test - y_pred) ** 2).mean() <= (1 - SURE) * y_test.var())


def _find_twins(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    """Columns that say the same as another."""
    columns = contract.features_only()
    first: dict[bytes, str] = {}
    for name in (name for name, column in columns.items() if column.type in LEVELS):
        # Numbered in the order in which they come, two names of one thing have one number.
        codes = np.unique(table[name].factorize()[0], return_inverse=True)[1].tobytes()
        if (keep := first.setdefault(codes, name)) != name:
            yield _describe_twins(keep, name)
    names = [name for name, column in columns.items() if column.type in NUMBERS]
    if not 1 < len(names) <= MOST_COMPARED or len(table) < 3:
        return
    correlations = table[names].astype("float64").corr(min_periods=3).abs().to_numpy()
    gaps, twins = table[names].isna().sum(), set[str]()
    for pair in np.argwhere(np.triu(correlations > SAME, k=1)):
        keep, drop = sorted((names[place] for place in pair), key=lambda name: int(gaps[name]))
        if not {keep, drop} & twins:
            yield _describe_twins(keep, drop)
        twins.add(drop)


def _describe_twins(keep: str, drop: str) -> str:
    return f"{keep!r} and {drop!r} say the same: `--drop {quote(drop)}` loses nothing"


def _find_copies(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    name = _name_rows(contract)
    rows = pd.DataFrame({"hash": hash_rows(table[contract.features])})
    rows["target"] = table[contract.target].to_numpy()
    if copies := int(rows.duplicated().sum()):
        yield f"{name} equal to another: {copies}; equal {name} stay on one side of the split"
    alike = int(rows.duplicated("hash").sum())
    kinds = len(table) - alike
    if kinds < min(FEW_ROWS, len(table) / 2) and not (contract.group or contract.time):
        yield (
            f"all features together tell only {kinds} kinds of {name} apart, each on one side of "
            "the split: the test is on a few kinds that were not learnt from"
        )
    targets = rows.groupby("hash")["target"].transform("nunique")
    if clashes := int((targets[rows["target"].notna()] > 1).sum()):
        yield (
            f"{name} equal to another but for the target: {clashes}; no model is right on all of "
            "them"
        )
