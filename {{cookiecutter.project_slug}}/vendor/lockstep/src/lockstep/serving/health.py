"""Whether the server lives, and whether it is ready to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from .refusals import refuse

if TYPE_CHECKING:
    from .engine import Engine


def make_health_routes(engine: Engine) -> APIRouter:
    """The routes; they need no token."""
    router = APIRouter(prefix="/health")

    @router.get("/live", summary="Whether the server lives")
    async def tell_that_it_lives() -> Response:
        return JSONResponse({"live": True})

    @router.get("/ready", summary="Whether it is ready to answer")
    async def tell_whether_it_is_ready() -> Response:
        if is_ready(engine):
            return JSONResponse({"ready": True})
        states = [f"{each.model} {each.version} is {each.state}" for each in engine.list_versions()]
        return refuse(503, f"not ready: {', '.join(states) or 'nothing is served'}")

    return router


def is_ready(engine: Engine) -> bool:
    """Whether all versions that answer by default can; a canary or a shadow may be broken."""
    defaults = [version.state for version in engine.list_versions() if version.is_default]
    return bool(defaults) and all(state == "ready" for state in defaults)
