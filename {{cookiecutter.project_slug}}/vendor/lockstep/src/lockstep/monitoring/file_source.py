"""Batches of the rows of files, predicted by the project's champion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.contract import Contract
from ..data.conformity import as_texts, conform
from ..data.new_rows import NewRows, parse_rows
from ..modeling.embedding import Embedding
from ..modeling.model import Model
from ..reading.tables import read_batches
from .batches import REFUSED, Batch, Subject, read_outcomes
from .windows import NEVER


def read_files(
    files: Sequence[Path],
    subject: Subject,
    model: Model,
    embedding: Embedding | None,
    *,
    resize: bool,
) -> Iterator[Batch]:
    """The rows of some files in their order, with what the model predicts.

    Args:
        files: Tables or images; rows that have the contract's target know their outcome.
        subject: What the model is called.
        model: The model.
        embedding: What numbers stand for an image.
        resize: Whether images of another size are scaled.

    Raises:
        UserError: A file cannot be read, or has no feature.
    """
    for number, file in enumerate(files):
        first = 0
        for frame, rows in _read(file, model.contract, resize=resize):
            batch = _make_batch(frame, rows, subject, model, str(number), first)
            yield _embed(batch, model, embedding) if embedding else batch
            first += len(rows.reasons)


def _read(
    path: Path, contract: Contract, *, resize: bool
) -> Iterator[tuple[pd.DataFrame, NewRows]]:
    """The rows as they stand in a file, and held against the contract."""
    name = str(path)
    if contract.images and path.suffix.lower() != ".parquet":
        from ..reading.images import read_images  # Pillow is there where models take images

        frame, unusable = read_images(path, name, contract, resize=resize)
        yield frame, parse_rows(frame, contract, name, unusable)
        return
    for frame in read_batches(path, name, contract.missing, contract.layout):
        yield frame, parse_rows(_complete(frame, contract), contract, name)


def _complete(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The frame with the features that it lacks, all missing; a file without any is another one."""
    features = contract.features_only()
    lacking = [name for name in features if name not in frame]
    return frame if len(lacking) == len(features) else frame.assign(**dict.fromkeys(lacking))


def _make_batch(
    frame: pd.DataFrame, rows: NewRows, subject: Subject, model: Model, request: str, first: int
) -> Batch:
    contract, count = model.contract, len(frame)
    X, is_whole = rows.X.reset_index(drop=True), rows.reasons.isna().to_numpy()
    predictions = model.apply(X[is_whole]).set_axis(np.flatnonzero(is_whole))
    others = {
        name: contract.columns[name]
        for name in (contract.group, contract.time)
        if name is not None and name in frame
    }
    table, _ = conform(others, frame, contract.layout, contract.missing)
    times = np.full(count, NEVER)
    if contract.time in table and table[contract.time].dtype.kind == "M":
        times = table[contract.time].to_numpy(dtype="datetime64[us]")
    groups = None
    if contract.group in table:
        groups = as_texts(table[contract.group]).to_numpy(dtype="object")
    target = pd.Series(None, range(count), dtype="object")
    if contract.target in frame:
        target = frame[contract.target].reset_index(drop=True)
    return Batch(
        subject,
        times,
        np.full(count, request, dtype="object"),
        np.arange(first, first + count),
        np.where(is_whole, 200, REFUSED),
        np.full(count, np.nan),
        X,
        np.full(count, True),
        rows.breaches,
        groups,
        predictions.reindex(range(count)),
        read_outcomes(target, contract),
        np.full(count, NEVER),
    )


def _embed(batch: Batch, model: Model, embedding: Embedding) -> Batch:
    """The batch with numbers in place of its images; none of one that cannot be used."""
    numbers = embedding.embed(model.pipeline, batch.X[~batch.is_refused])
    return batch._replace(X=numbers.reindex(batch.X.index))
