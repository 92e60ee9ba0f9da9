"""What a model answers to the questions that a worker was asked at once.

An answer never depends on its neighbours: rows are held against the contract cell by cell, and
`Model.apply` gives a row the same bits whatever rows are beside it.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.contract import FILE, Contract
from ..core.errors import UserError, guard_reading, shorten
from ..data.conformity import LONGEST_VALUE
from ..data.new_rows import NewRows, parse_rows
from ..modeling.embedding import Embedding
from ..modeling.model import Model
from ..reading.tables import read_batches
from ..reading.texts import count_columns
from .golden import list_answers

NAME = "the request"
EXACT = 2**53
"""Up to it, a float holds every whole number."""
LARGEST_TABLE = 256 * 10**6
"""Bytes of a table in memory."""
SPARE_COLUMNS = 1000
"""Columns of a table that the contract does not have; each takes as long as many cells."""
PICTURES = ("PNG", "JPEG", "PPM")
"""Formats of images; as the last one the server sends tensors of pixels. Other decoders, one of
which starts a program, are for files of one's own."""
ALONE = ("csv", "parquet")
"""Forms whose rows are read at once; of the others, several questions are."""


class Query(NamedTuple):
    """A question, as the server's `messages.Question` has come through the pipe."""

    form: str
    rows: list[dict[str, Any]]
    body: bytes


class Part(NamedTuple):
    """The rows of some questions, in their order."""

    parsed: NewRows
    records: list[dict[str, Any]]
    """Their cells by the names of their columns, as JSON has them; none of image files."""
    counts: list[int]
    """Rows of each question."""


class Answerer:
    """Answers by a model.

    Args:
        model: The model.
        resize: Whether images of another size than the contract's are scaled.
        embedding: What numbers stand for an image, of which nothing else is told.
    """

    def __init__(self, model: Model, *, resize: bool, embedding: Embedding | None = None) -> None:
        self.model, self.resize, self.embedding = model, resize, embedding

    def answer(
        self, questions: Sequence[Query], columns: Sequence[str] | None, most_rows: int
    ) -> list[dict[str, Any]]:
        """Answer some questions, each as if it were the only one.

        Args:
            questions: The questions.
            columns: Those of whose cells `rows` tells; None where it tells nothing.
            most_rows: Of a question.

        Returns:
            Of each question `answers` and `rows`, as the server's `messages.Reply` has them, or the
            `fault` for which it has none at all, or the `crash` that it has led to.
        """
        replies: list[dict[str, Any]] = [{} for _ in questions]
        for places in _divide(questions, most_rows):
            batch = [questions[place] for place in places]
            for place, part in zip(places, self._try(batch, columns, most_rows), strict=True):
                replies[place] = part
        if any(question.form in ALONE for question in questions):
            # What a large table took would stay with this process.
            pa.default_memory_pool().release_unused()
        return replies

    def _try(
        self, questions: Sequence[Query], columns: Sequence[str] | None, most_rows: int
    ) -> list[dict[str, Any]]:
        """Answer some questions together or, if one of them cannot be answered, each by itself."""
        try:
            return self._answer_together(questions, columns, most_rows)
        except UserError as error:
            return [{"fault": str(error)}] * len(questions)
        except Exception as error:
            if len(questions) > 1:
                return [
                    reply for one in questions for reply in self._try([one], columns, most_rows)
                ]
            traceback.print_exc()
            return [{"crash": f"{type(error).__name__}: {error}"}]

    def _answer_together(
        self, questions: Sequence[Query], columns: Sequence[str] | None, most_rows: int
    ) -> list[dict[str, Any]]:
        contract = self.model.contract
        match questions[0].form:
            case "rows":
                _require_few(len(questions[0].rows), most_rows)
                part = _read_rows(questions, contract)
            case "image":
                part = _read_images(questions, contract, resize=self.resize)
            case form:
                part = _read_table(questions[0].body, form, contract, most_rows)
        answers = _join_errors(self.model.predict_rows(part.parsed), part)
        rows = None if columns is None else self._list_cells(part, columns)
        ends = [*accumulate(part.counts)]
        places = [slice(start, end) for start, end in pairwise([0, *ends])]
        return [
            {"answers": answers[place], "rows": rows[place] if rows else None} for place in places
        ]

    def _list_cells(self, part: Part, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Of each row the cells of some columns, or the numbers that stand for an image."""
        if self.embedding is None or not columns:
            return [
                {name: record[name] for name in columns if name in record}
                for record in part.records
            ]
        is_whole = part.parsed.reasons.isna().to_numpy()
        table = self.embedding.embed(self.model.pipeline, part.parsed.X[is_whole])
        numbers = iter(_list_records(table))
        return [next(numbers) if whole else {} for whole in is_whole]


def _divide(questions: Sequence[Query], most_rows: int) -> list[list[int]]:
    """The places of questions, those together whose rows can be read together."""
    places = defaultdict(list)
    for place, question in enumerate(questions):
        is_alone = question.form in ALONE or len(question.rows) > most_rows
        places[(question.form, place if is_alone else None)].append(place)
    return [*places.values()]


def _read_rows(questions: Sequence[Query], contract: Contract) -> Part:
    records = [
        {name: _clean(row[name]) for name in contract.columns if name in row}
        for question in questions
        for row in question.rows
    ]
    names = [name for name in contract.columns if _is_asked(name, contract)]
    # Of a type that holds anything, so that no cell becomes another for its neighbours' sake.
    cells = {
        name: pd.Series([record.get(name) for record in records], dtype="object") for name in names
    }
    parsed = parse_rows(pd.DataFrame(cells), contract, NAME)
    return Part(parsed, records, [len(question.rows) for question in questions])


def _is_asked(name: str, contract: Contract) -> bool:
    """Whether a column is a feature or an identifier, which an answer repeats."""
    return name in contract.features or contract.columns[name].type == "identifier"


def _clean(cell: Any) -> Any:
    """A cell of JSON as one that a table can hold.

    Numbers are texts where they are none in a table, or would become others beside a gap.
    """
    match cell:
        case None | bool():
            return cell
        case int() if abs(cell) > EXACT:
            return str(cell)
        case float() if not isfinite(cell):
            return str(cell)
        case int() | float():
            return cell
        case _:
            # JSON can hold halves of characters, which are no text.
            return str(cell).encode("utf-8", "replace").decode("utf-8")


def _read_images(questions: Sequence[Query], contract: Contract, *, resize: bool) -> Part:
    if contract.images is None:
        raise UserError(f"{NAME}: an image; the contract asks for rows of a table")
    from ..reading.images import read_images  # Pillow is there where models take images

    frames, breaches = [], []
    for place, question in enumerate(questions):
        with TemporaryDirectory(prefix="serve-") as folder:
            path = Path(folder) / "image.png"
            path.write_bytes(question.body)
            frame, unusable = read_images(path, NAME, contract, resize=resize, formats=PICTURES)
        frames.append(frame.drop(columns=FILE))
        breaches.append(unusable.assign(row=place + 1))
    frame = pd.concat(frames, ignore_index=True)
    parsed = parse_rows(frame, contract, NAME, pd.concat(breaches, ignore_index=True))
    return Part(parsed, [], [1] * len(questions))


def _read_table(body: bytes, form: str, contract: Contract, most_rows: int) -> Part:
    with TemporaryDirectory(prefix="serve-") as folder:
        path = Path(folder) / f"rows.{form}"
        path.write_bytes(body)
        if form == "parquet":
            with guard_reading(f"{NAME}: not a readable parquet file"):
                _require_moderate(path, contract, most_rows)
        else:
            _require_narrow(count_columns(path, NAME, contract.layout), contract)
        frames, count = [], 0
        for frame in read_batches(path, NAME, contract.missing, contract.layout):
            count += len(frame)
            _require_few(count, most_rows)
            frames.append(frame)
    table = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    parsed = parse_rows(table, contract, NAME)
    rows = _list_records(table[[name for name in table if name in contract.columns]])
    records = [{name: _as_json(cell) for name, cell in row.items()} for row in rows]
    return Part(parsed, records, [len(table)])


def _list_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each row its cells by the names of their columns."""
    names = [*map(str, table)]
    rows = table.itertuples(index=False, name=None)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _require_moderate(path: Path, contract: Contract, most_rows: int) -> None:
    """Refuse a parquet file whose rows would fill the memory, however few its bytes are."""
    with pq.ParquetFile(path) as file:
        _require_narrow(file.metadata.num_columns, contract)
        _require_few(file.metadata.num_rows, most_rows)
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        # Cells that are the same lie there once, so that no row is larger than all of it.
        rows_at_once = min(max(1, LARGEST_TABLE // max(1, size)), most_rows)
        sizes = accumulate(batch.nbytes for batch in file.iter_batches(rows_at_once))
        if size > LARGEST_TABLE or any(total > LARGEST_TABLE for total in sizes):
            most = LARGEST_TABLE // 10**6
            raise UserError(f"{NAME}: more than {most} MB when unpacked; send it in parts")


def _require_narrow(count: int, contract: Contract) -> None:
    most = len(contract.columns) + SPARE_COLUMNS
    if count > most:
        raise UserError(
            f"{NAME}: {count:,} columns; at most {most:,} are read, so send those of the contract"
        )


def _require_few(count: int, most: int) -> None:
    if count > most:
        raise UserError(f"{NAME}: more than {most:,} rows; send them in parts")


def _join_errors(predictions: pd.DataFrame, part: Part) -> list[dict[str, Any]]:
    """Of each row its prediction and its identifiers, or what breaks the contract in it."""
    errors: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row, column, rule in part.parsed.breaches[["row", "column", "rule"]].to_numpy():
        # As it came: what a breach tells of it depends on the type that the rows have together.
        value = part.records[row - 1].get(column) if part.records else None
        if isinstance(value, str):
            value = shorten(value, LONGEST_VALUE)
        errors[row - 1].append({"column": column, "value": value, "reason": f"expected {rule}"})
    answers = list_answers(predictions.drop(columns=part.parsed.reasons.name))
    return [
        {"errors": errors[place]}
        if place in errors
        else {name: cell for name, cell in answer.items() if cell is not None}
        for place, answer in enumerate(answers)
    ]


def _as_json(cell: Any) -> Any:
    """A cell as JSON has it; a point in time and the like are texts."""
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return None
    return _clean(cell.item() if isinstance(cell, np.generic) else cell)
