"""Copying tables out of PostgreSQL: bounded in memory, exact, and in an order of their own.

The server writes the rows as CSV (`COPY`), which Arrow parses by the types of the columns; rows
that a driver makes Python's objects of take several times as long. In which order a server stores
rows is not kept by anyone, so they come by primary key or, without one, by all columns: the same
rows give the same bytes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv

from ..core.errors import LONGEST_REASON, UserError, shorten
from .databases import Place, choose_table, connect, make_end, make_refusal
from .sql_types import choose_type
from .waiting import PATIENCE

if TYPE_CHECKING:
    import sqlalchemy

BLOCK_BYTES = 2**24
"""Of text that is parsed at once."""
SETTINGS = {
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "lock_timeout": f"{PATIENCE}s",
}
ADVICE = {
    "42501": "its owner may grant SELECT",
    "55P03": "somebody has locked the table, as ALTER TABLE and VACUUM FULL do; try again later",
    "57014": "somebody has ended it, or it took longer than the server's statement_timeout allows; "
    "?options=-c%20statement_timeout%3D0 behind the address allows any time",
}
"""What to do, by the server's code for an error."""
SHUTDOWN = ("57P", "08")
"""How codes of a connection that the server has ended begin."""


def is_postgresql(scheme: str) -> bool:
    """Whether an address that begins so is one of PostgreSQL, whatever the driver."""
    return scheme.partition("+")[0] in ("postgresql", "postgres")


def copy_table(address: str, name: str, table: str | None) -> Iterator[pa.Table]:
    """Read a table or a view of the database at an address, batch by batch, at one moment.

    Decimal numbers of more digits than a float keeps are texts, times with a zone are in UTC,
    durations are seconds.

    Raises:
        UserError: It cannot be reached or read, or a column holds what no cell can.
    """
    from sqlalchemy.dialects import postgresql as server

    with connect(name_driver(address), name) as connection, _tell_server(connection, name):
        for setting, value in SETTINGS.items():
            connection.exec_driver_sql(f"SET {setting} = '{value}'")
        types, query = _look_up(connection, name, choose_table(connection, name, table))
        # This style of parameters leaves percent signs in names alone.
        dialect: sqlalchemy.Dialect = server.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
        command = f"COPY ({query.compile(dialect=dialect)}) TO STDOUT (FORMAT csv)"
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(command) as rows:
            yield from _parse(rows, types, name)


def name_driver(address: str) -> str:
    """The address as SQLAlchemy takes it, with the driver that copies."""
    _, separator, rest = address.partition("://")
    return f"postgresql+psycopg{separator}{rest}"


@contextmanager
def _tell_server(connection: sqlalchemy.Connection, name: str) -> Iterator[None]:
    """Tell what the server says, and what to do about it."""
    try:
        yield
    except Exception as error:
        cause: Any = getattr(error, "orig", error)
        if not hasattr(cause, "sqlstate"):
            raise
        reason = shorten(cause.diag.message_primary or str(cause), LONGEST_REASON)
        if cause.sqlstate is None or cause.sqlstate.startswith(SHUTDOWN):
            connection.invalidate()  # nothing is left to roll back
            raise make_end(name, reason) from error
        advice = ADVICE.get(cause.sqlstate)
        message = f"the server says: {reason}" + (f"; {advice}" if advice else "")
        raise UserError(f"{name}: {message}") from error


def _look_up(
    connection: sqlalchemy.Connection, name: str, place: Place
) -> tuple[dict[str, pa.DataType], sqlalchemy.Select[Any]]:
    """The columns of a table with their types, and the query for all rows in order."""
    import sqlalchemy as sql
    from sqlalchemy.dialects import postgresql as server

    table = sql.Table(place.name, sql.MetaData(), schema=place.schema)
    with warnings.catch_warnings(action="ignore", category=sql.exc.SAWarning):
        # Types that SQLAlchemy does not know are refused below.
        sql.inspect(connection).reflect_table(table, None, resolve_fks=False)
    types = {}
    for column in table.columns:
        if (kind := _choose_type(column.type)) is None:
            raise make_refusal(name, column.name, _name_type(connection, column))
        types[column.name] = kind
    cells = (
        sql.extract("epoch", column)
        if isinstance(_unwrap(column.type), server.INTERVAL)
        else column
        for column in table.columns
    )
    order = [*table.primary_key.columns] or [*table.columns]
    return types, sql.select(*cells).order_by(*map(_collate, order))


def _choose_type(kind: sqlalchemy.types.TypeEngine[Any]) -> pa.DataType | None:
    """What the cells of a column are in Arrow; nothing where they are no cells."""
    from sqlalchemy.dialects import postgresql as server

    match _unwrap(kind):
        case server.INTERVAL():
            return pa.float64()
        case server.INET() | server.CIDR():
            return pa.large_string()
        case plain:
            return choose_type(plain)


def _unwrap(kind: sqlalchemy.types.TypeEngine[Any]) -> sqlalchemy.types.TypeEngine[Any]:
    """The type that a domain narrows, or the type itself."""
    from sqlalchemy.dialects import postgresql as server

    return _unwrap(kind.data_type) if isinstance(kind, server.DOMAIN) else kind


def _name_type(connection: sqlalchemy.Connection, column: sqlalchemy.Column[Any]) -> str:
    """What the server calls the type of a column."""
    import sqlalchemy as sql

    query = sql.text(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass(:place) AND attname = :name"
    )
    place = connection.dialect.identifier_preparer.format_table(column.table)
    return str(connection.execute(query, {"place": place, "name": column.name}).scalar())


def _collate(column: sqlalchemy.Column[Any]) -> sqlalchemy.ColumnElement[Any]:
    """What a column is ordered by: texts by their signs, not by a language's rules."""
    import sqlalchemy as sql

    kind = _unwrap(column.type)
    is_text = isinstance(kind, sql.String) and not isinstance(kind, sql.Enum)
    return sql.collate(sql.type_coerce(column, kind), "C") if is_text else column


def _parse(rows: Iterable[Any], types: dict[str, pa.DataType], name: str) -> Iterator[pa.Table]:
    """The rows that CSV says, with these types; without one, a table without rows."""
    is_empty = True
    try:
        for block in _gather(rows):
            is_empty = False
            yield csv.read_csv(
                # Of a block's first text the parser would drop a byte order mark.
                pa.BufferReader(b"\n" + block),
                csv.ReadOptions(column_names=[*types], skip_rows=1, block_size=len(block) + 2),
                csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                csv.ConvertOptions(
                    column_types=types,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    true_values=["t"],
                    false_values=["f"],
                ),
            )
    except pa.ArrowInvalid as error:
        found = re.search(r"In CSV column #(\d+): .*invalid value (.*)", str(error), re.DOTALL)
        if found is None:
            raise
        column, kind = [*types.items()][int(found[1])]
        raise UserError(
            f"{name}: column {column!r} holds {shorten(found[2], LONGEST_REASON)}, which is no "
            f"{kind}; take a view without it and `--table` the view"
        ) from error
    if is_empty:
        yield pa.schema([*types.items()]).empty_table()


def _gather(rows: Iterable[Any]) -> Iterator[bytearray]:
    """Whole rows, of which the server sends one at a time, so many that parsing pays."""
    block = bytearray()
    for row in rows:
        block += row
        if len(block) >= BLOCK_BYTES:
            yield block
            block = bytearray()
    if block:
        yield block
