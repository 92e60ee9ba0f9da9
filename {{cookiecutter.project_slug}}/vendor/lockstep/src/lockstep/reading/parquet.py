"""Reading parquet files of whatever origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.table import open_parquet
from .names import require_distinct

ROWS_AT_ONCE = 2**16


def parquet_batches(path: Path, name: str) -> Iterator[pd.DataFrame]:
    """Read a parquet file of whatever origin, with what pandas had kept as its index as columns.

    Raises:
        UserError: It is not one, or a torn one, or two columns have one name.
    """
    whole = {*map(pa.type_for_alias, ("int8", "int16", "int32", "int64"))}
    whole |= {*map(pa.type_for_alias, ("uint8", "uint16", "uint32", "uint64"))}
    with open_parquet(path, name) as file:
        counted, above = _counted_index(file), 0
        for batch in file.iter_batches(ROWS_AT_ONCE):
            # A type with gaps, so that it is the same in each batch.
            frame = pa.Table.from_batches([batch]).to_pandas(
                types_mapper=lambda kind: pd.Int64Dtype() if kind in whole else None
            )
            if counted is not None:
                frame.index = counted[above : above + len(frame)]
            above += len(frame)
            yield _without_index(frame, name)


def _counted_index(file: pq.ParquetFile) -> pd.RangeIndex | None:
    """The index that pandas had kept as a range of numbers, if it has a name."""
    for index in (file.schema_arrow.pandas_metadata or {}).get("index_columns", []):
        if isinstance(index, dict) and index.get("name") is not None:
            return pd.RangeIndex(index["start"], index["stop"], index["step"], name=index["name"])
    return None


def _without_index(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """The frame with what pandas had kept as its index as columns."""
    unnamed = list(frame.index.names) == [None]
    names = [str(name) for name in [*([] if unnamed else frame.index.names), *frame.columns]]
    require_distinct(names, file)
    return frame.reset_index(drop=unnamed, allow_duplicates=True).set_axis(names, axis=1)
