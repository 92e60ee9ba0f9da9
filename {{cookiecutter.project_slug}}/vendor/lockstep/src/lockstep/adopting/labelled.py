"""Requests of which the server knows what became true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import pandas as pd
from sqlalchemy import ColumnElement, and_, false, func, null, select

from ..monitoring.request_source import read_one
from ..serving.request_database import REQUESTS, RequestDatabase
from .omissions import Omissions

LINES_AT_ONCE = 2**14
ANSWER = REQUESTS.c.role == "answer"
HAS_OUTCOME = REQUESTS.c.outcome.is_not(null())
NAME = ("request", "row")
"""What a row is known by."""


class _Repetitions(NamedTuple):
    """Lines that another one with the same name makes doubtful."""

    conflicting: frozenset[int]
    """Nobody can tell which of them the outcome belongs to."""
    needless: frozenset[int]
    """Another line says the same."""


def read_labelled_rows(
    database: RequestDatabase, model: str, since: datetime | None, omissions: Omissions
) -> Iterator[pd.DataFrame]:
    """The rows of which the outcome is known, each once, in the order in which they were kept.

    Args:
        database: Where they are kept.
        model: What was asked.
        since: Only rows of which the outcome came since then, however long ago they were asked.
        omissions: Is told what is left out.

    Yields:
        (n_rows,) `request` and `row`, `content` and `outcome` as JSON has them, `outcome_time`.
    """
    last = read_one(database, select(func.max(REQUESTS.c.id).label("id")))["id"]
    is_asked = and_(ANSWER, REQUESTS.c.id <= (last or 0))
    _count_others(database, model, since, is_asked, omissions)
    is_asked = and_(is_asked, REQUESTS.c.model == model)
    repetitions = _find_repetitions(database, is_asked)
    is_wanted = and_(is_asked, HAS_OUTCOME)
    if since is not None:
        is_wanted = and_(is_wanted, REQUESTS.c.outcome_time >= since)
    columns = [REQUESTS.c[name] for name in ("id", *NAME, "content", "outcome", "outcome_time")]
    query = select(*columns).where(is_wanted).order_by(REQUESTS.c.id)
    for lines in database.read(query, LINES_AT_ONCE):
        rows = [tuple(line.values()) for line in lines]
        # Of a type that holds anything, so that no cell becomes another for its neighbours' sake.
        frame = pd.DataFrame(rows, columns=[*lines[0]], dtype="object")
        frame = frame.astype({"id": "int64", "request": "str", "row": "int64"})
        frame["outcome_time"] = pd.to_datetime(frame["outcome_time"], utc=True)
        frame = frame[~frame["id"].isin(repetitions.needless)]
        is_conflicting = frame["id"].isin(repetitions.conflicting)
        omissions.add(
            "another row has their request's id and place, so whose the outcome is nobody can tell",
            frame[is_conflicting],
        )
        yield frame[~is_conflicting].drop(columns="id").reset_index(drop=True)


def _count_others(
    database: RequestDatabase,
    model: str,
    since: datetime | None,
    is_asked: ColumnElement[bool],
    omissions: Omissions,
) -> None:
    """Tell how many rows have no outcome, or one of before, or are another model's."""
    outcome_time = REQUESTS.c.outcome_time
    is_early = outcome_time < since if since is not None else false()
    reasons = {
        "no outcome was told yet": and_(REQUESTS.c.model == model, ~HAS_OUTCOME),
        "their outcome came before --since": and_(REQUESTS.c.model == model, HAS_OUTCOME, is_early),
        "another model was asked": and_(REQUESTS.c.model != model, HAS_OUTCOME),
    }
    counts = [
        func.count().filter(condition).label(f"reason_{place}")
        for place, condition in enumerate(reasons.values())
    ]
    line = read_one(database, select(*counts).where(is_asked))
    for place, reason in enumerate(reasons):
        omissions.count(reason, line[f"reason_{place}"])


def _find_repetitions(database: RequestDatabase, is_asked: ColumnElement[bool]) -> _Repetitions:
    """What clients have asked twice under one name, of the same row or of others."""
    name = [REQUESTS.c[key] for key in NAME]
    twice = select(*name).where(is_asked).group_by(*name).having(func.count() > 1).subquery()
    same = and_(*(twice.c[key] == REQUESTS.c[key] for key in NAME))
    columns = [REQUESTS.c[key] for key in ("id", *NAME, "content", "outcome")]
    query = select(*columns).join(twice, same).where(is_asked).order_by(*name, REQUESTS.c.id)
    lines = (line for part in database.read(query, LINES_AT_ONCE) for line in part)
    conflicting: list[int] = []
    needless: list[int] = []
    for _, group in groupby(lines, key=lambda line: tuple(line[key] for key in NAME)):
        first, *others = group
        known = [line for line in (first, *others) if line["outcome"] is not None]
        is_same = all(line["content"] == first["content"] for line in others) and all(
            line["outcome"] == known[0]["outcome"] for line in known
        )
        if is_same:
            needless += [line["id"] for line in known[1:]]
        else:
            conflicting += [line["id"] for line in known]
    return _Repetitions(frozenset(conflicting), frozenset(needless))
