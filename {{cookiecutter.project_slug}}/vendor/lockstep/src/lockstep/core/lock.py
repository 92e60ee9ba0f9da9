"""One process at a time, by a lock of the operating system that ends with its holder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def hold_lock(path: Path, message: str) -> Iterator[None]:
    """Hold the lock on a file, which is made and stays, while the block runs.

    Raises:
        UserError: Another process holds it, as `message` tells.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            _lock(file.fileno())
        # On Windows a lock that is held is for nobody else to touch.
        except (BlockingIOError, PermissionError) as error:
            raise UserError(message) from error
        yield
