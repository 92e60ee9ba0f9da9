"""Which words a prediction depends on, and the texts that a model is most wrong about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.errors import shorten
from ..modeling.model import Model
from ..modeling.outcome import PROBABILITY, Outcome
from ..modeling.words import fold_text, is_mark
from .curves import confident_mistakes, largest_errors, worst_labels

MOST_VARIANTS = 10_000
"""Texts with a word taken out that are predicted."""
MOST_OF_TEXT = 100
"""Words of a text that are taken out, the first ones."""
FEWEST_TEXTS = 3
"""From which a word must be taken out, for its effect to be told."""
MOST_WORDS, MOST_SIDES, MOST_MISTAKES = 8, 12, 8
"""Words for each class, classes, and texts that are shown."""
LONGEST_TEXT = 240
"""Signs of a text that are shown."""
HIGHER, LOWER = "higher", "lower"


class Side(NamedTuple):
    """A class, or a direction of numbers, and what speaks for it."""

    name: str
    words: list[Any]
    """Lines of `weigh_words`."""


class Mistake(NamedTuple):
    """A text, what it is and what it was taken for, in words."""

    text: str
    actual: str
    predicted: str


class WordFacts(NamedTuple):
    """What is to be said of words and texts."""

    sides: list[Side]
    mistakes: list[Mistake]
    is_number: bool
    omitted: int
    """Classes whose words are not shown, since there are too many classes."""

    def write(self, effect: float) -> str:
        """The effect of a word, in percentage points where it is of a probability."""
        return f"{effect:+.3g}" if self.is_number else f"{100 * effect:+.1f}"


def weigh_words(model: Model, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """How predictions change when a word is taken out of a text, on average over the texts.

    It is the occlusion of Zeiler and Fergus (2014) for words: it asks no more of a model than that
    it predicts.

    Args:
        model: What predicts.
        rows: (n_rows, n_columns) typed table with what `Model.apply` takes.
        seed: Of very many rows another seed draws others.

    Returns:
        `side`, `word`, `texts` (how many it was taken out of), and `effect`, which is by how much
        the prediction is higher with it: of a class its probability; of a number the number, or
        minus that where the side is `lower`. For each side those come first that do most in all.
        Texts that the contract calls private are left out.
    """
    contract = model.contract
    names = [name for name in contract.texts if not contract.columns[name].private]
    names = [name for name in names if name in model.features]
    order = np.random.default_rng(seed).permutation(len(rows))
    variants = pd.DataFrame(
        _take_out(rows, names, order), columns=["place", "name", "word", "text"], dtype="object"
    )
    columns = ["side", "word", "texts", "effect"]
    if variants.empty:
        return pd.DataFrame(columns=columns)
    codes, places = pd.factorize(variants["place"])
    originals = rows.iloc[places.astype(int)]
    altered = originals.iloc[codes].reset_index(drop=True)
    for name, part in variants.groupby("name"):
        altered.loc[part.index, name] = part["text"].astype("str")
    effects = -(_predict(model, altered) - _predict(model, originals).to_numpy()[codes])
    by_word = effects.groupby(variants["word"].to_numpy())
    means, counts = by_word.mean(), by_word.size()
    table = means[counts >= FEWEST_TEXTS].rename_axis("word").reset_index()
    table = table.melt("word", var_name="side", value_name="effect")
    table["texts"] = counts.loc[table["word"]].to_numpy()
    totals = (table["effect"] * table["texts"]).to_numpy()
    ordered: pd.DataFrame = table.iloc[np.argsort(-totals, kind="stable")]
    return ordered[columns].reset_index(drop=True)


def _take_out(
    rows: pd.DataFrame, names: list[str], order: np.ndarray
) -> Iterator[tuple[int, str, str, str]]:
    """The place of a row, a column, a word of its text that is no mark, and the text without it."""
    count = 0
    for place in order:
        for name in names:
            text = rows[name].iloc[place]
            words = [] if pd.isna(text) else fold_text(text).split()
            distinct = [word for word in dict.fromkeys(words) if not is_mark(word)]
            for word in distinct[:MOST_OF_TEXT]:
                yield place, name, word, " ".join(one for one in words if one != word)
                count += 1
        if count >= MOST_VARIANTS:
            return


def _predict(model: Model, rows: pd.DataFrame) -> pd.DataFrame:
    """(n_rows, n_sides) what is predicted of each side."""
    predictions, classes = model.apply(rows), model.contract.classes or model.contract.labels
    if classes:
        return predictions[[f"{PROBABILITY}{name}" for name in classes]].set_axis(classes, axis=1)
    numbers = predictions["prediction"]
    return pd.DataFrame({HIGHER: numbers, LOWER: -numbers})


def tabulate_mistakes(outcome: Outcome) -> pd.DataFrame:
    """The rows that the model is most wrong about first, as `curves` tells them."""
    if outcome.labels:
        return worst_labels(outcome)
    if outcome.classes:
        return confident_mistakes(outcome)
    return largest_errors(outcome, MOST_MISTAKES)


def tell_words(
    model: Model, rows: pd.DataFrame, words: pd.DataFrame, mistakes: pd.DataFrame
) -> WordFacts:
    """What is to be shown of words and of texts.

    Args:
        model: What predicts.
        rows: (n_rows, n_columns) typed table of the test rows.
        words: Of `weigh_words`.
        mistakes: Of the same rows; see `tabulate_mistakes`.
    """
    sides = []
    names = model.contract.classes or model.contract.labels
    for name in (names or [HIGHER, LOWER])[:MOST_SIDES]:
        lines = words[(words["side"] == name) & (words["effect"] > 0)].head(MOST_WORDS)
        sides.append(Side(name, [*lines.itertuples()]))
    columns = model.contract.columns
    shown = [name for name in model.contract.texts if not columns[name].private]
    worst = []
    for mistake in mistakes.head(MOST_MISTAKES if shown else 0).to_dict("records"):
        texts = [str(text) for text in rows[shown].iloc[mistake["row"]].dropna()]
        share = f" ({mistake['probability']:.0%})" if "probability" in mistake else ""
        worst.append(
            Mistake(
                shorten(" / ".join(texts), LONGEST_TEXT),
                _write(mistake["actual"]),
                f"{_write(mistake['predicted'])}{share}",
            )
        )
    omitted = max(0, len(names) - MOST_SIDES)
    return WordFacts([side for side in sides if side.words], worst, not names, omitted)


def _write(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
