"""The words of sentences in any language."""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

UNSPACED = (
    *((0x0E00, 0x0EFF), (0x0F00, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF), (0x1A20, 0x1AAF)),
    *((0x2E80, 0x312F), (0x3190, 0xA4CF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xF900, 0xFAFF)),
    *((0x16FE0, 0x18DFF), (0x1AFF0, 0x1B2FF), (0x20000, 0x3FFFF)),
)
"""Code points of scripts that leave no space between words: Thai and Lao, Tibetan and Burmese,
Khmer, the Tai scripts, Chinese and Japanese."""
FIRST_EMOJI = "\u2190"
"""Of the signs above some, such as that of a degree, are none."""
DIVISION = re.compile(r"[\s|;,]+")
"""Blanks, and what stands between the parts of a list."""


def fold_text(text: str) -> str:
    """The words of a text with a space between two, in which spellings of one word are one.

    A word is a run of letters, marks and digits. Any other sign, such as an emoji, stands for
    itself, and so does a sign of a script that leaves no space between words.
    """
    spelling = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(spelling.translate(_SIGNS).split())


def split_words(text: str) -> list[str]:
    """The words of a text; see `fold_text`."""
    return fold_text(text).split()


def list_commonest(words: pd.Series, most: int) -> list[str]:
    """At most so many words, the commonest first, none of them a mark of punctuation."""
    return [word for word in words.value_counts().index if not is_mark(word)][:most]


def is_mark(word: str) -> bool:
    """Whether what stands for a word is a mark of punctuation."""
    return unicodedata.category(word[0]).startswith("P")


def count_words(text: str) -> float:
    """About how many words a text has that no digit is in.

    Here a word is what stands between blanks or the marks of a list, so that an address of the web
    is one, and an emoji. Three signs of a script that leaves no space between words are two words.
    """
    count = 0.0
    for run in DIVISION.split(unicodedata.normalize("NFKC", text)):
        letters = [sign for sign in run if sign.isalpha()]
        unspaced = sum(_is_unspaced(ord(sign)) for sign in letters)
        has_digit = any(sign.isdigit() for sign in run)
        count += unspaced * 2 / 3 + sum(map(is_emoji, run))
        count += len(letters) > unspaced and not has_digit
    return count


def join_texts(X: pd.DataFrame) -> list[str]:
    """(n_rows,) the folded texts of all (n_rows, n_columns) cells; nothing where one is missing."""
    columns = [X[name].astype("str").fillna("") for name in X]
    return [fold_text(" ".join(cells)) for cells in zip(*columns, strict=True)]


class _Signs(dict[int, str]):
    """What becomes of a sign, looked up once."""

    def __missing__(self, code: int) -> str:
        self[code] = _place(code)
        return self[code]


def _place(code: int) -> str:
    sign = chr(code)
    category = unicodedata.category(sign)
    match category[0]:
        case "Z":
            return " "
        case "C":
            return "" if category == "Cf" else " "  # Cf joins two emoji, or allows a hyphen
        case "M" if "VARIATION SELECTOR" in unicodedata.name(sign, ""):
            return ""
        case "L" | "M" | "N" if not _is_unspaced(code):
            return sign
    return f" {sign} "


def is_emoji(sign: str) -> bool:
    """Whether one sign is an emoji, or a picture such as an arrow."""
    return sign >= FIRST_EMOJI and unicodedata.category(sign) == "So"


def _is_unspaced(code: int) -> bool:
    return any(first <= code <= last for first, last in UNSPACED)


_SIGNS = _Signs()
