"""What a person should look at in the sentences of a column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pandas as pd

from ..core.contract import Contract
from ..core.errors import shorten
from ..modeling.lexicon import NO_SCRIPT, find_script
from ..modeling.words import fold_text, split_words

MOST_TEXTS = 20_000
"""That are looked at."""
FEW, SHARE = 5, 0.01
SHORTEST_CUT, NEAR_CUT, FEWEST_LENGTHS = 50, 5, 10
"""Characters of texts that may have been cut off, how much shorter others are that are nearly as
long, and how many lengths there are at least where texts are no forms that were filled in."""
LONGEST_EXAMPLE = 40
MARKUP = re.compile(
    r"</?(?:a|b|br|code|div|em|font|h\d|hr|i|img|li|ol|p|pre|span|strong|table|td|tr|u|ul)\b[^<>]*>"
    r"|&(?:amp|apos|gt|lt|nbsp|quot|#x?[\da-f]+);",
    re.IGNORECASE,
)
SIGNS_OF_BYTES = re.compile(r"[^\x00-\x7f]+")
LOOKALIKES = {"Latin", "Cyrillic", "Greek"}
"""Scripts with letters that look like those of another."""
MICRO, OHM = "0123456789\u03bc", "\u03c9"
"""What may stand before and after the Latin letters of a unit, as `fold_text` has it."""


def find_text_doubts(table: pd.DataFrame, contract: Contract) -> dict[str, list[str]]:
    """What is doubtful about each column of sentences of a typed table, in words."""
    sample = table.sample(min(len(table), MOST_TEXTS), random_state=0).sort_index()
    return {
        name: [
            *_find_empty(table[name]),
            *_find_lonely(sample[name].dropna()),
            *_find_marks(sample[name].dropna()),
            *_find_cuts(sample[name].dropna()),
            *_find_scripts(sample[name].dropna()),
            *_find_copies(sample, name, contract),
        ]
        for name in contract.texts
    }


def _find_empty(texts: pd.Series) -> Iterator[str]:
    if missing := int(texts.isna().sum()):
        yield f"{missing} of {len(texts)} rows have no text"
    present = texts.dropna()
    is_mute = ~present.map(_has_word).to_numpy("bool")
    if is_mute.any():
        yield f"{_count(is_mute.sum())} no word, such as {_quote(present[is_mute].iloc[0])}"


def _has_word(text: str) -> bool:
    """Whether any sign is a letter, a digit or such as an emoji."""
    return any(sign.isalnum() or unicodedata.category(sign) == "So" for sign in text)


def _find_lonely(texts: pd.Series) -> Iterator[str]:
    """What there is of words to learn from, where that is one at most."""
    seen, common = set[str](), set[str]()
    for text in texts:
        words = {*split_words(text)}
        common |= seen & words
        seen |= words
        if len(common) > 1:
            return
    if not common:
        yield "no word comes in two texts: there is none to learn from"
    for word in common:
        yield f"no word but {_quote(word)} comes in two texts: there is little to learn from"


def _find_marks(texts: pd.Series) -> Iterator[str]:
    """What is no part of a text, or was one that somebody misread."""
    markup = [found[0] for text in texts if (found := MARKUP.search(text))]
    if len(markup) > SHARE * len(texts):
        yield (
            f"{_count(len(markup))} HTML, such as {_quote(markup[0])}, which is learnt from as "
            "well: take it out first"
        )
    garbled = [word for text in texts if (word := find_garbled(text))]
    if garbled:
        yield (
            f"{_count(len(garbled))} signs such as {_quote(garbled[0])}, which were written in "
            "UTF-8 and read as something else: export them again"
        )


def find_garbled(text: str) -> str | None:
    """A word of a text whose letters were UTF-8 and were read as another encoding; None if none.

    Bytes of other letters are UTF-8 by chance in less than one of many thousand words.
    """
    for word in text.split() if not text.isascii() else ():
        if "\ufffd" in word:
            return word
        for signs in SIGNS_OF_BYTES.findall(word):
            try:
                signs.encode("cp1252").decode("utf-8")
            except UnicodeError:
                continue
            return word
    return None


def _find_cuts(texts: pd.Series) -> Iterator[str]:
    lengths = texts.str.len()
    longest = int(lengths.max()) if len(lengths) else 0
    cut = int((lengths == longest).sum())
    near = int((lengths.between(longest - NEAR_CUT, longest - 1)).sum())
    if lengths.nunique() < FEWEST_LENGTHS:
        return
    if longest >= SHORTEST_CUT and cut >= max(FEW, SHARE * len(texts)) and cut > near:
        yield f"{cut} texts have {longest} characters and none has more: were they cut off?"


def _find_scripts(texts: pd.Series) -> Iterator[str]:
    scripts = texts.map(find_script)
    scripts = scripts[scripts != NO_SCRIPT]
    counts = scripts.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if len(counts) > 1:
        others = [f"{script} {count / len(scripts):.1%}" for script, count in counts.items()]
        yield f"several scripts: {', '.join(others[:FEW])}"
    mixed = (word for text in texts if not text.isascii() for word in fold_text(text).split())
    if (word := next(filter(_mixes_scripts, mixed), None)) is not None:
        yield f"words such as {_quote(word)} mix letters of two scripts that look alike"


def _mixes_scripts(word: str) -> bool:
    if word.isascii():
        return False
    letters = word.lstrip(MICRO).rstrip(OHM)
    return len({*map(find_script, letters)} & LOOKALIKES) > 1


def _find_copies(table: pd.DataFrame, name: str, contract: Contract) -> Iterator[str]:
    """Texts that are another in other letters, or on both sides of a given split."""
    present = table[table[name].notna()]
    texts = present[name].map(fold_text)
    alike = int(texts.drop_duplicates().size)
    if same := present[name].nunique() - alike:
        yield (
            f"{same} of the different texts are another one but for case or spaces: they may come "
            "to lie on both sides of the split"
        )
    if contract.part is not None:
        is_test = (present[contract.part] == "test").to_numpy()
        again = int(texts[is_test].isin(texts[~is_test]).sum())
        if again:
            yield (
                f"{again} of {is_test.sum()} texts for the test are learnt from as well: figures "
                "promise too much"
            )


def _count(count: int) -> str:
    return "1 text has" if count == 1 else f"{count} texts have"


def _quote(text: str) -> str:
    return repr(shorten(" ".join(text.split()), LONGEST_EXAMPLE))
