"""Recognising cells that hold several labels, such as `red|round`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..core.contract import PLAIN, SEPARATOR
from ..core.errors import UserError, shorten
from ..core.labels import split_labels
from ..data.conformity import as_texts, parse_numbers

MARKS = "|;,"
"""What may stand between labels, first what hardly ever means anything else."""
NONE = re.compile(r"none|nothing|no[ _-]?(labels?|tags?|findings?)|-+|\[\]|\{\}", re.IGNORECASE)
"""What a cell says where there are no labels."""
LIST = re.compile(r"\[[^\[\]]*\]")
LIST_OF_TEXTS = re.compile(r"""\[\s*["'].*\]|\[.*["']\s*\]""", re.DOTALL)
"""A list that a program has written as text."""
LONGEST_LIST = 60
"""Signs of a list that a message has."""
MOST_LABELS = 200
FEWEST_PER_LABEL = 5
"""Rows that a label has on average; names and sentences with commas have fewer."""
LEAST_RECOMBINED = 0.5
"""Share of the rows with several labels all of which come in other cells, too."""
FEW_ROWS_OF_A_LABEL = 10
MOST_NAMED = 5
"""Labels that a doubt names."""


def find_separator(cells: pd.Series) -> str | None:
    """What stands between the labels of (n_rows,) cells; None where they hold no labels.

    Labels are few beside the rows and recur in other company, at other places or in another number:
    parts that each have a place of their own, as in `Paris, France`, are no labels.
    """
    texts = as_texts(cells.dropna())
    if texts.empty or not parse_numbers(texts, PLAIN).isna().any():
        return None
    return next((mark for mark in MARKS if _holds_labels(texts, mark, len(cells))), None)


def choose_separator(cells: pd.Series) -> str | None:
    """The same where labels are known to be there: what most cells have, if any has one."""
    texts = as_texts(cells.dropna())
    counts = {mark: texts.str.contains(mark, regex=False).sum() for mark in MARKS}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] else None


def require_no_lists(cells: pd.Series, separator: str | None, target: str) -> None:
    """Check that no cell is a list written as text, which would be divided into parts of its signs.

    Args:
        cells: (n_rows,) of the target.
        separator: What was found to stand between labels, if anything.
        target: What a message calls the column.
    """
    texts = as_texts(cells.dropna()).unique()
    found = next((text for text in texts if _is_list(text, separator)), None)
    if found is None:
        return
    if label := _find_cut_label(found):
        raise UserError(
            f"{target} has the label {label!r}, which holds {SEPARATOR}, as stands between labels; "
            "write the label without it"
        )
    raise UserError(
        f"{target} holds lists written as text, such as {shorten(found, LONGEST_LIST)}; write the "
        "labels with | between them, such as a|d, or JSON lines in which they are lists"
    )


def _is_list(text: str, separator: str | None) -> bool:
    if LIST_OF_TEXTS.fullmatch(text):
        return True
    return separator is not None and separator in text and bool(LIST.fullmatch(text))


def _find_cut_label(text: str) -> str | None:
    """The label for which `join_lists` has left a list as it was."""
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return next((label for label in labels if isinstance(label, str) and SEPARATOR in label), None)


def _holds_labels(texts: pd.Series, mark: str, rows: int) -> bool:
    distinct = texts.value_counts()
    parts = [[*dict.fromkeys(split_labels(text, mark))] for text in distinct.index]
    counts = Counter(label for labels in parts for label in labels)
    sizes = {len(labels) for labels in parts} | ({0} if len(texts) < rows else set())
    several = [place for place, labels in enumerate(parts) if len(labels) > 1]
    spots = {(label, spot) for labels in parts for spot, label in enumerate(labels)}
    is_free = len(sizes) > 1 or len(spots) > len(counts)
    if not several or not is_free or not 2 <= len(counts) <= MOST_LABELS:
        return False
    uses = sum(len(labels) * count for labels, count in zip(parts, distinct, strict=True))
    if uses < FEWEST_PER_LABEL * len(counts):
        return False
    again = [place for place in several if min(counts[label] for label in parts[place]) > 1]
    share = distinct.iloc[again].sum() / distinct.iloc[several].sum()
    return bool(share >= LEAST_RECOMBINED)


def describe_labels(cells: pd.Series, separator: str) -> tuple[dict[str, Any], list[str]]:
    """What the contract says of cells that hold labels, and what is doubtful about them."""
    texts = as_texts(cells.dropna())
    parts = {text: split_labels(text, separator) for text in texts.unique()}
    alone = [text for text, labels in parts.items() if len(labels) == 1 and NONE.fullmatch(text)]
    labels = sorted({label for text, own in parts.items() if text not in alone for label in own})
    none, doubts = ["", *sorted(alone)], []
    gaps = len(cells) - len(texts)
    if gaps:
        doubts.append(
            f"{gaps} of {len(cells)} cells are empty: taken for rows with none of the labels; "
            "without '' in `none`, they are rows of which nobody knows"
        )
    if alone:
        doubts.append(f"{', '.join(map(repr, sorted(alone)))}: taken for none of the labels")
    if not gaps:
        none = none[1:]
    spellings = Counter(label.lower() for label in labels)
    if twice := [label for label in labels if spellings[label.lower()] > 1]:
        doubts.append(f"{', '.join(map(repr, twice[:MOST_NAMED]))} differ in their spelling only")
    words: dict[str, Any] = {"categories": labels, "separator": separator, "none": none}
    return words, doubts


def find_doubts_of_labels(matrix: np.ndarray, labels: Sequence[str]) -> list[str]:
    """What a person should know of labels before they are learnt.

    Args:
        matrix: (n_rows, n_labels) 1 where a row has a label, else 0.
        labels: What they are called.
    """
    rows, counts = len(matrix), matrix.sum(axis=0)
    doubts = []
    if rare := [f"{labels[place]!r} ({counts[place]})" for place in _list_rare(counts)]:
        doubts.append(
            f"labels of fewer than {FEW_ROWS_OF_A_LABEL} rows: {_list(rare)}; they are learnt, and "
            "what is measured of them says little"
        )
    if everywhere := [repr(labels[place]) for place in np.flatnonzero(counts == rows).tolist()]:
        doubts.append(f"all rows have {_list(everywhere)}: there is nothing to learn of it")
    pairs = [
        f"{labels[one]!r} and {labels[other]!r}"
        for one, other in combinations(np.flatnonzero(counts > 0).tolist(), 2)
        if counts[one] == counts[other] and (matrix[:, one] == matrix[:, other]).all()
    ]
    if pairs:
        doubts.append(f"labels that always come together: {_list(pairs)}; one says it all")
    return doubts


def _list_rare(counts: np.ndarray) -> list[int]:
    order = np.argsort(counts, kind="stable")
    return [int(place) for place in order if counts[place] < FEW_ROWS_OF_A_LABEL]


def _list(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
