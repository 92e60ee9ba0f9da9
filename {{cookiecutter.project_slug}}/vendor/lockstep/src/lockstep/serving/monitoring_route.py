"""GET /monitoring: whether later rows are still like those that the versions know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from .errors import Busy
from .page import HEADERS

if TYPE_CHECKING:
    from .monitoring_process import MonitoringProcess


WAITING = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="2">
<title>Reading the requests</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page/page.css">
</head>
<body>
<main>
<p class="note">The requests are being read. What came of them is shown here soon.</p>
</main>
</body>
</html>
"""


def make_monitoring_routes(monitoring: MonitoringProcess) -> APIRouter:
    """The routes: a page for people, and the same for programs."""
    router = APIRouter()

    @router.get("/monitoring", include_in_schema=False)
    async def show() -> Response:
        try:
            return Response((await monitoring.tell()).page, 200, HEADERS, "text/html")
        except Busy:
            return Response(WAITING, 503, HEADERS, "text/html")

    @router.get("/monitoring.json", summary="What has moved, by version and day")
    async def tell() -> Response:
        headers = {"Cache-Control": "no-cache"}
        return Response((await monitoring.tell()).report, 200, headers, "application/json")

    return router
