"""The steps of a recipe that make features of sentences."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, NonNegativeInt, PositiveInt
from sklearn.base import TransformerMixin

from .steps import Scope, step
from .terms import SHORTEST_PART, LatentTerms, Terms


def _require_part(characters: int) -> int:
    if 0 < characters < SHORTEST_PART:
        raise ValueError(
            f"found {characters}; parts of words have {SHORTEST_PART} characters at least, and 0 "
            "leaves them out"
        )
    return characters


@step(takes="prose", gives="terms", fills=True)
def terms(
    _: Scope,
    *,
    words: PositiveInt = 2,
    characters: Annotated[NonNegativeInt, AfterValidator(_require_part)] = 5,
    min_rows: PositiveInt = 2,
    most: PositiveInt = 100_000,
) -> TransformerMixin:
    """TF-IDF of words, of words in a row and of parts of words, of all columns together.

    Args:
        words: most words in a row that are one term
        characters: most characters of a part of a word, from 2; 0 leaves them out
        min_rows: fewest train rows in which a term must come
        most: most terms, the commonest
    """
    return Terms(words, characters, min_rows, most)


@step(takes="terms")
def latent(scope: Scope, *, components: PositiveInt = 64) -> TransformerMixin:
    """Few numbers in place of many terms, those in which texts differ most.

    Args:
        components: how many
    """
    return LatentTerms(components, scope.seed)
