"""Predicting the rows of a file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import MappingProxyType
from typing import Any, TextIO

import pandas as pd

from ..core.batches import pair_ahead, prefetch
from ..core.errors import UserError
from ..core.examples import ORIGIN, PAST, STEP
from ..core.files import replacing
from ..core.progress import progress
from ..core.table import as_csv
from ..data.new_rows import NewRows, parse_rows
from ..modeling.lexicon import NO_SCRIPT, Lexicon, find_script
from ..modeling.model import Model
from ..reading.sequence_files import read_rows

STANDARD_INPUT = Path("-")
ROWS_AT_ONCE = 2**16
"""Of forecasts or sequences, however many the rows of a file make."""
PIXEL_BYTES_AT_ONCE = 2**24


def predict_file(
    model: Model,
    file: Path,
    output: Path | None,
    *,
    resize: bool,
    lexicons: Mapping[str, Lexicon] = MappingProxyType({}),
) -> None:
    """Predict a row for each row of `file`, in its order, as CSV to `output` or standard output.

    A row that breaks the contract has the reason in place of its prediction. Sentences without a
    word that the train rows have are predicted, and told. Of a forecast the file
    holds the rows of series so far, all of which are in memory at once, and the rows that are
    written continue each; of sequences it holds all points, and a row is written for each.

    Args:
        model: The model.
        file: A table or images; `-` reads standard input.
        output: A file to write; see `require_other`.
        resize: Whether images of another size are scaled.
        lexicons: What the train rows' words are, by columns of sentences.

    Raises:
        UserError: Nothing could be predicted; or some rows could not, once all others are written.
    """
    rows, refusals, first_refusal = 0, 0, ""
    foreign = {column: _Foreign(lexicon) for column, lexicon in lexicons.items()}
    with (
        _open_input(file) as (path, name),
        _open_output(output) as lines,
        progress("predict") as count,
    ):
        batches = enumerate(prefetch(_read_rows(path, name, model, resize=resize)))
        for (_, batch), text in pair_ahead(_predict_as_csv, (model,), batches):
            lines.write(text)
            reasons = batch.reasons.reset_index(drop=True).dropna()
            if len(reasons) and not refusals:
                place = reasons.index[0]
                which = _name_example(batch, place) if model.contract.rows else ""
                first_refusal = f"{which or f'row {rows + place + 1}'}, {reasons.iloc[0]}"
            for column, of_column in foreign.items():
                of_column.add(batch.X[column], rows)
            refusals += len(reasons)
            rows += len(batch.reasons)
            count(len(batch.reasons))
    if output is not None:
        print(f"predict: {rows} rows by {model.candidate} -> {output}")
    for column, of_column in foreign.items():
        if of_column.count:
            print(f"predict: {column}: {of_column.describe(rows)}", file=sys.stderr)
    if refusals:
        raise UserError(
            f"{name}: no prediction for {refusals} of {rows} rows; first: {first_refusal}"
        )


def _predict_as_csv(model: Model, numbered: tuple[int, NewRows]) -> str:
    """The predictions of a batch, with their header above the first."""
    number, rows = numbered
    return as_csv(model.predict_rows(rows), header=number == 0)


class _Foreign:
    """Sentences of a column that hold no word of the train rows."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.count, self.first, self.script = 0, 0, ""

    def add(self, texts: pd.Series, above: int) -> None:
        """Count those of (n_rows,) texts, above which there are so many rows."""
        for row, text in enumerate(texts, start=above + 1):
            if not pd.isna(text) and self.lexicon.is_foreign(text):
                if not self.count:
                    self.first, self.script = row, find_script(text)
                self.count += 1

    def describe(self, rows: int) -> str:
        """What to tell of so many rows."""
        new = self.script not in {*self.lexicon.scripts, NO_SCRIPT}
        letters = f", whose letters are {self.script}, as those of no train row" if new else ""
        return (
            f"{self.count} of {rows} texts hold no word that the model has seen, so it can only "
            f"guess; first: row {self.first}{letters}"
        )


def require_other(output: Path, file: Path) -> None:
    """Check that predictions do not take the place of a folder or of their own rows.

    Raises:
        UserError: They would.
    """
    if output.is_dir():
        raise UserError(f"{output}: a folder; name a file to write")
    if output.resolve() == file.resolve():
        raise UserError(f"{output}: the file to predict from; name another to write")


@contextmanager
def _open_input(file: Path) -> Iterator[tuple[Path, str]]:
    """The file to read, and what messages call it; standard input is kept in one meanwhile."""
    if file != STANDARD_INPUT:
        yield file, str(file)
        return
    if sys.stdin.isatty():
        raise UserError(
            "-: nothing is piped into standard input, such as by `... predict - < FILE`"
        )
    with TemporaryDirectory(prefix="predict-") as folder:
        path = Path(folder) / "rows"
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield path, "standard input"


def _name_example(rows: NewRows, place: int) -> str:
    """Which step of which series a row is of, or which sequence."""
    cells = rows.names.select_dtypes(exclude="datetime").iloc[place]
    texts = (repr(cell) if isinstance(cell, str) else str(cell) for cell in cells)
    return ", ".join(map(" ".join, zip(cells.index, texts, strict=True)))


def _read_rows(path: Path, name: str, model: Model, *, resize: bool) -> Iterator[NewRows]:
    """The rows of a table or images, held against the contract, batch by batch."""
    contract = model.contract
    if contract.images and path.suffix.lower() != ".parquet":
        from ..reading.images import read_images  # Pillow is there where models take images

        frame, unusable = read_images(path, name, contract, resize=resize)
        at_once = max(1, PIXEL_BYTES_AT_ONCE // prod(contract.images.shape))
        yield from _divide(parse_rows(frame, contract, name, unusable), at_once)
        return
    batches = read_rows(path, name, contract.missing, contract.layout)
    if contract.rows is not None:
        rows = [_select_inputs(batch, model.inputs, name) for batch in batches]
        yield from _divide(model.parse(pd.concat(rows, ignore_index=True), name), ROWS_AT_ONCE)
        return
    for frame in batches:
        yield parse_rows(frame, contract, name)


def _select_inputs(frame: pd.DataFrame, inputs: Sequence[str], name: str) -> pd.DataFrame:
    """The inputs alone; all columns where some lack, for a message to name them."""
    if {ORIGIN, STEP, PAST} <= {*frame}:
        raise UserError(
            f"{name}: holds the examples that `preprocess` made; a forecast goes on from rows of "
            "series, such as those in data/raw"
        )
    columns = [column for column in frame if column in inputs]
    return frame[columns] if len(columns) == len(inputs) else frame


def _divide(rows: NewRows, at_once: int) -> Iterator[NewRows]:
    """The same examples, some at a time, whose features need not be in memory at once."""
    for start in range(0, len(rows.reasons), at_once):
        yield rows.take(start, start + at_once)


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
