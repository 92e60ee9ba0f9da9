"""Making out sequences: which rows are of one, how long they are, and what their points share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..core.contract import NUMBERS, Column
from ..core.errors import UserError
from ..data.conformity import as_texts
from .interpretation import Interpretation, find_time
from .wishes import Wishes

LONGEST = 1000
"""Points of a sequence that are looked at; a network takes long for more."""
EVEN = 2.0
"""How many times the usual length the longest may have, to be looked at whole."""


def understand_sequences(
    table: pd.DataFrame, columns: dict[str, Column], name: str, wishes: Wishes
) -> Interpretation:
    """Make out the sequences in the rows of the data called `name`.

    Args:
        table: (n_rows, n_columns) typed.
        columns: What they were taken for.
        name: What messages call the data.
        wishes: What the person says of them.

    Raises:
        UserError: The rows are of no sequences, or a sequence has several labels.
    """
    assert wishes.sequence is not None
    assert wishes.target is not None
    time, doubts = find_time(columns, "--sequence", name, wishes)
    keys = as_texts(table[wishes.sequence])
    _require_distinct(table[time], keys, name, wishes)
    _require_one_label(table[wishes.target], keys, name)
    counts = keys.value_counts()
    if counts.max() == 1:
        raise UserError(
            f"{name}: --sequence: each row has a {wishes.sequence!r} of its own; rows that are "
            "examples as they are need no --sequence"
        )
    length, length_doubts = _choose_length(counts)
    others = {
        key: column for key, column in columns.items() if key not in _list_roles(time, wishes)
    }
    is_shared = table[[*others]].groupby(keys).nunique().max() <= 1
    # Another sequence may go on for longer.
    usable = columns | {time: columns[time].model_copy(update={"range": None, "seen": None})}
    by_column = dict[str | None, list[str]]()
    for key, column in others.items():
        if column.type in NUMBERS:
            usable[key] = column.model_copy(update={"constant": bool(is_shared[key])})
        elif not is_shared[key]:
            del usable[key]
            by_column[key] = ["changes within a sequence and is no number: not used"]
    channels = [key for key in others if key in usable and others[key].type in NUMBERS]
    channels = [key for key in channels if not usable[key].constant]
    if not channels:
        raise UserError(
            f"{name}: --sequence: no column holds numbers that change within a sequence; there is "
            "nothing to learn from their order"
        )
    by_column[None] = [*doubts, *length_doubts, *_find_still(table[channels], keys)]
    words = {"sequence": wishes.sequence, "time": time, "length": length}
    shortest, longest = int(counts.min()), int(counts.max())
    span = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
    return Interpretation(words, usable, f"{len(counts)} sequences of {span} points", by_column)


def _list_roles(time: str, wishes: Wishes) -> set[str | None]:
    return {wishes.sequence, wishes.target, wishes.group, time}


def _require_distinct(times: pd.Series, keys: pd.Series, name: str, wishes: Wishes) -> None:
    is_repeated = pd.DataFrame({"key": keys, "time": times}).duplicated().to_numpy()
    if not is_repeated.any():
        return
    place, count = int(is_repeated.argmax()), int(is_repeated.sum())
    raise UserError(
        f"{name}: --time: {count} row{'s have' if count > 1 else ' has'} the {times.name!r} of "
        f"another of the same sequence, such as {times.iloc[place]} of {wishes.sequence} "
        f"{keys.iloc[place]!r}; leave one of them, or say by --sequence what tells them apart"
    )


def _require_one_label(labels: pd.Series, keys: pd.Series, name: str) -> None:
    counts = labels.groupby(keys).nunique()
    several = counts[counts > 1]
    if len(several):
        raise UserError(
            f"{name}: --target: {labels.name!r} changes within {len(several)} of {len(counts)} "
            f"sequences, such as {several.index[0]!r}; a sequence has one: name "
            "by --sequence a column that gives each part a name of its own"
        )


def _choose_length(counts: pd.Series) -> tuple[int, list[str]]:
    """How many points are looked at, and what is doubtful about that."""
    usual, longest = int(counts.median()), int(counts.max())
    length = longest if longest <= EVEN * usual else int(np.ceil(counts.quantile(0.9)))
    length = max(2, min(length, LONGEST))
    doubts = []
    if cut := int((counts > length).sum()):
        doubts.append(
            f"the latest {length} points are looked at, `length` in references/schema.yaml: "
            f"{cut} of {len(counts)} sequences have more, up to {longest}"
        )
    if single := int((counts == 1).sum()):
        doubts.append(f"{single} of {len(counts)} sequences have a single point")
    return length, doubts


def _find_still(channels: pd.DataFrame, keys: pd.Series) -> list[str]:
    """What does not move in some sequences, as where a sensor was off."""
    points = channels.groupby(keys)
    still = (points.max() == points.min()).sum()
    return [
        f"{name!r} does not change in {count} of {keys.nunique()} sequences"
        for name, count in still[still > 0].items()
    ]
