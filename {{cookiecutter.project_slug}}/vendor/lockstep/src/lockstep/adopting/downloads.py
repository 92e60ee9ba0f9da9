"""Downloads over connections that break off: a file comes whole and of one version, or not at all.

What has come is kept, and the rest asked for, as long as the server says that it still has the same
version; otherwise the file is begun again. Two halves of two versions are never put together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import BinaryIO, NamedTuple
from urllib.error import URLError

from ..core.errors import LONGEST_REASON, UserError, shorten
from ..core.progress import progress

PATIENCE = 20
"""Seconds for which a server may say nothing."""
WAITS = (1, 2, 4, 8)
"""Seconds before a file is asked for once more."""
MUCH = 2**24
"""Bytes that a connection has brought when it is no failure that it broke off."""
CHUNK = 2**18
"""Bytes that are read at once."""
BROKEN = (ConnectionError, TimeoutError, SSLError, URLError, HTTPException)
"""What is raised where another connection may do better; a full disk is none of these."""


class ChangedError(Exception):
    """What is there is another version than the one that was begun."""


class Rest(NamedTuple):
    """What a server sends of a file: all from a byte on."""

    chunks: Iterator[bytes]
    start: int
    """Bytes before it."""
    size: int | None = None
    """Bytes of the whole file, where the server says so."""
    version: str | None = None
    """Another after each change, where the server tells versions apart."""
    server: str = ""
    """What it calls itself."""


Opener = Callable[[int, str | None], AbstractContextManager[Rest]]
"""Asks for a file from a byte on, if it still has that version; raises a `UserError` where it is of
no use to ask again, and `ChangedError`."""


def require_answer(ask: Opener) -> None:
    """Check that a server has a file, at the first try.

    Raises:
        UserError: There is nothing, or nobody.
    """
    try:
        with ask(0, None):
            pass
    except BROKEN as error:
        raise UserError(f"not reachable: {_describe(error)}") from error


def download(ask: Opener, path: Path) -> None:
    """Write what a server has into a file, over as many connections as it takes.

    Raises:
        UserError: There is nothing, or the connections break off too often.
    """
    start, version, furthest, waits = 0, None, 0, iter(WAITS)
    with path.open("wb") as file, progress("use", "bytes") as count:
        while True:
            try:
                with ask(start, version) as rest:
                    if rest.start and (rest.start, rest.version) != (start, version):
                        raise ChangedError
                    version = rest.version
                    _receive(rest, file, count)
                    return
            except ChangedError:
                start, version, reason = 0, None, "it changes there all the while"
            except BROKEN as error:
                reason = _describe(error)
                start = file.tell() if version else 0
            if file.tell() >= furthest + MUCH:
                furthest, waits = file.tell(), iter(WAITS)
            if (wait := next(waits, None)) is None:
                raise UserError(
                    "it did not come whole in several tries, so nothing was taken; try again "
                    f"later: {reason}"
                )
            time.sleep(wait)


def _receive(rest: Rest, file: BinaryIO, count: Callable[[int], None]) -> None:
    """Write what comes to where it belongs, and nothing behind it.

    Raises:
        ConnectionError: It is less than the server said.
    """
    count(rest.start - file.tell())
    file.seek(rest.start)
    file.truncate()
    for chunk in rest.chunks:
        count(file.write(chunk))
    if rest.size not in (None, file.tell()):
        raise ConnectionError(f"it ended after {file.tell()} of {rest.size} bytes")


def _describe(error: Exception) -> str:
    return shorten(str(getattr(error, "reason", error)), LONGEST_REASON)
