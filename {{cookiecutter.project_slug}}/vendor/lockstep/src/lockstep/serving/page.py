"""GET /: the page, with the files that it loads; nothing of it comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from markdown_it import MarkdownIt

from .models_route import find_version

if TYPE_CHECKING:
    from .engine import Engine

FOLDER = Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FIGURES = re.compile(r"^## Figures\n.*?(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)
"""Pictures of the card, which are files of the project."""
LEVEL = 2
"""Headings of the page that are above those of the card."""


def make_page_routes(engine: Engine) -> APIRouter:
    """The routes: one for each file, so that no part of a path is looked up."""
    router = APIRouter(include_in_schema=False)
    for file in sorted(FOLDER.iterdir()):
        route = "/" if file.name == "index.html" else f"/page/{file.name}"
        router.add_api_route(route, _make_endpoint(file), response_class=Response)

    @router.get("/models/{model}/versions/{version}/card")
    async def show_card(model: str, version: str) -> Response:
        card = render_card(find_version(engine.list_versions(), model, version).card)
        return Response(card, 200, HEADERS, "text/html")

    return router


def _make_endpoint(file: Path) -> Callable[[], Awaitable[Response]]:
    content, kind = file.read_bytes(), TYPES[file.suffix]

    async def answer() -> Response:
        return Response(content, 200, HEADERS, kind)

    return answer


def render_card(card: str) -> str:
    """A model card as a part of a page, without its pictures; HTML in it is shown as text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = markdown.parse(FIGURES.sub("", card))
    for token in tokens:
        if re.fullmatch("h[1-4]", token.tag):
            token.tag = f"h{int(token.tag[1]) + LEVEL}"
    return str(markdown.renderer.render(tokens, markdown.options, {}))
