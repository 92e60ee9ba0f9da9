"""Labels: several texts in one cell, such as `red|round`, and whether each row has each of them.

The order of a cell's labels says nothing, nor does it if one stands there twice: a table has them
in the order of the contract. A row without labels has an empty text; one of which nobody knows is
missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from .contract import SEPARATOR, Column


def parse_labels(cells: pd.Series, column: Column) -> tuple[pd.Series, np.ndarray]:
    """(n_rows,) texts of labels in the contract's order, and whether each has an unknown label.

    A missing cell stays missing, as does one with an unknown label.
    """
    codes, texts = pd.factorize(cells)
    categories, separator = column.categories or [], column.separator or SEPARATOR
    parsed: list[str | None] = []
    for text in texts:
        labels = {*split_labels(text, separator)}
        is_known = labels <= {*categories}
        parsed.append(join_labels(labels, categories, separator) if is_known else None)
    values = pd.Series([*parsed, None], dtype="str").take(codes).set_axis(cells.index)
    return values, (values.isna() & cells.notna()).to_numpy()


def split_labels(text: str, separator: str) -> list[str]:
    """The labels of a cell, blanks around them taken off; of an empty one there are none."""
    return [label for part in text.split(separator) if (label := part.strip())]


def join_labels(labels: Iterable[str], categories: Sequence[str], separator: str) -> str:
    """The labels as one text, in the order of the contract's categories."""
    own = {*labels}
    return separator.join(label for label in categories if label in own)


def encode_labels(cells: pd.Series, column: Column) -> np.ndarray:
    """(n_rows, n_labels) 1 where a row has a label, else 0.

    Args:
        cells: (n_rows,) texts as `parse_labels` gives them; none is missing.
        column: Of the contract.
    """
    categories, separator = column.categories or [], column.separator or SEPARATOR
    codes, texts = pd.factorize(cells)
    if (codes < 0).any():
        raise ValueError(f"{cells.name!r}: a row without a value has no labels to learn")
    places = {label: place for place, label in enumerate(categories)}
    table = np.zeros((len(texts), len(categories)), dtype="int8")
    for row, text in enumerate(texts):
        table[row, [places[label] for label in split_labels(text, separator)]] = 1
    encoded: np.ndarray = table[codes]
    return encoded


def decode_labels(matrix: np.ndarray, column: Column) -> pd.Series:
    """(n_rows,) texts of labels, of a (n_rows, n_labels) matrix of whether a row has each."""
    separator = column.separator or SEPARATOR
    names = np.array(column.categories, dtype="object")
    distinct, codes = np.unique(np.asarray(matrix, dtype=bool), axis=0, return_inverse=True)
    texts = pd.Series([separator.join(names[row]) for row in distinct], dtype="str")
    return texts.take(codes.ravel()).reset_index(drop=True)
