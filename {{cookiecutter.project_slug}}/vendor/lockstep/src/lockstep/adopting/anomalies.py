"""What rows are taken for among which anomalies are looked for."""

from __future__ import annotations

import pandas as pd

from ..core.contract import ANOMALY, Column, Layout
from ..core.errors import UserError
from ..data.conformity import as_texts
from .inference import NEGATIVE, NO_MEANING, Guess, guess_target


def guess_labels(cells: pd.Series, layout: Layout, where: str) -> Guess:
    """The column that says which rows are known to be anomalies; messages call it `where`.

    Raises:
        UserError: It does not tell two kinds of rows apart.
    """
    column, doubts = guess_target(cells, layout, "classification")
    texts = as_texts(cells.dropna())
    texts = texts[~texts.isin(list(column.missing if column else ()))]
    values, name = [*texts.unique()], str(cells.name)
    instead = f"without labels say `--kind anomalies --drop {name}`, and no --target"
    if not values:
        raise UserError(f"{where} holds nothing; {instead}")
    if len(values) > 2:
        raise UserError(
            f"{where} has {len(values)} different values; two were expected, for usual rows and "
            f"for anomalies, or gaps where it is not known; {instead}"
        )
    if len(values) == 1 and values[0].lower() in (*NEGATIVE, "normal"):
        raise UserError(f"{where}: no row is an anomaly, all labels are {values[0]!r}; {instead}")
    if len(values) == 1 and len(texts) == len(cells):
        raise UserError(
            f"{where}: all rows are {values[0]!r}; what is usual is learnt from rows that are not; "
            f"{instead}"
        )
    if len(values) == 1:
        categories = ["normal", values[0]]
        doubts = [f"only {values[0]!r} is ever told: taken for the anomaly, gaps are not known"]
        note = "a text for anomalies, and gaps"
    else:
        assert column is not None
        categories, note = [*(column.categories or values)], column.guessed or ""
    return Guess(
        Column(
            type="binary",
            categories=categories,
            nullable=True,
            meaning=NO_MEANING,
            missing=column.missing if column else (),
            example=column.example if column else None,
            guessed=note,
        ),
        doubts,
    )


def admit_all(column: Column) -> Column:
    """The column without limits: a value beyond those seen may be an anomaly, and no mistake."""
    return column.model_copy(update={"range": None, "open": column.type == "categorical"})


def require_no_label(names: list[str], file: str) -> None:
    """Check that the target without a name is no column already.

    Raises:
        UserError: It is.
    """
    if ANOMALY in names:
        raise UserError(
            f"{file}: there is a column {ANOMALY!r}: say `--target {ANOMALY}` if it tells known "
            f"ones, else `--drop {ANOMALY}`"
        )
