"""What the body of a request may cost: bytes, and the time that it takes to come."""

from __future__ import annotations

from asyncio import get_running_loop, timeout, timeout_at
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.params import ServeParams
from .refusals import CLOSE, refuse

BODIES_AT_ONCE = 16
"""How many of the largest bodies there is memory for, together."""
LINGERING_SECONDS = 2.0
"""For what is left of a body that was refused: most clients read no answer before they have sent it
all, and get none where the connection ends before."""


class BodyLimits:
    """ASGI middleware that counts each body while it comes, and lets go of it in time.

    Args:
        app: What reads the body.
        settings: How large it may be, and how long it may take.
    """

    def __init__(self, app: ASGIApp, settings: ServeParams) -> None:
        self._app, self._seconds = app, settings.seconds
        self._megabytes = settings.max_megabytes
        self._most = settings.max_megabytes * 10**6
        self._size = 0  # bytes of all bodies under way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; refuse it where its length is said to be too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if int(Headers(scope=scope).get("content-length", 0)) > self._most:
            await refuse(413, self._tell_most(), CLOSE)(scope, receive, send)
            return
        deadline = get_running_loop().time() + self._seconds
        size, is_whole = 0, False

        async def receive_part() -> Message:
            nonlocal size, is_whole
            if is_whole:
                return await receive()
            try:
                async with timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                reason = f"the request did not come within {self._seconds:g} seconds"
                raise HTTPException(408, reason, CLOSE) from error
            length = len(message.get("body", b""))
            size += length
            self._size += length
            is_whole = not message.get("more_body", False)
            if size > self._most:
                raise HTTPException(413, self._tell_most(), CLOSE)
            if self._size > BODIES_AT_ONCE * self._most:
                reason = "too many large requests are under way; try again"
                raise HTTPException(503, reason, CLOSE | {"Retry-After": "1"})
            return message

        try:
            await self._app(scope, receive_part, send)
        finally:
            self._size -= size

    def _tell_most(self) -> str:
        return f"a request of at most {self._megabytes} MB was expected"


class Lingering:
    """ASGI middleware that throws away what still comes of a body before the connection ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_whole = is_last = False

        async def receive_part() -> Message:
            nonlocal is_whole
            message = await receive()
            is_whole = not message.get("more_body", False)
            return message

        async def send_and_linger(message: Message) -> None:
            nonlocal is_last
            if message["type"] == "http.response.start":
                is_last = Headers(raw=message["headers"]).get("connection") == "close"
            elif is_last and not is_whole and not message.get("more_body", False):
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with timeout(LINGERING_SECONDS):
                        while not is_whole:
                            await receive_part()
                message = {"type": message["type"]}
            await send(message)

        await self._app(scope, receive_part, send_and_linger)
