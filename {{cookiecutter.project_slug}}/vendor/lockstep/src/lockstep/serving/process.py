"""A worker as the server sees it: a process that is asked through a pipe."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from pydantic_core import from_json

from ..core.errors import UserError
from ..standalone.frames import LENGTH, SIZE

SECONDS_TO_START = 300.0
"""That a worker has to load its model, on a machine that has much else to do."""
SECONDS_TO_END = 5.0
"""That it has to end by itself once its input is closed."""
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""A signal that no process can ignore, where the system has one."""
POLITE = 10
"""How far a worker that nobody waits for steps back for others, in the levels of `nice`."""


class WorkerProcess:
    """A process that answers for a version: see `standalone.worker`."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self.features: list[str] = []
        """The columns that a prediction depends on."""
        self.end = asyncio.ensure_future(process.wait())
        """Over once the process is, whatever has ended it."""

    @classmethod
    async def start(cls, command: Sequence[str], folder: Path, *, is_polite: bool) -> Self:
        """Start a process in a folder whose packages it imports, and wait until it can answer.

        Raises:
            UserError: It cannot load its model, or dies of it.
            ConnectionError: Somebody has killed it meanwhile.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(folder), "PYTHONUTF8": "1"},
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,  # Ctrl-C is for the server
            )
        except OSError as error:
            raise UserError(
                f"its process cannot be started: {command[0]}: {error.strerror}"
            ) from error
        worker = cls(process)
        if is_polite and hasattr(os, "setpriority"):
            with suppress(OSError):  # it has died already
                os.setpriority(os.PRIO_PROCESS, process.pid, POLITE)
        try:
            await worker._wait_until_ready()
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(SECONDS_TO_START):
                first, _ = await read_message(self._output)
        except TimeoutError as error:
            raise UserError(f"its process has not started in {SECONDS_TO_START:g} s") from error
        except ConnectionError as error:
            if await self.end < 0:  # minus the signal
                raise
            raise UserError("its process ended while it started; see what it has said") from error
        if "fault" in first:
            raise UserError(first["fault"])
        self.features = first["features"]

    async def ask(self, frame: bytes) -> list[dict[str, Any]]:
        """What it replies to each question of a frame.

        Raises:
            ConnectionError: It has died.
        """
        self._input.write(frame)
        await self._input.drain()
        replies: list[dict[str, Any]] = (await read_message(self._output))[0]["replies"]
        return replies

    async def stop(self) -> None:
        """End it, at once if it does not by itself."""
        self._input.close()
        await asyncio.wait((self.end,), timeout=SECONDS_TO_END)
        await self.kill()

    async def kill(self) -> None:
        """End it at once."""
        self._input.close()
        if not self.end.done():
            with suppress(ProcessLookupError):
                # Popen would look first how it has ended, which is for the loop to see.
                os.kill(self._process.pid, KILL)
        await asyncio.wait((self.end,))  # who is cancelled meanwhile must not cancel that
        # The system has closed both pipes, and so does the loop once it sees that.
        await self._output.read()
        with suppress(ConnectionError):
            await self._input.wait_closed()

    @property
    def memory(self) -> int | None:
        """Bytes of memory that it has; None where the system does not tell."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return None
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def read_message(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """The next message that a process sends, and the bytes behind it: see `standalone.frames`.

    Raises:
        ConnectionError: It has died.
    """
    try:
        length = LENGTH.unpack(await stream.readexactly(LENGTH.size))
        content: dict[str, Any] = from_json(await stream.readexactly(*length))
        return content, await stream.readexactly(content[SIZE])
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the process has died") from error
