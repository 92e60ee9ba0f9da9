"""Making out a folder of files that are a sequence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..core.contract import FILE, Files, Layout
from ..core.errors import UserError
from ..reading.file_sets import FOLDERS
from ..reading.tables import read_batches
from .wishes import Wishes

CLASS, ROW = "class", "row"
"""What the columns are called that no file has, where the person does not name them."""


class SequenceFiles(NamedTuple):
    """What stands outside files that are a sequence each."""

    layout: Layout
    wishes: Wishes
    """Those of the person, by the names of the columns that no file has."""
    doubts: list[str]


def find_sequence_files(
    files: Sequence[Path], folder: Path, layout: Layout, wishes: Wishes
) -> SequenceFiles | None:
    """What stands outside the files, where `--sequence file` says that each is a sequence.

    The target is the folder that a file lies in, unless the files have it; without a time the rows
    are in their order. None if not so, or if a column of the files is called like that.

    Raises:
        UserError: The files are in no folders of classes, and have no target either.
    """
    if wishes.sequence != FILE:
        return None
    columns = [*next(read_batches(files[0], files[0].name, ("",), layout))]
    if FILE in columns:
        return None
    target = wishes.target or CLASS
    has_target = target in columns
    if not has_target:
        _require_folders(files, folder, target)
    outside = Files(
        name=FILE, folder=None if has_target else target, row=None if wishes.time else ROW
    )
    sides = sorted({file.parent.parent.name for file in files} & {*FOLDERS})
    return SequenceFiles(
        layout.model_copy(update={"files": outside}),
        replace(wishes, target=target, time=wishes.time or ROW),
        [f"which side of the split {' and '.join(sides)} are on is drawn anew"] if sides else [],
    )


def _require_folders(files: Sequence[Path], folder: Path, target: str) -> None:
    stray = [file for file in files if file.parent == folder]
    if len(stray) == len(files):
        raise UserError(
            f"{folder.name}: the files have no column {target!r}, and all lie in one folder; a "
            "folder for each class was expected, such as walk/1.csv and run/1.csv"
        )
    if stray:
        raise UserError(
            f"{folder.name}/{stray[0].name}: lies in no folder of a class, as other files do; move "
            "it into one, or out of the way"
        )
