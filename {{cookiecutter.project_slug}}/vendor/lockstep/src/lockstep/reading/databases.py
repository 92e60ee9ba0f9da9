"""Reading tables from databases."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..core.errors import UserError
from ..core.validation import nearest
from .parquet import BATCH_ROWS


def read_database_batches(address: str, name: str, table: str | None) -> Iterator[pd.DataFrame]:
    """Read a table of the database at an address as SQLAlchemy writes it, batch by batch."""
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
        if not table:
            choice = ", ".join(tables) or "none"
            raise UserError(f"{name}: which table? --table takes one of {choice}")
        if table not in tables:
            raise UserError(f"{name}: no table {table!r}; {nearest(table, tables)}")
        with engine.connect().execution_options(stream_results=True) as connection:
            # Whole numbers stay whole where some are missing.
            for batch in pd.read_sql_table(
                table, connection, chunksize=BATCH_ROWS, dtype_backend="numpy_nullable"
            ):
                yield batch.astype(dict.fromkeys(batch.select_dtypes("string"), "object"))
    except ModuleNotFoundError as error:
        raise UserError(
            f"{name}: reading it takes {error.name}: `uv add --dev {error.name}`"
        ) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UserError(f"{name}: the database cannot be read: {reason}") from error
