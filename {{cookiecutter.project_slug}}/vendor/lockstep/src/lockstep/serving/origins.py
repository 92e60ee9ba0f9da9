"""Which pages a browser may ask for: those of this server, under a name that is its own."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .refusals import CLOSE, refuse

LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?", re.IGNORECASE)
READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing, whose answers a browser keeps from the pages of others."""


class OriginCheck:
    """ASGI middleware that refuses what the page of another server has let a browser send.

    Without it, any page that somebody on this machine looks at could have its rows kept here, since
    a browser sends them without asking; and could read what is kept, once the page's own name leads
    to this machine (DNS rebinding).

    Args:
        app: What answers the others.
        has_any_name: Whether the server may be called by any name, since it asks for tokens.
    """

    def __init__(self, app: ASGIApp, *, has_any_name: bool) -> None:
        self._app, self._has_any_name = app, has_any_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if not (self._has_any_name or LOOPBACK.fullmatch(host)):
                reason = (
                    f"Host {host!r}: localhost, 127.0.0.1 or [::1] was expected; a server that "
                    "asks for tokens has any name: `serve --new-token NAME` makes one"
                )
                await refuse(421, reason, CLOSE)(scope, receive, send)
                return
            if scope["method"] not in READING and _is_foreign(headers, host):
                reason = "a page of another server has sent this; only the server's own may"
                await refuse(403, reason, CLOSE)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that the request comes from a page elsewhere."""
    origin = headers.get("origin")
    is_own = origin is None or origin.partition("://")[2].lower() == host.lower()
    return not is_own or headers.get("sec-fetch-site") == "cross-site"
