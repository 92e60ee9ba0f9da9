"""Reading tables of MySQL and MariaDB: bounded in memory, and in an order of their own.

The server keeps the rows until they are asked for. As of PostgreSQL they come by primary key or,
without one, by all columns: the same rows give the same bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import LONGEST_REASON, UserError, shorten
from .databases import choose_table, connect, make_refusal
from .parquet import BATCH_ROWS
from .sql_types import choose_type
from .waiting import PATIENCE

if TYPE_CHECKING:
    import sqlalchemy

PLAIN: dict[pa.DataType, Callable[[Any], object]] = {
    pa.int64(): int,
    pa.float64(): float,
    pa.large_string(): str,
}
"""What makes a cell of a value for which Python has a class of its own, such as decimals."""
SETTINGS = {"time_zone": "+00:00", "lock_wait_timeout": PATIENCE}
LOCKED = 1205
"""The servers' number of the error that a lock has lasted too long."""


def is_mysql(scheme: str) -> bool:
    """Whether an address that begins so is one of MySQL or MariaDB, whatever the driver."""
    return scheme.partition("+")[0] in ("mysql", "mariadb")


def name_driver(address: str) -> str:
    """The address as SQLAlchemy takes it, with PyMySQL where it names no driver."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{'' if '+' in scheme else '+pymysql'}{separator}{rest}"


def read_mysql_table(address: str, name: str, table: str | None) -> Iterator[pa.Table]:
    """Read a table or a view of the database at an address, batch by batch, at one moment.

    Decimal numbers of more digits than a float keeps and times of day are texts; timestamps, of
    which a server keeps the moment, are in UTC.

    Raises:
        UserError: It cannot be reached or read, or a column holds what no cell can.
    """
    with (
        connect(name_driver(address), name) as connection,
        _leave_unread(connection),
        _tell_locks(name),
    ):
        for setting, value in SETTINGS.items():
            connection.exec_driver_sql(f"SET SESSION {setting} = %s", (value,))
        types, query = _look_up(connection, name, table)
        rows = connection.execution_options(yield_per=BATCH_ROWS).execute(query)
        yield types.empty_table()
        for batch in rows.partitions():
            yield _tabulate(batch, types, name)


@contextmanager
def _tell_locks(name: str) -> Iterator[None]:
    """Tell of a table that another keeps for itself for too long."""
    import sqlalchemy

    try:
        yield
    except sqlalchemy.exc.OperationalError as error:
        if getattr(error.orig, "args", ())[:1] != (LOCKED,):
            raise
        raise UserError(
            f"{name}: somebody has locked the table, as LOCK TABLES and ALTER TABLE do; try again "
            "later"
        ) from error


@contextmanager
def _leave_unread(connection: sqlalchemy.Connection) -> Iterator[None]:
    """Give up a connection where the block fails, instead of reading all that is still to come."""
    driver: Any = connection.connection.driver_connection
    try:
        yield
    except BaseException:
        unread = getattr(driver, "_result", None)
        if unread is not None and hasattr(unread, "unbuffered_active"):
            # PyMySQL would look for its end, even on a connection that is gone.
            unread.unbuffered_active = False
        connection.invalidate()
        raise


def _look_up(
    connection: sqlalchemy.Connection, name: str, table: str | None
) -> tuple[pa.Schema, sqlalchemy.Select[Any]]:
    """The columns of a table with their types, and the query for all rows in order."""
    import sqlalchemy as sql

    place = choose_table(connection, name, table)
    found = sql.Table(place.name, sql.MetaData(), schema=place.schema)
    with warnings.catch_warnings(action="ignore", category=sql.exc.SAWarning):
        # Types that SQLAlchemy does not know are refused below.
        sql.inspect(connection).reflect_table(found, None, resolve_fks=False)
    types = []
    for column in found.columns:
        kind = _choose_type(column.type)
        if kind is None:
            raise make_refusal(name, column.name, _name_type(connection, column))
        types.append((column.name, kind))
    cells = map(_select_cell, found.columns)
    order = [*found.primary_key.columns] or [*found.columns]
    return pa.schema(types), sql.select(*cells).order_by(*map(_collate, order))


def _select_cell(column: sqlalchemy.Column[Any]) -> sqlalchemy.ColumnElement[Any]:
    """What to ask for of a column, so that its values come as they are."""
    import sqlalchemy as sql

    if isinstance(column.type, sql.Float):
        return sql.type_coerce(column, sql.Float())  # decimals of ten digits otherwise
    if isinstance(column.type, sql.Time):
        return sql.cast(column, sql.CHAR)  # which keeps a sign, and more hours than a day has
    return column


def _choose_type(kind: sqlalchemy.types.TypeEngine[Any]) -> pa.DataType | None:
    """What the cells of a column are in Arrow; nothing where they are no cells."""
    import sqlalchemy as sql
    from sqlalchemy.dialects import mysql as server

    match kind:
        case server.YEAR():
            return pa.int64()
        case server.BIGINT(unsigned=True):
            return pa.uint64()
        case sql.TIMESTAMP():
            return pa.timestamp("us", "UTC")
        case server.SET():  # Python's sets have no order.
            return None
    return choose_type(kind)


def _name_type(connection: sqlalchemy.Connection, column: sqlalchemy.Column[Any]) -> str:
    """What the server calls the type of a column."""
    import sqlalchemy as sql

    query = sql.text(
        "SELECT column_type FROM information_schema.columns WHERE table_name = :table "
        "AND column_name = :name AND table_schema = coalesce(:schema, database())"
    )
    place = {"table": column.table.name, "schema": column.table.schema, "name": column.name}
    return str(connection.execute(query, place).scalar())


def _collate(column: sqlalchemy.Column[Any]) -> sqlalchemy.ColumnElement[Any]:
    """What a column is ordered by: texts by their bytes, not by a language's rules."""
    import sqlalchemy as sql

    return sql.cast(column, sql.LargeBinary) if isinstance(column.type, sql.String) else column


def _tabulate(rows: Sequence[Sequence[Any]], types: pa.Schema, name: str) -> pa.Table:
    """Rows as a table with these types.

    Raises:
        UserError: A value is none of its column's type, as a date without a day is none.
    """
    columns = []
    for field, values in zip(types, zip(*rows, strict=True), strict=True):
        try:
            columns.append(_make_cells(field.type, values))
        except (pa.ArrowException, TypeError, ValueError) as error:
            text = next((value for value in values if isinstance(value, str)), "a value")
            raise UserError(
                f"{name}: column {field.name!r} holds {shorten(text, LONGEST_REASON)}, which is no "
                f"{field.type}; take a view without it and `--table` the view"
            ) from error
    return pa.table(columns, schema=types)


def _make_cells(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    if plain := PLAIN.get(kind):
        values = [None if value is None else plain(value) for value in values]
    if pa.types.is_timestamp(kind):
        return pa.array(values).cast(kind)  # which may be of days
    return pa.array(values, kind)
