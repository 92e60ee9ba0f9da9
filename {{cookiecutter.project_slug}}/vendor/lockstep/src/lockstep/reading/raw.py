"""The raw files: what lies in data/raw, one delivery below the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..core.contract import Contract
from .conformity import require_columns
from .images import read_images
from .tables import read_batches


class RawBatch(NamedTuple):
    """Some rows of a file as they came."""

    cells: pd.DataFrame
    """A row for each observation, with all columns of the file."""
    file: str
    """The file that they are from."""
    above: int = 0
    """Rows of the file that come before them."""
    unusable: pd.DataFrame | None = None
    """What could not be read of images, as `conformity.conform` gives breaches."""


def read_raw(path: Path, name: str, contract: Contract, *, resize: bool) -> Iterator[RawBatch]:
    """Read a raw file batch by batch.

    Args:
        path: The file, or a zip or a folder of images.
        name: What messages call it.
        contract: What it should hold.
        resize: Scale images of another size.

    Raises:
        UserError: It cannot be read, or lacks a column.
    """
    if contract.images is not None:
        cells, unusable = read_images(path, name, contract, resize=resize)
        yield RawBatch(cells, name, unusable=unusable)
        return
    above = 0
    for cells in read_batches(path, name, contract.missing, contract.layout):
        require_columns(cells, contract.columns, name)
        yield RawBatch(cells, name, above)
        above += len(cells)
