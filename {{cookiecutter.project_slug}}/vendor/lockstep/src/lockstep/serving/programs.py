"""Programs that take their time while the server answers."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class ProgramResult(NamedTuple):
    """How a program has ended, and what it has printed."""

    status: int
    output: str
    errors: str


async def run_program(command: Sequence[str], folder: Path) -> ProgramResult:
    """Run a program in a folder and wait for its end, whatever its exit status.

    When nobody waits any more, it is told to end with all that it has started.

    Raises:
        OSError: There is no such program.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.terminate()
        await process.communicate()
        raise
    status = await process.wait()
    return ProgramResult(
        status, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")
    )
