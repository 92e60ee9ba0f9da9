"""Data that travel as their place in a file to where the same is seen, elsewhere as they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

State = tuple[int, int]
"""The size of a file, and when it was written, in nanoseconds."""
is_seen: ContextVar[Callable[[Path, State], bool]] = ContextVar("is_seen", default=lambda *_: False)
"""Tells whether a file of this state is seen wherever what is pickled travels to."""


class FileBytes(bytes):
    """Bytes of a file, from one of its bytes on."""

    path: Path
    state: State
    start: int

    @classmethod
    def of(cls, content: bytes | memoryview, path: Path, state: State, start: int) -> FileBytes:
        """Content that is there already; `state` is that of the file when it was opened."""
        part = cls(content)
        part.path, part.state, part.start = path, state, start
        return part

    def __reduce__(self) -> tuple[Callable[..., bytes], tuple[Any, ...]]:
        if is_seen.get()(self.path, self.state):
            return _read, (self.path, self.state, self.start, len(self))
        return bytes, (bytes(self),)


def read_state(file: Path | int) -> State:
    """The state of a file, or of an open one by its number."""
    state = os.fstat(file) if isinstance(file, int) else file.stat()
    return state.st_size, state.st_mtime_ns


def require_same(path: Path, state: State) -> None:
    """Check that a file is as it was where it was read first.

    Raises:
        OSError: It is not, or is not there.
    """
    if read_state(path) != state:
        raise OSError(f"{path} is another file here")


def _read(path: Path, state: State, start: int, length: int) -> bytes:
    require_same(path, state)
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)
