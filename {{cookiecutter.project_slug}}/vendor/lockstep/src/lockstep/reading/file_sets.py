"""The files of a folder or of a zip, or a single one, by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import is_zipfile

from ..core.contract import SIDES
from ..core.errors import UserError
from .archives import list_members, list_packed, open_zip
from .folder import list_entries

FOLDERS = {
    "train": "train",
    **dict.fromkeys(("val", "valid", "validation"), "train"),
    "test": "test",
}
"""The side that files are on by the folder above their class: those to validate on are learnt
from, since `train` validates in its own way."""


@contextmanager
def open_files(
    path: Path, name: str, *, is_single: bool, holds: str
) -> Iterator[tuple[list[str], Callable[[str], bytes]]]:
    """The files by their names in the folder or the zip, and what reads one of them.

    Args:
        path: A folder, a zip or, if `is_single`, a file that is all there is.
        name: What messages call it.
        is_single: Whether a file is no zip.
        holds: What was expected in it, such as images.
    """
    if path.is_dir():
        yield list_names(path), lambda file: (path / file).read_bytes()
    elif path.is_file() and is_single:
        yield [path.name], lambda _: path.read_bytes()
    elif path.is_file() and (path.suffix.lower() == ".zip" or is_zipfile(path)):
        with open_zip(path, name) as archive:
            yield list_members(archive), archive.read
    elif path.is_file():
        raise UserError(f"{name}: a zip or a folder of {holds} was expected")
    else:
        raise UserError(f"{name}: not there; a zip or a folder of {holds} was expected")


def list_names(path: Path) -> list[str]:
    """The names of all files in a folder or a zip; none where it is neither."""
    if path.is_dir():
        return [file.relative_to(path).as_posix() for file in list_entries(path, deep=True)]
    return list_packed(path)


def get_class(file: str) -> str:
    """The folder that a file lies in, which is called like its class."""
    return PurePosixPath(file).parent.name


def list_folders(files: Iterable[str], *, has_class: bool = True) -> list[str]:
    """The folders of `FOLDERS` that files of a given split lie below; see `get_side`."""
    above = {_get_side_folder(file, has_class) for file in files}
    return [folder for folder in FOLDERS if folder in above]


def require_both_sides(folders: Sequence[str], name: str, files: str) -> None:
    """Check that the `folders` of a given split are not all on one side of it."""
    if folders and len({FOLDERS[folder] for folder in folders}) < len(SIDES):
        raise UserError(
            f"{name}: all {files} lie below {' and '.join(folders)}, so that none is for the "
            f"{'test' if 'test' not in folders else 'training'}; rename one of these folders, or "
            "name what is in it alone"
        )


def get_side(file: str, *, has_class: bool = True) -> str | None:
    """The side of a given split that a file is on.

    It is called like the folder above that of the file's class or, unless it `has_class`, like any
    folder that the file lies below.
    """
    return FOLDERS.get(_get_side_folder(file, has_class))


def _get_side_folder(file: str, has_class: bool) -> str:
    folder = PurePosixPath(file).parent
    if has_class:
        return folder.parent.name
    return next((name for name in folder.parts if name in FOLDERS), "")
