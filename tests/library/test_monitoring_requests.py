"""Requests as they are read to be watched: once each, however they come, from both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CONTRACT, make_project, write_params
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.params import MonitorParams
from lockstep.core.project import Project
from lockstep.modeling.outcome import EXPOSURE
from lockstep.monitoring import follower, live, request_source
from lockstep.monitoring.batches import Batch, Subject
from lockstep.monitoring.follower import Follower
from lockstep.monitoring.live import Monitor
from lockstep.monitoring.quality import Gauge
from lockstep.monitoring.references import Reference
from lockstep.monitoring.report import make_report
from lockstep.monitoring.request_source import (
    as_times,
    find_latest,
    find_start,
    make_batches,
    read_pages,
)
from lockstep.monitoring.watch import Watch
from lockstep.monitoring.windows import Windows
from lockstep.serving.request_database import REQUESTS, RequestDatabase, as_json
from made_up_batches import make_profile
from sqlalchemy import delete, insert, text
from test_request_store import address, cluster  # noqa: F401

NOW = datetime.now(UTC)
CHAMPION = Subject("fruit", "1.0.0", "0" * 64, "answer")


class MadeUpReferences:
    """Of each version the same, of which some columns are kept."""

    def __init__(self, *kept: str) -> None:
        contract = Contract.model_validate(CONTRACT | {"target": "ripeness"} | RIPENESS)
        self.reference: Reference | None = Reference(contract, make_profile())
        self.elsewhere: Reference | None = None
        self.kept = kept or ("weight", "seeds", "colour")
        self.problems: dict[str, str] = {}

    def find(self, _: Subject) -> Reference | None:
        return self.reference

    def look_again(self) -> bool:
        if self.reference is not None:
            return False
        self.reference = self.elsewhere
        return self.reference is not None

    def list_kept(self, _: Contract) -> tuple[str, ...]:
        return self.kept


RIPENESS = {
    "columns": {
        **{name: CONTRACT["columns"][name] for name in ("weight", "seeds", "colour")},
        "ripeness": {"type": "numeric", "range": [0, 100], "meaning": "ripeness"},
    }
}


def line(request: str = "r-1", row: int = 0, **other: Any) -> dict[str, Any]:
    """As the server writes it."""
    content = other.pop("content", {"weight": 150.5, "seeds": 3, "colour": "red"})
    usual = {
        **CHAMPION._asdict(),
        "request": request,
        "row": row,
        "time": NOW,
        "status": 200,
        "content": None if content is None else as_json(content),
        "answer": as_json(other.pop("answer", {"prediction": 15.05})),
        "seconds": 0.25,
        "outcome": None,
        "outcome_time": None,
    }
    return usual | other


@pytest.fixture
def database(address: str) -> Iterator[RequestDatabase]:  # noqa: F811
    with closing(RequestDatabase(address)) as database:
        yield database


def read(database: RequestDatabase, references: MadeUpReferences | None = None) -> list[Batch]:
    pages = read_pages(database, 0)
    return [one for page in pages for one in make_batches(page, references or MadeUpReferences())]


def test_a_batch_has_what_the_server_kept_typed_by_the_contract(database: RequestDatabase) -> None:
    errors = {"errors": [{"column": "weight", "value": -1, "reason": "expected a number"}]}
    later = NOW + timedelta(days=2)
    database.write(
        [
            line(outcome=as_json(40), outcome_time=later),
            line(row=1, content={"weight": -1, "colour": "blue"}, answer=errors, status=422),
            line("r-2", content=None, outcome=as_json("unripe"), outcome_time=later),
            line("r-2", role="shadow", version="1.1.0"),
        ]
    )
    batch, shadow = read(database)
    assert (batch.subject, shadow.subject[1], shadow.subject.role) == (CHAMPION, "1.1.0", "shadow")
    assert batch.X.astype("object").where(batch.X.notna(), None).to_numpy().tolist() == [
        *([150.5, 3, "red"], [-1.0, None, "blue"], [None, None, None])
    ]
    assert batch.is_kept.tolist() == [True, True, False]
    assert batch.is_refused.tolist() == [False, True, False]
    assert batch.breaches[["row", "column"]].to_numpy().tolist() == [[2, "weight"]]
    assert batch.predictions["prediction"].tolist() == pytest.approx(
        [15.05, np.nan, 15.05], nan_ok=True
    )
    assert batch.outcomes.tolist() == [40.0, None, None]
    assert batch.times.tolist() == [NOW.replace(tzinfo=None)] * 3
    assert batch.outcome_times[0].tolist() == later.replace(tzinfo=None)
    assert [*zip(batch.requests, batch.places, strict=True)] == [("r-1", 0), ("r-1", 1), ("r-2", 0)]


def test_a_value_that_breaks_the_contract_may_be_anything_that_json_has(
    database: RequestDatabase,
) -> None:
    values = ["heavy", 9999, 1e30, True, None, [1, {"a": None}], {"kg": 3}]
    database.write(
        [
            line(
                f"r-{place}",
                answer={"errors": [{"column": "weight", "value": value, "reason": "expected"}]},
                status=422,
            )
            for place, value in enumerate(values)
        ]
    )
    (batch,) = read(database)
    windows = Windows(make_profile(), "day")
    windows.add(batch)
    (window,) = windows
    assert window.breaches == {"weight": 6}
    assert window.tallies["weight"].others.keys() == {
        *("heavy", "9999", "1e+30", "true", '[1,{"a":null}]', '{"kg":3}')
    }


def test_columns_that_the_server_does_not_keep_are_unknown_and_not_missing(
    database: RequestDatabase,
) -> None:
    database.write([line(content={"weight": 150.5, "colour": "red"})])
    (batch,) = read(database, MadeUpReferences("weight", "colour"))
    assert [*batch.X] == ["weight", "colour"]


def test_clusters_are_read_with_how_clear_they_are(database: RequestDatabase) -> None:
    database.write([line(answer={"prediction": "1", "clarity": 0.75})])
    (batch,) = read(database)
    assert batch.predictions.to_dict("records") == [{"prediction": "1", "clarity": 0.75}]


@pytest.mark.parametrize(("kept", "expected"), [(("weight",), 150.5), (("seeds",), np.nan)])
def test_an_exposure_that_is_not_kept_is_unknown(
    database: RequestDatabase, kept: tuple[str, ...], expected: float
) -> None:
    references = MadeUpReferences(*kept)
    assert references.reference is not None
    contract = references.reference.contract.model_copy(update={"exposure": "weight"})
    references.reference = references.reference._replace(contract=contract)
    database.write([line()])
    (batch,) = read(database, references)
    assert batch.predictions[EXPOSURE].tolist() == pytest.approx([expected], nan_ok=True)


def test_of_a_version_that_is_nowhere_volume_and_time_are_read(database: RequestDatabase) -> None:
    references = MadeUpReferences()
    references.reference = None
    database.write([line(), line("r-2")])
    (batch,) = read(database, references)
    assert (batch.rows, batch.X.shape, batch.seconds.tolist()) == (2, (2, 0), [0.25, 0.25])


def test_pages_are_read_to_the_end(
    database: RequestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_source, "PAGE", 3)
    database.write([line(row=row) for row in range(8)])
    assert [batch.places.tolist() for batch in read(database)] == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_requests_are_read_since_a_time(database: RequestDatabase) -> None:
    database.write([line(row=day, time=NOW - timedelta(days=9 - day)) for day in range(10)])
    start = find_start(database, NOW - timedelta(days=2.5))
    assert [one["row"] for page in read_pages(database, start) for one in page] == [7, 8, 9]
    assert find_start(database, NOW + timedelta(1)) == 10


def list_rows(pages: Iterator[Any]) -> list[int]:
    return [one["row"] for page in pages for one in page]


def test_what_is_new_is_read_once(database: RequestDatabase) -> None:
    database.write([line(row=0)])
    reader = Follower(database, NOW - timedelta(days=1), NOW)
    assert list_rows(reader.read_new(database)) == [0]
    database.write([line(row=1), line(row=2)])
    assert list_rows(reader.read_new(database)) == [1, 2]
    assert list_rows(reader.read_new(database)) == []
    assert list_rows(reader.read_late(database)) == []


def test_of_two_servers_that_write_at_once_each_row_is_read_once(
    address: str,  # noqa: F811
    database: RequestDatabase,
) -> None:
    if address.startswith("sqlite"):
        pytest.skip("in SQLite one writes after the other")
    database.write([line(row=0)])
    reader = Follower(database, NOW - timedelta(days=1), NOW)
    assert list_rows(reader.read_new(database)) == [0]
    with closing(RequestDatabase(address)) as other, other._begin() as slow:
        slow.execute(insert(REQUESTS), [line(row=1), line(row=2)])
        with closing(RequestDatabase(address)) as third, third._begin() as failing:
            failing.execute(insert(REQUESTS), [line(row=3)])
            failing.rollback()
        database.write([line(row=4)])
        assert list_rows(reader.read_new(database)) == [4]
        assert list_rows(reader.read_late(database)) == []
    database.write([line(row=5)])
    assert list_rows(reader.read_late(database)) == [1, 2]
    assert list_rows(reader.read_new(database)) == [5]
    assert list_rows(reader.read_late(database)) == []


def test_gaps_are_read_again_after_a_failure_however_long(
    database: RequestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.write([line(row=row) for row in range(5)])
    reader = Follower(database, NOW - timedelta(days=1), NOW)
    with database._begin() as connection:
        connection.execute(delete(REQUESTS).where(REQUESTS.c.row.in_([1, 3])))
    assert list_rows(reader.read_new(database)) == [0, 2, 4]
    database.write([line(row=1, id=2), line(row=3, id=4)])

    def fail(*_: object) -> None:
        raise UserError("the database does not answer")

    with monkeypatch.context() as context:
        context.setattr(RequestDatabase, "read", fail)
        with pytest.raises(UserError):
            list_rows(reader.read_late(database))
    hour = follower.time.monotonic() + 3600
    with monkeypatch.context() as context:
        context.setattr(follower.time, "monotonic", lambda: hour)
        assert sorted(list_rows(reader.read_late(database))) == [1, 3]
    assert list_rows(reader.read_late(database)) == []


def test_what_has_not_come_in_a_minute_is_not_waited_for(
    database: RequestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "SECONDS_TO_COMMIT", -1.0)
    database.write([line(row=row) for row in range(3)])
    reader = Follower(database, NOW - timedelta(days=1), NOW)
    with database._begin() as connection:
        connection.execute(delete(REQUESTS).where(REQUESTS.c.row == 1))
    assert list_rows(reader.read_new(database)) == [0, 2]
    assert list_rows(reader.read_late(database)) == []
    database.write([line(row=1, id=2)])
    assert list_rows(reader.read_late(database)) == []


class Watching:
    """The monitor of a project whose versions all have the same made-up reference."""

    def __init__(self, project: Project, place: str) -> None:
        self.now = NOW
        self.monitor = Monitor(project, place, lambda: self.now)
        self.references = MadeUpReferences()
        self.monitor._references = self.monitor._watch.references = self.references

    def look(self) -> dict[str, Any]:
        while self.monitor.look():
            pass
        return self.monitor.make_report()


@pytest.fixture
def watching(tmp_path: Path, address: str) -> Watching:  # noqa: F811
    (tmp_path / "project").mkdir()
    return Watching(make_project(tmp_path / "project"), address)


def count_rows(report: dict[str, Any]) -> list[int]:
    return [window["rows"] for version in report["versions"] for window in version["windows"]]


def test_the_running_sums_are_those_of_reading_all_at_once(
    watching: Watching, database: RequestDatabase
) -> None:
    days = [NOW - timedelta(days=day) for day in (2, 1, 0)]
    for batch, day in enumerate(days):
        database.write([line(f"r-{batch}-{row}", time=day) for row in range(4)])
        followed = watching.look()
    watch = Watch(MadeUpReferences(), "day")
    for one in read(database):
        watch.add(one, as_times([find_latest(watching.now)])[0])
    stages = {name: followed[name] for name in ("source", "since")}
    gauge = Gauge(watching.monitor._project)
    assert followed == make_report(watch, MonitorParams(), **stages, stages={}, gauge=gauge)
    assert count_rows(followed) == [4, 4, 4]


def read_at_once(watching: Watching) -> dict[str, Any]:
    """The report of a monitor that begins now."""
    other = Watching(watching.monitor._project, watching.monitor._address)
    other.now = watching.now
    return other.look()


def test_rows_from_the_future_are_counted_once_their_time_has_come(
    watching: Watching, database: RequestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_source, "PAGE", 2)
    hours = [0, *[3] * 5, 30, 0]
    times = [NOW + timedelta(hours=hour) for hour in hours]
    database.write([line(f"r-{row}", time=time) for row, time in enumerate(times)])
    for hour, rows, omitted in ((0, 2, 6), (1, 2, 6), (3, 7, 1), (2, 7, 1), (4, 7, 1), (30, 8, 0)):
        watching.now = NOW + timedelta(hours=hour)
        for _ in range(2):
            report = watching.look()
            assert (sum(count_rows(report)), len(report["notes"])) == (rows, min(omitted, 1))
            assert not omitted or report["notes"][0].startswith(f"1.0.0: {omitted} row")
        database.add_outcomes([(f"r-{row}", 0, hour) for row in range(8)], datetime.now(UTC))
        watching.look()
        (windows,) = watching.monitor._watch.windows.values()
        assert sum(window.outcomes for window in windows) == rows
    assert watching.look() == read_at_once(watching)


def test_rows_from_the_future_are_counted_once_though_the_database_fails_in_between(
    watching: Watching, database: RequestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_source, "PAGE", 1)
    database.write([line(f"r-{row}", time=NOW + timedelta(hours=1)) for row in range(4)])
    watching.look()
    watching.now = NOW + timedelta(hours=2)
    pages = iter([follower.read_page] * 2)

    def read_page(*arguments: Any) -> Any:
        if read := next(pages, None):
            return read(*arguments)
        raise UserError("the database does not answer")

    with monkeypatch.context() as context:
        context.setattr(follower, "read_page", read_page)
        assert count_rows(watching.look()) == [2]
        assert watching.monitor.trouble == "the database does not answer"
    assert count_rows(watching.look()) == [4]


def test_a_row_from_the_future_that_comes_late_is_read_once(database: RequestDatabase) -> None:
    database.write([line(row=row) for row in range(3)])
    reader = Follower(database, NOW - timedelta(days=1), NOW)
    with database._begin() as connection:
        connection.execute(delete(REQUESTS).where(REQUESTS.c.row == 1))
    assert list_rows(reader.read_new(database)) == [0, 2]
    database.write([line(row=1, id=2, time=NOW + timedelta(hours=1))])
    assert list_rows(reader.read_ripe(database, NOW + timedelta(hours=2))) == []
    assert list_rows(reader.read_late(database)) == [1]
    assert reader.latest == NOW + timedelta(hours=2), "what it is read by"


def test_a_model_that_was_away_is_looked_for_again_after_minutes(
    watching: Watching, database: RequestDatabase
) -> None:
    references = watching.references
    references.reference, references.elsewhere = None, references.reference
    database.write([line(f"r-{row}") for row in range(5)])
    for minutes, columns in ((0, 0), (4, 0), (6, 4), (60, 4)):
        watching.now = NOW + timedelta(minutes=minutes)
        report = watching.look()
        (version,) = report["versions"]
        assert (len(version["columns"]), count_rows(report)) == (columns, [5])
        assert len(report["notes"]) == (0 if columns else 1)


def test_outcomes_that_come_later_are_counted_once(
    watching: Watching, database: RequestDatabase
) -> None:
    database.write([line(f"r-{row}", time=NOW - timedelta(days=row % 2)) for row in range(10)])
    watching.look()
    (windows,) = watching.monitor._watch.windows.values()
    database.add_outcomes([(f"r-{row}", 0, 50) for row in range(6)], datetime.now(UTC))
    watching.look()
    assert [window.outcomes for window in windows] == [3, 3]
    database.add_outcomes([(f"r-{row}", 0, 60) for row in range(4, 8)], datetime.now(UTC))
    for _ in range(2):
        watching.look()
        assert [window.outcomes for window in windows] == [4, 4]
        assert [sorted(window.labelled.outcomes) for window in windows] == [[50, 50, 60, 60]] * 2


def test_days_that_are_long_gone_are_let_go_of(
    watching: Watching, database: RequestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.write([line(f"r-{day}", time=NOW - timedelta(days=day)) for day in (40, 20, 0)])
    assert len(count_rows(watching.look())) == 3  # a gap between two days
    monkeypatch.setattr(live, "DAYS", 10)
    assert count_rows(watching.look()) == [1]


def test_a_table_that_begins_anew_is_counted_anew(
    watching: Watching, database: RequestDatabase
) -> None:
    database.write([line(f"r-{row}") for row in range(5)])
    assert count_rows(watching.look()) == [5]
    with database._begin() as connection:
        connection.execute(delete(REQUESTS))
        if connection.dialect.name == "postgresql":
            connection.execute(text("alter sequence requests_id_seq restart"))
    database.write([line("r-9"), line("r-10")])
    assert count_rows(watching.look()) == [2]


def test_a_database_that_does_not_answer_is_told_and_all_else_stays(
    watching: Watching, database: RequestDatabase
) -> None:
    database.write([line()])
    watching.look()
    assert watching.monitor.trouble is None
    good, watching.monitor._address = watching.monitor._address, "sqlite:////nowhere/r.sqlite"
    report = watching.look()
    assert count_rows(report) == [1]
    assert watching.monitor.trouble.startswith("sqlite:////nowhere/r.sqlite: no such file")
    watching.monitor._address = good
    watching.look()
    assert watching.monitor.trouble is None


def test_a_month_without_requests_is_one_gap(watching: Watching, database: RequestDatabase) -> None:
    database.write([line(time=NOW - timedelta(days=28)), line()])
    first, gap, last = watching.look()["versions"][0]["windows"]
    assert (first["state"], gap["state"], gap["rows"], last["rows"]) == ("too few", "gap", 0, 1)
    assert (gap["start"], gap["end"]) == (first["end"], last["start"])


def test_a_clock_that_is_ahead_moves_nothing_and_is_told(
    watching: Watching, database: RequestDatabase
) -> None:
    database.write([line(), line(time=NOW + timedelta(days=3)), line(time=NOW - timedelta(days=1))])
    database.write([line(time=NOW + timedelta(days=3), version="1.1.0")] * 2)
    watching.look()
    report = watching.look()
    assert count_rows(report) == [1, 1]
    assert report["until"].startswith(NOW.isoformat()[:16])
    assert report["notes"] == [
        "1.0.0: 1 row was left out: from the future, by the clock of the server that kept it",
        "1.1.0: 2 rows were left out: from the future, by the clock of the server that kept it",
    ]


def test_a_column_to_ignore_that_there_is_not_is_a_note(
    watching: Watching, database: RequestDatabase
) -> None:
    write_params(watching.monitor._project, monitor={"ignore": ["seeds", "prediction", "coluor"]})
    assert watching.look()["notes"] == []
    database.write([line()])
    assert watching.look()["notes"] == [
        "params.yaml: monitor.ignore: coluor: no such column; did you mean colour? "
        "allowed: weight, seeds, colour, fruit, ripeness, prediction"
    ]
    watching.references.reference = None
    assert watching.look()["notes"] == [
        "1.0.0: its model is not to be had here; only volume and time are shown"
    ]


def test_a_version_that_was_retired_is_not_current(
    watching: Watching, database: RequestDatabase
) -> None:
    for day in range(6):
        version = "1.0.0" if day < 3 else "1.1.0"
        time = NOW - timedelta(days=5 - day)
        database.write([line(f"r-{day}", row, time=time, version=version) for row in range(40)])
    versions = watching.look()["versions"]
    assert [(one["version"], one["is_current"]) for one in versions] == [
        *(("1.1.0", True), ("1.0.0", False))
    ]


@pytest.mark.parametrize(
    ("roles", "by"), [({}, "day"), ({"time": "picked"}, "week"), ({"group": "colour"}, "day")]
)
def test_where_the_rows_of_a_day_are_alike_windows_are_weeks(
    tmp_path: Path, roles: dict[str, str], by: str
) -> None:
    picked = {"picked": {"type": "datetime", "meaning": "when it was picked"}}
    project = make_project(tmp_path)
    contract = CONTRACT | {"columns": CONTRACT["columns"] | picked} | roles
    project.contract_file.write_text(json.dumps(contract))
    place = f"sqlite:///{tmp_path}/requests.sqlite"
    with closing(RequestDatabase(place)) as database:
        database.write([line(time=NOW - timedelta(days=15)), line()])
        watching = Watching(project, place)
        report = watching.look()
        assert report["by"] == by
        database.add_outcomes([("r-1", 0, 50)], datetime.now(UTC))
        watching.look()
    (windows,) = watching.monitor._watch.windows.values()
    assert sum(window.outcomes for window in windows) == 2
