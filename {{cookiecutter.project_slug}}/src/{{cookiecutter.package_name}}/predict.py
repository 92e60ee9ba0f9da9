"""Use the champion on new rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .config import Project
from .data.conformity import apply, first_breach, require_columns
from .data.contract import FILE, Contract
from .data.tables import read_table
from .errors import UserError
from .reproducibility.artifacts import as_csv, write_csv

if TYPE_CHECKING:
    import pandas as pd


def read_features(path: Path, contract: Contract, *, resize: bool) -> pd.DataFrame:
    """Read the contract's feature columns from a file, typed and checked.

    Args:
        path: A CSV or parquet file; where the contract describes images, an image, or a zip or a
            folder of them.
        contract: What the rows should hold.
        resize: Scale images of another size.

    Returns:
        The features, and of images also where each lies.

    Raises:
        UserError: The file cannot be read, lacks a feature, or a cell breaks the contract.
    """
    name = str(path)
    if contract.images and path.suffix.lower() != ".parquet":
        from .data.images import read_images

        table, breaches = read_images(path, name, contract, resize=resize)
    else:
        raw = read_table(path, name, contract.missing, contract.layout)
        features = contract.features_only()
        require_columns(raw, features, name)
        table, breaches = apply(features, raw, contract.layout)
    if not breaches.empty:
        others = f" (and {len(breaches) - 1} more)" if len(breaches) > 1 else ""
        raise UserError(f"{name}: {first_breach(breaches)}{others}")
    return table


def require_writable(output: Path, file: Path, project: Project) -> None:
    """Check that nothing is lost when predictions are written to `output`.

    Raises:
        UserError: It is a folder, the input itself, or below data/raw, where nothing is edited.
    """
    if output.is_dir():
        raise UserError(f"{output}: a folder; name a file to write")
    if output.resolve() == file.resolve():
        raise UserError(f"{output}: the file to predict from; name another to write")
    if output.resolve().is_relative_to(project.raw.resolve()):
        raise UserError(f"{output}: files in data/raw are never written; name another place")


def main(file: Path, output: Path | None) -> None:
    """Predict a row for each row of `file`, in its order, as CSV to `output` or standard output.

    Raises:
        UserError: There is no champion yet, or `file` or `output` cannot be used.
    """
    from .modeling.saved import load

    project = Project.find()
    if output is not None:
        require_writable(output, file, project)
    champion = load(project.require(project.champion, "train"), project.name(project.champion))
    rows = read_features(file, champion.contract, resize=project.params().data.resize)
    predictions = champion.predict(rows)
    if FILE in rows and champion.contract.images:
        predictions.insert(0, FILE, rows[FILE])
    if output is None:
        sys.stdout.write(as_csv(predictions))
        return
    if output.exists() and not output.is_file():
        # A pipe or a device takes what is written; it must not be replaced by a file.
        output.write_text(as_csv(predictions), encoding="utf-8", newline="\n")
    else:
        write_csv(predictions, output.resolve())
    print(f"predict: {len(predictions)} rows by {champion.candidate} -> {output}")
