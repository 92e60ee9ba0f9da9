"""Files that are a text each, read as one table."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from ..core.contract import Layout
from ..core.errors import UserError
from ..data.conformity import mask_missing
from .file_sets import get_class, get_side, list_names, open_files
from .formats import detect_format, is_table

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""By which an encoding is known; the longer ones first that begin like others."""
TEXTS_AT_ONCE = 2**12


def read_texts(
    path: Path, name: str, missing: Sequence[str], layout: Layout
) -> Iterator[pd.DataFrame]:
    """Read the texts of a zip or a folder, or a single one, in the order of their names.

    A text lies in the folder of its class, `<class>/<any name>.txt`. What is no text is missing:
    see `decode_text`.
    """
    files = layout.files
    assert files is not None
    assert files.text is not None
    is_single = path.is_file() and detect_format(path) != "zip"
    with open_files(path, name, is_single=is_single, holds="texts") as (names, read):
        selected = names if is_single else sorted(filter(is_text, names))
        if not selected:
            raise UserError(f"{name}: no texts; files such as <class>/<name>.txt were expected")
        has_sides = any(map(get_side, selected))
        for start in range(0, len(selected), TEXTS_AT_ONCE):
            some = selected[start : start + TEXTS_AT_ONCE]
            columns: dict[str, list[str | None]] = {
                files.name: [file if is_single else f"{path.name}/{file}" for file in some],
                files.text: [decode_text(read(file), layout.encoding) for file in some],
            }
            if files.folder is not None and not is_single:
                # Beside the folders of a split lies what is of no class.
                columns[files.folder] = [
                    get_class(file) or None if get_side(file) or not has_sides else None
                    for file in some
                ]
            if files.part is not None:
                columns[files.part] = [*map(get_side, some)]
            yield mask_missing(pd.DataFrame(columns, dtype="str"), missing)


def decode_text(content: bytes, encoding: str) -> str | None:
    """A text by its byte order mark, in UTF-8 or else in the encoding; None where it is none."""
    marked = [own for mark, own in BYTE_ORDER_MARKS.items() if content.startswith(mark)]
    for each in marked[:1] or ("utf-8", encoding):
        try:
            text = content.decode(each)
        except UnicodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    return None


def has_texts(path: Path) -> bool:
    """Whether a zip or a folder holds texts in folders of at least two classes, and no tables."""
    names = [name for name in list_names(path) if not _is_hidden(name)]
    has_tables = any(is_table(Path(name)) and not is_text(name) for name in names)
    return not has_tables and len({*map(get_class, _list_classed(names))}) > 1


def lie_in_one_folder(path: Path) -> bool:
    """Whether a zip or a folder holds several texts in a single folder, and nothing else."""
    names = [name for name in list_names(path) if not _is_hidden(name)]
    is_one = len({PurePosixPath(name).parent for name in names}) == 1
    return is_one and len(names) > 1 and all(map(is_text, names))


def _list_classed(names: Iterable[str]) -> list[str]:
    """The texts that lie in folders of classes; of a given split, in those below its folders."""
    texts = [name for name in names if is_text(name) and get_class(name)]
    return [name for name in texts if get_side(name)] or texts


def is_text(name: str) -> bool:
    """Whether a file is called like a text."""
    return PurePosixPath(name).suffix.lower() == ".txt" and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
