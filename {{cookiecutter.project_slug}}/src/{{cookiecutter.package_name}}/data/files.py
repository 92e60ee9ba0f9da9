"""Which files of a folder are data, and which accompany them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

NO_DATA = (".dvc", ".tmp")
"""Ends of names of files that lie beside the data."""


def is_data(path: Path) -> bool:
    """Whether a file is called like data, not like what accompanies them."""
    return not (
        path.name.startswith(".") or path.suffix in NO_DATA or path.stem.lower() == "readme"
    )


def kept_by_dvc(folder: Path) -> set[Path]:
    """What DVC keeps in a folder, also when it has not brought it yet."""
    return {pointer.with_suffix("") for pointer in folder.glob("*.dvc")}


def entries(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    """What lies in a folder, but for what accompanies the data; of `deep` ones only the files."""
    for path in filter(is_data, folder.iterdir()):
        if deep and path.is_dir():
            yield from entries(path, deep=True)
        else:
            yield path
