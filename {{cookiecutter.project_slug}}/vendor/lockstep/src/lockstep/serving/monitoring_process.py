"""The process that watches the requests, as the server sees it: it tells what is to be shown."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ..core.paths import Paths
from ..standalone.frames import pack
from .errors import Busy
from .process import read_message

WATCHER = "lockstep.monitoring.live"
SECONDS_TO_TELL = 10.0
"""That somebody waits for the first report."""
SECONDS_TO_MEND = 30.0
"""Until a process that has died is started again."""
RETRY_AFTER = 5


class Shown(NamedTuple):
    """What is to be shown."""

    report: bytes
    """JSON."""
    page: bytes
    """HTML."""
    alarms: Sequence[tuple[str, str, str, int]]
    """Model, version, role, and how many of its alarms stand."""


class MonitoringProcess:
    """A process that is started when somebody first asks, and runs as long as the server does.

    Args:
        paths: The project.
        address: Of the database of the requests; by default the project's file.
    """

    def __init__(self, paths: Paths, address: str | None) -> None:
        self._paths, self._address = paths, address
        self._task: asyncio.Task[None] | None = None
        self._next_start = 0.0
        self._shown: Shown | None = None
        self._changed = asyncio.Event()

    @property
    def alarms(self) -> Sequence[tuple[str, str, str, int]]:
        """Those that were told last."""
        return self._shown.alarms if self._shown else ()

    async def tell(self) -> Shown:
        """What is to be shown now.

        Raises:
            Busy: Nothing is known yet.
        """
        self.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_TELL):
                await self._changed.wait()
        if self._shown is None:
            raise Busy("the requests are being read; come back in a moment", RETRY_AFTER)
        return self._shown

    def start(self) -> None:
        """Have the process at work, unless it is, or has just died."""
        if (self._task is None or self._task.done()) and time.monotonic() >= self._next_start:
            self._next_start = time.monotonic() + SECONDS_TO_MEND
            self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End the process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        """Start the process, and take what it tells until it ends."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", WATCHER),
            cwd=self._paths.root,
            env={**os.environ, "PYTHONUTF8": "1"},
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C is for the server
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # On the command line, others could read a password.
            process.stdin.write(pack({"address": self._address}))
            with suppress(ConnectionError):
                while True:
                    content, payload = await read_message(process.stdout)
                    end = content["report"]
                    self._shown = Shown(payload[:end], payload[end:], content["alarms"])
                    self._changed.set()
            print("serve: what watches the requests has died", file=sys.stderr)
        finally:
            process.stdin.close()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
