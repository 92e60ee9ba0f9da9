"""Answers that say why there is none: each a line, in the same form for all routes."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from .errors import ServingError

CLOSE = {"Connection": "close"}
"""What is left of a body that was refused is not read."""


def refuse(status: int, reason: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer of JSON whose `error` is the reason, as the Open Inference Protocol has it."""
    return JSONResponse({"error": reason}, status, headers)


def add_refusals(app: FastAPI) -> None:
    """Let whatever is raised in a route become such an answer."""

    @app.exception_handler(ServingError)
    async def refuse_question(_: Request, error: ServingError) -> Response:
        wait = error.retry_after
        headers = None if wait is None else {"Retry-After": str(wait)}
        return refuse(error.status, error.detail, headers)

    @app.exception_handler(HTTPException)
    async def refuse_request(_: Request, error: HTTPException) -> Response:
        return refuse(error.status_code, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_values(_: Request, error: RequestValidationError) -> Response:
        lines = [
            f"{'.'.join(map(str, mistake['loc'][1:])) or mistake['loc'][0]}: {mistake['msg']}"
            for mistake in error.errors()
        ]
        return refuse(422, "; ".join(lines))

    @app.exception_handler(ClientDisconnect)
    async def forget(_: Request, __: ClientDisconnect) -> Response:
        return refuse(400, "the connection ended before the request did")  # for nobody to read

    @app.exception_handler(Exception)
    async def tell_of_failure(_: Request, __: Exception) -> Response:
        return refuse(500, "the server has failed; its log has the reason")
