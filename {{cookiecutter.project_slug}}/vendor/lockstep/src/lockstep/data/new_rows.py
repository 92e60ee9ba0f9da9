"""Rows to predict, each held against the contract by itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple

import pandas as pd

from ..core.contract import IMAGE, Contract
from .conformity import conform, describe, make_breaches, select_cells


class NewRows(NamedTuple):
    """Some rows; all parts but the last have the index of the table."""

    names: pd.DataFrame
    """(n_rows, n_identifiers) texts, of the identifiers that there are."""
    X: pd.DataFrame
    """(n_rows, n_features) the contract's features, typed; missing where they break it."""
    reasons: pd.Series
    """(n_rows,) what breaks the contract, in words; missing where nothing does."""
    breaches: pd.DataFrame
    """The same cell by cell, as `conform` gives it: `row` is the place in the table, from 1."""

    def take(self, start: int, end: int) -> NewRows:
        """The rows from one place to another, which is not among them."""
        breaches = self.breaches[self.breaches["row"].between(start + 1, end)]
        return NewRows(
            self.names.iloc[start:end],
            self.X.iloc[start:end],
            self.reasons.iloc[start:end],
            breaches.assign(row=breaches["row"] - start).reset_index(drop=True),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[NewRows]) -> NewRows:
        """The rows of all parts, below each other and numbered anew."""
        ends = [*accumulate(len(part.reasons) for part in parts)]
        breaches = [
            part.breaches.assign(row=part.breaches["row"] + end - len(part.reasons))
            for part, end in zip(parts, ends, strict=True)
        ]
        return cls(
            pd.concat([part.names for part in parts], ignore_index=True),
            pd.concat([part.X for part in parts], ignore_index=True),
            pd.concat([part.reasons for part in parts], ignore_index=True),
            pd.concat(breaches, ignore_index=True),
        )


def parse_rows(
    frame: pd.DataFrame, contract: Contract, name: str, unusable: pd.DataFrame | None = None
) -> NewRows:
    """Type the features of rows that came with typed cells, with texts, or with both.

    Args:
        frame: (n_rows, n_columns) with at least the features.
        contract: What the rows are held against.
        name: What messages call the rows.
        unusable: What could not be read of images, as `conform` gives breaches.

    Raises:
        UserError: A feature has no column.
    """
    features, layout, missing = contract.features_only(), contract.layout, contract.missing
    keys = {*map(str, frame)}
    identifiers = {
        key: column
        for key, column in contract.columns.items()
        if column.type == "identifier" and key in keys
    }
    cells = select_cells(frame, features | identifiers, missing, name)
    X, breaches = conform(features, cells, layout, missing)
    names, _ = conform(identifiers, cells, layout, missing)
    if contract.images is not None:
        unusable = _find_unfit(cells, contract) if unusable is None else unusable
        breaches = pd.concat([unusable, breaches])
    breaches = breaches.sort_values("row", kind="stable", ignore_index=True)
    lines = [describe(*breach) for breach in breaches[["column", "value", "rule"]].to_numpy()]
    reasons = pd.Series(lines, breaches["row"] - 1, dtype="str").groupby(level=0).agg("; ".join)
    reasons = reasons.reindex(range(len(frame))).astype("str").rename("reason")
    index = frame.index
    return NewRows(names.set_axis(index), X.set_axis(index), reasons.set_axis(index), breaches)


def _find_unfit(cells: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Breaches of what are no pixels, a byte for each of their values, of the contract's shape."""
    images = contract.images
    assert images is not None
    size = prod(images.shape)
    is_fit = cells[IMAGE].map(lambda cell: isinstance(cell, bytes) and len(cell) == size)
    unfit = cells[IMAGE].reset_index(drop=True)[~is_fit.to_numpy(dtype="bool")]
    rule = f"the {size} bytes of {images.width}x{images.height} pixels"
    return make_breaches(IMAGE, unfit.map(lambda cell: type(cell).__name__), rule)
