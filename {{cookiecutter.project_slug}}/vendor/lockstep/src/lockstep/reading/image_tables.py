"""The table that lies beside images: which file it is, and which image each of its rows names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pandas as pd

from ..core.contract import FILE, IMAGE
from ..core.errors import UserError
from ..data.conformity import as_texts, make_breaches
from .archives import list_members, open_member, open_zip
from .folder import list_entries
from .formats import is_table

NOTES = ".txt"
"""What people leave beside images that is seldom a table."""
NAMELESS = "a row without a name"


@contextmanager
def open_image_table(path: Path, name: str) -> Iterator[Path | None]:
    """The table beside the images of a folder or a zip, which is unpacked meanwhile; None if none.

    It lies at the top, or in the only folder there. One that ends in .txt is taken for notes.

    Raises:
        UserError: There are several, or it lies deeper.
    """
    if path.is_dir():
        files = [file.relative_to(path) for file in list_entries(path, deep=True)]
        table = _find_table(files, name)
        yield path / table if table else None
    elif path.suffix.lower() == ".zip":
        with open_zip(path, name) as archive, TemporaryDirectory(prefix="table-") as folder:
            member = _find_table([*map(Path, list_members(archive))], name)
            if member is None:
                yield None
                return
            with open_member(archive, member.as_posix(), name) as content:
                copy = Path(folder) / member.name
                copy.write_bytes(content.read())
            yield copy
    else:
        yield None


def match_names(cells: pd.Series, files: Sequence[str]) -> pd.Series:
    """(n_rows,) the image that each cell names; missing where none is named, or several could be.

    A cell names a file if one of the two paths ends with the other, with the file's extension or
    without it.

    Args:
        cells: (n_rows,) of a table.
        files: The paths of the images.
    """
    whole, ends = dict[str, str](), dict[str, str | None]()
    for file in files:
        path = PurePosixPath(file)
        for form in dict.fromkeys([path, path.with_suffix("")]):
            whole.setdefault(str(form), file)
            for count in range(1, len(form.parts) + 1):
                end = "/".join(form.parts[-count:])
                ends[end] = file if ends.get(end, file) == file else None
    texts = as_texts(cells)
    found = {text: _find_file(text, whole, ends) for text in texts.dropna().unique()}
    return texts.map(found).astype("str")


def find_names(table: pd.DataFrame, files: Sequence[str]) -> str | None:
    """The column that names the most images, unless it names fewer than half of those it could."""
    counts = {str(name): match_names(table[name], files).nunique() for name in table}
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] >= min(len(table), len(files)) / 2 else None


def label_images(
    table: pd.DataFrame, names: str, files: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Which image each row of a table is about.

    Args:
        table: (n_rows, n_columns).
        names: Its column of names.
        files: The paths of the images.

    Returns:
        The rows with the path of their image in `file`, below them one for each image that no row
        names; and the breaches of rows and images that lack the other, as
        `data.conformity.conform` gives them.
    """
    matches = match_names(table[names], files)
    lonely = sorted({*files} - {*matches.dropna()})
    texts = as_texts(table[names]).fillna(NAMELESS)
    rows = table.drop(columns=[name for name in (names, IMAGE, FILE) if name in table])
    rows = pd.concat([rows, pd.DataFrame(index=range(len(lonely)))], ignore_index=True)
    rows[FILE] = pd.Series([*matches.fillna(texts), *lonely], dtype="str")
    is_again = matches.notna() & matches.duplicated()
    no_image = "the name of an image that is there, and fits no other"
    breaches = [
        make_breaches(IMAGE, texts[matches.isna()], no_image),
        make_breaches(IMAGE, matches[is_again], "an image that no row above names"),
        make_breaches(IMAGE, rows[FILE][len(table) :], "an image that a row of the table names"),
    ]
    return rows, pd.concat(breaches)


def _find_table(files: Sequence[Path], name: str) -> Path | None:
    """The only table among the files."""
    tables = sorted(file for file in files if is_table(file) and file.suffix.lower() != NOTES)
    tops = {file.parts[0] for file in files}
    top = 2 if len(tops) == 1 and len(files) > 1 else 1
    if deep := [file for file in tables if len(file.parts) > top]:
        raise UserError(
            f"{name}: {deep[0].as_posix()} lies below a folder; a table about images lies at the "
            "top, beside them or beside their folders"
        )
    if len(tables) > 1:
        listing = ", ".join(file.name for file in tables[:3])
        raise UserError(
            f"{name}: {len(tables)} tables, such as {listing}; a single one with a row for each "
            "image was expected"
        )
    return tables[0] if tables else None


def _find_file(text: str, whole: dict[str, str], ends: dict[str, str | None]) -> str | None:
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    end = "/".join(parts)
    if end in ends:
        return ends[end]
    shorter = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((whole[end] for end in shorter if end in whole), None)
