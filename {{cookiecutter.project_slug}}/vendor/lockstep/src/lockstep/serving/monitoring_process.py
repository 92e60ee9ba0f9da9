"""The process that watches the requests, as the server sees it: it tells what is to be shown."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, NamedTuple

from pydantic_core import to_json

from ..core.paths import Paths
from ..standalone.frames import pack
from .errors import Busy
from .process import read_message

WATCHER = "lockstep.monitoring.live"
SECONDS_TO_TELL = 10.0
"""That a program waits for the first report."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
"""Seconds until a process that has died is started again, twice as many each time."""
RETRY_AFTER = 5
FRESHNESS = b"<!-- freshness -->"
"""Where a page says when the requests were read."""


class Shown(NamedTuple):
    """What is to be shown."""

    report: bytes
    """JSON, an object."""
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
        self._shown: Shown | None = None
        self.read_time: datetime | None = None
        """When all requests were last read, as far as they had come."""
        self._trouble: str | None = None
        self._changed = asyncio.Event()

    @property
    def alarms(self) -> Sequence[tuple[str, str, str, int]]:
        """Those that were told last."""
        return self._shown.alarms if self._shown else ()

    async def tell(self, seconds: float = SECONDS_TO_TELL) -> Shown:
        """What is to be shown now, and when the requests were read.

        Args:
            seconds: To wait, where nothing is known yet.

        Raises:
            Busy: Nothing is known by then.
        """
        self.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        if self._shown is None:
            raise Busy(
                self._trouble or "the requests are being read; come back in a moment", RETRY_AFTER
            )
        return self._shown._replace(
            report=self._add_freshness(self._shown.report),
            page=self._shown.page.replace(FRESHNESS, self._render_freshness().encode()),
        )

    def start(self) -> None:
        """Have the process at work."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_following())

    async def stop(self) -> None:
        """End the process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_following(self) -> None:
        """Start the process again whenever it has died, at ever longer pauses if that is often."""
        pause = FIRST_PAUSE
        while True:
            start = time.monotonic()
            reason = await self._follow()
            if time.monotonic() - start > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            again = format_time(datetime.now(UTC) + timedelta(seconds=pause))
            self._trouble = (
                f"the process that reads the requests {reason}; it is started again at {again}"
            )
            print(f"serve: {self._trouble}", file=sys.stderr)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _follow(self) -> str:
        """Start the process and take what it tells until it ends; returns how it did."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", WATCHER),
                cwd=self._paths.root,
                env={**os.environ, "PYTHONUTF8": "1"},
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,  # Ctrl-C is for the server
            )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # On the command line, others could read a password.
            process.stdin.write(pack({"address": self._address}))
            with suppress(ConnectionError):
                while True:
                    content, payload = await read_message(process.stdout)
                    if "fault" in content:
                        return f"has failed: {content['fault']}"
                    self._take(content, payload)
            return "has died"
        finally:
            process.stdin.close()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _take(self, content: dict[str, Any], payload: bytes) -> None:
        """Take what was told of a look at the requests; without a payload, all is as it was."""
        self._trouble = content["trouble"]
        if self._trouble is None:
            self.read_time = datetime.now(UTC)
        if payload:
            end = content["report"]
            self._shown = Shown(payload[:end], payload[end:], content["alarms"])
            self._changed.set()

    def _add_freshness(self, report: bytes) -> bytes:
        """The report, which is not parsed for it, since it may be large."""
        read_time = self.read_time and self.read_time.isoformat(timespec="minutes")
        content = to_json({"read": read_time, "trouble": self._trouble})
        return content[:-1] + b"," + report[1:]

    def _render_freshness(self) -> str:
        when = self.read_time and f'<span class="brief">{format_time(self.read_time)}</span>'
        if self._trouble is None:
            return f'<p class="soft">The requests were last read at {when}.</p>'
        last = f"What is shown is of {when}." if when else ""
        text = f"Not all requests are read: {escape(self._trouble)}. {last}"
        return f'<p class="note doubt" role="status">{text.strip()}</p>'


def format_time(time: datetime) -> str:
    """A time in UTC to the minute, so that what is shown is not another at each look."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
