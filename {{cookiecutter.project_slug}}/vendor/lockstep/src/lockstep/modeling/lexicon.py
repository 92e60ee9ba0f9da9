"""What is watched of a column of sentences, in the columns of a table.

A text has a length, a script, a share of words that no other train row has, and one of its common
words, drawn by chance, so that what is counted of all texts are shares of words.
"""

from __future__ import annotations

import base64
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd

from ..core.contract import Column
from .scales import MOST_CATEGORIES
from .words import split_words

SLOTS = 2**18
"""Bits of the filter, 32 KB."""
MOST_WORDS = 2**14
"""Words in it, the commonest; it takes about one other word in forty for one of them."""
UBIQUITOUS = 0.5
"""Share of the train rows above which a word tells nothing of a text."""
SIGNS_LOOKED_AT = 1000
NO_SCRIPT, NO_WORD = "no letters", "no words"


@dataclass(frozen=True)
class Lexicon:
    """The words of the train rows' texts in a column, in a room that does not grow with them."""

    common: tuple[str, ...]
    """Those that are told apart, the commonest first, but for ubiquitous ones."""
    scripts: tuple[str, ...]
    """Those that came, in their order."""
    slots: np.ndarray
    """(SLOTS,) bool, a filter (Bloom, 1970) of the words, to know whether one came."""

    @classmethod
    def fit(cls, texts: pd.Series) -> Self:
        """The lexicon of (n_rows,) train texts."""
        counts = _count_rows(texts)
        order = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
        common = [word for word in order if 1 < counts[word] <= max(2, UBIQUITOUS * len(texts))]
        slots = np.zeros(SLOTS, dtype=bool)
        slots[[slot for word in order for slot in _hash(word)]] = True
        scripts = sorted({find_script(text) for text in texts.dropna()})
        return cls(tuple(common[:MOST_CATEGORIES]), tuple(scripts[:MOST_CATEGORIES]), slots)

    @classmethod
    def parse(cls, content: dict[str, Any]) -> Self:
        """What `describe` has made JSON of."""
        bits = np.frombuffer(base64.b64decode(content["slots"]), "uint8")
        slots = np.unpackbits(bits).astype(bool)
        return cls(tuple(content["common"]), tuple(content["scripts"]), slots)

    def describe(self) -> dict[str, Any]:
        """It as JSON has it."""
        bits = base64.b64encode(np.packbits(self.slots).tobytes()).decode()
        return {"common": self.common, "scripts": self.scripts, "slots": bits}

    def summarise(self, texts: pd.Series, counts: Mapping[str, int] | None = None) -> pd.DataFrame:
        """(n_rows, 4) what is watched of each of (n_rows,) texts; missing where there is none.

        Args:
            texts: Of one column.
            counts: Of the train rows, how many of them have each word, so that a word counts as
                new if no other row has it.
        """
        rows = [(None,) * 4 if pd.isna(text) else self._look(text, counts) for text in texts]
        names = list_text_summaries(str(texts.name))
        table = pd.DataFrame(rows, texts.index, names, dtype="object")
        types = dict(zip(names, ("float64", "float64", "str", "str"), strict=True))
        return table.astype(types)

    @cached_property
    def _common(self) -> frozenset[str]:
        return frozenset(self.common)

    def _has(self, word: str) -> bool:
        return bool(self.slots[[*_hash(word)]].all())

    def _look(self, text: str, counts: Mapping[str, int] | None) -> tuple[int, float, str, str]:
        words = split_words(text)
        if counts is None:
            new = [word for word in words if not self._has(word)]
        else:
            new = [word for word in words if counts[word] < 2]
        drawn = _draw(text, [word for word in words if word in self._common] or new or words)
        return len(words), len(new) / max(len(words), 1), find_script(text), drawn

    def is_foreign(self, text: str) -> bool:
        """Whether a text holds words, and none that the train rows have."""
        words = [word for word in split_words(text) if any(map(str.isalpha, word))]
        return bool(words) and not any(map(self._has, words))

    def make_columns(self, name: str) -> dict[str, Column | None]:
        """What scales are made by, of the columns of `summarise`; None of numbers."""
        levels = (self.scripts, self.common)
        columns = [
            Column(type="categorical", categories=[*level], meaning="") if level else None
            for level in levels
        ]
        return dict(zip(list_text_summaries(name), [None, None, *columns], strict=True))


def list_text_summaries(name: str) -> tuple[str, str, str, str]:
    """What is watched of a column of sentences, by names."""
    return f"length of {name}", f"new words of {name}", f"script of {name}", name_words(name)


def name_words(name: str) -> str:
    """What the column is called of the words that are drawn."""
    return f"words of {name}"


def summarise_texts(X: pd.DataFrame, lexicons: Mapping[str, Lexicon]) -> pd.DataFrame:
    """(n_rows, n_columns) the features, and what is watched of the sentences among them."""
    texts = [lexicon.summarise(X[name]) for name, lexicon in lexicons.items() if name in X]
    return pd.concat([X, *texts], axis=1)


def summarise_train_texts(texts: pd.Series, lexicon: Lexicon) -> pd.DataFrame:
    """The same of the train rows, of which each looks at its words as if it were a later one."""
    return lexicon.summarise(texts, _count_rows(texts))


def find_script(text: str) -> str:
    """What most letters of a text are written in, such as Latin, Arabic or CJK."""
    counts = Counter(text[:SIGNS_LOOKED_AT])
    scripts = Counter[str]()
    for sign, count in counts.items():
        if script := _name_script(sign):
            scripts[script] += count
    return min(scripts, key=lambda script: (-scripts[script], script), default=NO_SCRIPT)


@lru_cache(maxsize=2**16)
def _name_script(sign: str) -> str:
    if not sign.isalpha():
        return ""
    first = unicodedata.name(sign, "").partition(" ")[0]
    return first if first == "CJK" else first.capitalize()


def _count_rows(texts: Iterable[Any]) -> Counter[str]:
    """How many texts have each word."""
    return Counter(word for text in texts if not pd.isna(text) for word in {*split_words(text)})


def _draw(text: str, words: Sequence[str]) -> str:
    """One of the words, by chance but the same each time."""
    seed = zlib.crc32(_encode(text))
    return min(words, key=lambda word: (zlib.crc32(_encode(word), seed), word), default=NO_WORD)


def _hash(word: str) -> tuple[int, int]:
    code = _encode(word)
    return zlib.crc32(code) % SLOTS, zlib.crc32(code[::-1]) % SLOTS


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
