"""Reading tables from databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..core.errors import UserError
from ..core.validation import nearest
from .parquet import ROWS_AT_ONCE

if TYPE_CHECKING:
    import pandas as pd


def sqlite_address(path: Path) -> str:
    """The address of a database file that is only read."""
    return f"sqlite:///file:{quote(quote(path.resolve().as_posix()))}?mode=ro&uri=true"


def database_batches(address: str, name: str, table: str | None) -> Iterator[pd.DataFrame]:
    """Read a table of the database at an address as SQLAlchemy writes it, batch by batch.

    Raises:
        UserError: The database or the table cannot be read, or what reads it is not installed.
    """
    import pandas as pd

    try:
        import sqlalchemy
    except ImportError as error:
        raise UserError(f"{name}: reading it takes SQLAlchemy: `uv add sqlalchemy`") from error
    try:
        engine = sqlalchemy.create_engine(address)
        inspector = sqlalchemy.inspect(engine)
        tables = [*inspector.get_table_names(), *inspector.get_view_names()]
        if table is None and len(tables) == 1:
            table = tables[0]
        if table not in tables:
            told = f"no table {table!r}; {nearest(table, tables)}" if table else "which table?"
            listed = "" if table else f" --table takes one of {', '.join(tables) or 'none'}"
            raise UserError(f"{name}: {told}{listed}")
        with engine.connect().execution_options(stream_results=True) as connection:
            # Whole numbers stay whole where some are missing.
            for batch in pd.read_sql_table(
                table, connection, chunksize=ROWS_AT_ONCE, dtype_backend="numpy_nullable"
            ):
                yield batch.astype(dict.fromkeys(batch.select_dtypes("string"), "object"))
    except ModuleNotFoundError as error:
        raise UserError(
            f"{name}: reading it takes {error.name}: `uv add --dev {error.name}`"
        ) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UserError(f"{name}: the database cannot be read: {reason}") from error
