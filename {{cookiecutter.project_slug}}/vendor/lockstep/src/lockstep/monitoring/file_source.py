"""Batches of the rows of files, predicted by the project's champion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.batches import map_ahead
from ..core.contract import IMAGE, Contract
from ..core.examples import GAPS, LEVEL, PAST, SPREAD
from ..data.conformity import NO_BREACHES, as_texts, conform, require_columns
from ..data.new_rows import NewRows, parse_rows
from ..data.past import measure_gaps
from ..data.replay import replay
from ..data.sequences import gather_frame
from ..modeling.embedding import Embedding
from ..modeling.lexicon import summarise_texts
from ..modeling.model import Model
from ..modeling.profile import Profile
from ..modeling.row_blocks import find_block_column
from ..modeling.signals import summarise_signals
from ..reading.sequence_files import read_rows
from .batches import REFUSED, Batch, Subject, make_relative, read_outcomes
from .windows import NEVER


def read_files(
    files: Sequence[Path],
    subject: Subject,
    model: Model,
    profile: Profile | None,
    *,
    resize: bool,
) -> Iterator[Batch]:
    """The rows of some files in their order, with what the model predicts.

    Args:
        files: Tables or images; rows that have the contract's target know their outcome. Of a
            forecast rows of series, whose forecasts are made anew: see `data.replay`.
        subject: What the model is called.
        model: The model.
        profile: Tells what stands for an image, and for sentences.
        resize: Whether images of another size are scaled.

    Raises:
        UserError: A file cannot be read, or has no feature.
    """
    parts = (
        part
        for number, file in enumerate(files)
        for part in _read_parts(file, str(number), model, resize=resize)
    )
    return map_ahead(_make_batch, (subject, model, profile), parts)


class _Part(NamedTuple):
    """Some rows of a file."""

    file: str
    """Its number."""
    first: int
    """How many rows of the file come before them."""
    frame: pd.DataFrame
    """What more than the features is asked of them, as it stands in the file."""
    rows: NewRows
    """The same rows, held against the contract."""


def _read_parts(path: Path, number: str, model: Model, *, resize: bool) -> Iterator[_Part]:
    contract, first = model.contract, 0
    for frame, rows in (
        _read(path, contract, resize=resize)
        if contract.history is None
        else _replay(path, model, contract.history)
    ):
        _, block = find_block_column(contract) or ("day", None)
        asked = {block, contract.time, contract.target}
        columns = [name for name in frame if name in asked]
        yield _Part(number, first, frame[columns], rows)
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
    batches = read_rows(path, name, contract.missing, contract.layout)
    if contract.points is not None:
        frame = pd.concat([*batches], ignore_index=True)
        rows = gather_frame(frame, contract, name)
        # What all points of a sequence share stands in the first of each, too.
        yield frame[~frame[contract.points.sequence].duplicated()].reset_index(drop=True), rows
        return
    for frame in batches:
        yield frame, parse_rows(_complete(frame, contract), contract, name)


def _replay(path: Path, model: Model, history: Contract) -> Iterator[tuple[pd.DataFrame, NewRows]]:
    """What could have been forecast in a file, after the rows of it that break the contract."""
    batches = read_rows(path, str(path), history.missing, history.layout)
    frame = pd.concat([*batches], ignore_index=True)
    columns = {name: history.columns[name] for name in model.inputs}
    # Rows of times to come tell what is known ahead.
    target = columns[history.target].model_copy(update={"nullable": True})
    require_columns(frame, columns, str(path))
    rows, breaches = conform(
        columns | {history.target: target}, frame, history.layout, history.missing
    )
    is_whole = ~rows.index.isin(breaches["row"] - 1)
    if not is_whole.all():
        broken = rows[~is_whole]
        reasons = pd.Series("", broken.index, dtype="str")
        yield broken, NewRows(pd.DataFrame(), broken, reasons, breaches)
    for examples in replay(rows[is_whole], model.contract):
        reasons = pd.Series(None, examples.index, dtype="str")
        yield examples, NewRows(pd.DataFrame(), examples, reasons, NO_BREACHES)


def _make_refused(part: _Part, history: Contract, subject: Subject) -> Batch:
    """Rows of series that no forecast can be made from."""
    rows, breaches = part.rows.X, part.rows.breaches
    count, times = len(rows), rows[str(history.time)]
    numbers = pd.Series(range(1, count + 1), rows.index + 1)
    never = np.full(count, NEVER)
    return Batch(
        subject,
        times.to_numpy("datetime64[us]") if times.dtype.kind == "M" else never,
        np.full(count, part.file, dtype="object"),
        np.arange(count),
        np.full(count, REFUSED),
        np.full(count, np.nan),
        pd.DataFrame(index=range(count)),
        np.full(count, False),
        breaches.assign(row=breaches["row"].map(numbers)),
        None,
        pd.DataFrame(index=range(count)),
        np.full(count, None, dtype="object"),
        never,
    )


def _complete(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The frame with the features that it lacks, all missing; a file without any is another one."""
    features = contract.features_only()
    lacking = [name for name in features if name not in frame]
    return frame if len(lacking) == len(features) else frame.assign(**dict.fromkeys(lacking))


def _make_batch(subject: Subject, model: Model, profile: Profile | None, part: _Part) -> Batch:
    if model.contract.history is not None:
        return _make_forecasts(subject, model, model.contract.history, part)
    batch = _predict(subject, model, part)
    if model.contract.points is not None:
        summaries = summarise_signals(batch.X, model.contract)
        batch = batch._replace(X=pd.concat([batch.X, summaries], axis=1))
    if profile is not None and profile.lexicons:
        batch = batch._replace(X=summarise_texts(batch.X, profile.lexicons))
    embedding = profile.embedding if profile else None
    return _embed(batch, model, embedding) if embedding else batch


def _make_forecasts(subject: Subject, model: Model, history: Contract, part: _Part) -> Batch:
    if part.rows.reasons.notna().all():
        return _make_refused(part, history, subject)
    batch, examples = _predict(subject, model, part), part.rows.X
    gaps = measure_gaps(examples[PAST].tolist(), model.contract.columns[PAST])
    batch = batch._replace(X=examples.assign(**{GAPS: gaps}))
    return make_relative(batch, *examples[[LEVEL, SPREAD]].to_numpy("float64").T)


def _predict(subject: Subject, model: Model, part: _Part) -> Batch:
    contract, frame, rows, count = model.contract, part.frame, part.rows, len(part.frame)
    X, is_whole = rows.X.reset_index(drop=True), rows.reasons.isna().to_numpy()
    predictions = model.apply(X[is_whole]).set_axis(np.flatnonzero(is_whole))
    by, block = find_block_column(contract) or ("day", None)
    others = {
        name: contract.columns[name]
        for name in (block, contract.time)
        if name is not None and name in frame
    }
    table, _ = conform(others, frame, contract.layout, contract.missing)
    times = np.full(count, NEVER)
    if contract.time in table and table[contract.time].dtype.kind == "M":
        times = table[contract.time].to_numpy(dtype="datetime64[us]")
    groups = None
    if by == "group" and block in table:
        groups = as_texts(table[block]).to_numpy(dtype="object")
    target = pd.Series(None, range(count), dtype="object")
    if contract.target in frame:
        target = frame[contract.target].reset_index(drop=True)
        target = target.fillna("") if contract.labels else target
    return Batch(
        subject,
        times,
        np.full(count, part.file, dtype="object"),
        np.arange(part.first, part.first + count),
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
    others = batch.X.drop(columns=IMAGE)
    return batch._replace(X=pd.concat([numbers.reindex(others.index), others], axis=1))
