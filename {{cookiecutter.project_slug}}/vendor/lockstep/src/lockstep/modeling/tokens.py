"""Sentences word by word, as numbers by a vocabulary that is a file beside the model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
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
from ..core.places import State, read_state
from ..core.table import Table
from .words import fold_text, join_texts, split_words

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
    rare: tuple[str, ...] = ()
    """Words of the train rows that come further down in the file, in its order."""


class Tokens(TransformerMixin, BaseEstimator):
    """The number of each word of a text, from 2 on: 1 is an unknown word, 0 none any more.

    Args:
        length: Words of a text that are read, from its beginning.
        size: Most numbers, those two included.
        vectors: A file of which words come first in the vocabulary, in its order, if there is one.
        known: How many of its words do.
        rare: Words further down in the file that come next, where the rows have them.

    Attributes:
        vocabulary_: The number of each word: first come those of the file, and then those that come
            in most train rows, which must be two at least.
    """

    def __init__(
        self,
        length: int,
        size: int,
        vectors: str | None = None,
        known: int = 0,
        rare: tuple[str, ...] = (),
    ) -> None:
        self.length, self.size = length, size
        self.vectors, self.known, self.rare = vectors, known, rare

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Learn the vocabulary from (n_rows, n_columns) texts."""
        words = read_vectors(self.vectors, self.known, self.rare)[0] if self.vectors else []
        common = list_common(join_texts(X))
        known, unseen = {*words}, {*self.rare}.difference(common)
        words = [*words, *(word for word in common if word not in known)][: self.size - FIRST]
        # Networks have the vectors by number, so that a word that these rows lack keeps its own.
        self.vocabulary_ = {
            word: number for number, word in enumerate(words, FIRST) if word not in unseen
        }
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """(n_rows, length) numbers of words."""
        check_is_fitted(self, VOCABULARY)
        tokens = np.zeros((len(X), self.length), dtype="float32")
        for row, text in zip(tokens, join_texts(X), strict=True):
            words = text.split()[: self.length]
            row[: len(words)] = [self.vocabulary_.get(word, UNKNOWN) for word in words]
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
    write_text(json.dumps(tokens.vocabulary_, ensure_ascii=False, indent=0) + "\n", path)


def read_vocabulary(path: Path) -> dict[str, int]:
    """What `write_vocabulary` has written."""
    numbers: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    return numbers


def list_train_words(columns: Sequence[str]) -> list[str]:
    """As `list_common`, of columns of the project's train rows; nothing where there are none."""
    path = Paths.find().train
    return [*_list_words(path, read_state(path), tuple(columns))] if path.is_file() else []


@lru_cache(maxsize=1)
def _list_words(path: Path, _: State, columns: tuple[str, ...]) -> list[str]:
    batches = Table(path, path.name).batches(columns)
    return list_common(text for batch in batches for text in join_texts(batch))


def read_vectors(name: str, most: int, rare: Sequence[str] = ()) -> tuple[list[str], np.ndarray]:
    """The first words of a file of vectors, as word2vec and GloVe write it, and their vectors.

    Those of other words follow that are asked for and come further down; no more are in memory.

    A line has a word and its numbers, with a space between two; the first line may have the number
    of words and of numbers instead. What is no single word to `fold_text`, such as one with a space
    in it, and what is one that has come before, is passed over.

    Args:
        name: The file, relative to the project's root.
        most: Words that are read from its beginning.
        rare: Words that are read wherever they are.

    Returns:
        At most `most` words and the others, in the order of the file, and (n_words, n_numbers).

    Raises:
        UserError: There is no such file, or it is another.
    """
    where = f"params.yaml: features.tokens.vectors: {name}"
    path = Paths.find().root / name
    if not path.is_file():
        raise UserError(f"{where}: no such file in the project")
    return _read_vectors(where, path, read_state(path), most, tuple(rare))


@lru_cache(maxsize=2)  # for each fold again otherwise
def _read_vectors(
    where: str, path: Path, _: State, most: int, rare: tuple[str, ...]
) -> tuple[list[str], np.ndarray]:
    vectors: dict[str, np.ndarray] = {}
    width, wanted = 0, {*rare}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if len(vectors) >= most:
                    if not wanted:
                        break
                    if fold_text(line.partition(" ")[0]) not in wanted:
                        continue
                word, *cells = line.rstrip("\n ").split(" ")
                if (number == 1 and len(cells) == 1) or not line.strip():
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
                    numbers = np.array([*map(float, cells)], dtype="float32")
                    if not np.isfinite(numbers).all():
                        raise UserError(
                            f"{where}: line {number} has a number that is not finite; write one "
                            "that is, or leave the word out"
                        )
                    vectors.setdefault(words[0], numbers)
                    wanted.discard(words[0])
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: it is no text in UTF-8; write it as one") from error
    except ValueError as error:
        raise UserError(
            f"{where}: line {number}: {error}; a word and its numbers were expected"
        ) from error
    if not vectors:
        raise UserError(f"{where}: holds no word")
    return [*vectors], np.stack([*vectors.values()])
