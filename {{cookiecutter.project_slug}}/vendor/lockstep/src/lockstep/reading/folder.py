"""Which files of a folder are data, and which accompany them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.paths import Paths
from ..core.raw_files import is_data


def list_dvc_targets(folder: Path) -> set[Path]:
    """What DVC keeps in a folder, also when it has not brought it yet."""
    return {pointer.with_suffix("") for pointer in folder.glob("*.dvc")}


def list_entries(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    """What lies in a folder, but for what accompanies the data; of `deep` ones only the files.

    Those that a link leads to count as if they lay there, unless they are listed anyway.
    """
    return _walk(folder, (_resolve(folder),)) if deep else filter(is_data, folder.iterdir())


def _walk(folder: Path, tops: tuple[Path, ...]) -> Iterator[Path]:
    """The files below a folder; all that is in one of the real folders `tops` is listed anyway."""
    for path in filter(is_data, folder.iterdir()):
        real = _resolve(path) if path.is_symlink() else None
        if real and any(_is_listed(real, top) or top.is_relative_to(real) for top in tops):
            continue
        if path.is_dir():
            yield from _walk(path, (*tops, real) if real else tops)
        else:
            yield path


def _is_listed(path: Path, top: Path) -> bool:
    return path.is_relative_to(top) and all(
        is_data(Path(part)) for part in path.relative_to(top).parts
    )


def _resolve(path: Path) -> Path:
    """Where a path leads; one that leads nowhere but around stays as it is."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # before Python 3.13 a link that leads around is an error
        return path


def list_raw_files(paths: Paths, where: str, contract: Contract) -> list[Path]:
    """The files at `where`, or the zips and folders of images or of sequences there."""
    path = paths.root / where
    # Folders of classes are read as one; data/raw holds one such folder, or zip, per delivery.
    is_whole = path != paths.raw if contract.reads_folders else not path.is_dir()
    files = [path] if is_whole else sorted(list_entries(path, deep=not contract.reads_folders))
    if not files:
        raise UserError(f"{where}: no data there; the command `use` takes a file in")
    return files
