"""GET /requests: what was asked and answered last."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from .entries import Role

if TYPE_CHECKING:
    from .request_store import RequestStore

MOST = 1000


class KeptRequest(BaseModel):
    """A request and what one version answered, by its first row."""

    request: str
    time: datetime
    model: str
    version: str
    run: str
    role: Role
    status: int
    rows: int
    """How many there are."""
    content: dict[str, Any] | None
    """The cells of the first one that may be kept."""
    answer: dict[str, Any]
    seconds: float
    outcome: Any
    """What became true."""
    outcome_time: datetime | None


class KeptRequests(BaseModel):
    """The requests that were kept last, and whether any were not."""

    requests: list[KeptRequest]
    dropped: int
    """Rows that could not be kept since the server started."""
    failure: str | None
    """Why none can be kept at present."""


def make_requests_routes(store: RequestStore) -> APIRouter:
    """The route, which waits for the database."""
    router = APIRouter()

    @router.get("/requests", summary="What was asked and answered last")
    def read_last(
        response: Response, last: Annotated[int, Query(ge=1, le=MOST)] = 20
    ) -> KeptRequests:
        response.headers["Cache-Control"] = "no-store"
        requests = [KeptRequest(**line) for line in store.read_last(last)]
        return KeptRequests(requests=requests, dropped=store.dropped, failure=store.failure)

    return router
