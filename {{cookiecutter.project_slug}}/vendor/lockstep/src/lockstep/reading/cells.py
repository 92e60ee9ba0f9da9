"""Rows of a table that are parsed when they are asked for, by whichever thread asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow

from ..core.contract import Layout
from ..data.conformity import MOST_APART

Types = Mapping[str, pa.DataType]
TEXT = pa.large_string()
STRINGS = pd.StringDtype(na_value=float("nan"))


class Cells(NamedTuple):
    """Some rows of a table, one at least."""

    names: list[str]
    """Of the columns."""
    parse: Callable[[Types], pd.DataFrame]
    """Gives the rows, with columns of these types where a text can be read as such."""
    has_choice: bool = True
    """Whether they are others by other types."""

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Self:
        """Those of a file that has types itself, or that are parsed already."""
        return cls([*map(str, rows.columns)], partial(_take, rows), has_choice=False)

    def parse_as(self, types: Types) -> pd.DataFrame:
        """The rows, all columns of `types` typed so or else none of the file's texts."""
        return self.parse(types)[self.names]

    def parse_as_text(self) -> pd.DataFrame:
        """The rows, every cell of a text as it is written."""
        return self.parse_as({})


def _take(rows: pd.DataFrame, _: Types) -> pd.DataFrame:
    return rows


def parse_block(
    block: bytes, names: Sequence[str], missing: Sequence[str], layout: Layout, types: Types
) -> pd.DataFrame:
    """The rows of whole lines of text, typed if all cells can be, otherwise all as text.

    Raises:
        pyarrow.ArrowInvalid: They are no well-formed table.
    """
    try:
        table = arrow.read_csv(
            pa.BufferReader(block),
            arrow.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            make_parse_options(layout),
            make_convert_options({name: types.get(name, TEXT) for name in names}, missing),
        )
    except pa.ArrowInvalid:
        if types:
            return parse_block(block, names, missing, layout, {})
        raise
    # The parser takes `nan` for a number, which it is not.
    if any(_has_nan(column) for column in table.columns):
        return parse_block(block, names, missing, layout, {})
    return as_frame(table)


def _has_nan(column: pa.ChunkedArray) -> bool:
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def as_frame(table: pa.Table) -> pd.DataFrame:
    """A table that was parsed, as pandas has it."""
    frame: pd.DataFrame = table.to_pandas(
        types_mapper={TEXT: STRINGS}.get,
        use_threads=False,
        split_blocks=table.num_columns <= MOST_APART,
    )
    return frame


def make_parse_options(layout: Layout) -> arrow.ParseOptions:
    """What stands between cells and around them."""
    return arrow.ParseOptions(
        delimiter=layout.delimiter,
        quote_char=layout.quote or False,
        newlines_in_values=bool(layout.quote),
    )


def make_convert_options(types: Types, missing: Sequence[str]) -> arrow.ConvertOptions:
    """The types of all columns, and which texts are missing."""
    return arrow.ConvertOptions(
        column_types=dict(types), null_values=list(missing), strings_can_be_null=True
    )
