"""What rows are taken for among which anomalies are looked for."""

from __future__ import annotations

import pandas as pd

from ..core.contract import ANOMALY, LEVELS, NUMBERS, Column, Contract, Layout
from ..core.errors import UserError
from ..data.conformity import as_texts
from .inference import NEGATIVE, NO_MEANING, POSITIVE, Guess, guess_target

USUAL = (*NEGATIVE, "normal", "ok", "okay", "good", "benign", "healthy")
"""What rows are called that are no anomalies."""
MOST_RARE = 0.25
"""Share of the labels above which the rarer of two need not be the anomaly."""


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
    if len(values) == 1 and values[0].lower() in USUAL:
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
        categories = sorted(column.categories or values, key=lambda one: one.lower() not in USUAL)
        note, share = column.guessed or "", float((texts == categories[1]).mean())
        words = {*map(str.lower, values)}
        if words <= {*USUAL}:
            doubts = [*doubts, f"{categories[1]!r} is taken for the anomaly; is it?"]
        elif share > MOST_RARE and not words & {*USUAL, *POSITIVE}:
            doubts = [
                *doubts,
                f"{categories[1]!r}, {share:.0%} of the labels, is taken for the anomaly as the "
                "rarer one; if it is the usual one, change the order of its `categories`",
            ]
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


def require_ways(contract: Contract, file: str) -> None:
    """Check that rows can be made odd, which tells how good a detector is.

    Raises:
        UserError: A text alone cannot, nor can dates.
    """
    types = {name: column.type for name, column in contract.features_only().items()}
    texts = [name for name, type_ in types.items() if type_ in LEVELS]
    if len(texts) < 2 and not {*types.values()} & {*NUMBERS}:
        found = f"only {texts[0]!r} is there" if texts else "neither is there"
        raise UserError(
            f"{file}: --kind anomalies: a row is odd by a number, or by two columns of categories "
            f"together, and {found}; add such a column, for instance how often each value comes "
            "in a day"
        )


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
