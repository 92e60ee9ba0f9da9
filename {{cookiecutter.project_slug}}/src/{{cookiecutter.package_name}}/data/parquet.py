"""Reading parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def read_parquet(path: Path, name: str) -> pd.DataFrame:
    """Read a parquet file; messages call it `name`.

    Raises:
        UserError: It is not one, or a torn one.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{name}: not a readable parquet file") from error
