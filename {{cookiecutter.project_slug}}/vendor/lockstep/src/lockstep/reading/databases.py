"""Reading tables from databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import pandas as pd
import pyarrow as pa

from ..core.errors import LONGEST_REASON, UserError, guard_reading, shorten
from ..core.validation import nearest
from .parquet import BATCH_ROWS
from .waiting import connect_with_limits

if TYPE_CHECKING:
    import sqlalchemy

BYTES = (bytes, memoryview)
LOCKED = ("database is locked", "Could not set lock on file")
"""What SQLite and DuckDB say when another has kept it for itself for too long."""
JOURNALS = ("-wal", "-journal", ".wal")
"""Ends of names of files where SQLite and DuckDB keep what is not in the database yet."""


def read_database_batches(address: str, name: str, table: str | None) -> Iterator[pd.DataFrame]:
    """Read a table of the database at an address as SQLAlchemy writes it, batch by batch."""
    with connect(address, name) as connection:
        yield from _read(connection, choose_table(connection, name, table))


def read_database_tables(address: str, name: str, table: str | None) -> Iterator[pa.Table]:
    """The same batches, all with types that hold what any of them has.

    Which these are the values say, not every kind of database, so they are read twice.
    """
    with connect(address, name) as connection:
        place = choose_table(connection, name, table)
        types = pa.schema([])
        for batch in _read(connection, place):
            schema = pa.Schema.from_pandas(batch, preserve_index=False).remove_metadata()
            types = pa.unify_schemas([types, schema], promote_options="permissive")
        for batch in _read(connection, place):
            yield pa.Table.from_pandas(batch, types, preserve_index=False, nthreads=1)


def _read(connection: sqlalchemy.Connection, place: Place) -> Iterator[pd.DataFrame]:
    query = _select_cells(connection, place).execution_options(stream_results=True)
    # Whole numbers stay whole where some are missing.
    for batch in pd.read_sql(
        query, connection, chunksize=BATCH_ROWS, dtype_backend="numpy_nullable"
    ):
        yield batch.astype(dict.fromkeys(batch.select_dtypes("string"), "object"))


@contextmanager
def connect(address: str, name: str) -> Iterator[sqlalchemy.Connection]:
    """A connection to the database at an address; messages call it `name`.

    Raises:
        UserError: There is no connection or, within the block, the database cannot be read.
    """
    try:
        import sqlalchemy
    except ImportError as error:
        raise UserError(f"{name}: reading it takes SQLAlchemy: `uv add sqlalchemy`") from error
    try:
        with telling_locks(), guard_reading(f"{name}: the database cannot be read"):
            engine = sqlalchemy.create_engine(
                _protect(sqlalchemy.make_url(address)), poolclass=sqlalchemy.NullPool
            )
            sqlalchemy.event.listen(engine, "do_connect", connect_with_limits)
            with engine.connect() as connection, _telling_end(name):
                yield connection
    except ModuleNotFoundError as error:
        has_extra = error.name == "psycopg"
        way = "sync --extra postgresql" if has_extra else f"add --dev {error.name}"
        raise UserError(f"{name}: reading it takes {error.name}: `uv {way}`") from error


@contextmanager
def _telling_end(name: str) -> Iterator[None]:
    """Tell of a connection that ends within the block."""
    import sqlalchemy

    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise make_end(name, str(error.orig)) from error


def make_end(name: str, reason: str) -> UserError:
    """What to tell of a connection that has ended before all was read."""
    reason = shorten(reason, LONGEST_REASON)
    return UserError(f"{name}: the connection broke off, so nothing was taken; try again: {reason}")


@contextmanager
def telling_locks() -> Iterator[None]:
    """Tell whose lock it is that an error within the block is about."""
    try:
        yield
    except UserError as error:
        if any(words in str(error) for words in LOCKED):
            raise UserError(f"{error}; another program writes to it") from error
        raise


def make_refusal(name: str, column: str, kind: str) -> UserError:
    """What to tell of a column whose values no cell can hold."""
    return UserError(
        f"{name}: column {column!r} is of type {kind}, which no cell of a table can hold; make a "
        "view without it, or with what is to be known of it in columns of their own, and give the "
        "view to --table"
    )


def read_only(path: Path) -> str:
    """The address of a SQLite file through which nothing is written, least of all the file."""
    return f"sqlite:///file:{quote(quote(path.resolve().as_posix()))}?mode=ro&uri=true"


def _protect(url: sqlalchemy.URL) -> sqlalchemy.URL | str:
    """The address such that a SQLite file is not made by looking for it."""
    database = url.database or ":memory:"
    is_file = url.get_backend_name() == "sqlite" and not database.startswith((":memory:", "file:"))
    return read_only(Path(database)) if is_file else url


class Place(NamedTuple):
    """Where a table or a view is."""

    name: str
    schema: str | None = None


def choose_table(connection: sqlalchemy.Connection, name: str, table: str | None) -> Place:
    """The table or view of that name, which may have its schema before it; or the only one.

    Raises:
        UserError: There is none, or there are several.
    """
    import sqlalchemy

    inspector = sqlalchemy.inspect(connection)
    tables = _list_tables(inspector, None)
    schema, _, rest = (table or "").rpartition(".")
    # A table's own name may have a dot.
    has_schema = table not in tables and schema in inspector.get_schema_names()
    if has_schema and rest in _list_tables(inspector, schema):
        return Place(rest, schema)
    return Place(pick_table(tables, name, table))


def pick_table(tables: Sequence[str], name: str, table: str | None) -> str:
    """The `table` that is asked for among those of a database, or the only one; see above."""
    if table is None and len(tables) == 1:
        return tables[0]
    if not table:
        choice = ", ".join(tables) or "none"
        raise UserError(f"{name}: which table? --table takes one of {choice}")
    if table not in tables:
        raise UserError(f"{name}: no table {table!r}; {nearest(table, tables)}")
    return table


def require_settled(path: Path, name: str) -> None:
    """Check that all that was written to a database is in its file, which alone is taken.

    Raises:
        UserError: A journal lies beside it.
    """
    for journal in (path.with_name(path.name + end) for end in JOURNALS):
        if journal.is_file() and journal.stat().st_size:
            raise UserError(
                f"{name}: {journal.name} beside it holds what is not in it yet; end the program "
                "that writes there, or open and close the database with its own"
            )


def _list_tables(inspector: sqlalchemy.Inspector, schema: str | None) -> list[str]:
    lists = [inspector.get_table_names, inspector.get_view_names]
    if inspector.dialect.name == "postgresql":
        lists.append(inspector.get_materialized_view_names)
    return [name for names in lists for name in names(schema)]


def _select_cells(
    connection: sqlalchemy.Connection, place: Place
) -> sqlalchemy.Select[tuple[object, ...]]:
    """All cells of a table; of SQLite, where a column may hold anything, as they are stored."""
    import sqlalchemy

    class Stored(sqlalchemy.types.UserDefinedType[object]):
        """A value as it is stored, bytes as the text that they are."""

        cache_ok = True

        def result_processor(self, *_: object) -> Callable[[object], object]:
            return _decode

    columns = sqlalchemy.Table(
        place.name, sqlalchemy.MetaData(), schema=place.schema, autoload_with=connection
    ).columns
    is_loose = connection.dialect.name == "sqlite"
    return sqlalchemy.select(
        *(
            sqlalchemy.type_coerce(column, Stored()).label(column.name)
            if isinstance(column.type, sqlalchemy.LargeBinary)
            or (is_loose and not isinstance(column.type, sqlalchemy.Boolean))
            else column
            for column in columns
        )
    )


def _decode(cell: object) -> object:
    return bytes(cell).decode(errors="backslashreplace") if isinstance(cell, BYTES) else cell
