"""The raw files as one table: what lies in data/raw, one delivery below the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..config import Project
from ..errors import UserError
from .conformity import require_columns
from .contract import Contract
from .files import entries
from .images import read_images
from .tables import read_table

if TYPE_CHECKING:
    import pandas as pd


class Raw(NamedTuple):
    """All rows as they came."""

    cells: pd.DataFrame
    """A row for each observation, with all columns of the files."""
    files: pd.Series
    """(n_rows,) the file that each row is from."""
    unusable: pd.DataFrame
    """What could not be read of images, as `conformity.apply` gives breaches."""


def read(project: Project, where: str, contract: Contract, *, resize: bool) -> Raw:
    """Read the raw files in the order of their names.

    Args:
        project: The project they lie in.
        where: A file or a folder, relative to the project's root.
        contract: What the files should hold.
        resize: Scale images of another size.

    Raises:
        UserError: A file cannot be read, or lacks a column.
    """
    import pandas as pd

    frames, files, unusable, rows = [], [], [], 0
    for path in raw_files(project, where, contract):
        name = project.name(path)
        if contract.images is not None:
            frame, breaches = read_images(path, name, contract, resize=resize)
            unusable.append(breaches.assign(row=breaches["row"] + rows))
        else:
            frame = read_table(path, name, contract.missing, contract.layout)
        require_columns(frame, contract.columns, name)
        frames.append(frame)
        files += [name] * len(frame)
        rows += len(frame)
    none = pd.DataFrame({"row": [], "column": [], "value": [], "rule": []})
    return Raw(
        frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True),
        pd.Series(files, dtype="str"),
        pd.concat(unusable, ignore_index=True) if unusable else none.astype({"row": "int64"}),
    )


def raw_files(project: Project, where: str, contract: Contract) -> list[Path]:
    """The files at `where`, or the zips and folders of images there.

    Raises:
        UserError: There is none.
    """
    path = project.root / where
    if contract.images is not None:
        # Folders of classes are read as one; data/raw holds one such folder, or zip, per delivery.
        found = sorted(entries(path)) if path == project.raw else [path]
    else:
        found = sorted(entries(path, deep=True)) if path.is_dir() else [path]
    if not found:
        raise UserError(f"{where}: no data there; the command `use` takes a file in")
    return found
