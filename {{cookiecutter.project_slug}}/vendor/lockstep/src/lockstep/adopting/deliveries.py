"""Deliveries of raw data that were made of requests, each a folder in data/raw.

Beside the rows lies which requests they were, so that none is delivered twice, and which were left
out, so that those are no news.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.errors import UserError
from ..core.paths import Paths
from ..core.table import Table
from ..data.duplicates import contains
from ..data.split import hash_rows
from ..reading.folder import list_dvc_targets
from .inventory import pointer
from .labelled import NAME
from .omissions import Omissions

STEM = "requests-"
ROWS, NAMES, README = "rows.parquet", ".requests.parquet", "README.md"
"""Files of a delivery: only what is called like data is read as such."""
OUTCOME, IS_USED = "outcome", "is_used"


class Deliveries(NamedTuple):
    """The rows of all deliveries, as ordered hashes."""

    names: np.ndarray
    outcomes: np.ndarray
    """Of the names and what became true of them."""
    unusable: np.ndarray
    """The same of rows that were left out because they cannot be used."""

    def find_new(self, names: pd.DataFrame, omissions: Omissions) -> np.ndarray:
        """(n_rows,) whether rows are new, by `request`, `row` and the text of the `outcome`."""
        is_there = contains(self.names, hash_rows(names[[*NAME]]))
        is_same = contains(self.outcomes, hash_rows(names))
        omissions.add("delivered before", names[is_there & is_same])
        omissions.add(
            "delivered before with another outcome; take that delivery out of data/raw, folder and "
            ".dvc file, and use the requests again",
            names[is_there & ~is_same],
        )
        return ~is_there

    def drop_known(self, unusable: pd.DataFrame) -> pd.DataFrame:
        """The rows that no delivery has left out before."""
        return unusable[~contains(self.unusable, hash_rows(unusable))]


def read_deliveries(paths: Paths) -> Deliveries:
    """What lies in data/raw of requests.

    Raises:
        UserError: DVC has not brought a delivery, or it does not tell its requests.
    """
    folders = {path for path in paths.raw.glob(f"{STEM}*") if path.is_dir()}
    folders |= {path for path in list_dvc_targets(paths.raw) if path.name.startswith(STEM)}
    tables = [_read_names(paths, folder) for folder in sorted(folders)]
    columns = [*NAME, OUTCOME]
    rows = [table.loc[table[IS_USED], columns] for table in tables]
    unusable = [table.loc[~table[IS_USED], columns] for table in tables]
    names = [part[[*NAME]] for part in rows]
    return Deliveries(_hash_parts(names), _hash_parts(rows), _hash_parts(unusable))


def _hash_parts(parts: Sequence[pd.DataFrame]) -> np.ndarray:
    """(n_rows,) the hashes of all rows, in order."""
    return np.sort(np.concatenate([np.empty(0, "uint64"), *map(hash_rows, parts)]))


def _read_names(paths: Paths, folder: Path) -> pd.DataFrame:
    path = folder / NAMES
    if not folder.exists():
        raise UserError(f"{paths.name(folder)}: not here yet; `uv run dvc pull` brings it")
    if not path.is_file():
        raise UserError(
            f"{paths.name(path)}: no such file, so it is not known which requests were delivered; "
            f"`uv run dvc checkout {paths.name(folder)}` brings it back"
        )
    return Table(path, paths.name(path)).read()


def choose_name(paths: Paths, last: datetime) -> str:
    """A name for a delivery of rows whose last outcome came then."""
    names = (f"{STEM}{last:%Y-%m-%d}{f'-{number}' if number > 1 else ''}" for number in count(1))
    return next(
        name
        for name in names
        if not ((paths.raw / name).exists() or pointer(paths.raw / name).exists())
    )
