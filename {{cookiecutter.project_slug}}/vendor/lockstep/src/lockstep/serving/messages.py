"""What is asked of a version and what it answers, and both as frames between the processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..standalone.frames import pack

Form = Literal["rows", "csv", "parquet", "image"]


@dataclass(frozen=True)
class Question:
    """The rows of a request."""

    rows: tuple[dict[str, Any], ...] = ()
    """Cells by the names of their columns, as JSON has them; of the form `rows`."""
    body: bytes = b""
    """A file, of the other forms; an image is a single one that Pillow reads."""
    form: Form = "rows"
    size: int = 0
    """Bytes of the request that asks it."""


class Reply(NamedTuple):
    """What a version answers."""

    model: str
    version: str
    run: str
    """The digest of the record of the run that has made the model."""
    answers: list[dict[str, Any]]
    """Of each row the columns of `Model.apply` and the identifiers that it has; or `errors`, a list
    of `column`, `value` and `reason`, of a row that breaks the contract."""
    rows: list[dict[str, Any]] | None
    """What may be kept of each row: its cells or, of an image, the numbers that stand for it; None
    where nothing of any may be."""
    seconds: float
    """From the question to this answer."""
    hidden: frozenset[str] = frozenset()
    """The columns of the contract of which nothing may be kept."""

    def list_kept(self) -> list[tuple[dict[str, Any] | None, dict[str, Any]]]:
        """Of each row, what may be kept of it and of its answer.

        An answer repeats identifiers and the values that break the contract; those of columns that
        may not be kept are left out.
        """
        contents = [None] * len(self.answers) if self.rows is None else map(self._omit, self.rows)
        answers = map(self._hide, self.answers)
        return [*zip(contents, answers, strict=True)]

    def _omit(self, cells: dict[str, Any]) -> dict[str, Any]:
        return {name: cell for name, cell in cells.items() if name not in self.hidden}

    def _hide(self, answer: dict[str, Any]) -> dict[str, Any]:
        rest = self._omit(answer)
        if "errors" in rest:
            rest["errors"] = [
                {**error, "value": None} if error["column"] in self.hidden else error
                for error in rest["errors"]
            ]
        return rest


def pack_questions(
    questions: Sequence[Question], columns: Sequence[str] | None, most_rows: int
) -> bytes:
    """What a worker is asked at once.

    Args:
        questions: Each is answered by itself.
        columns: Those of whose cells it gives back what may be kept; None where nothing may be.
        most_rows: Of a question.
    """
    content = {
        "questions": [
            {"form": question.form, "rows": question.rows, "length": len(question.body)}
            for question in questions
        ],
        "columns": columns,
        "most_rows": most_rows,
    }
    return pack(content, b"".join(question.body for question in questions))
