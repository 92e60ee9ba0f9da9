"""Files behind web addresses."""

from __future__ import annotations

import os
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from netrc import NetrcParseError, netrc
from urllib.error import HTTPError
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import Request, urlopen

from ..core.errors import UserError
from .downloads import CHUNK, PATIENCE, ChangedError, Rest

NOT_FOR_LONG = (408, 425, 429)
"""Refusals that pass, as those from 500 on may."""
PACKED = 47
"""What zlib takes for a stream with the head of either of its kinds."""
LEFT_ALONE = "%/:=&?~+!$,;'@()*[]"
"""Signs that an address is written with as they are."""


@contextmanager
def open_web(
    address: str, start: int = 0, version: str | None = None, *, patience: float = PATIENCE
) -> Iterator[Rest]:
    """Ask for a file at a web address from a byte on; see `downloads.Opener`.

    The server may say nothing for so many seconds of `patience`.
    """
    request = _make_request(address)
    if start and version:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", version)
    try:
        with urlopen(request, timeout=patience) as reply:
            server = reply.headers.get("Server", "")
            chunks = iter(lambda: reply.read(CHUNK), b"")
            if reply.headers.get("Content-Encoding") in ("gzip", "deflate"):
                yield Rest(_unpack(chunks), 0, server=server)
                return
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", reply.headers["Content-Range"] or "")
            first = int(found[1]) if found and reply.status == 206 else 0
            length = reply.headers["Content-Length"]
            size = None if length is None else first + int(length)
            yield Rest(chunks, first, size, _find_version(reply.headers), server)
    except HTTPError as error:
        if error.code == 416:
            raise ChangedError from error
        if error.code < 500 and error.code not in NOT_FOR_LONG:
            advice = "; ~/.netrc says who asks" if error.code == 401 else ""
            raise UserError(f"answers with {error.code} {error.reason}{advice}") from error
        raise ConnectionError(f"it answers with {error.code} {error.reason}") from error


def _make_request(address: str) -> Request:
    parts = urlsplit(address)
    request = Request(
        parts._replace(
            netloc=parts.netloc.rpartition("@")[2],
            path=quote(parts.path, LEFT_ALONE),
            query=quote(parts.query, LEFT_ALONE),
            fragment="",
        ).geturl(),
        headers={"User-Agent": "lockstep", "Accept-Encoding": "identity"},
    )
    if login := _find_login(parts):
        # Whom it redirects to is another one, who need not know.
        request.add_unredirected_header("Authorization", f"Basic {login}")
    return request


def _find_login(parts: SplitResult) -> str | None:
    """Who asks, by the address or by ~/.netrc, in the form that a server takes."""
    user, password = parts.username, parts.password
    if user is None:
        try:
            found = netrc(os.environ.get("NETRC")).authenticators(parts.hostname or "")
        except (OSError, NetrcParseError):
            found = None
        if found is None:
            return None
        user, _, password = found
    return b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()


def _find_version(headers: HTTPMessage) -> str | None:
    """By what the server tells one version from another to the byte (RFC 9110, 8.8)."""
    etag = headers["ETag"]
    if etag:
        return None if etag.startswith("W/") else etag
    changed = headers["Last-Modified"]
    # Within the second that it is written in, a file may change again.
    return None if changed == headers["Date"] else changed


def _unpack(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What a server has packed for the way, which cannot be asked for from a byte on."""
    unpacker = zlib.decompressobj(PACKED)
    for chunk in chunks:
        yield unpacker.decompress(chunk)
    if not unpacker.eof:
        raise ConnectionError("it ended too early")
