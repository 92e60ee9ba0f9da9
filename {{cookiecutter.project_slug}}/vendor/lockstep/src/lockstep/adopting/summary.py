"""What data were taken for, in lines for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..core.contract import IMAGE, IMAGE_COLUMNS, LEVELS, SIDES, Contract
from ..core.editing import ABSENT
from ..core.errors import shorten
from ..core.examples import frame_contract
from ..core.labels import encode_labels
from ..modeling.metrics import RATES
from .suggestion import share_known
from .understanding import Understanding

MOST_LINES, LONGEST_NAME, MOST_LEVELS = 40, 40, 4
USUAL = ("", "NA")
"""Texts for missing values that are not worth a word."""


def summarise(name: str, understanding: Understanding) -> list[str]:
    """How the data called `name` are written, a table of their columns, and what is doubtful."""
    contract, rows = understanding.contract, understanding.rows
    notes = [*understanding.notes]
    if unusual := [repr(text) for text in contract.missing if text not in USUAL]:
        notes.append(f"missing values as {', '.join(unusual)}")
    if understanding.is_sample:
        notes.append(f"guessed from a sample of {len(understanding.table):,} rows")
    columns = _count_columns(len(_list_columns(contract)))
    head = f"{name}: {rows:,} rows, {columns}; {', '.join(notes)}"
    lines = [head, "", *_tabulate(understanding), ""]
    doubts = [
        doubt if column is None else f"{shorten(column, LONGEST_NAME)}: {doubt}"
        for column, column_doubts in understanding.doubts.items()
        for doubt in column_doubts
    ]
    if not doubts:
        return lines
    if len(doubts) > MOST_LINES:
        doubts[MOST_LINES:] = [f"and {len(doubts) - MOST_LINES} more such columns"]
    where = ", counted in the sample" if understanding.is_sample else ""
    return [*lines, f"look at{where}:", *(f"- {' '.join(doubt.split())}" for doubt in doubts), ""]


def _list_columns(contract: Contract) -> list[str]:
    """The columns that the data have, without those that the contract adds to them."""
    own = {*(IMAGE_COLUMNS if contract.images else ())}
    if contract.is_unlabelled:
        own.add(contract.target)
    return [name for name in contract.columns if name not in own]


def _tabulate(understanding: Understanding) -> list[str]:
    """A line for each of the first columns, and the head above them."""
    contract, names = understanding.contract, _list_columns(understanding.contract)
    rows = [("column", "type", "missing", "holds", "")]
    for name in names[:MOST_LINES]:
        share = understanding.missing_shares[name]
        missing, role = f"{share:.1%}" if share else "-", _describe_role(contract, name)
        values = _describe_values(understanding, name)
        type_ = contract.columns[name].type
        rows.append((shorten(name, LONGEST_NAME), type_, missing, values, role))
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if len(names) > MOST_LINES:
        lines.append(f"and {len(names) - MOST_LINES} more columns, see references/schema.yaml")
    return lines


def _describe_role(contract: Contract, name: str) -> str:
    """What a column is beside a feature, or when it is known to a forecast."""
    roles = ("target", "group", "time", "series", "sequence", "exposure")
    if role := next((role for role in roles if getattr(contract, role) == name), None):
        return role
    if contract.sequence is not None and name in contract.features:
        return "of each point" if name in contract.channels else "of the whole sequence"
    if not contract.forecasts or name not in contract.features:
        return ""
    return "known ahead" if contract.columns[name].future else "known of the past"


def _describe_values(understanding: Understanding, name: str) -> str:
    contract, column = understanding.contract, understanding.contract.columns[name]
    if name == contract.target and column.type in LEVELS:
        table = understanding.table
        if contract.sequence is not None:
            table = table.drop_duplicates(contract.sequence)
        shares = table[name].value_counts(normalize=True).reindex(contract.classes, fill_value=0)
        values = _list_shares(shares, is_ordered=contract.is_ordered)
        return values + (f"; positive: {contract.classes[1]}" if column.type == "binary" else "")
    if name == contract.target and column.type == "labels":
        matrix = encode_labels(understanding.table[name].dropna(), column)
        return _list_shares(pd.Series(matrix.mean(axis=0), contract.labels), is_ordered=False)
    if levels := column.categories:
        names = [shorten(level, LONGEST_NAME) for level in levels]
        listing = _list_some(names, " < " if column.type == "ordered" else ", ")
        return f"{listing}, open to others" if column.open else listing
    if column.range is not None and column.seen is not None:
        (low, high), (least, most) = column.seen, column.range
        allowed = f"from {least:g} up" if most is None else f"{least:g} to {most:g}"
        return f"{low:g} to {high:g}, allowed {allowed}"
    return column.guessed or ""


def _list_shares(shares: pd.Series, *, is_ordered: bool) -> str:
    """What comes how often, the most frequent first unless there is an order."""
    if not is_ordered:
        shares = shares.sort_values(ascending=False, kind="stable")
    return _list_some([f"{value} {share:.0%}" for value, share in shares.items()], ", ")


def _list_some(texts: Sequence[str], mark: str) -> str:
    more = len(texts) - MOST_LEVELS
    return mark.join(texts[:MOST_LEVELS]) + (f" and {more} more" if more > 0 else "")


def describe_split(folders: Sequence[str]) -> str:
    """How the folders above the classes of images divide them; nothing where there are none."""
    if not folders:
        return ""
    others = [f"{folder} counts as train" for folder in folders if folder not in SIDES]
    more = f" ({', '.join(others)})" if others else ""
    return f"as the folders {' and '.join(folders)} give it{more}"


def describe_plan(
    contract: Contract, table: pd.DataFrame, settings: dict[str, Any], folders: Sequence[str]
) -> str:
    """What will be learnt and how, by the settings for params.yaml, and what is left out."""
    share = settings.get("train.holdout")
    way = f"on {share:.0%} held out" if share else f"over {settings['train.folds']} folds"
    target, decision = shorten(contract.target, LONGEST_NAME), settings.get("train.decision")
    rates = RATES.get(settings["train.metric"], "")
    counts = f" of {rates}" if rates else " of classes in an order" if contract.is_ordered else ""
    word = "at" if isinstance(decision, float) else "by"
    decided = "" if decision in (None, ABSENT) else f", decided {word} {decision}"
    omission = (
        "\nleaves out, since a single fit takes minutes: whether more rows would help; "
        "`training_sizes: [0.25, 0.5, 0.75, 1.0]` below `train` in params.yaml asks for it"
    )
    if contract.anomalies:
        contamination = settings["train.contamination"]
        basis = _tell_contamination(contract, table, contamination)
        champion = settings["train.champion"]
        choice = (
            f"\ntakes: {champion}, since no figure without labels tells which finds the most; "
            "train.champion in params.yaml says so"
        )
        return (
            f"looks for: rows unlike the others, by {_count_features(contract)}; the oddest "
            f"{100 * contamination:g}% are called anomalies{basis}: train.contamination in "
            f"params.yaml says so; {len(settings['train.candidates'])} candidates, judged by "
            f"{settings['train.metric']} {way}; split by {settings['split.by']}"
            f"{choice if champion else ''}"
        )
    if contract.clusters:
        return (
            f"looks for: clusters of rows that are alike, by {_count_features(contract)}; how many "
            "is chosen, unless train.clusters in params.yaml says it; "
            f"{len(settings['train.candidates'])} candidates, judged by "
            f"{settings['train.metric']} {way}; split by {settings['split.by']}"
        )
    return (
        f"learns: {target}, {_describe_problem(contract, counts)}; "
        f"{len(settings['train.candidates'])} candidates, judged by {settings['train.metric']} "
        f"{way}{decided}; split {describe_split(folders) or 'by ' + settings['split.by']}"
        f"{_advise_on_rates(target, rates)}{_tell_exposure(contract)}"
        f"{omission if settings.get('train.training_sizes') == [] else ''}"
    )


def _tell_contamination(contract: Contract, table: pd.DataFrame, contamination: float) -> str:
    """What the labels tell of it; nothing where there are none."""
    labels = table[contract.target]
    if labels.isna().all():
        return ""
    share = share_known(labels, int((labels == contract.classes[1]).sum()))
    if share == contamination:
        return ", the share that the labels tell"
    return f", where the labels tell {100 * share:g}%"


def _count_features(contract: Contract) -> str:
    return _count_columns(sum(name != IMAGE for name in contract.learnt_only()))


def _count_columns(count: int) -> str:
    return f"{count} column{'s' if count > 1 else ''}"


def _advise_on_rates(target: str, rates: str) -> str:
    if not rates:
        return ""
    return (
        f"\ntakes {target} for {rates}, and predicts their mean, which is never below zero; "
        "`metric: rmse` below `train` in params.yaml, and candidates without `loss`, take it for "
        "any number"
    )


def _tell_exposure(contract: Contract) -> str:
    if contract.exposure is None:
        return ""
    return (
        f"\nlearns {contract.target} per unit of {contract.exposure}, by which predictions are "
        "multiplied, so that rows to predict need it as well"
    )


def _describe_problem(contract: Contract, counts: str) -> str:
    count, labels = len(contract.features), len(contract.labels)
    task = f"any of {labels} labels" if labels else f"a {contract.kind}{counts}"
    if contract.sequence is not None:
        shared = len(frame_contract(contract).features) - 1
        more = f", and {shared} of the whole sequence" if shared else ""
        each = len(contract.channels)
        numbers = f"{each} number{'s' if each > 1 else ''} at each of {contract.length} points"
        source = f"sequences of {numbers}"
        return f"{task}, from {source}{more}"
    if contract.horizon is None:
        source = _count_features(contract)
        if contract.images:
            source = f"the images and {source} beside them" if count > 1 else "the images"
        return f"{task}, from {source}"
    future = sum(contract.columns[name].future for name in contract.features)
    past = count - future - 1
    steps = f"{contract.horizon} step{'s' if contract.horizon > 1 else ''}"
    sources = [f"its latest {contract.window} values"]
    sources += [f"those of {past} other column{'s' if past > 1 else ''}"] if past else []
    sources += [f"{future} column{'s' if future > 1 else ''} known ahead"] if future else []
    return f"{steps} of {contract.every} ahead, from {' and '.join(sources)}"


def find_idle_times(contract: Contract) -> list[str]:
    """The columns by which rows could be split, and are not."""
    if contract.time or contract.group:
        return []
    columns = contract.features_only().items()
    return [name for name, column in columns if column.type == "datetime" and not column.nullable]
