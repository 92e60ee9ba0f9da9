"""Batches of the requests that the server has kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pydantic_core import from_json
from sqlalchemy import ColumnElement, RowMapping, Select, Text, cast, func, select

from ..core.contract import IMAGE, Contract
from ..core.examples import GAPS, LEVEL, SPREAD
from ..core.sequences import SIGNAL, list_summaries
from ..data.conformity import NO_BREACHES
from ..data.new_rows import parse_rows
from ..modeling.lexicon import summarise_texts
from ..modeling.outcome import CLARITY, EXPOSURE, HIGH, LOW, ODDNESS, PROBABILITY
from ..modeling.profile import PREDICTION
from ..serving.request_database import REQUESTS, RequestDatabase, as_json
from .batches import Batch, Subject, make_relative, read_outcomes
from .references import Reference, References

PAGE = 20_000
"""Lines that are read at once."""
SUBJECT = ("model", "version", "run", "role")
JSON = ("content", "answer", "outcome")
NAME = "the requests"
TOLERANCE = timedelta(minutes=5)
"""How far the clock of a server may be ahead of ours."""

Line = RowMapping
"""Of the table of requests, with its JSON as text."""


def read_pages(
    database: RequestDatabase, after: int, *conditions: ColumnElement[bool]
) -> Iterator[Sequence[Line]]:
    """The lines with an id above `after`, in the order of their ids, page by page.

    Each page is a query of its own, so that a database that others write to is kept from nothing.

    Raises:
        UserError: The database does not answer.
    """
    while page := read_page(database, REQUESTS.c.id, REQUESTS.c.id > after, *conditions):
        after = page[-1]["id"]
        yield page


def read_page(
    database: RequestDatabase, order: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> Sequence[Line]:
    """The first lines in an order; none if there are no more."""
    columns = [
        cast(column, Text).label(column.name) if column.name in JSON else column
        for column in REQUESTS.c
    ]
    query = select(*columns).where(*conditions).order_by(order, REQUESTS.c.id).limit(PAGE)
    return [line for part in database.read(query, PAGE) for line in part]


def read_labelled(
    database: RequestDatabase, subject: Subject, start: np.datetime64, end: np.datetime64
) -> Iterator[Sequence[Line]]:
    """A version's lines from some time of which the outcome is known, page by page."""
    is_within = [REQUESTS.c.time >= _as_datetime(start), REQUESTS.c.time < _as_datetime(end)]
    bounds = select(func.min(REQUESTS.c.id).label("first"), func.max(REQUESTS.c.id).label("last"))
    ends = read_one(database, bounds.where(*is_within))
    if ends["first"] is not None:
        is_own = [REQUESTS.c[name] == value for name, value in zip(SUBJECT, subject, strict=True)]
        is_known = REQUESTS.c.outcome_time.is_not(None)
        conditions = [*is_within, *is_own, is_known, REQUESTS.c.id <= ends["last"]]
        yield from read_pages(database, ends["first"] - 1, *conditions)


def find_start(database: RequestDatabase, since: datetime | None) -> int:
    """The id after which the requests since a time begin."""
    if since is None:
        return 0
    query = select(func.min(REQUESTS.c.id).label("id")).where(REQUESTS.c.time >= since)
    first = read_one(database, query)["id"]
    if first is None:
        return int(read_one(database, select(func.max(REQUESTS.c.id).label("id")))["id"] or 0)
    return int(first) - 1


def find_latest(now: datetime) -> datetime:
    """When the latest request can have come, by a clock that is a little ahead of ours."""
    return now + TOLERANCE


def as_times(times: Sequence[datetime | None]) -> np.ndarray:
    """(n_times,) datetime64[us] in UTC; SQLite keeps no time zone, what it was given was in UTC."""
    points = pd.to_datetime(pd.Series([*times], dtype="object"), utc=True).dt.tz_localize(None)
    return points.to_numpy(dtype="datetime64[us]")


def _as_datetime(time: np.datetime64) -> datetime:
    moment: datetime = time.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)


def make_batches(lines: Sequence[Line], references: References) -> Iterator[Batch]:
    """The lines of each version, as a batch."""
    subjects: dict[Subject, list[Line]] = {}
    for line in lines:
        subject = Subject(*(line[name] for name in SUBJECT))
        subjects.setdefault(subject, []).append(line)
    for subject, own in subjects.items():
        yield _make_batch(subject, own, references)


def _make_batch(subject: Subject, lines: Sequence[Line], references: References) -> Batch:
    reference = references.find(subject)
    contents, answers, outcomes = (_parse([line[name] for line in lines]) for name in JSON)
    times, outcome_times = (
        as_times([line[name] for line in lines]) for name in ("time", "outcome_time")
    )
    X, groups = pd.DataFrame(index=range(len(lines))), None
    values = np.full(len(lines), None, dtype="object")
    if reference is not None:
        kept = references.list_kept(reference.contract)
        X = _read_values(contents, reference, kept)
        groups = _read_groups(contents, reference.contract, kept)
        values = read_outcomes(pd.Series(outcomes, dtype="object"), reference.contract)
    predictions = _read_predictions(answers)
    if reference is not None and (exposure := reference.contract.exposure) is not None:
        predictions[EXPOSURE] = X[exposure].astype("float64") if exposure in X else np.nan
    batch = Batch(
        subject,
        times,
        np.array([line["request"] for line in lines], dtype="object"),
        np.array([line["row"] for line in lines], dtype="int64"),
        np.array([line["status"] for line in lines], dtype="int64"),
        np.array([line["seconds"] for line in lines], dtype="float64"),
        X,
        np.array([bool(content) for content in contents]),
        _list_breaches(answers),
        groups,
        predictions,
        values,
        outcome_times,
    )
    if reference is None or reference.contract.history is None:
        return batch
    return _read_forecasts(batch, contents)


def _read_forecasts(batch: Batch, contents: Sequence[Mapping[str, Any] | None]) -> Batch:
    """The same of forecasts, but for those of which nobody knows what they were made from."""
    cells = {
        name: pd.Series([(one or {}).get(name) for one in contents], dtype="float64")
        for name in (LEVEL, SPREAD, GAPS)
    }
    level, spread, gaps = (cells[name].to_numpy() for name in (LEVEL, SPREAD, GAPS))
    # Those that one request asks for are made of the same latest values.
    whole = batch._replace(X=batch.X.assign(**{GAPS: gaps}), groups=batch.requests)
    is_known = batch.is_refused | ~np.isnan(spread)
    return make_relative(whole, level, spread).take(np.flatnonzero(is_known))


def read_one(database: RequestDatabase, query: Select[*tuple[Any, ...]]) -> Line:
    """What a query of one line gives."""
    [[line]] = database.read(query, 1)
    return line


def _parse(texts: Sequence[str | None]) -> list[Any]:
    """What each text of JSON says; they are read at once, which takes a fraction of the time."""
    content: list[Any] = from_json(f"[{','.join(text or 'null' for text in texts)}]")
    return content


def _read_values(
    contents: Sequence[Mapping[str, Any] | None], reference: Reference, kept: Sequence[str]
) -> pd.DataFrame:
    """(n_rows, n_columns) the features that are kept, typed by the contract."""
    contract, profile = reference.contract, reference.profile
    cells = {
        name: pd.Series(
            [None if one is None else one.get(name) for one in contents], dtype="object"
        )
        for name in contract.features
    }
    X = parse_rows(pd.DataFrame(cells), contract, NAME).X
    X = X[[name for name in X if name in kept and name != IMAGE]]
    if contract.images is not None:
        names = profile.embeddings if profile else ()
        known = [one or {} for one in contents]
        numbers = pd.DataFrame(known, columns=[*names], dtype="float64")
        return pd.concat([numbers, X], axis=1)
    if profile is not None and profile.lexicons:
        X = summarise_texts(X, profile.lexicons)
    if contract.points is None:
        return X
    channels = [name for name in contract.columns[SIGNAL].channels if name in kept]
    columns = [name for channel in channels for name in list_summaries(channel)]
    summaries = pd.DataFrame([one or {} for one in contents], columns=columns, dtype="float64")
    return pd.concat([X, summaries], axis=1)


def _read_groups(
    contents: Sequence[Mapping[str, Any] | None], contract: Contract, kept: Sequence[str]
) -> np.ndarray | None:
    name = contract.group
    if name is None or name not in kept:
        return None
    return np.array([(one or {}).get(name) for one in contents], dtype="object")


def _read_predictions(answers: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """(n_rows,) the columns of `Model.apply`; `prediction` alone where no row has got one."""
    names = next(([*answer] for answer in answers if PREDICTION in answer), [PREDICTION])
    names = [
        name
        for name in names
        if name in (PREDICTION, LOW, HIGH, ODDNESS, CLARITY) or name.startswith(PROBABILITY)
    ]
    return pd.DataFrame({name: [answer.get(name) for answer in answers] for name in names})


def _list_breaches(answers: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """What the version said that breaks its contract."""
    breaches = [
        (place + 1, error["column"], _as_text(error["value"]), error["reason"])
        for place, answer in enumerate(answers)
        for error in answer.get("errors", ())
    ]
    return pd.DataFrame(breaches, columns=NO_BREACHES.columns)


def _as_text(value: Any) -> str:
    """A value that a client sent, which may be anything that JSON has; nothing of none."""
    if isinstance(value, str):
        return value
    return "" if value is None else as_json(value)
