"""What is new in the database of the requests, since it was looked at before."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select

from ..serving.request_database import REQUESTS, RequestDatabase, as_utc
from .request_source import PAGE, SUBJECT, Line, find_start, read_one, read_page, read_pages

SECONDS_TO_COMMIT = 60.0
"""In which a transaction that has taken ids has ended, well or not."""
MOST_GAPS = 1000
LAST_ID = 2**63 - 1
"""That a line can have."""
OVERLAP = timedelta(minutes=2)
"""How far outcomes may lie apart by their times, of those that come at once."""


class Gap(NamedTuple):
    """Ids that are lacking: their transaction is under way, or has failed, or they were deleted."""

    first: int
    last: int
    deadline: float
    """When nothing can come any more, by the monotonic clock."""


class Follower:
    """Reads each line once, as soon as it is there: in PostgreSQL, ids are seen in any order.

    Args:
        database: Of the requests.
        since: When those begin that matter.
        latest: When the latest can have come; those after it are from the future.
    """

    def __init__(self, database: RequestDatabase, since: datetime, latest: datetime) -> None:
        self.latest = latest
        self._after = find_start(database, since)
        self._gaps: deque[Gap] = deque(maxlen=MOST_GAPS)
        self._last = LAST_ID
        """The last line at `latest` that is no longer from the future."""
        self._labelled = datetime.now(UTC) - OVERLAP

    def is_ahead(self, database: RequestDatabase) -> bool:
        """Whether it has read lines that are there no more, since the table has begun anew."""
        query = select(func.max(REQUESTS.c.id).label("id"))
        return self._after > (read_one(database, query)["id"] or 0)

    def read_new(self, database: RequestDatabase) -> Iterator[Sequence[Line]]:
        """The lines above those that were read, page by page; whoever has had enough may stop."""
        for page in read_pages(database, self._after):
            self._note_gaps(self._after, page, time.monotonic() + SECONDS_TO_COMMIT)
            self._after = page[-1]["id"]
            yield page

    def read_late(self, database: RequestDatabase) -> Iterator[Sequence[Line]]:
        """The lines that have come in gaps, page by page."""
        for _ in range(len(self._gaps)):
            gap, start, is_open = self._gaps.popleft(), time.monotonic(), True
            try:
                for page in read_pages(database, gap.first - 1, REQUESTS.c.id <= gap.last):
                    self._note_gaps(gap.first - 1, page, gap.deadline)
                    gap = gap._replace(first=page[-1]["id"] + 1)
                    yield page
                is_open = start < gap.deadline
            finally:  # the database may fail at any time
                if is_open and gap.first <= gap.last:
                    self._gaps.append(gap)

    def read_ripe(self, database: RequestDatabase, latest: datetime) -> Iterator[Sequence[Line]]:
        """The lines that were read before, from the future, and are not any more, page by page.

        After them, what is not later than `latest` is read as it comes.
        """
        latest = max(self.latest, latest)  # the clock may have been put back
        time, number = REQUESTS.c.time, REQUESTS.c.id
        was_read, is_ripe = number <= self._after, time <= latest

        def is_next() -> ColumnElement[bool]:
            is_after = or_(time > self.latest, number > self._last)
            return and_(time >= self.latest, is_after)

        while page := read_page(database, time, was_read, is_ripe, is_next()):
            self.latest, self._last = as_utc(page[-1]["time"]), page[-1]["id"]
            yield [line for line in page if not self._is_awaited(line["id"])]
        self.latest, self._last = latest, LAST_ID

    def _is_awaited(self, number: int) -> bool:
        """Whether a line is one of those that come late, and are read as such."""
        return any(gap.first <= number <= gap.last for gap in self._gaps)

    def read_labelled(self, database: RequestDatabase) -> Iterator[Sequence[Line]]:
        """Of lines whose outcomes have come the version and the time, page by page.

        Those of the last minutes are told again and again.
        """
        columns = [REQUESTS.c[name] for name in (*SUBJECT, "time", "outcome_time")]
        query = select(*columns).where(REQUESTS.c.outcome_time > self._labelled)
        latest = self._labelled
        for page in database.read(query, PAGE):
            latest = max(latest, *(as_utc(line["outcome_time"]) for line in page))
            yield page
        self._labelled = max(self._labelled, min(latest, datetime.now(UTC) - OVERLAP))

    def _note_gaps(self, after: int, page: Sequence[Line], deadline: float) -> None:
        for line in page:
            if line["id"] > after + 1:
                self._gaps.append(Gap(after + 1, line["id"] - 1, deadline))
            after = line["id"]
