"""What the server keeps of its requests, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lockstep.adopting.labelled import read_labelled_rows
from lockstep.adopting.omissions import Omissions
from lockstep.core.errors import UserError
from lockstep.core.params import KeepParams
from lockstep.core.paths import Paths
from lockstep.serving import request_database, request_store
from lockstep.serving.entries import Entry, make_entries
from lockstep.serving.errors import Unreachable
from lockstep.serving.messages import Question, Reply
from lockstep.serving.request_database import REQUESTS, open_requests
from lockstep.serving.request_store import RequestStore
from sqlalchemy import select

NOW = datetime.now(UTC)
POSTGRESQL = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
RUN = "0" * 64


def entry(request: str = "r-1", row: int = 0, **other: Any) -> Entry:
    content, answer = {"weight": 150.5, "colour": "red"}, {"prediction": "apple"}
    usual = Entry(request, NOW, "fruit", "1.0.0", RUN, "answer", 200, row, content, answer, 0.25)
    return usual._replace(**{"time": datetime.now(UTC), **other})


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it has not come true")


class Cluster:
    """A PostgreSQL of its own, below a folder."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        # It refuses to run as root.
        self.user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, **self.user)
        self.data = folder / "data"
        self.call("initdb", "--auth=trust", "--username=lockstep", "--no-sync", str(self.data))
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self.data}"
        self.call("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", "/dev/null", "start")

    def stop(self) -> None:
        self.call("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def make_database(self, name: str) -> str:
        self.call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lockstep", name)
        return f"postgresql://lockstep@127.0.0.1:{self.port}/{name}"

    def call(self, program: str, *arguments: str) -> None:
        groups = {"extra_groups": []} if self.user else {}
        subprocess.run(
            [str(POSTGRESQL / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self.user,
            **groups,
        )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if POSTGRESQL is None:
        pytest.skip("no PostgreSQL; Debian's package postgresql has it")
    # Below a folder of this user's alone, another user's server could not work.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="postgresql-") as folder:
        cluster = Cluster(Path(folder))
        yield cluster
        cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/.serve/requests.sqlite"
    name = "".join(sign for sign in request.node.name if sign.isalpha())[-60:]
    return request.getfixturevalue("cluster").make_database(name)


@contextmanager
def opened(address: str | Path, **keep: Any) -> Iterator[RequestStore]:
    store = RequestStore(address, KeepParams(**keep))
    store.start()
    yield store
    store.stop()


def read(address: str | Path, count: int = 20) -> list[dict[str, Any]]:
    with opened(address) as store:
        return store.read_last(count)


def test_requests_are_read_as_they_were_put_the_latest_first(address: str) -> None:
    with opened(address) as store:
        store.put([entry("r-1", time=NOW)])
        store.put([entry("r-2", row, time=NOW, status=422 if row else 200) for row in range(3)])
        store.put([entry("r-2", row, time=NOW, version="1.1.0", role="shadow") for row in range(3)])
    assert (store.dropped, store.failure) == (0, None)
    lines = read(address)
    assert [(line["request"], line["role"], line["rows"]) for line in lines] == [
        ("r-2", "shadow", 3),
        ("r-2", "answer", 3),
        ("r-1", "answer", 1),
    ]
    kept = entry("r-1", time=NOW)._asdict()
    del kept["row"]
    assert lines[2] == {**kept, "rows": 1, "outcome": None, "outcome_time": None}
    assert [line["role"] for line in read(address, 1)] == ["shadow"]


def test_the_rows_of_two_requests_of_one_id_are_counted_apart(address: str) -> None:
    with opened(address) as store:
        for rows in (3, 1):
            time = datetime.now(UTC)
            store.put([entry("r-1", row, time=time) for row in range(rows)])
    assert [line["rows"] for line in read(address)] == [1, 3]


def test_any_number_of_lines_is_read_in_parts(address: str) -> None:
    with opened(address) as store:
        store.put([entry("r", row) for row in range(5)])
    query = select(REQUESTS.c.row, REQUESTS.c.content).order_by(REQUESTS.c.id)
    with open_requests(Paths(Path()), address) as database:
        parts = [*database.read(query, 2)]
    assert [[line["row"] for line in part] for part in parts] == [[0, 1], [2, 3], [4]]
    assert parts[0][0]["content"] == entry().content


def test_rows_with_an_outcome_are_read_once_each_and_the_others_counted(address: str) -> None:
    with opened(address) as store:
        store.put([entry("r-1", row) for row in range(3)])
        store.put([entry("r-2"), entry("r-2", content={"weight": 400.0})])
        store.put([entry("r-3"), entry("r-3"), entry("r-3", role="shadow", version="1.1.0")])
        store.put([entry("r-4", model="credit")])
        named = [("r-1", 2), ("r-2", 0), ("r-3", 0), ("r-4", 0)]
        store.add_outcomes([(request, row, "apple") for request, row in named])
    omissions = Omissions()
    with open_requests(Paths(Path()), address) as database:
        (lines,) = read_labelled_rows(database, "fruit", NOW, omissions)
        assert not [*read_labelled_rows(database, "fruit", NOW + timedelta(days=1), Omissions())]
    assert lines[["request", "row", "outcome"]].to_dict("list") == {
        "request": ["r-1", "r-3"],
        "row": [2, 0],
        "outcome": ["apple", "apple"],
    }
    assert lines["content"].tolist() == [entry().content] * 2
    assert sorted(line.split()[0] for line in omissions.describe()) == ["1", "2", "2"]


def test_where_nothing_was_kept_a_reader_is_told_and_makes_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"requests\.sqlite: no such file; it is made by `serve`"),
        open_requests(Paths(tmp_path), None),
    ):
        raise AssertionError("opened")
    assert not [*tmp_path.iterdir()]
    (tmp_path / "other.sqlite").touch()
    with (
        open_requests(Paths(tmp_path), f"sqlite:///{tmp_path}/other.sqlite") as database,
        pytest.raises(UserError, match="cannot be read: no such table: requests"),
    ):
        next(database.read(select(REQUESTS), 1))


def test_a_file_is_where_it_is_said_to_be_whatever_its_folders_are_called(tmp_path: Path) -> None:
    file = tmp_path / "100%20" / "what?" / "#1" / "requests.sqlite"
    with opened(file) as store:
        store.put([entry()])
    assert file.is_file()
    assert len(read(file)) == 1


def test_what_became_true_is_added_to_its_row_as_soon_as_there_was_an_answer(address: str) -> None:
    with opened(address) as store:
        store.put([entry("r-1", row) for row in range(5000)])
        outcomes = [("r-1", 0, "pear"), ("r-1", 4999, 7.5), ("r-1", 5000, "plum"), ("r-2", 0, 1)]
        assert store.add_outcomes(outcomes) == (2, 2)
        assert store.add_outcomes([("r-1", 0, "apple")]) == (1, 0)
        (line,) = store.read_last(20)
    assert line["outcome"] == "apple"
    assert NOW < line["outcome_time"] <= datetime.now(UTC)


def test_what_is_too_old_is_deleted_and_nothing_else(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(address) as store:
        ages = [timedelta(days=age) for age in (0, 29, 31, 400) for _ in range(25)]
        now = datetime.now(UTC)
        store.put([entry(f"r-{age.days}", time=now - age) for age in ages])
    monkeypatch.setattr(request_store, "MOST_AT_ONCE", 10)
    with opened(address, days=30) as store:
        wait_for(lambda: len(store.read_last(1000)) == 50)
        assert {line["request"] for line in store.read_last(1000)} == {"r-0", "r-29"}


def test_a_server_that_runs_for_long_deletes_what_becomes_too_old(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_store, "FORGETTING", 0.05)
    with opened(address, days=30) as store:
        store.put([entry(time=datetime.now(UTC) - timedelta(days=30, seconds=-0.5))])
        wait_for(lambda: len(store.read_last(20)) == 1)
        wait_for(lambda: store.read_last(20) == [])


def test_of_deleted_requests_nothing_is_left_in_the_file(tmp_path: Path) -> None:
    address, file = f"sqlite:///{tmp_path}/requests.sqlite", tmp_path / "requests.sqlite"
    with opened(address) as store:
        store.put([entry(content={"name": "Mrs Miller"}, time=NOW - timedelta(days=100))])
    assert b"Mrs Miller" in file.read_bytes()
    with opened(address) as store:
        wait_for(lambda: store.read_last(20) == [])
    assert b"Mrs Miller" not in file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_nothing_of_a_hidden_column_is_kept(address: str, tmp_path: Path) -> None:
    answers = [
        {"prediction": "apple", "patient": "Mrs Miller", "sample": "s-7"},
        {"errors": [{"column": "income", "value": "a secret", "reason": "expected a number"}]},
    ]
    hidden = frozenset({"patient", "income"})
    rows = [{"sample": "s-7", "weight": 150}, {"weight": 151}]
    reply = Reply("fruit", "1.0.0", RUN, answers, rows, 0.1, hidden)
    with opened(address) as store:
        store.put(make_entries("r-1", NOW, reply, "answer"))
        store.note_shadow("r-1", Question(), reply)
        store.note_shadow("r-2", Question(), None)
    shadow, answer = read(address)
    assert answer["answer"] == shadow["answer"] == {"prediction": "apple", "sample": "s-7"}
    assert answer["content"] == rows[0]
    assert (shadow["role"], shadow["rows"], shadow["seconds"]) == ("shadow", 2, 0.1)
    for file in tmp_path.rglob("*sqlite*"):
        assert b"Mrs Miller" not in file.read_bytes()
        assert b"a secret" not in file.read_bytes()


def test_odd_cells_are_kept_and_what_no_database_can_hold_is_counted(address: str) -> None:
    odd = {"text": "\x00 \N{PEAR} '; drop table requests; --", "number": 1e300, "none": None}
    with opened(address) as store:
        store.put(
            [entry("r-1"), entry("r-2", content={"text": "\ud800"}), entry("r-3", content=odd)]
        )
        store.put([entry("r-4", content={"number": float("inf")})])
    assert store.dropped == 1
    assert [line["content"] for line in read(address)] == [
        {"number": None},
        odd,
        entry().content,
    ]


def test_a_line_that_a_database_refuses_holds_up_none_after_it(cluster: Cluster) -> None:
    address = cluster.make_database("refusing")
    with opened(address) as store:
        store.put([entry("r-\x00")])
        wait_for(lambda: store.dropped == 1)
        assert store.failure is not None
        store.put([entry("r-2")])
        wait_for(lambda: store.failure is None)
    assert [line["request"] for line in read(address)] == ["r-2"]


def test_nobody_waits_for_a_slow_database(tmp_path: Path) -> None:
    address, file = f"sqlite:///{tmp_path}/requests.sqlite", tmp_path / "requests.sqlite"
    with opened(address) as store:
        store.put([entry("r-0")])
        wait_for(lambda: store.read_last(20))
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.put([entry(f"r-{number}") for number in range(3000)])
            assert other.execute("SELECT count(*) FROM requests").fetchall() == [(1,)]
            other.execute("COMMIT")
    assert store.dropped == 0
    assert len(read(address, 5000)) == 3001


def test_a_full_disk_is_told_and_what_it_drops_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = (*request_database.PRAGMAS, "max_page_count = 40")
    monkeypatch.setattr(request_database, "PRAGMAS", full)
    monkeypatch.setattr(request_store, "MOST_BYTES", 500_000)
    monkeypatch.setattr(request_store, "PATIENCE", 0.1)
    address = f"sqlite:///{tmp_path}/requests.sqlite"
    with opened(address) as store:
        store.put([entry("r-1")])
        wait_for(lambda: store.read_last(20))
        for number in range(1000):
            store.put([entry(f"r-{number}", content={"text": "a secret" * 100})])
        wait_for(lambda: store.failure is not None)
        assert store.failure == "database or disk is full"
        assert store.dropped > 500
    assert store.dropped + len(read(address, 5000)) == 1001
    assert "requests cannot be kept: database or disk is full" in caplog.messages
    assert f"{store.dropped} rows of requests were not kept" in caplog.messages
    assert "a secret" not in caplog.text


def test_what_waits_is_written_once_there_is_a_place_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_store, "PAUSE", 0.05)
    folder = tmp_path / "folder"
    folder.write_text("no folder", encoding="utf-8")
    with opened(f"sqlite:///{folder}/requests.sqlite") as store:
        store.put([entry()])
        wait_for(lambda: store.failure)
        with pytest.raises(Unreachable, match=r"does not answer: .*File exists"):
            store.read_last(20)
        with pytest.raises(Unreachable, match=r"requests wait to be kept: .*File exists"):
            store.add_outcomes([("r-1", 0, "apple")])
        folder.unlink()
        wait_for(lambda: store.failure is None)
        wait_for(lambda: store.read_last(20))
        assert len(store.read_last(20)) == 1
    assert stat.S_IMODE((folder / "requests.sqlite").stat().st_mode) == 0o600


def test_a_file_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/requests.sqlite") as store:
        store.put([entry("r-1")])
        wait_for(lambda: store.read_last(20))
        for file in tmp_path.iterdir():
            file.unlink()
        store.put([entry("r-2")])
        wait_for(lambda: store.read_last(20))
        assert [line["request"] for line in store.read_last(20)] == ["r-2"]


def test_a_database_that_restarts_loses_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_store, "PAUSE", 0.05)
    address = cluster.make_database("restarting")
    with opened(address) as store:
        store.put([entry("r-1")])
        wait_for(lambda: store.read_last(20))
        cluster.stop()
        try:
            store.put([entry("r-2")])
            wait_for(lambda: store.failure)
            assert address not in store.failure
        finally:
            cluster.start()
        wait_for(lambda: store.failure is None)
        assert [line["request"] for line in store.read_last(20)] == ["r-2", "r-1"]
        assert store.dropped == 0


def test_servers_that_share_a_database_make_its_table_together(cluster: Cluster) -> None:
    address = cluster.make_database("shared")
    with ExitStack() as stack:
        stores = [stack.enter_context(opened(address, days=1)) for _ in range(4)]
        for number, store in enumerate(stores):
            store.put([entry(f"r-{number}")])
    assert [store.dropped for store in stores] == [0] * 4
    assert len(read(address)) == 4


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("requests.sqlite", "--requests: sqlite:///FILE or postgresql://USER@HOST/DATABASE was"),
        ("mysql://me@host/db", "--requests: sqlite:///FILE or postgresql://USER@HOST/DATABASE was"),
        ("sqlite://", "--requests: sqlite:// names no database; sqlite:///FILE"),
        ("postgresql://me:secret@host", r"postgresql://me:\*\*\*@host names no database"),
    ],
)
def test_an_address_of_no_database_is_refused(address: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        RequestStore(address, KeepParams())
