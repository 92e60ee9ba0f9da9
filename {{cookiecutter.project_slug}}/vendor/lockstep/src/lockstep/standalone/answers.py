"""What a model answers to the questions that a worker was asked at once.

An answer never depends on its neighbours: rows are held against the contract cell by cell, and
`Model.apply` gives a row the same bits whatever rows are beside it.
"""

from __future__ import annotations

import traceback
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.contract import IMAGE, SEPARATOR, Contract
from ..core.errors import UserError, guard_reading, shorten
from ..core.examples import GAPS, PAST
from ..core.labels import split_labels
from ..core.sequences import SIGNAL
from ..data.conformity import LONGEST_VALUE, join_lists
from ..data.new_rows import NewRows, parse_rows
from ..data.past import measure_gaps
from ..modeling.embedding import Embedding
from ..modeling.model import Model
from ..modeling.signals import summarise_signals
from ..reading.sequence_files import read_rows
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
    """Their cells by the names of their columns, as JSON has them; none of image files, nor of
    forecasts, whose rows are to come."""
    counts: list[int]
    """Rows of each question that are answered."""
    of_series: bool = False
    """Whether they are the steps to come of series."""


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
        except Exception as error:
            if len(questions) > 1:
                return [
                    reply for one in questions for reply in self._try([one], columns, most_rows)
                ]
            if isinstance(error, UserError):
                return [{"fault": str(error)}]
            traceback.print_exc()
            return [{"crash": f"{type(error).__name__}: {error}"}]

    def _answer_together(
        self, questions: Sequence[Query], columns: Sequence[str] | None, most_rows: int
    ) -> list[dict[str, Any]]:
        contract = self.model.contract
        match questions[0].form:
            case "image":
                part = _read_images(questions, contract, resize=self.resize)
            case _ if contract.rows is not None:
                part = _read_series(questions, self.model, contract.rows, most_rows)
            case "rows":
                _require_few(len(questions[0].rows), most_rows)
                part = _read_rows(questions, contract, resize=self.resize)
            case form:
                part = _read_table(questions[0].body, form, contract, most_rows)
        answers = _join_errors(self.model.predict_rows(part.parsed), part)
        if contract.labels:
            separator = contract.columns[contract.target].separator or SEPARATOR
            answers = [_list_labels(answer, separator) for answer in answers]
        rows = None if columns is None else self._list_cells(part, columns)
        ends = [*accumulate(part.counts)]
        places = [slice(start, end) for start, end in pairwise([0, *ends])]
        return [
            {"answers": answers[place], "rows": rows[place] if rows else None} for place in places
        ]

    def _list_cells(self, part: Part, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Of each row the cells of some columns, or the numbers that stand for what it holds."""
        if self.model.contract.rows is not None:
            return _list_forecasts(part.parsed, self.model.contract, columns)
        cells = [
            {name: record[name] for name in columns if name in record} for record in part.records
        ]
        if self.embedding is None or not columns:
            return cells
        is_whole = part.parsed.reasons.isna().to_numpy()
        table = self.embedding.embed(self.model.pipeline, part.parsed.X[is_whole])
        numbers = iter(_list_records(table))
        others = cells or [{} for _ in is_whole]
        return [
            {**one, **(next(numbers) if whole else {})}
            for one, whole in zip(others, is_whole, strict=True)
        ]


def _divide(questions: Sequence[Query], most_rows: int) -> list[list[int]]:
    """The places of questions, those together whose rows can be read together."""
    places = defaultdict(list)
    for place, question in enumerate(questions):
        is_alone = question.form in ALONE or len(question.rows) > most_rows
        places[(question.form, place if is_alone else None)].append(place)
    return [*places.values()]


def _read_rows(questions: Sequence[Query], contract: Contract, *, resize: bool) -> Part:
    rows = [row for question in questions for row in question.rows]
    records = _clean_rows(rows, contract)
    names = [name for name in contract.columns if _is_asked(name, contract)]
    frame, unusable = _tabulate(records, names), None
    if contract.images is not None:
        from ..reading.images import decode_images  # Pillow is there where models take images

        files = frame[IMAGE].map(_decode)
        frame[IMAGE], unusable = decode_images(files, contract.images, resize, PICTURES)
    parsed = parse_rows(frame, contract, NAME, unusable)
    return Part(parsed, records, [len(question.rows) for question in questions])


def _clean_rows(rows: Iterable[dict[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    """The cells of the contract's columns that rows of JSON have."""
    return [{name: _clean(row[name]) for name in contract.columns if name in row} for row in rows]


def _tabulate(records: Sequence[dict[str, Any]], names: Iterable[str]) -> pd.DataFrame:
    """(n_rows, n_names) the cells of rows, missing where one has none."""
    # Of a type that holds anything, so that no cell becomes another for its neighbours' sake.
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in records], dtype="object") for name in names}
    )


def _read_series(questions: Sequence[Query], model: Model, rows: Contract, most_rows: int) -> Part:
    """The forecasts that questions ask for by the rows of series; each is framed by itself.

    Args:
        questions: The questions.
        model: What their rows are framed for.
        rows: The contract of these.
        most_rows: Of a question, and of its answer.
    """
    parts = []
    for question in questions:
        if question.form == "rows":
            _require_few(len(question.rows), most_rows)
            frame = _tabulate(_clean_rows(question.rows, rows), model.inputs)
        else:
            frame = _read_frame(question.body, question.form, rows, most_rows)
        parts.append(model.parse(frame, NAME))
        if (count := len(parts[-1].reasons)) > most_rows:
            raise UserError(
                f"{NAME}: it asks for {count:,} forecasts, of which at most {most_rows:,} are made "
                "at once; send the rows of fewer series"
            )
    counts = [len(part.reasons) for part in parts]
    return Part(NewRows.concatenate(parts), [], counts, of_series=True)


def _list_forecasts(
    rows: NewRows, contract: Contract, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Of each forecast the cells of some columns that it has beside its names, and `gaps`.

    Of a sequence also the numbers that stand for those of its channels that are among `columns`.
    """
    is_whole = rows.reasons.isna().to_numpy()
    kept = [name for name in columns if name in rows.X and name not in rows.names]
    table = rows.X.loc[is_whole, kept]
    if contract.history is not None:
        pasts = rows.X.loc[is_whole, PAST].tolist()
        table[GAPS] = measure_gaps(pasts, contract.columns[PAST])
    if contract.points is not None:
        channels = [name for name in contract.columns[SIGNAL].channels if name in columns]
        table = table.join(summarise_signals(rows.X[is_whole], contract, channels))
    records = iter(_list_records(table))
    return [
        {name: _as_json(cell) for name, cell in next(records).items()} if whole else {}
        for whole in is_whole
    ]


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
    if contract.features != [IMAGE]:
        raise UserError(
            f"{NAME}: an image without the columns beside it; send rows as JSON, each with its "
            "file in base64 as `image`"
        )
    from ..reading.images import decode_images  # Pillow is there where models take images

    files = pd.Series([question.body for question in questions], dtype="object")
    images, unusable = decode_images(files, contract.images, resize, PICTURES)
    parsed = parse_rows(pd.DataFrame({IMAGE: images}), contract, NAME, unusable)
    return Part(parsed, [], [1] * len(questions))


def _decode(text: object) -> bytes | None:
    """The file that a text writes in base64; None of what is none."""
    try:
        return b64decode(str(text), validate=True)
    except ValueError:
        return None


def _read_table(body: bytes, form: str, contract: Contract, most_rows: int) -> Part:
    table = _read_frame(body, form, contract, most_rows)
    parsed = parse_rows(table, contract, NAME)
    kept = {
        name: join_lists(table[name], contract.columns[name].separator or SEPARATOR)
        for name in table
        if name in contract.columns
    }
    rows = _list_records(pd.DataFrame(kept, index=table.index))
    records = [{name: _as_json(cell) for name, cell in row.items()} for row in rows]
    return Part(parsed, records, [len(table)])


def _read_frame(body: bytes, form: str, contract: Contract, most_rows: int) -> pd.DataFrame:
    """The table in a file."""
    with TemporaryDirectory(prefix="serve-") as folder:
        path = Path(folder) / f"rows.{form}"
        path.write_bytes(body)
        if form == "parquet":
            with guard_reading(f"{NAME}: not a readable parquet file"):
                _require_moderate(path, contract, most_rows)
        else:
            _require_narrow(count_columns(path, NAME, contract.layout), contract)
        frames, count = [], 0
        for frame in read_rows(path, NAME, contract.missing, contract.layout):
            count += len(frame)
            _require_few(count, most_rows)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


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
    # Which row of a forecast it is, no place in the request tells.
    names = [*part.parsed.names] if part.of_series else []
    return [
        {**{name: answer[name] for name in names}, "errors": errors[place]}
        if place in errors
        else {name: cell for name, cell in answer.items() if cell is not None}
        for place, answer in enumerate(answers)
    ]


def _list_labels(answer: dict[str, Any], separator: str) -> dict[str, Any]:
    """The answer with its labels as a list, which none of a client's cells is."""
    if "errors" in answer:
        return answer
    return answer | {"prediction": split_labels(answer["prediction"], separator)}


def _as_json(cell: Any) -> Any:
    """A cell as JSON has it; a point in time and the like are texts."""
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return None
    return _clean(cell.item() if isinstance(cell, np.generic) else cell)
