"""Sentences as the terms that they hold: words, words in a row, and parts of words.

A term is known by a hash, so that nothing is looked up and memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted

from .words import join_texts

SLOTS = 2**24
"""Different hashes; of a million terms, one in seventeen has that of another."""
SIGNS_AT_ONCE = 2**20
"""Of texts whose terms are in memory."""
SHORTEST_PART = 2
BASE = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse among whole numbers of 64 bits."""
INVERSE = pow(BASE, -1, 2**64)
SPACE, END = ord(" "), ord("\n")


class Matches(NamedTuple):
    """(n_matches,) places of terms in texts."""

    rows: np.ndarray
    """Of the text, from 0."""
    hashes: np.ndarray


class Terms(TransformerMixin, BaseEstimator):
    """How much each term says of a text: TF-IDF (Sparck Jones, 1972), of the logarithm of counts.

    Words and parts of words are scaled to the length 1 each, so that long texts weigh as much as
    short ones.

    Args:
        words: Most words in a row that are one term.
        characters: Most characters of a part of a word that is a term, of at least 2, where blanks
            before and after the word are characters, too; 0 leaves such parts out.
        min_rows: Fewest train rows in which a term must come.
        most: Most terms, those that come in most train rows.

    Attributes:
        hashes_: Two arrays, for words and for parts, with the hashes of the terms, which go up.
        weights_: The same with the inverse document frequency of each.
    """

    def __init__(
        self, words: int = 2, characters: int = 5, min_rows: int = 2, most: int = 100_000
    ) -> None:
        self.words, self.characters = words, characters
        self.min_rows, self.most = min_rows, most

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Learn from (n_rows, n_columns) texts which terms there are, and how rare each is."""
        texts = join_texts(X)
        counts = [np.zeros(SLOTS, dtype="int32") for _ in range(2)]
        for part in _divide(texts):
            for count, matches in zip(counts, self._find(part), strict=True):
                pairs, _ = _tally(matches.rows * SLOTS + matches.hashes)
                np.add.at(count, pairs % SLOTS, 1)
        self.hashes_ = self._choose(counts)
        self.weights_ = [
            1 + np.log((1 + len(texts)) / (1 + count[hashes]))
            for count, hashes in zip(counts, self.hashes_, strict=True)
        ]
        if not sum(map(len, self.hashes_)):
            raise ValueError(
                f"no word of {', '.join(map(repr, X.columns))} comes in {self.min_rows} of the "
                f"{len(X)} rows; `text: drop` below features in params.yaml leaves sentences out"
            )
        return self

    def transform(self, X: pd.DataFrame) -> sparse.csr_matrix:
        """(n_rows, n_terms) how much each says of a row's texts; words come first."""
        check_is_fitted(self)
        parts = [
            sparse.hstack([*map(self._weigh, (len(part),) * 2, self._find(part), (0, 1))], "csr")
            for part in _divide(join_texts(X))
        ]
        return sparse.vstack(parts, "csr")

    def _choose(self, counts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The hashes of words, and of parts of words, that come in enough rows."""
        chosen = [np.flatnonzero(count >= self.min_rows) for count in counts]
        rows = np.concatenate([count[hashes] for count, hashes in zip(counts, chosen, strict=True)])
        is_kept = np.zeros(len(rows), dtype=bool)
        is_kept[np.argsort(-rows, kind="stable")[: self.most]] = True
        words, parts = np.split(is_kept, [len(chosen[0])])
        return [chosen[0][words], chosen[1][parts]]

    def _find(self, texts: Sequence[str]) -> tuple[Matches, Matches]:
        """Where the words and the parts of words of folded texts are."""
        signs = np.frombuffer(" \n ".join(["", *texts, ""]).encode("utf-32-le"), "u4")
        rows = np.cumsum(signs == END) - 1
        is_letter = (signs != SPACE) & (signs != END)
        sums, inverses = _sum_up(signs)
        starts = np.flatnonzero(is_letter & ~np.append(False, is_letter[:-1]))
        ends = np.flatnonzero(is_letter & ~np.append(is_letter[1:], False)) + 1
        words, parts = [], []
        for count in range(1, self.words + 1):
            first, last = starts[: max(0, len(starts) - count + 1)], ends[count - 1 :]
            words.append(_keep_within(rows, first, last))
        for count in range(SHORTEST_PART, self.characters + 1):
            first = np.arange(len(signs) - count + 1)
            # Only the first and the last sign may be a space: that before, and after, a word.
            inner = np.cumsum(np.append(0, ~is_letter))
            is_part = inner[first + count - 1] == inner[first + 1]
            is_part &= inner[first + count] - inner[first] < count
            first = first[is_part]
            parts.append(_keep_within(rows, first, first + count))
        return _hash(words, rows, sums, inverses), _hash(parts, rows, sums, inverses)

    def _weigh(self, rows: int, matches: Matches, kind: int) -> sparse.csr_matrix:
        """(n_rows, n_terms) weights of words (0) or parts of words (1)."""
        hashes, weights = self.hashes_[kind], self.weights_[kind]
        columns = np.minimum(np.searchsorted(hashes, matches.hashes), max(0, len(hashes) - 1))
        is_term = hashes[columns] == matches.hashes if len(hashes) else np.zeros(len(columns), bool)
        cells, counts = _tally(matches.rows[is_term] * len(hashes) + columns[is_term])
        rows_of, columns = np.divmod(cells, max(1, len(hashes)))
        values = (1 + np.log(counts)) * weights[columns]
        lengths = np.sqrt(np.bincount(rows_of, values**2, minlength=rows))
        values /= lengths[rows_of]
        starts = np.searchsorted(rows_of, np.arange(rows + 1))
        return sparse.csr_matrix((values, columns, starts), shape=(rows, len(hashes)))


def _tally(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers as they go up, and how often each comes; soon, as sorting is."""
    ordered = np.sort(numbers)
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[starts], np.diff(starts, append=len(ordered))


def _divide(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """All texts, some at a time; at least once."""
    ends = np.cumsum([len(text) for text in texts]) // SIGNS_AT_ONCE
    starts = [0, *(np.flatnonzero(np.diff(ends)) + 1)] if len(texts) else [0]
    for start, end in zip(starts, [*starts[1:], len(texts)], strict=True):
        yield texts[start:end]


def _sum_up(signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of signs times powers of `BASE`, and the inverses of those powers.

    The difference of two sums, times the inverse at the first, is a polynomial of the signs in
    between, as by Karp and Rabin (1987): whatever is the same has the same wherever it stands.
    """
    powers, inverses = (
        np.cumprod(np.append(np.uint64(1), np.full(len(signs), factor, dtype="uint64")))
        for factor in (BASE, INVERSE)
    )
    sums = np.append(np.uint64(0), np.cumsum((signs.astype("uint64") + np.uint64(1)) * powers[:-1]))
    return sums, inverses


def _keep_within(rows: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(n, 2) where those parts begin and end that are of one text."""
    places = np.column_stack([first, last])
    kept: np.ndarray = places[rows[first] == rows[last - 1]]
    return kept


def _hash(
    places: Sequence[np.ndarray], rows: np.ndarray, sums: np.ndarray, inverses: np.ndarray
) -> Matches:
    first, last = np.concatenate([np.empty((0, 2), dtype="int64"), *places]).T
    mixed = (sums[last] - sums[first]) * inverses[first]
    # The low bits depend on the low bits of the signs alone until they are mixed (Steele et al.).
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return Matches(rows[first], (mixed % np.uint64(SLOTS)).astype("int64"))


class LatentTerms(TransformerMixin, BaseEstimator):
    """Few numbers in place of many terms: latent semantic analysis (Deerwester et al., 1990).

    Args:
        components: How many, unless there are fewer rows or terms.
        random_state: Seed of the directions that the search begins with.

    Attributes:
        components_: (n_components, n_terms) directions, those in which texts differ most first.
    """

    def __init__(self, components: int = 64, random_state: int = 0) -> None:
        self.components, self.random_state = components, random_state

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Find the directions in which (n_rows, n_terms) terms differ most."""
        count = min(self.components, *X.shape)
        # By iterations that begin with random directions (Halko, Martinsson and Tropp, 2011).
        _, _, self.components_ = randomized_svd(X, count, random_state=self.random_state)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """(n_rows, n_components) how far each row lies in each direction."""
        numbers: np.ndarray = X @ self.components_.T
        return numbers
