"""POST /outcomes: what became true of rows that were predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..core.params import ServeParams, predicts_numbers
from .bodies import JSON, handle_body, parse_json, require_type
from .errors import Unusable

if TYPE_CHECKING:
    from .engine import Engine
    from .request_store import RequestStore

LARGEST_PLACE = 2**31 - 1
FORM = '[{"request": id, "row": 0, "outcome": value}, ...]'


class Outcome(BaseModel):
    """What became true of a row."""

    model_config = ConfigDict(extra="forbid")

    request: Annotated[StrictStr, Field(min_length=1, max_length=128)]
    """The id that the answer had."""
    row: Annotated[StrictInt, Field(ge=0, le=LARGEST_PLACE)] = 0
    """The place in the request, from 0."""
    outcome: StrictStr | StrictBool | StrictInt | FiniteFloat | list[StrictStr]
    """The target's value; of several labels a list of them, or one text."""


OUTCOMES = TypeAdapter(list[Outcome])
EXPECTATIONS = {
    "request": "the id of a request, a text of at most 128 signs,",
    "row": "the place of a row in its request, from 0,",
    "outcome": "a text, a number, true or false, or a list of labels",
}


class Receipt(BaseModel):
    """What was done with outcomes."""

    known: int
    """How many were added to rows that are kept."""
    unknown: int
    """How many belong to no row that is kept."""


def make_outcomes_routes(engine: Engine, store: RequestStore, settings: ServeParams) -> APIRouter:
    """The route, which waits for the database, other than those that predict."""
    router = APIRouter()
    outcome = Outcome.model_json_schema()
    schema = {"type": "array", "items": outcome, "minItems": 1, "maxItems": settings.max_rows}
    body = {"required": True, "content": {JSON: {"schema": schema}}}

    @router.post(
        "/outcomes",
        summary="Tell what became true of rows that were predicted",
        openapi_extra={"requestBody": body},
    )
    async def add_outcomes(request: Request) -> Receipt:
        require_type(request, (JSON,))
        outcomes = await handle_body(
            await request.body(), lambda body: read_outcomes(body, settings.max_rows)
        )
        kinds = {version.kind for version in engine.list_versions()}
        if kinds == {"clustering"}:
            raise Unusable(
                "no outcome was expected: clusters, which the models find, never come true"
            )
        if all(map(predicts_numbers, kinds)):
            _require_numbers(outcomes)
        known, unknown = await run_in_threadpool(
            store.add_outcomes, [(one.request, one.row, one.outcome) for one in outcomes]
        )
        return Receipt(known=known, unknown=unknown)

    return router


def read_outcomes(body: bytes, most: int) -> list[Outcome]:
    """The outcomes that JSON says.

    Raises:
        HTTPException: There are more than `most`.
        Unusable: It is no JSON, or says something else.
    """
    content = parse_json(body)
    if not isinstance(content, list) or not content:
        raise Unusable(f"a list was expected: {FORM}")
    if len(content) > most:
        raise HTTPException(413, f"{len(content)} outcomes; at most {most} were expected at once")
    try:
        return OUTCOMES.validate_python(content)
    except ValidationError as error:
        place, *names = error.errors()[0]["loc"]
        reason = f"found something else; expected {FORM}"
        if names:
            name = str(names[0])
            expectation = EXPECTATIONS.get(name, f"nothing but {', '.join(EXPECTATIONS)}")
            reason = f"{name}: {expectation} was expected"
        raise Unusable(f"outcome {place}: {reason}") from error


def _require_numbers(outcomes: list[Outcome]) -> None:
    for place, one in enumerate(outcomes):
        if isinstance(one.outcome, str | bool | list):
            raise Unusable(
                f"outcome {place}: outcome: a number was expected, as the models predict"
            )
