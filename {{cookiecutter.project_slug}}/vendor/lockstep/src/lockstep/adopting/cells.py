"""Cells of requests as a raw file has them: texts, written as the contract says."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from ..core.contract import NUMBERS, SEPARATOR, Column, Layout
from ..data.conformity import as_texts, format_time, join_lists, parse_times

WORDS = {True: ("True", "true", "1"), False: ("False", "false", "0")}
"""What categories may call a truth value."""


def write_cells(cells: pd.Series, column: Column, layout: Layout) -> pd.Series:
    """The texts that are read by the contract as the cells are.

    Args:
        cells: (n_rows,) as JSON has them.
        column: What the contract says of them.
        layout: How the raw tables are written.

    Returns:
        (n_rows,) texts; those that came as texts are as they came.
    """
    if column.type in NUMBERS:
        cells = cells.map(lambda cell: _write_number(cell, layout.decimal), na_action="ignore")
    elif column.categories is not None:
        words = {truth: _choose_word(truth, column.categories) for truth in WORDS}
        cells = cells.map(lambda cell: words[cell] if isinstance(cell, bool) else cell)
    texts = as_texts(join_lists(cells, column.separator or SEPARATOR))
    if column.format is not None:
        # Of parquet the server keeps times as ISO 8601 says, whatever the format.
        write = partial(format_time, form=column.format)
        times, other = parse_times(texts, column.format), parse_times(texts, None)
        texts = texts.mask(times.isna() & other.notna(), other.map(write, na_action="ignore"))
    return texts


def _write_number(cell: Any, decimal: str) -> Any:
    return cell if isinstance(cell, str) else str(+cell).replace(".", decimal)


def _choose_word(truth: bool, categories: list[str]) -> str:
    words = WORDS[truth]
    return next((word for word in words if word in categories), words[0])
