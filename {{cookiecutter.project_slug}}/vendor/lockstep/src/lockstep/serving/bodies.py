"""The body of a request as the question that it asks."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import Request

from .errors import Unusable
from .messages import Form, Question

JSON = "application/json"
FILES: dict[str, Form] = {
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "image/png": "image",
    "image/jpeg": "image",
}
EXAMPLE = '{"rows": [{"column": value, ...}, ...]}'
CELLS = {str, int, float, bool, type(None)}
LARGE = 10**6
"""Bytes of a body that a thread looks at, so that others are answered meanwhile."""

Content = TypeVar("Content")


async def read_question(request: Request, most_rows: int) -> Question:
    """The rows in the body of a request, or the file that it is.

    Raises:
        HTTPException: It is of another kind, or has more rows than `most_rows`.
        Unusable: It is no JSON, or not as rows are.
    """
    kind = require_type(request, (JSON, *FILES))
    body = await request.body()
    if kind in FILES:
        return Question(body=body, form=FILES[kind], size=len(body))
    rows = await handle_body(body, lambda body: read_rows(parse_json(body), most_rows))
    return Question(rows, size=len(body))


async def handle_body(body: bytes, handle: Callable[[bytes], Content]) -> Content:
    """What `handle` makes of a body, in a thread if that is large."""
    return handle(body) if len(body) < LARGE else await to_thread(handle, body)


def require_type(request: Request, kinds: Sequence[str]) -> str:
    """The type of a request's body, which is one of `kinds`, and not compressed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        reason = f"content type {kind!r}: one of {', '.join(kinds)} was expected"
        raise HTTPException(415, reason)
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise HTTPException(415, f"content encoding {encoding!r}: send it as it is")
    return kind


def parse_json(body: bytes | memoryview) -> Any:
    """What JSON says, in UTF-8 and as its standard has it, without NaN and Infinity."""
    if not body:
        raise Unusable("the body is empty; JSON was expected")
    content = bytes(body)
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError as error:
        advice = "; write null for a missing value" if b"NaN" in content else ""
        raise Unusable(f"no JSON: {error}{advice}") from error


def read_rows(content: Any, most_rows: int) -> tuple[dict[str, Any], ...]:
    """The rows that `{"rows": [{...}]}`, `[{...}]` or `{...}` says.

    Raises:
        HTTPException: There are more than `most_rows`.
        Unusable: It says none, or a cell is none.
    """
    match content:
        case {"rows": [*rows], **others}:
            if others:
                raise Unusable(f"{', '.join(map(str, others))}: nothing was expected beside `rows`")
        case [*rows]:
            pass
        case {}:
            rows = [content]
        case _:
            raise Unusable(f"found {type(content).__name__}; rows were expected: {EXAMPLE}")
    if not rows:
        raise Unusable(f"no rows; they were expected as {EXAMPLE}")
    if len(rows) > most_rows:
        raise HTTPException(413, f"{len(rows)} rows; at most {most_rows} were expected at once")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Unusable(f"row {place}: found {type(row).__name__}; expected {EXAMPLE}")
        if not {*map(type, row.values())} <= CELLS:
            name = next(name for name, cell in row.items() if type(cell) not in CELLS)
            raise Unusable(f"row {place}, column {name}: a text, a number or null was expected")
    return tuple(rows)
