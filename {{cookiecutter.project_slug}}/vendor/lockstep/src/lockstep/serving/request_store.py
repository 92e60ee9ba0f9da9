"""Requests and their answers, kept by a thread that no answer waits for."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from ..core.params import KeepParams
from .entries import Entry, make_entries
from .errors import Unreachable
from .request_database import PASSING, RequestDatabase, as_json, describe

if TYPE_CHECKING:
    from .messages import Question, Reply

logger = logging.getLogger(__name__)

MOST_BYTES = 64 * 2**20
"""Of memory, for what waits to be written; more than that is dropped."""
OVERHEAD = 2000
"""Bytes that an entry takes beside its row and its answer."""
MOST_AT_ONCE = 1000
"""Lines that one transaction writes or deletes."""
PAUSE = 1.0
"""Seconds until a database that failed is tried again."""
PATIENCE = 5.0
"""Seconds that somebody waits for what is to be written."""
RETRY_AFTER = 5
"""Seconds after which somebody may ask again."""
FORGETTING = 3600.0
"""Seconds between two looks for what is too old."""


class RequestStore:
    """Keeps requests, and adds to them what became true.

    `put` hands over to a thread, which writes to the database and tries again as long as that
    fails. What has no room in memory meanwhile is dropped and counted.
    """

    def __init__(self, address: str | Path, keep: KeepParams) -> None:
        """Make a store that is not at work yet.

        Args:
            address: Of a database, as SQLAlchemy writes it: sqlite:///FILE or postgresql://...; or
                the file of one.
            keep: How long entries are kept.

        Raises:
            UserError: No database can be reached by such an address.
        """
        self.dropped = 0
        """Entries that were not kept."""
        self.failure: str | None = None
        """Why nothing can be written at present."""
        self._days = timedelta(days=keep.days)
        self._database = RequestDatabase(address)
        self._waiting: deque[dict[str, Any]] = deque()
        self._bytes = 0
        self._accepted = self._settled = 0
        self._next_look = time.monotonic()
        self._is_ending = False
        self._changed = Condition()
        self._thread = Thread(target=self._work, name="requests", daemon=True)

    def start(self) -> None:
        """Begin to write. Whether the database answers is seen then, and keeps nobody waiting."""
        self._thread.start()

    def stop(self) -> None:
        """End once all is written, or else after a few seconds."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join(PATIENCE)
        self._settle(len(self._waiting), is_lost=True)
        if self.dropped:
            logger.warning("%d rows of requests were not kept", self.dropped)
        self._database.close()

    def put(self, entries: Sequence[Entry]) -> None:
        """Hand entries over. It never waits for the database and never fails."""
        lines = [_make_line(entry) for entry in entries]
        with self._changed:
            for line in lines:
                size = _measure(line) if line else 0
                if not line or self._is_ending or self._bytes + size > MOST_BYTES:
                    self.dropped += 1
                else:
                    self._waiting.append(line)
                    self._bytes += size
                    self._accepted += 1
            self._changed.notify_all()

    def note_shadow(self, request: str, _: Question, reply: Reply | None) -> None:
        """Keep what a version in the shadow said, unless it could say nothing."""
        if reply is not None:
            start = datetime.now(UTC) - timedelta(seconds=reply.seconds)
            self.put(make_entries(request, start, reply, "shadow"))

    def add_outcomes(self, outcomes: Sequence[tuple[str, int, Any]]) -> tuple[int, int]:
        """Add to rows what became true of them; a later outcome replaces a former.

        Args:
            outcomes: Of each, the request's id, the place in the request, and the target's value.

        Returns:
            How many of the rows are kept, and of how many nothing is known.

        Raises:
            Unreachable: None was written.
        """
        with self._changed:
            last = self._accepted
            self._changed.wait_for(lambda: self._settled >= last or self.failure, PATIENCE)
            if self._settled < last:
                reason = self.failure or "it is slow"
                raise Unreachable(f"requests wait to be kept: {reason}", retry_after=RETRY_AFTER)
        with _reaching():
            count = self._database.add_outcomes(outcomes, datetime.now(UTC))
        return count, len(outcomes) - count

    def read_last(self, count: int) -> list[dict[str, Any]]:
        """The first rows of the requests that came last, the latest first.

        There is one for each version that answered; `rows` is how many rows the request has.

        Raises:
            Unreachable: They cannot be read at present.
        """
        with _reaching():
            return self._database.read_last(count)

    def _work(self) -> None:
        """Write what waits and delete what is too old, until the end."""
        while (lines := self._wait()) or not self._is_ending:
            if time.monotonic() >= self._next_look:
                self._forget()
            if lines:
                self._write(lines)

    def _wait(self) -> list[dict[str, Any]]:
        """Lines to write, as soon as there are some; none where there is something else to do."""
        with self._changed:
            idle = max(self._next_look - time.monotonic(), 0)
            self._changed.wait_for(lambda: self._waiting or self._is_ending, idle)
            return [*islice(self._waiting, MOST_AT_ONCE)]

    def _write(self, lines: list[dict[str, Any]]) -> None:
        try:
            self._database.write(lines)
        except PASSING as error:
            self._note(describe(error))
            with self._changed:
                self._changed.wait_for(lambda: not self._waiting, PAUSE)
        except Exception as error:
            # No database takes these lines; those after them must not wait for ever.
            self._note(describe(error))
            self._settle(len(lines), is_lost=True)
        else:
            self._note(None)
            self._settle(len(lines), is_lost=False)

    def _settle(self, count: int, *, is_lost: bool) -> None:
        """Let go of what has waited longest."""
        with self._changed:
            for _ in range(min(count, len(self._waiting))):
                self._bytes -= _measure(self._waiting.popleft())
                self._settled += 1
                self.dropped += is_lost
            self._changed.notify_all()

    def _forget(self) -> None:
        """Delete some of what is too old; what else there is, is written in between."""
        pause = FORGETTING
        try:
            if self._database.delete(datetime.now(UTC) - self._days, MOST_AT_ONCE) == MOST_AT_ONCE:
                pause = 0
        except Exception as error:
            self._note(describe(error))
            pause = PAUSE if isinstance(error, PASSING) else FORGETTING
        else:
            self._note(None)
        self._next_look = time.monotonic() + pause

    def _note(self, failure: str | None) -> None:
        if failure not in (None, self.failure):
            logger.warning("requests cannot be kept: %s", failure)
        elif failure is None and self.failure is not None:
            logger.warning("requests are kept again")
        self.failure = failure


def _make_line(entry: Entry) -> dict[str, Any] | None:
    """An entry as a line of the table; None where no database can hold its texts."""
    try:
        content = None if entry.content is None else as_json(entry.content)
        return {**entry._asdict(), "content": content, "answer": as_json(entry.answer)}
    except ValueError:
        return None


def _measure(line: dict[str, Any]) -> int:
    """The bytes of memory that a line takes, about."""
    return OVERHEAD + len(line["content"] or "") + len(line["answer"])


@contextmanager
def _reaching() -> Iterator[None]:
    """Tell whoever waits for the database that it does not answer."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        detail = f"the database of the requests does not answer: {describe(error)}"
        raise Unreachable(detail, retry_after=RETRY_AFTER) from error
