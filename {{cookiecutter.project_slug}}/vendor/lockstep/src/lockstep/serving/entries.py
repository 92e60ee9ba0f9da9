"""What is kept of a row that was answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from .messages import Reply

Role = Literal["answer", "shadow"]


class Entry(NamedTuple):
    """A row of a request, and what one version said of it."""

    request: str
    """The id of the request."""
    time: datetime
    """When the request came, in UTC."""
    model: str
    version: str
    run: str
    role: Role
    """Whether the client got this answer, or a version in the shadow gave it."""
    status: int
    """422 where the row breaks the contract, or the request was refused as a whole; else 200."""
    row: int
    """The place in the request, from 0."""
    content: dict[str, Any] | None
    """The cells that may be kept, by their columns; of an image the numbers that stand for it."""
    answer: dict[str, Any]
    """What the version said."""
    seconds: float
    """From the request's coming to the answer."""


def make_entries(
    request: str, time: datetime, reply: Reply, role: Role, *, is_refused: bool = False
) -> list[Entry]:
    """What is kept of each row of a request that was answered, or `is_refused` after all."""
    source = (reply.model, reply.version, reply.run, role)
    return [
        Entry(
            request,
            time,
            *source,
            422 if is_refused or "errors" in answer else 200,
            place,
            content,
            answer,
            reply.seconds,
        )
        for place, (content, answer) in enumerate(reply.list_kept())
    ]
