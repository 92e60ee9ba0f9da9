"""Reading parquet files of whatever origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.table import open_parquet
from ..data.conformity import require_distinct

BATCH_ROWS = 2**16


def read_parquet_batches(path: Path, name: str) -> Iterator[pd.DataFrame]:
    """Read a parquet file of whatever origin, with what pandas had kept as its index as columns."""
    with open_parquet(path, name) as file:
        index, above = _find_range_index(file), 0
        for batch in file.iter_batches(BATCH_ROWS):
            # What is no UTF-8 text, or points out of the file, is found before it is looked at.
            batch.validate(full=True)
            frame = pa.Table.from_batches([batch]).to_pandas(types_mapper=select_type)
            if index is not None:
                frame.index = index[above : above + len(frame)]
            above += len(frame)
            is_unnamed = list(frame.index.names) == [None]
            columns = [*([] if is_unnamed else frame.index.names), *frame.columns]
            names = [str(column) for column in columns]
            require_distinct(names, name)
            yield frame.reset_index(drop=is_unnamed, allow_duplicates=True).set_axis(names, axis=1)


def select_type(arrow_type: pa.DataType) -> pd.Int64Dtype | pd.UInt64Dtype | None:
    """The type in pandas of cells, where it is another than Arrow's own choice."""
    # Whole numbers get a type with gaps, so that it is the same in each batch.
    if arrow_type == pa.uint64():
        return pd.UInt64Dtype()
    return pd.Int64Dtype() if pa.types.is_integer(arrow_type) else None


def _find_range_index(file: pq.ParquetFile) -> pd.RangeIndex | None:
    """The index that pandas had kept as a range of numbers, if it has a name."""
    for index in (file.schema_arrow.pandas_metadata or {}).get("index_columns", []):
        if isinstance(index, dict) and index.get("name") is not None:
            return pd.RangeIndex(index["start"], index["stop"], index["step"], name=index["name"])
    return None
