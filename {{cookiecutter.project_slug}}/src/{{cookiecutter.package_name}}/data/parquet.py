"""Reading parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .names import require_distinct

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

ROWS_AT_ONCE = 2**16


def parquet_batches(path: Path, name: str) -> Iterator[pd.DataFrame]:
    """Read a parquet file of whatever origin, with what pandas had kept as its index as columns.

    Raises:
        UserError: It is not one, or a torn one, or two columns have one name.
    """
    import pandas as pd
    import pyarrow as pa

    whole = {*map(pa.type_for_alias, ("int8", "int16", "int32", "int64"))}
    whole |= {*map(pa.type_for_alias, ("uint8", "uint16", "uint32", "uint64"))}
    with _opened(path, name) as file:
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


class Stored:
    """A parquet file that a stage has written, to be gone through in batches, as often as needed.

    Args:
        path: The file.
        name: What messages call it.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    def __len__(self) -> int:
        with _opened(self.path, self.name) as file:
            rows: int = file.metadata.num_rows
            return rows

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All rows, or some columns of them, in their order and in batches.

        Raises:
            UserError: It is not a parquet file, or a torn one.
        """
        with _opened(self.path, self.name) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, columns).to_pandas()

    def read(self) -> pd.DataFrame:
        """All rows at once; for errors see `batches`."""
        with _opened(self.path, self.name) as file:
            table: pd.DataFrame = file.read().to_pandas()
            return table


@contextmanager
def _opened(path: Path, name: str) -> Iterator[pq.ParquetFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name}: not a readable parquet file") from error


def _counted_index(file: pq.ParquetFile) -> pd.RangeIndex | None:
    """The index that pandas had kept as a range of numbers, if it has a name."""
    import pandas as pd

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
