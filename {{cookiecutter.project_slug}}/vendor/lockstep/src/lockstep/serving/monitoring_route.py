"""GET /monitoring: whether later rows are still like those that the versions know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from .page import HEADERS

if TYPE_CHECKING:
    from .monitoring_process import MonitoringProcess


def make_monitoring_routes(monitoring: MonitoringProcess) -> APIRouter:
    """The routes: a page for people, and the same for programs."""
    router = APIRouter()

    @router.get("/monitoring", include_in_schema=False)
    async def show() -> Response:
        return Response((await monitoring.tell()).page, 200, HEADERS, "text/html")

    @router.get("/monitoring.json", summary="What has moved, by version and day")
    async def tell() -> Response:
        headers = {"Cache-Control": "no-cache"}
        return Response((await monitoring.tell()).report, 200, headers, "application/json")

    return router
