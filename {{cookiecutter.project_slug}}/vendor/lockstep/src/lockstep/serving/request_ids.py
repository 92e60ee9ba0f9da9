"""The id of a request: the client's own or a new one, told with each answer."""

from __future__ import annotations

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusals import refuse

ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
HEADER = "X-Request-Id"


class RequestIds:
    """ASGI middleware; routes find the id as `request.state.id`, and may put another there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its id, unless what the client calls its id is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = Headers(scope=scope).get(HEADER, str(uuid4()))
        state = scope.setdefault("state", {})

        async def send_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = state["id"]
            await send(message)

        if not ID.fullmatch(identity):
            reason = f"{HEADER}: at most 128 letters, digits and signs of . _ : - were expected"
            await refuse(422, reason)(scope, receive, send)
            return
        state["id"] = identity
        await self._app(scope, receive, send_id)
