"""Sentences word by word, as numbers by a vocabulary that is a file beside the model."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..core.errors import UserError
from ..core.files import write_text
from ..core.paths import Paths
from .words import join_texts, split_words

VOCABULARY = "vocabulary_"
UNKNOWN, FIRST = 1, 2
"""What stands for a word that the vocabulary lacks, and for its first one; 0 is the end."""
EXPECTED = "a word and its numbers, with a space between two, were expected"
MIN_ROWS = 2
"""Fewest train rows in which a word must come."""


class TokenShape(NamedTuple):
    """How sentences come to a candidate that reads them word by word."""

    length: int
    """How many of the first columns are numbers of words, 0 after the last one."""
    size: int
    """All of these are below it."""
    vectors: str | None = None
    """The file of vectors of the words, if there is one."""
    known: int = 0
    """How many of the file's words come first; those of the train rows come after them."""


class Tokens(TransformerMixin, BaseEstimator):
    """The number of each word of a text, from 2 on: 1 is an unknown word, 0 none any more.

    Args:
        length: Words of a text that are read, from its beginning.
        size: Most numbers, those two included.
        vectors: A file of which words come first in the vocabulary, in its order, if there is one.
        known: How many of its words do.

    Attributes:
        vocabulary_: The words in the order of their numbers: those of the file, and then those that
            come in most train rows, which must be two at least.
    """

    def __init__(self, length: int, size: int, vectors: str | None = None, known: int = 0) -> None:
        self.length, self.size = length, size
        self.vectors, self.known = vectors, known

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Learn the vocabulary from (n_rows, n_columns) texts."""
        words = read_vectors(self.vectors, self.known)[0] if self.vectors else []
        known = {*words}
        common = [word for word in list_common(join_texts(X)) if word not in known]
        self.vocabulary_ = [*words, *common][: self.size - FIRST]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """(n_rows, length) numbers of words."""
        check_is_fitted(self, VOCABULARY)
        numbers = {word: number for number, word in enumerate(self.vocabulary_, FIRST)}
        tokens = np.zeros((len(X), self.length), dtype="float32")
        for row, text in zip(tokens, join_texts(X), strict=True):
            words = text.split()[: self.length]
            row[: len(words)] = [numbers.get(word, UNKNOWN) for word in words]
        return tokens


def list_common(texts: Iterable[str]) -> list[str]:
    """The words that come in `MIN_ROWS` of the folded texts, those that come in most first."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update({*text.split()})
    common = [word for word, count in counts.items() if count >= MIN_ROWS]
    return sorted(common, key=lambda word: (-counts[word], word))


def find_tokens(pipeline: Pipeline) -> Tokens | None:
    """What makes numbers of words in a fitted pipeline of features and an estimator."""
    features = pipeline[0][-1] if isinstance(pipeline[0], Pipeline) else pipeline[0]
    if not isinstance(features, ColumnTransformer):
        return None
    parts = (part for _, part, _ in features.transformers_ if isinstance(part, Tokens))
    return next(parts, None)


@contextmanager
def without_vocabulary(tokens: Tokens | None) -> Iterator[None]:
    """Leave the vocabulary out of `tokens`, if there are any, while the block runs."""
    if tokens is None:
        yield
        return
    words = tokens.vocabulary_
    del tokens.vocabulary_
    try:
        yield
    finally:
        tokens.vocabulary_ = words


def write_vocabulary(tokens: Tokens, path: Path) -> None:
    """The words by their numbers, a line each."""
    words = {word: number for number, word in enumerate(tokens.vocabulary_, FIRST)}
    write_text(json.dumps(words, ensure_ascii=False, indent=0) + "\n", path)


def read_vocabulary(path: Path) -> list[str]:
    """What `write_vocabulary` has written."""
    return [*json.loads(path.read_text(encoding="utf-8"))]


def read_vectors(name: str, most: int) -> tuple[list[str], np.ndarray]:
    """The first words of a file of vectors, as word2vec and GloVe write it, and their vectors.

    A line has a word and its numbers, with a space between two; the first line may have the number
    of words and of numbers instead. What is no single word to `fold_text`, such as one with a space
    in it, and what is one that has come before, is passed over.

    Args:
        name: The file, relative to the project's root.
        most: Words that are read.

    Returns:
        At most `most` words, and (n_words, n_numbers).

    Raises:
        UserError: There is no such file, or it is another.
    """
    where = f"params.yaml: features.tokens.vectors: {name}"
    path = Paths.find().root / name
    vectors: dict[str, list[float]] = {}
    width = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                word, *cells = line.rstrip("\n ").split(" ")
                if number == 1 and len(cells) == 1:
                    continue
                if not cells:
                    fault = "tabs" if "\t" in line else "no number after its first word"
                    raise UserError(f"{where}: line {number} has {fault}; {EXPECTED}")
                width = width or len(cells)
                # A word may have spaces in it, as those of GloVe do.
                word, cells = " ".join([word, *cells[:-width]]), cells[-width:]
                if len(cells) != width:
                    raise UserError(
                        f"{where}: line {number} has {len(cells)} numbers after its first word, "
                        f"where the lines before it have {width}; {EXPECTED}"
                    )
                if len(words := split_words(word)) == 1:
                    numbers = [*map(float, cells)]
                    if not all(map(math.isfinite, numbers)):
                        raise UserError(
                            f"{where}: line {number} has a number that is not finite; write one "
                            "that is, or leave the word out"
                        )
                    vectors.setdefault(words[0], numbers)
                if len(vectors) == most:
                    break
    except FileNotFoundError as error:
        raise UserError(f"{where}: no such file in the project") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: it is no text in UTF-8; write it as one") from error
    except ValueError as error:
        raise UserError(
            f"{where}: line {number}: {error}; a word and its numbers were expected"
        ) from error
    if not vectors:
        raise UserError(f"{where}: holds no word")
    return [*vectors], np.array([*vectors.values()], dtype="float32")
