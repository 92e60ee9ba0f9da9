"""GET /monitoring: whether later rows are still like those that the versions know."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from .errors import Busy
from .page import HEADERS

if TYPE_CHECKING:
    from .monitoring_process import MonitoringProcess

PATIENCE = 1.0
"""Seconds that a person waits for a page without anything on it."""
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
<p class="note">{reason}. What came of the requests is shown here as soon as it is known.</p>
</main>
</body>
</html>
"""


def make_monitoring_routes(monitoring: MonitoringProcess) -> APIRouter:
    """The routes: a page for people, and the same for programs."""
    router = APIRouter()

    @router.get("/monitoring", include_in_schema=False)
    async def show(request: Request) -> Response:
        try:
            shown = await monitoring.tell(PATIENCE)
        except Busy as busy:
            page = WAITING.format(reason=escape(busy.detail.capitalize()))
            return Response(page, 503, HEADERS, "text/html")
        return _answer(request, shown.page, HEADERS, "text/html")

    @router.get("/monitoring.json", summary="What has moved, by version and day")
    async def tell(request: Request) -> Response:
        headers = {"Cache-Control": "no-cache"}
        return _answer(request, (await monitoring.tell()).report, headers, "application/json")

    return router


def _answer(request: Request, content: bytes, headers: Mapping[str, str], kind: str) -> Response:
    """Content that is large and seldom changes: whoever has it already is told so, and no more."""
    tag = f'"{sha256(content).hexdigest()}"'
    headers = {**headers, "ETag": tag}
    if request.headers.get("If-None-Match") == tag:
        return Response(None, 304, headers)
    return Response(content, 200, headers, kind)
