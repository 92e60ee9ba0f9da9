"""POST /outcomes: what became true of rows that were predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, StrictStr

from ..core.params import ServeParams

if TYPE_CHECKING:
    from .request_store import RequestStore

LARGEST_PLACE = 2**31 - 1


class Outcome(BaseModel):
    """What became true of a row."""

    model_config = ConfigDict(extra="forbid")

    request: Annotated[StrictStr, Field(min_length=1, max_length=128)]
    """The id that the answer had."""
    row: Annotated[StrictInt, Field(ge=0, le=LARGEST_PLACE)] = 0
    """The place in the request, from 0."""
    outcome: StrictStr | StrictBool | StrictInt | FiniteFloat
    """The target's value."""


class Receipt(BaseModel):
    """What was done with outcomes."""

    known: int
    """How many were added to rows that are kept."""
    unknown: int
    """How many belong to no row that is kept."""


def make_outcomes_routes(store: RequestStore, settings: ServeParams) -> APIRouter:
    """The route, which waits for the database, other than those that predict."""
    router = APIRouter()
    some = Body(min_length=1, max_length=settings.max_rows)  # an annotation would not see it

    @router.post("/outcomes", summary="Tell what became true of rows that were predicted")
    def add_outcomes(outcomes: list[Outcome] = some) -> Receipt:
        known, unknown = store.add_outcomes(
            [(one.request, one.row, one.outcome) for one in outcomes]
        )
        return Receipt(known=known, unknown=unknown)

    return router
