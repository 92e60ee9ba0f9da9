"""Reading tables from databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from ..core.errors import UserError, guard_reading
from ..core.validation import nearest
from .parquet import BATCH_ROWS

if TYPE_CHECKING:
    import sqlalchemy

BYTES = (bytes, memoryview)
PATIENCE = 10
"""Seconds until a server that says nothing is given up, where the address names no others."""


def read_database_batches(address: str, name: str, table: str | None) -> Iterator[pd.DataFrame]:
    """Read a table of the database at an address as SQLAlchemy writes it, batch by batch."""
    try:
        import sqlalchemy
    except ImportError as error:
        raise UserError(f"{name}: reading it takes SQLAlchemy: `uv add sqlalchemy`") from error
    try:
        with guard_reading(f"{name}: the database cannot be read"):
            engine = sqlalchemy.create_engine(_protect(sqlalchemy.make_url(address)))
            sqlalchemy.event.listen(engine, "do_connect", _limit_waiting)
            query = _select_cells(engine, _choose_table(engine, name, table))
            with engine.connect().execution_options(stream_results=True) as connection:
                # Whole numbers stay whole where some are missing.
                for batch in pd.read_sql(
                    query, connection, chunksize=BATCH_ROWS, dtype_backend="numpy_nullable"
                ):
                    yield batch.astype(dict.fromkeys(batch.select_dtypes("string"), "object"))
    except ModuleNotFoundError as error:
        raise UserError(
            f"{name}: reading it takes {error.name}: `uv add --dev {error.name}`"
        ) from error


def read_only(path: Path) -> str:
    """The address of a SQLite file through which nothing is written, least of all the file."""
    return f"sqlite:///file:{quote(quote(path.resolve().as_posix()))}?mode=ro&uri=true"


def _protect(url: sqlalchemy.URL) -> sqlalchemy.URL | str:
    """The address such that a SQLite file is not made by looking for it."""
    database = url.database or ":memory:"
    is_file = url.get_backend_name() == "sqlite" and not database.startswith((":memory:", "file:"))
    return read_only(Path(database)) if is_file else url


def _limit_waiting(
    dialect: sqlalchemy.Dialect, _: object, __: object, options: dict[str, Any]
) -> None:
    if dialect.name == "postgresql":
        options.setdefault("connect_timeout", PATIENCE)


def _choose_table(engine: sqlalchemy.Engine, name: str, table: str | None) -> str:
    import sqlalchemy

    inspector = sqlalchemy.inspect(engine)
    tables = [*inspector.get_table_names(), *inspector.get_view_names()]
    if table is None and len(tables) == 1:
        return tables[0]
    if not table:
        choice = ", ".join(tables) or "none"
        raise UserError(f"{name}: which table? --table takes one of {choice}")
    if table not in tables:
        raise UserError(f"{name}: no table {table!r}; {nearest(table, tables)}")
    return table


def _select_cells(engine: sqlalchemy.Engine, table: str) -> sqlalchemy.Select[tuple[object, ...]]:
    """All cells of a table; of SQLite, where a column may hold anything, as they are stored."""
    import sqlalchemy

    class Stored(sqlalchemy.types.UserDefinedType[object]):
        """A value as it is stored, bytes as the text that they are."""

        cache_ok = True

        def result_processor(self, *_: object) -> Callable[[object], object]:
            return _decode

    columns = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=engine).columns
    is_loose = engine.dialect.name == "sqlite"
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
