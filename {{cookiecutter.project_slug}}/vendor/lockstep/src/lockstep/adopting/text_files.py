"""Making out a folder or a zip of files that are a text each."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..core.contract import FILE, PART, SIDES, Column, Files, Layout
from ..core.errors import UserError, shorten
from ..reading.file_sets import list_folders, open_files, require_both_sides
from ..reading.text_files import decode_text, has_texts, is_text
from ..reading.texts import TextTable
from .inference import NO_MEANING, Guess
from .sequence_files import CLASS
from .sniffing import DELIMITERS, LayoutGuess, detect_encoding, doubt_encoding
from .wishes import Wishes

TEXT = "text"
"""What the column of the texts is called."""
ANY_DELIMITER, BESIDE_NAMES = re.compile(f"[{re.escape(''.join(DELIMITERS))}]"), " \r\"'"
"""What stands between the cells of a header, and what may stand around a name."""
SIDE = Column(
    type="categorical",
    categories=[*SIDES],
    nullable=True,
    meaning=NO_MEANING,
    guessed="the folder above that of the class",
)


class TextFiles(NamedTuple):
    """What stands outside files that are a text each."""

    guess: LayoutGuess
    wishes: Wishes
    """Those of the person, by the names of the columns that no file has."""
    folders: list[str]
    """Those above the classes that say which texts are for the test."""


def find_text_files(path: Path, wishes: Wishes) -> TextFiles | None:
    """What stands outside the texts in a zip or a folder, each in the folder of its class.

    None where there are no such texts, or where they are sequences, or tables with the target.

    Raises:
        UserError: All texts of a given split are on one side of it, or clusters are wished for.
    """
    if wishes.sequence is not None or wishes.horizon is not None or not has_texts(path):
        return None
    target = wishes.target or CLASS
    with open_files(path, path.name, is_single=False, holds="texts") as (names, read):
        texts = sorted(filter(is_text, names))
        if _has_column(decode_text(read(texts[0]), "latin-1") or "", target):
            return None
        if wishes.goal == "clustering":
            raise UserError(
                f"{path.name}: --kind clustering: clusters are found by numbers and categories, "
                "and these files are texts; without --kind the folder of each is its class"
            )
        encodings = {file: _find_encoding(file, read) for file in texts}
    folders = list_folders(texts)
    require_both_sides(folders, path.name, "texts")
    others = Counter(encoding for encoding in encodings.values() if encoding not in ("", "utf-8"))
    encoding = others.most_common(1)[0][0] if others else "utf-8"
    doubts = []
    if others:
        doubts.append(doubt_encoding(f"{others.total()} of {len(texts)} texts are", encoding))
    if unreadable := [file for file, found in encodings.items() if not found]:
        doubts.append(f"{len(unreadable)} files hold no text, such as {unreadable[0]}")
    files = Files(name=FILE, folder=target, text=TEXT, part=PART if folders else None)
    return TextFiles(
        LayoutGuess(Layout(encoding=encoding, files=files), ["a text in each file"], doubts),
        replace(wishes, target=target),
        folders,
    )


def _has_column(text: str, name: str) -> bool:
    """Whether the first line of a text is a header that has a cell `name` among others."""
    names = [cell.strip(BESIDE_NAMES) for cell in ANY_DELIMITER.split(text.partition("\n")[0])]
    return len(names) > 1 and name in names


def _find_encoding(file: str, read: Callable[[str], bytes]) -> str:
    """UTF-8 where a text is that or says what it is; empty where a file is no text."""
    content = read(file)
    if decode_text(content, "utf-8") is not None:
        return "utf-8"
    try:
        return detect_encoding(TextTable(file, "text", partial(io.BytesIO, content)))
    except UserError:
        return ""


def guess_of_files(cells: pd.Series, files: Files) -> Guess | None:
    """A column that stands outside the files, but for that of the classes; None of another."""
    name, present = str(cells.name), cells.dropna()
    if name == files.part:
        return Guess(SIDE, [])
    if name not in (files.text, files.name) or files.text is None or present.empty:
        return None
    return Guess(
        Column(
            type="text" if name == files.text else "identifier",
            meaning=NO_MEANING,
            nullable=len(present) < len(cells),
            example=shorten(" ".join(present.iloc[0].split()), 60),
            guessed="what each file holds" if name == files.text else "where it lies",
        ),
        [],
    )
