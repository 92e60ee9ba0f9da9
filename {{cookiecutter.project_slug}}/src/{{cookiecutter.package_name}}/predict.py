"""Use the champion on new rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .config import Project
from .data.contract import Contract, apply, require_columns
from .data.tables import read_table
from .errors import UserError
from .reproducibility.artifacts import write_csv

if TYPE_CHECKING:
    import pandas as pd


def read_features(path: Path, contract: Contract) -> pd.DataFrame:
    """Read the contract's feature columns from a CSV or parquet file, typed and checked.

    Raises:
        UserError: The file cannot be read, lacks a feature, or a cell breaks the contract.
    """
    name = str(path)
    raw = read_table(path, name, contract.missing)
    features = contract.features_only()
    require_columns(raw, features, name)
    table, breaches = apply(features, raw)
    if not breaches.empty:
        first = breaches.iloc[0]
        others = f" (and {len(breaches) - 1} more cells)" if len(breaches) > 1 else ""
        raise UserError(
            f"{name}: row {first['row']}: {first['column']} is {first['value']!r}, "
            f"expected {first['rule']}{others}"
        )
    return table


def main(file: Path, output: Path | None) -> None:
    """Predict a row for each row of `file`, in its order, as CSV to `output` or standard output.

    Raises:
        UserError: There is no champion yet, or `file` or `output` cannot be used.
    """
    from .modeling.saved import load

    project = Project.find()
    champion = load(project.require(project.champion, "train"), project.name(project.champion))
    predictions = champion.predict(read_features(file, champion.contract))
    if output is None:
        predictions.to_csv(sys.stdout, index=False, lineterminator="\n")
        return
    try:
        write_csv(predictions, output)
    except OSError as error:
        raise UserError(f"{output}: cannot be written: {error.strerror}") from error
    print(f"predict: {len(predictions)} rows by {champion.candidate} -> {output}")
