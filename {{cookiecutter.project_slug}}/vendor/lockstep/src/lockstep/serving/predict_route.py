"""POST /predict: rows by the names of their columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from ..core.params import ServeParams
from .bodies import read_question
from .entries import make_entries
from .prometheus import Measures
from .tracing import describe_span

if TYPE_CHECKING:
    from .engine import Engine
    from .request_store import RequestStore

TARGETS = ("model", "version", "stage")
"""What a request may name, to be answered by that."""
LONGEST_KEY = 256
JSON_HEADERS = {"Content-Type": "application/json"}


def make_predict_routes(
    engine: Engine, store: RequestStore, settings: ServeParams, measures: Measures
) -> APIRouter:
    """The route, which asks the engine and lets the store keep what it answers."""
    router = APIRouter()

    @router.post("/predict", summary="Predict rows by the names of their columns")
    async def predict(request: Request) -> Response:
        time = datetime.now(UTC)
        target, key = read_target(request.query_params), read_key(request)
        question = await read_question(request, settings.max_rows)
        identity = request.state.id
        reply = await engine.predict(question, **target, key=key, request=identity)
        store.put(make_entries(identity, time, reply, "answer"))
        measures.count_rows(reply)
        describe_span(reply)
        content = {
            "request": identity,
            "model": reply.model,
            "version": reply.version,
            "run": reply.run,
            "predictions": reply.answers,
        }
        is_refused = all("errors" in answer for answer in reply.answers)
        if is_refused:
            content["error"] = "no row keeps the contract; its `errors` tell why"
        return Response(
            to_json(content, inf_nan_mode="null"), 422 if is_refused else 200, JSON_HEADERS
        )

    return router


def read_target(query: QueryParams) -> dict[str, str]:
    """What a request names to be answered by.

    Raises:
        HTTPException: It says something else, or too much.
    """
    items = query.multi_items()
    target = dict(items)
    if unknown := [name for name in target if name not in TARGETS]:
        reason = f"{unknown[0]!r}: unknown; allowed: {', '.join(TARGETS)}"
        raise HTTPException(422, reason)
    if len(target) < len(items) or {"version", "stage"} <= target.keys():
        raise HTTPException(422, "one version or one stage was expected")
    return target


def read_key(request: Request) -> str | None:
    """What decides whether a canary answers, if the client says it."""
    key = request.headers.get("x-key")
    if key is not None and len(key) > LONGEST_KEY:
        raise HTTPException(422, f"X-Key: at most {LONGEST_KEY} signs were expected")
    return key
