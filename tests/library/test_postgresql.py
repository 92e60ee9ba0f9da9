"""Tables of a real PostgreSQL: their types, their order, and what may go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lockstep.commands import cli
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.reading import postgresql
from lockstep.reading.postgresql import copy_table
from test_request_store import Cluster, cluster
from test_use import git, project, snapshot

__all__ = ["cluster", "project"]


@pytest.fixture
def address(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """Of an empty database."""
    name = "".join(sign for sign in request.node.name if sign.isalpha())[-60:]
    return cluster.make_database(name.lower())


@pytest.fixture
def server(address: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to it."""
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def read(address: str, table: str | None = "t") -> pa.Table:
    return pa.concat_tables(copy_table(address, "shop", table))


def tell_refusal(
    read: Callable[[str, str | None], pa.Table], address: str, table: str | None = "t"
) -> str:
    with pytest.raises(UserError) as caught:
        read(address, table)
    assert "\n" not in str(caught.value)
    return str(caught.value)


refusal = partial(tell_refusal, read)


CELLS: dict[str, tuple[str, Any, pa.DataType]] = {
    "smallint": ("-7", -7, pa.int64()),
    "bigint": ("9223372036854775807", 2**63 - 1, pa.int64()),
    "numeric(12,2)": ("1234567890.10", 1234567890.1, pa.float64()),
    "numeric(18,0)": ("999999999999999999", 10**18 - 1, pa.int64()),
    "numeric(30,5)": ("100000000000000000000.00001",) * 2 + (pa.large_string(),),
    "numeric": ("0.1000000000000000055511",) * 2 + (pa.large_string(),),
    "real": ("0.1", 0.1, pa.float64()),
    "double precision": ("0.30000000000000004", 0.1 + 0.2, pa.float64()),
    "boolean": ("true", True, pa.bool_()),
    "text": ('a "b", c\nd', 'a "b", c\nd', pa.large_string()),
    "character varying(9)": ("", "", pa.large_string()),
    "mood": ("sad", "sad", pa.large_string()),
    "age": ("40", 40, pa.int64()),
    "delay": ("00:01:30", 90.0, pa.float64()),
    "uuid": ("c4ca4238-a0b9-2382-0dcc-509a6f75849b",) * 2 + (pa.large_string(),),
    "inet": ("10.0.0.1",) * 2 + (pa.large_string(),),
    "date": ("2026-01-31", datetime(2026, 1, 31), pa.timestamp("us")),
    "timestamp": (
        "2026-01-31 12:00:00.000001",
        datetime(2026, 1, 31, 12, 0, 0, 1),
        pa.timestamp("us"),
    ),
    "timestamp with time zone": (
        "2026-01-31 12:00:00+05:30",
        datetime(2026, 1, 31, 6, 30, tzinfo=UTC),
        pa.timestamp("us", "UTC"),
    ),
    "time": ("12:30:00",) * 2 + (pa.large_string(),),
    "interval": ("1 day 00:00:01.5", 86401.5, pa.float64()),
}
"""For each type a value as SQL has it, the cell that it becomes, and the type of that."""


def test_each_type_has_cells_of_its_own_and_a_gap_is_a_gap(
    address: str, server: psycopg.Connection[Any]
) -> None:
    server.execute("create type mood as enum ('happy', 'sad')")
    server.execute("create domain age as integer check (value > 0)")
    server.execute("create domain delay as interval")
    columns = ", ".join(f'"{kind} %" {kind}' for kind in CELLS)
    server.execute(f"create table t (id int primary key, {columns})")
    values = ", ".join(["%s"] * len(CELLS))
    texts = [text for text, _, _ in CELLS.values()]
    server.execute(f"insert into t values (1, {values})", texts)
    server.execute("insert into t values (2)")
    table = read(address)
    types = [kind for _, _, kind in CELLS.values()]
    assert table.schema.types == [pa.int64(), *types]
    full, empty = table.to_pylist()
    assert [*full.values()] == [1, *(cell for _, cell, _ in CELLS.values())]
    assert [*empty.values()] == [2] + [None] * len(CELLS)


def test_a_type_that_no_cell_holds_is_told_with_its_column(
    address: str, server: psycopg.Connection[Any]
) -> None:
    for kind in ("text[]", "jsonb", "bytea", "money", "point", "int4range", "xml"):
        server.execute(f"create table t (id int, odd {kind})")
        told = f"shop: column 'odd' is of type {kind}, which no cell of a table can hold; make a"
        assert refusal(address).startswith(told)
        server.execute("drop table t")


@pytest.mark.parametrize("key", ["", "primary key"])
def test_the_same_rows_give_the_same_bytes_however_they_are_stored(
    address: str, server: psycopg.Connection[Any], key: str
) -> None:
    server.execute('create domain word as text collate "und-x-icu"')
    server.execute(f"create table t (x word {key}, y float)")
    server.execute("create table u (like t including all)")
    insert = "insert into {} select chr(60 + i % 50) || i, i / 7.0 from generate_series(1, 500) i"
    server.execute(insert.format("t"))
    server.execute(insert.format("u") + " order by random()")
    server.execute("update u set y = y where y > 30")
    tables = [read(address, name) for name in ("t", "u")]
    assert tables[0].equals(tables[1])
    assert [*tables[0]["x"].to_pylist()] == sorted(tables[0]["x"].to_pylist())


def test_rows_longer_than_a_block_are_whole_and_a_mark_of_an_encoding_is_text(
    address: str, server: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "BLOCK_BYTES", 8)
    cells = ["\ufeffa", None, "", '"a"\n\n,b' * 9, "\n", "z"]
    server.execute("create table t (x text)")
    for cell in cells:
        server.execute("insert into t values (%s)", [cell])
    assert {*read(address)["x"].to_pylist()} == {*cells}


def test_no_more_is_taken_from_the_server_than_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "BLOCK_BYTES", 3)
    rows = iter([b"1\n", b"2\n", b"3\n", b"4\n"])
    batches = postgresql._parse(rows, {"x": pa.int64()}, "shop")
    assert next(batches)["x"].to_pylist() == [1, 2]
    assert next(rows) == b"3\n"


def test_a_table_is_found_by_its_schema_and_a_view_like_a_table(
    address: str, server: psycopg.Connection[Any]
) -> None:
    server.execute("create schema sales")
    server.execute("create table sales.orders (x) as values (1), (2)")
    server.execute("create materialized view few as select * from sales.orders where x > 1")
    assert read(address, "sales.orders")["x"].to_pylist() == [1, 2]
    assert read(address, None)["x"].to_pylist() == [2]
    assert refusal(address, "sales.order") == "shop: no table 'sales.order'; allowed: few"
    server.execute("create table none (x int)")
    assert refusal(address, None) == "shop: which table? --table takes one of none, few"
    assert read(address, "none").num_rows == 0


def test_a_value_that_no_cell_holds_is_told_with_its_column(
    address: str, server: psycopg.Connection[Any]
) -> None:
    server.execute("create table t (x int, y timestamp)")
    server.execute("insert into t values (1, 'infinity')")
    assert refusal(address).startswith("shop: column 'y' holds 'infinity', which is no timestamp")


def test_what_the_server_refuses_is_told_with_what_to_do(
    address: str, server: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgresql.SETTINGS, "lock_timeout", "50ms")
    server.execute("create table t (x) as select * from generate_series(1, 200000)")
    slow = f"{address}?options=-c%20statement_timeout%3D20"
    assert "?options=-c%20statement_timeout%3D0 behind the address allows any" in refusal(slow)
    server.execute("create role stranger login")
    stranger = address.replace("lockstep@", "stranger@")
    told = "shop: the server says: permission denied for table t; its owner may grant SELECT"
    assert refusal(stranger) == told
    with server.transaction():
        server.execute("lock table t in access exclusive mode")
        assert "somebody has locked the table" in refusal(address)
    assert 'database "nowhere" does not exist' in refusal(address.rpartition("/")[0] + "/nowhere")
    assert 'role "nobody" does not exist' in refusal(address.replace("lockstep@", "nobody@"))


def test_a_connection_that_breaks_off_is_told_and_leaves_all_as_it_was(
    address: str,
    server: psycopg.Connection[Any],
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.execute("create table t (x int primary key, y text)")
    server.execute("insert into t select i, repeat('y', 1000) from generate_series(1, 40000) i")
    monkeypatch.setattr(postgresql, "BLOCK_BYTES", 2**16)
    parse = postgresql._parse

    def cut(*arguments: Any) -> Iterator[pa.Table]:
        for batch in parse(*arguments):
            server.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where pid <> pg_backend_pid() and datname = current_database()"
            )
            yield batch

    monkeypatch.setattr(postgresql, "_parse", cut)
    git("init")
    before = snapshot(project.root)
    assert cli.main(["use", address, "--table", "t", "--target", "y"]) == 1
    _, errors = capsys.readouterr()
    (line,) = errors.splitlines()
    assert "postgresql database: the connection broke off, so nothing was taken; try again" in line
    assert snapshot(project.root) == before


@pytest.mark.parametrize("moment", ["_look_up", "_gather"])
def test_a_server_that_goes_away_is_told(
    cluster: Cluster,
    address: str,
    server: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """Before the first row, and amid them."""
    server.execute("create table t as select repeat('y', 1000) from generate_series(1, 40000)")
    act = getattr(postgresql, moment)

    def stop(*arguments: Any) -> Any:
        found = act(*arguments)
        cluster.stop()
        return found

    monkeypatch.setattr(postgresql, moment, stop)
    try:
        told = "shop: the connection broke off, so nothing was taken; try again: "
        assert refusal(address).startswith(told)
        assert refusal(address).startswith("shop: the database cannot be read: connection")
    finally:
        cluster.start()


def test_a_table_is_used_and_where_it_is_from_is_kept_without_what_is_secret(
    address: str,
    server: psycopg.Connection[Any],
    project: Project,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.execute(
        "create table customers as select i as id, i % 90 as age, (i * 7 % 100)::numeric(9,2) as "
        "paid, case when i * 7919 % 3 = 0 then 'yes' else 'no' end as churned "
        "from generate_series(1, 400) i order by random()"
    )
    git("init")
    secret = address.replace("lockstep@", "lockstep:hunter2Zq@")
    assert cli.main(["use", secret, "--table", "customers", "--target", "churned"]) == 0
    out, _ = capsys.readouterr()
    kept = pq.read_table(project.raw / "customers.parquet")
    assert kept["id"].to_pylist() == [*range(1, 401)]
    place = address.replace("lockstep@", "")
    assert project.contract.source == f"table customers of {place}"
    assert "hunter2Zq" not in out + project.contract_file.read_text(encoding="utf-8")
