"""How far a stage is: one changing line on a terminal, elsewhere a line each minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .workers import is_worker

SECONDS_BETWEEN_CHANGES = 0.5
SECONDS_BETWEEN_LINES = 60


@contextmanager
def progress(
    stage: str, unit: str = "rows", total: int | None = None
) -> Iterator[Callable[..., None]]:
    """Gives what counts units of work, such as the rows of each batch; of `total`, if known."""
    amount, show = 0, make_reporter()
    whole = "" if total is None else f" of {total:,}"

    def count(more: int = 1) -> None:
        nonlocal amount
        amount += more
        show(f"{stage}: {amount:,}{whole} {unit}")

    try:
        yield count
    finally:
        clear_line()


def make_reporter() -> Callable[[str], None]:
    """What shows a line about work of seconds, unless it has shown another a moment ago.

    Workers show nothing: how far they are is told by the process that they work for.
    """
    if is_worker():
        return lambda line: None  # noqa: ARG005 - a reporter takes one
    is_terminal = sys.stderr.isatty()
    seconds = SECONDS_BETWEEN_CHANGES if is_terminal else SECONDS_BETWEEN_LINES
    last_line = time.monotonic()

    def show(line: str) -> None:
        nonlocal last_line
        if time.monotonic() - last_line > seconds:
            last_line = time.monotonic()
            text = f"\r{line}\033[K" if is_terminal else f"{line}\n"
            print(text, end="", file=sys.stderr, flush=True)

    return show


def clear_line() -> None:
    """Make room on a terminal for what is to stay."""
    if sys.stderr.isatty() and not is_worker():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
