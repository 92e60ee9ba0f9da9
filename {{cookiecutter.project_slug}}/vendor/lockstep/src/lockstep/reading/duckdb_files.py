"""Reading tables from files of DuckDB, which its own package opens, for reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..core.errors import UserError, guard_reading
from .databases import make_refusal, pick_table, telling_locks
from .parquet import BATCH_ROWS, select_type
from .sql_types import EXACT_DIGITS

CASTS = (
    (r"BOOLEAN|U?(TINY|SMALL)INT|U?INTEGER|U?BIGINT|DOUBLE|VARCHAR|TIMESTAMP.*", "{}"),
    ("FLOAT", "{}::varchar::double"),
    (r"HUGEINT|UHUGEINT|DECIMAL.*|UUID|TIME|ENUM.*", "{}::varchar"),
    ("DATE", "{}::timestamp"),
    ("INTERVAL", "epoch({})"),
)
"""What makes cells of the values of a type."""
DECIMAL = re.compile(r"DECIMAL\((\d+),\d+\)")


def read_duckdb_batches(path: Path, name: str, table: str | None) -> Iterator[pd.DataFrame]:
    """Read a table or a view, batch by batch, in the order in which its rows were put there.

    Raises:
        UserError: It cannot be read, or a column holds what no cell can.
    """
    try:
        import duckdb
    except ImportError as error:
        raise UserError(f"{name}: reading it takes DuckDB: `uv sync --extra duckdb`") from error
    with (
        telling_locks(),
        guard_reading(f"{name}: the database cannot be read"),
        duckdb.connect(str(path), read_only=True) as connection,
    ):
        tables = [row[0] for row in connection.execute("show tables").fetchall()]
        place = _quote(pick_table(tables, name, table))
        columns = connection.execute(f"describe {place}").fetchall()
        cells = ", ".join(_select(column, kind, name) for column, kind, *_ in columns)
        connection.execute("set timezone = 'UTC'")
        rows = connection.sql(f"select {cells} from {place}")
        for batch in rows.to_arrow_reader(BATCH_ROWS):
            yield pa.Table.from_batches([batch]).to_pandas(types_mapper=select_type)


def _select(column: str, kind: str, name: str) -> str:
    """The cells of a column in SQL."""
    quoted = _quote(column)
    decimal = DECIMAL.fullmatch(kind)
    if decimal and int(decimal[1]) <= EXACT_DIGITS:
        return f"{quoted}::double as {quoted}"
    for pattern, cast in CASTS:
        # Of an array of anything the name ends in brackets.
        if re.fullmatch(pattern, kind) and not kind.endswith("]"):
            return f"{cast.format(quoted)} as {quoted}"
    raise make_refusal(name, column, kind)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
