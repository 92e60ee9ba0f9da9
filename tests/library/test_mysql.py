"""Tables of a real MariaDB: their types, their order, and what may go wrong on the way."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
import pytest
from lockstep.commands import cli
from lockstep.core.project import Project
from lockstep.reading import mysql
from lockstep.reading.mysql import read_mysql_table
from lockstep.reading.waiting import PATIENCE
from test_postgresql import tell_refusal
from test_use import git, project, snapshot

__all__ = ["project"]
pytestmark = pytest.mark.matrix
SERVER = shutil.which("mariadbd", path="/usr/sbin:/usr/bin")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a MariaDB of its own, which lets everybody in."""
    if SERVER is None:
        pytest.skip("no MariaDB; Debian's package mariadb-server has it")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        number = free.getsockname()[1]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="mariadb-") as folder:
        data = [f"--datadir={folder}/data", "--user=root"]
        make = ["mariadb-install-db", "--no-defaults", *data, "--skip-test-db"]
        subprocess.run(make, check=True, capture_output=True)
        places = [f"--socket={folder}/socket", f"--pid-file={folder}/pid", f"--port={number}"]
        options = ["--bind-address=127.0.0.1", "--skip-grant-tables", "--skip-log-bin"]
        options += ["--default-time-zone=+05:30"]  # no server's own zone may reach a table
        with Path(folder, "log").open("w") as log:
            command = [SERVER, "--no-defaults", *data, *places, *options]
            server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while True:
                with socket.socket() as client:
                    if client.connect_ex(("127.0.0.1", number)) == 0:
                        break
                assert server.poll() is None, Path(folder, "log").read_text()
                time.sleep(0.05)
            yield number
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def server(port: int) -> Iterator[pymysql.cursors.Cursor]:
    """What asks a database that is empty."""
    with closing(pymysql.connect(host="127.0.0.1", port=port, autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("create or replace database shop character set utf8mb4")
        cursor.execute("use shop")
        yield cursor


@pytest.fixture
def address(port: int) -> str:
    return f"mysql+pymysql://127.0.0.1:{port}/shop"


def read(address: str, table: str | None = "t") -> pa.Table:
    return pa.concat_tables(read_mysql_table(address, "shop", table))


refusal = partial(tell_refusal, read)


CELLS: dict[str, tuple[str, Any, pa.DataType]] = {
    "tinyint(1)": ("1", 1, pa.int64()),
    "bigint": ("-9223372036854775808", -(2**63), pa.int64()),
    "bigint unsigned": ("18446744073709551615", 2**64 - 1, pa.uint64()),
    "decimal(12,2)": ("1234567890.10", 1234567890.1, pa.float64()),
    "decimal(18,0)": ("999999999999999999", 10**18 - 1, pa.int64()),
    "decimal(30,5)": ("100000000000000000000.00001",) * 2 + (pa.large_string(),),
    "double": ("0.30000000000000004", 0.1 + 0.2, pa.float64()),
    "varchar(9)": ("", "", pa.large_string()),
    "text": ('a "b", \u00e9\n', 'a "b", \u00e9\n', pa.large_string()),
    "enum('low','high')": ("high", "high", pa.large_string()),
    "uuid": ("c4ca4238-a0b9-2382-0dcc-509a6f75849b",) * 2 + (pa.large_string(),),
    "year": ("2026", 2026, pa.int64()),
    "date": ("2026-01-31", datetime(2026, 1, 31), pa.timestamp("us")),
    "datetime(6)": (
        "2026-01-31 12:00:00.000001",
        datetime(2026, 1, 31, 12, 0, 0, 1),
        pa.timestamp("us"),
    ),
    "timestamp(6)": (
        "2026-01-31 12:00:00.000001",
        datetime(2026, 1, 31, 10, 0, 0, 1, UTC),
        pa.timestamp("us", "UTC"),
    ),
    "time": ("12:30:00",) * 2 + (pa.large_string(),),
    "time(1)": ("-01:30:00.5",) * 2 + (pa.large_string(),),
    "time(0)": ("30:00:00",) * 2 + (pa.large_string(),),
}
"""For each type a value as SQL has it, the cell that it becomes, and the type of that."""


def test_each_type_has_cells_of_its_own_and_a_gap_is_a_gap(
    address: str, server: pymysql.cursors.Cursor
) -> None:
    columns = ", ".join(f"`{kind} %` {kind}" for kind in CELLS)
    server.execute(f"create table t (id int primary key, {columns})")
    texts = [text for text, _, _ in CELLS.values()]
    server.execute("set time_zone = '+02:00'")  # which is for timestamps alone
    server.execute(f"insert into t values (1, {', '.join(['%s'] * len(CELLS))})", texts)
    server.execute("insert into t (id) values (2)")
    table = read(address)
    assert table.schema.types == [pa.int64(), *(kind for _, _, kind in CELLS.values())]
    full, empty = table.to_pylist()
    assert [*full.values()] == [1, *(cell for _, cell, _ in CELLS.values())]
    assert [*empty.values()] == [2] + [None] * len(CELLS)


@pytest.mark.parametrize("kind", ["blob", "set('a','b')", "bit(3)", "point"])
def test_a_type_that_no_cell_holds_is_told_with_its_column(
    address: str, server: pymysql.cursors.Cursor, kind: str
) -> None:
    server.execute(f"create table t (id int, odd {kind})")
    told = f"shop: column 'odd' is of type {kind}, which no cell of a table can hold; make a view"
    assert refusal(address).startswith(told)


def test_a_date_without_a_day_is_told_with_its_column(
    address: str, server: pymysql.cursors.Cursor
) -> None:
    server.execute("set sql_mode = ''")
    server.execute("create table t (id int, day date)")
    server.execute("insert into t values (1, '2026-01-31'), (2, '2026-02-00')")
    told = "shop: column 'day' holds 2026-02-00, which is no timestamp[us]; take a view without it"
    assert refusal(address).startswith(told)


def test_a_table_that_is_locked_is_given_up(
    address: str, server: pymysql.cursors.Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mysql.SETTINGS["lock_wait_timeout"] == PATIENCE  # without it, a day
    monkeypatch.setitem(mysql.SETTINGS, "lock_wait_timeout", 1)
    server.execute("create table t (id int)")
    server.execute("lock tables t write")
    assert refusal(address).startswith("shop: somebody has locked the table, as LOCK TABLES and")


@pytest.mark.parametrize("key", ["", ", primary key (x, y)"])
def test_the_same_rows_give_the_same_bytes_however_they_are_stored(
    address: str, server: pymysql.cursors.Cursor, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(mysql, "BATCH_ROWS", 64)
    server.execute(f"create table t (x varchar(9), y double{key})")
    server.execute(f"create table u (x varchar(9), y double{key})")
    letters = "if(seq % 2, char(65 + seq % 26), char(97 + seq % 26))"
    insert = "insert into {} select {}, seq / 7e0 from seq_1_to_500 order by {}"
    server.execute(insert.format("t", letters, "seq"))
    server.execute(insert.format("u", letters, "rand()"))
    tables = [read(address, name) for name in ("t", "u")]
    assert tables[0].equals(tables[1])
    assert tables[0]["x"].to_pylist() == sorted(tables[0]["x"].to_pylist())


def test_rows_come_some_at_a_time(
    address: str, server: pymysql.cursors.Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "BATCH_ROWS", 40)
    server.execute("create table t as select seq from seq_1_to_100")
    assert [*map(len, read_mysql_table(address, "shop", "t"))] == [0, 40, 40, 20]
    server.execute("create view few as select * from t where seq < 0")
    assert read(address, "few").num_rows == 0


def test_a_connection_that_breaks_off_is_told_and_leaves_all_as_it_was(
    address: str,
    server: pymysql.cursors.Cursor,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(mysql, "BATCH_ROWS", 100)
    server.execute("create table t as select seq as x, repeat('y', 1000) as y from seq_1_to_40000")
    tabulate = mysql._tabulate

    def cut(*arguments: Any) -> pa.Table:
        server.execute("select id from information_schema.processlist where id <> connection_id()")
        for (connection,) in server.fetchall():
            server.execute(f"kill {connection}")
        return tabulate(*arguments)

    monkeypatch.setattr(mysql, "_tabulate", cut)
    git("init")
    before = snapshot(project.root)
    assert cli.main(["use", address, "--table", "t", "--target", "y"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    told = "mysql+pymysql database: the connection broke off, so nothing was taken; try again"
    assert f"{told}: " in line
    assert "Lost connection" in line
    assert snapshot(project.root) == before


def test_a_table_is_used_and_where_it_is_from_is_kept_without_what_is_secret(
    address: str, server: pymysql.cursors.Cursor, project: Project
) -> None:
    server.execute(
        "create table customers as select seq as id, seq % 90 as age, "
        "if(seq * 7919 % 3 = 0, 'yes', 'no') as churned from seq_1_to_400 order by rand()"
    )
    git("init")
    secret = address.replace("://", "://me:hunter2Zq@")
    assert cli.main(["use", secret, "--table", "customers", "--target", "churned"]) == 0
    kept = pq.read_table(project.raw / "customers.parquet")
    assert kept["id"].to_pylist() == [*range(1, 401)]
    assert project.contract.source == f"table customers of {address}"
    assert "hunter2Zq" not in project.contract_file.read_text(encoding="utf-8")
