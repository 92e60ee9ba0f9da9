"""GET /docs: what can be asked, as a page that loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Response

from .models_route import list_live
from .openapi import describe_row
from .page import HEADERS

if TYPE_CHECKING:
    from .engine import Engine, Version

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>What can be asked</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page/page.css">
</head>
<body>
<header><h1>What can be asked</h1>
<p class="soft">The same for programs: <a href="openapi.json">OpenAPI</a>.</p></header>
<main>
"""


def make_docs_routes(app: FastAPI, engine: Engine) -> APIRouter:
    """The route, which tells the application's OpenAPI and the rows of the engine's versions."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def show_docs() -> Response:
        lines = [*_list_routes(app.openapi()), *_list_rows(list_live(engine))]
        page = HEAD + "\n".join(lines) + "\n</main>\n</body>\n</html>\n"
        return Response(page, 200, HEADERS, "text/html")

    return router


def _list_routes(document: dict[str, Any]) -> Iterator[str]:
    yield "<h2>Routes</h2>"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
            yield f"<p>{escape(operation['summary'])}. {escape(operation.get('description', ''))}"
            if "requestBody" in operation:
                kinds = ", ".join(operation["requestBody"]["content"])
                yield f"<br>Body: <code>{escape(kinds)}</code>"
            yield "</p>"
            yield from _tabulate(
                ("parameter", "in", "what it is"),
                [
                    (each["name"], each["in"], each.get("description") or _tell(each["schema"]))
                    for each in operation.get("parameters", [])
                    if each["in"] != "path"
                ],
            )


def _list_rows(versions: list[Version]) -> Iterator[str]:
    for version in versions:
        row = describe_row(version)
        yield f"<h2>Rows of {escape(version.model)} {escape(version.version)}</h2>"
        history = version.contract.get("history")
        if history:
            yield (
                "<p>They are those of the series so far, each of which is continued by "
                f"{history['horizon']} steps of {escape(history['every'])} from its last value on. "
                f"The latest {history['window']} steps of each are enough. Rows of times to come, "
                "without the target, tell what is known ahead.</p>"
            )
        points = version.contract.get("points")
        if points:
            yield (
                f"<p>They are points, one for each {escape(points['time'])}; those with one "
                f"{escape(points['sequence'])} are a sequence, and get one answer. The latest "
                f"{points['length']} of each are looked at.</p>"
            )
        yield from _tabulate(
            ("column", "what it is", "values"),
            [
                (name, cell["description"], _tell(cell) + _tell_need(name, row["required"]))
                for name, cell in row["properties"].items()
            ],
        )


def _tabulate(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield '<div class="scroll"><table><thead><tr>'
        yield "".join(f'<th scope="col">{name}</th>' for name in names)
        yield "</tr></thead><tbody>"
        for row in rows:
            yield "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>"
        yield "</tbody></table></div>"


def _tell(schema: dict[str, Any]) -> str:
    """What a value must be, in words."""
    choices = [choice for choice in schema.get("enum", ()) if choice is not None]
    if choices:
        return f"one of {', '.join(map(str, choices))}"
    kinds = schema.get("type", "anything")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    low, high = schema.get("minimum"), schema.get("maximum")
    start = "" if low is None else f" from {json.dumps(low)}"
    return kind + start + ("" if high is None else f" to {json.dumps(high)}")


def _tell_need(name: str, needed: list[str]) -> str:
    return "" if name in needed else ", may be missing"
