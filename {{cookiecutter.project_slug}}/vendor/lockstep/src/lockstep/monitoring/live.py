"""`python -m lockstep.monitoring.live`: what is watched, as the server shows it.

It is a process beside the server, and steps back for it. It reads what is new in the database of
the requests and keeps running sums by version and day, so that nothing is read twice. After each
look it says by standard output (see `standalone.frames`) whether all could be read and, where there
is something new to show, the report and the page made of it. It ends with its input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from traceback import extract_tb
from typing import BinaryIO

import numpy as np

from ..core.errors import UserError, shorten
from ..core.project import Project
from ..serving.request_database import RequestDatabase, open_requests
from ..standalone.frames import claim_pipes, pack, read_frame
from .batches import Batch, Subject
from .follower import Follower
from .ignored import list_mistakes
from .page import render_page
from .quality import Gauge
from .references import References
from .report import Content, list_stages, make_report
from .request_source import SUBJECT, Line, as_times, find_latest, make_batches, read_labelled
from .watch import Watch, choose_windows
from .windows import find_numbers

DAYS = 30
"""That are shown."""
PAUSE = 2.0
"""Seconds between two looks, at least."""
SHARE = 0.1
"""Of its time that it works at most; it sleeps the rest."""
SLICE = 5.0
"""Seconds that it reads before it shows what there is so far."""
PATIENCE = timedelta(minutes=5)
"""Until it looks again for models that were not to be had."""
LONGEST_FAULT = 300
"""Letters."""
POLITENESS = 10
"""How far it steps back for others, in the levels of `nice`."""


def _tell_time() -> datetime:
    return datetime.now(UTC)


class Monitor:
    """What is watched, kept up with a database.

    Args:
        project: The project.
        address: Of the database; by default the project's file.
        clock: What tells the time.
    """

    def __init__(
        self, project: Project, address: str | None, clock: Callable[[], datetime] = _tell_time
    ) -> None:
        self._project, self._address, self._clock = project, address, clock
        self._search_time = clock() + PATIENCE
        self._references = References(project)
        self._gauge = Gauge(project)
        self._follower: Follower | None = None
        self._by = choose_windows(project.contract)
        self._watch = Watch(self._references, self._by)
        self.trouble: str | None = None
        """Why not all requests were read at the last look."""

    def look(self) -> bool:
        """Count what is new, as far as there is time; returns whether there is more."""
        try:
            with open_requests(self._project, self._address) as database:
                is_more = self._look(database)
        except UserError as error:
            self.trouble = str(error)
            return False
        self.trouble = "there are many, and the rest is being read" if is_more else None
        return is_more

    def make_report(self) -> Content:
        """What is to be shown."""
        content = make_report(
            self._watch,
            self._project.params.monitor,
            source="requests",
            since=self._find_since().isoformat(timespec="seconds"),
            stages=list_stages(self._project),
            gauge=self._gauge,
        )
        content["notes"] = [*list_mistakes(self._project, self._watch), *content["notes"]]
        return content

    def _look(self, database: RequestDatabase) -> bool:
        since, latest = self._find_since(), find_latest(self._clock())
        is_anew = self._has_found_models()
        if is_anew or self._follower is None or self._follower.is_ahead(database):
            self._follower = Follower(database, since, latest)
            self._watch = Watch(self._references, self._by)
        self._watch.forget(as_times([since])[0])
        follower = self._follower
        for page in follower.read_ripe(database, latest):
            for batch in make_batches(page, self._references):
                self._watch.readmit(batch, as_times([follower.latest])[0])
        for page in follower.read_late(database):
            self._count(page, follower)
        end = time.monotonic() + SLICE
        for page in follower.read_new(database):
            self._count(page, follower)
            if time.monotonic() > end:
                return True
        self._renew_outcomes(follower, database)
        return False

    def _has_found_models(self) -> bool:
        """Whether models can be had that could not before, so that all is to be counted anew."""
        if self._clock() < self._search_time:
            return False
        has_found = self._references.look_again()
        self._search_time = self._clock() + PATIENCE
        return has_found

    def _count(self, page: Sequence[Line], follower: Follower) -> None:
        for batch in make_batches(page, self._references):
            self._watch.add(batch, as_times([follower.latest])[0])

    def _find_since(self) -> datetime:
        """The beginning of the first day that is shown."""
        day = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return day - timedelta(days=DAYS - 1)

    def _renew_outcomes(self, follower: Follower, database: RequestDatabase) -> None:
        """Read again what is known of the rows of a window, where outcomes of it have come."""
        renewed: set[tuple[Subject, int]] = set()
        for page in follower.read_labelled(database):
            subjects = [Subject(*(line[name] for name in SUBJECT)) for line in page]
            numbers = find_numbers(as_times([line["time"] for line in page]), self._by)
            renewed.update(zip(subjects, numbers.tolist(), strict=True))
        for subject, number in sorted(renewed):
            if windows := self._watch.windows.get(subject):
                start, end = windows.find_start(number), windows.find_start(number + 1)
                is_over = as_times([follower.latest])[0] + np.timedelta64(1, "us")
                pages = read_labelled(database, subject, start, min(end, is_over))
                windows.replace_outcomes(number, self._make_batches(pages))

    def _make_batches(self, pages: Iterable[Sequence[Line]]) -> Iterator[Batch]:
        for page in pages:
            yield from make_batches(page, self._references)


def main() -> None:
    """Watch until the input ends."""
    questions, answers = claim_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server
    with suppress(AttributeError):  # there is none on Windows
        os.nice(POLITENESS)
    question = read_frame(questions)
    if question is None:
        return
    Thread(target=_end_with, args=(questions,), daemon=True).start()
    try:
        _keep_looking(Monitor(Project.find(), question[0]["address"]), answers)
    except Exception as error:
        _send(answers, {"fault": _describe(error)})
        sys.exit(1)


def _keep_looking(monitor: Monitor, answers: BinaryIO) -> None:
    """Tell of each look; what there is to show is sent only if it is new."""
    shown = None
    while True:
        start = time.monotonic()
        is_more = monitor.look()
        content = monitor.make_report()
        if content == shown:
            _send(answers, {"trouble": monitor.trouble})
        else:
            report, page = _render(content)
            alarms = _list_alarms(content)
            head = {"trouble": monitor.trouble, "report": len(report), "alarms": alarms}
            _send(answers, head, report + page)
            shown = content
        if not is_more:
            time.sleep(max(PAUSE, (time.monotonic() - start) * (1 / SHARE - 1)))


def _describe(error: Exception) -> str:
    """What has gone wrong and where, in a line."""
    if isinstance(error, UserError):
        return shorten(str(error), LONGEST_FAULT)
    frame = extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}, line {frame.lineno}"
    return shorten(f"{type(error).__name__}: {error} ({place})", LONGEST_FAULT)


def _end_with(questions: BinaryIO) -> None:
    """End the process as soon as the server does, whatever it is at."""
    questions.read()
    os._exit(0)


def _render(content: Content) -> tuple[bytes, bytes]:
    """The report, and the page made of it."""
    report = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    return report, render_page(content, live=True).encode()


def _list_alarms(content: Content) -> list[tuple[str, str, str, int]]:
    return [
        (version["model"], version["version"], version["role"], version["alarms"])
        for version in content["versions"]
    ]


def _send(answers: BinaryIO, content: Content, payload: bytes = b"") -> None:
    answers.write(pack(content, payload))
    answers.flush()


if __name__ == "__main__":
    main()
