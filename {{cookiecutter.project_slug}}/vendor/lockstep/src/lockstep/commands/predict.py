"""Use the champion on new rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

import pandas as pd

from ..core.batches import prefetch, progress
from ..core.contract import FILE, Contract
from ..core.errors import UserError
from ..core.files import replacing
from ..core.project import Project
from ..core.table import as_csv
from ..modeling.model import Model
from ..reading.conformity import conform, describe_first, require_columns
from ..reading.images import read_images
from ..reading.tables import read_batches


def predict_file(file: Path, output: Path | None) -> None:
    """Predict a row for each row of `file`, in its order, as CSV to `output` or standard output."""
    project = Project.find()
    if output is not None:
        _require_writable(output, file, project)
    champion = Model.load(project.require(project.champion), project.name(project.champion))
    features = _read_features(file, champion.contract, resize=project.params.data.resize)
    rows = 0
    with _open_output(output) as lines, progress("predict") as count:
        for batch in prefetch(features):
            predictions = champion.predict(batch)
            if FILE in batch and champion.contract.images:
                predictions.insert(0, FILE, batch[FILE])
            lines.write(as_csv(predictions, header=rows == 0))
            rows += len(batch)
            count(len(batch))
    if output is not None:
        print(f"predict: {rows} rows by {champion.candidate} -> {output}")


def _require_writable(output: Path, file: Path, project: Project) -> None:
    """Make sure that nothing is lost when predictions are written to `output`."""
    if output.is_dir():
        raise UserError(f"{output}: a folder; name a file to write")
    if output.resolve() == file.resolve():
        raise UserError(f"{output}: the file to predict from; name another to write")
    if output.resolve().is_relative_to(project.raw.resolve()):
        raise UserError(f"{output}: files in data/raw are never written; name another place")


def _read_features(path: Path, contract: Contract, *, resize: bool) -> Iterator[pd.DataFrame]:
    """The contract's feature columns in a table or images, typed, batch by batch.

    The first cell that breaks the contract is told once all rows have been looked at.
    """
    first, count, above = None, 0, 0
    for rows, breaches in _conform_batches(path, contract, resize=resize):
        count += len(breaches)
        if first is None and not breaches.empty:
            first = describe_first(breaches.head(1).assign(row=breaches["row"] + above))
        if first is None:
            yield rows
        above += len(rows)
    if first is not None:
        others = f" (and {count - 1} more)" if count > 1 else ""
        raise UserError(f"{path}: {first}{others}")


def _conform_batches(
    path: Path, contract: Contract, *, resize: bool
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The rows of each batch, and their breaches."""
    name, features = str(path), contract.features_only()
    if contract.images and path.suffix.lower() != ".parquet":
        yield read_images(path, name, contract, resize=resize)
        return
    for raw in read_batches(path, name, contract.missing, contract.layout):
        require_columns(raw, features, name)
        yield conform(features, raw, contract.layout, contract.missing)


@contextmanager
def _open_output(output: Path | None) -> Iterator[TextIO]:
    """A file whose content comes to `output` or standard output once the block has ended well."""
    as_text: dict[str, Any] = {"encoding": "utf-8", "newline": "\n"}
    if output is not None and (output.is_file() or not output.exists()):
        with replacing(output.resolve()) as temporary, temporary.open("w", **as_text) as lines:
            yield lines
        return
    with TemporaryFile("w+", **as_text) as lines:
        yield lines
        lines.seek(0)
        if output is None:
            shutil.copyfileobj(lines, sys.stdout)
        else:
            # A pipe or a device takes what is written; it must not be replaced by a file.
            with output.open("w", **as_text) as pipe:
                shutil.copyfileobj(lines, pipe)
