"""Telling names and postal addresses from short sentences.

Names are little else than words that begin with a capital, and a handful of small ones such as
`van`; so are addresses, with words such as `rue` and with numbers. Sentences have many different
small words. Where a script has no capitals, or nobody used them, names are told by how few of their
words come again.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

import pandas as pd

from ..modeling.words import is_emoji, split_words

LETTERS = re.compile(r"[^\W\d_]+")
DIGIT = re.compile(r"\d")
HANDFUL, NEARLY_ALL, HARDLY_ANY = 15, 0.9, 0.1
"""Small words that names or addresses of a country have, and shares that are as good as all and
none."""
FEWEST_CAPITALS, FEWEST_CAPITALS_OF_ADDRESSES = 0.6, 0.35
"""Shares of the words of names with small words among them that begin with a capital."""
OFTEN, OFTEN_AMONG_CAPITALS = 0.02, 0.3
"""Shares of the texts that a word comes often in; the second where all begin with capitals, so that
names of few people are names."""
FEWEST_COMMON, FEWEST_COMMON_AMONG_CAPITALS = 0.1, 0.5
"""Shares of the words of phrases that come often."""


class Cases(NamedTuple):
    """How the words of texts begin, texts all in capitals left out."""

    capitals: float
    """Share of the words that begin with one; of a script without capitals there are none."""
    small: Counter[str]
    """Words that begin with a small letter."""

    @property
    def has_handful(self) -> bool:
        """Whether nearly all of the small words are a few that come again and again."""
        commonest = sum(count for _, count in self.small.most_common(HANDFUL))
        return commonest >= NEARLY_ALL * self.small.total()


def are_names(texts: pd.Series) -> bool:
    """Whether short texts are names of people or places, or addresses, and no phrases."""
    cases = _count_cases(texts)
    if cases.capitals > NEARLY_ALL:
        return _measure_common(texts, OFTEN_AMONG_CAPITALS) < FEWEST_COMMON_AMONG_CAPITALS
    have_numbers = texts.str.contains(DIGIT).mean() >= NEARLY_ALL
    fewest = FEWEST_CAPITALS_OF_ADDRESSES if have_numbers else FEWEST_CAPITALS
    if cases.capitals >= fewest and cases.has_handful:
        return True
    if HARDLY_ANY < cases.capitals < FEWEST_CAPITALS:
        return False
    return _measure_common(texts, OFTEN) < FEWEST_COMMON


def _count_cases(texts: pd.Series) -> Cases:
    words = [
        word
        for text in texts
        if not text.isupper()
        for word in LETTERS.findall(unicodedata.normalize("NFC", text))
    ]
    capitals = sum(word[0].isupper() for word in words) / max(1, len(words))
    return Cases(capitals, Counter(word for word in words if word[0].islower()))


def _measure_common(texts: pd.Series, share: float) -> float:
    """The share of the words, each counted once in a text, that come in this share of the texts."""
    words = (dict.fromkeys(split_words(text)) for text in texts)
    counts = Counter(
        word for own in words for word in own if word[0].isalpha() or is_emoji(word[0])
    )
    least = max(2, share * len(texts))
    return sum(count for count in counts.values() if count >= least) / max(1, counts.total())
