"""Names for rows, by which two runs know the test rows that both have predicted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..core.examples import STEP
from ..core.records import IDENTIFIER, ROW
from .split import hash_rows


def name_rows(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The hexadecimal 64-bit hashes of what rows contain, which tell nobody what that is.

    Args:
        rows: (n_rows, n_columns) with the contract's columns.
        contract: It says which columns are features, and which are names already.

    Returns:
        (n_rows,) `row`, of the features and the target; and `id`, of the contract's identifiers, if
        it has some: it stays the same when features come, go or are corrected. Of a forecast that
        is which series, when, and how many steps ahead.
    """
    names = {ROW: _hash([*contract.features, contract.target], rows)}
    columns = contract.columns
    identifiers = [name for name, column in columns.items() if column.type == "identifier"]
    if contract.history is not None:
        forecast = (contract.history.series, contract.time, STEP)
        identifiers = [name for name in forecast if name is not None]
    if identifiers:
        names[IDENTIFIER] = _hash(identifiers, rows)
    return pd.DataFrame(names, rows.index, dtype="str")


def _hash(columns: list[str], rows: pd.DataFrame) -> np.ndarray:
    return np.array([f"{value:016x}" for value in hash_rows(rows[columns])], dtype=object)


def digest_names(names: Iterable[str]) -> str:
    """Hexadecimal SHA-256 digest of a set of rows by their names, in whatever order."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
