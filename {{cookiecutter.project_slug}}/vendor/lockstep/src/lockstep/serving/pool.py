"""The workers of a version, and the questions that wait for them.

Whenever a worker is free and questions wait, it takes as many as it answers in about the time of
one; nothing waits for others to come. A question whose worker dies is asked once more, alone, so
that it takes no others with it if it was what the worker has died of.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..core.errors import UserError
from .errors import Broken
from .messages import Question, pack_questions
from .process import WorkerProcess

State = Literal["starting", "ready", "broken"]
MOST_ROWS = 256
"""That a worker is asked at once, unless a single question has more."""
MOST_TRIES = 2
MOST_FAILURES = 3
"""Starts that fail one after the other until a version is said to be broken."""
UNABLE = "its processes die when they start"
MOST_KILLS = 5
"""Starts that somebody breaks off by a signal, which says nothing of the version."""
LONGEST_PAUSE = 30
"""Seconds between a start that has failed and the next one."""


@dataclass(frozen=True)
class Limits:
    """What a pool keeps to."""

    workers: int
    """Processes."""
    rows: int
    """Of a question."""
    seconds: float
    """After which a worker that does not answer is given up."""
    shadows: int
    """Questions that may wait though nobody waits for their answers."""
    shadow_bytes: int
    """Of all these questions together."""


@dataclass(eq=False)
class Ticket:
    """A question that waits for its reply."""

    question: Question
    reply: asyncio.Future[dict[str, Any]]
    is_shadow: bool
    tries: int = 0

    @property
    def size(self) -> int:
        """Its rows; of a file they are not known and may be many."""
        match self.question.form:
            case "rows":
                return len(self.question.rows)
            case "image":
                return 1
            case _:
                return MOST_ROWS


class Pool:
    """The workers of a version.

    Args:
        name: What messages call the version.
        command: What starts a worker.
        folder: Where the package of the version is.
        columns: Those of whose cells something may be kept; None where nothing may.
        limits: What it keeps to.
        is_polite: Whether its workers step back for others, since nobody waits for their answers.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        columns: Sequence[str] | None,
        limits: Limits,
        *,
        is_polite: bool,
    ) -> None:
        self.name, self.command, self.folder = name, command, folder
        self.columns, self.limits, self.is_polite = columns, limits, is_polite
        self.features: list[str] = []
        """The columns that a prediction depends on."""
        self.dropped = 0
        """Shadows' questions that were not asked, since too many waited."""
        self.deaths = 0
        """Of its workers."""
        self._questions: deque[Ticket] = deque()
        self._shadows: deque[Ticket] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._workers: set[WorkerProcess] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._restarts: set[asyncio.Task[None]] = set()
        """Those of the tasks that have no worker at present."""
        self._failures = 0
        self._is_closing = False

    @property
    def state(self) -> State:
        """Whether it answers."""
        if self._workers:
            return "ready"
        return "broken" if self._failures >= MOST_FAILURES else "starting"

    @property
    def waiting(self) -> int:
        """Questions that no worker has taken yet."""
        return len(self._questions)

    @property
    def memory(self) -> int | None:
        """Bytes of memory that its workers have; None where the system does not tell."""
        sizes = [worker.memory for worker in self._workers]
        return sum(size for size in sizes if size) if any(sizes) else None

    async def start(self) -> None:
        """Start the workers and wait until the first one is ready.

        Raises:
            UserError: It cannot answer.
        """
        first = await self._start_worker()
        self.features = first.features
        for worker in [first, *[None] * (self.limits.workers - 1)]:
            self._tasks.append(asyncio.create_task(self._work(worker)))

    def ask(self, question: Question) -> asyncio.Future[dict[str, Any]]:
        """The reply to come: `answers` and `rows`, or the `fault` for which there are none.

        The question is asked as long as somebody waits for it; who does not any more cancels it.

        Raises:
            Broken: No worker can be started.
        """
        if self.state == "broken":
            raise self._complain(UNABLE)
        return self._put(Ticket(question, _make_future(), is_shadow=False))

    def ask_as_shadow(self, question: Question) -> asyncio.Future[dict[str, Any]] | None:
        """The same once nothing else waits; None where too many wait already."""
        size = question.size + sum(ticket.question.size for ticket in self._shadows)
        is_full = len(self._shadows) >= self.limits.shadows or size > self.limits.shadow_bytes
        if is_full or self.state == "broken":
            self.dropped += 1
            return None
        return self._put(Ticket(question, _make_future(), is_shadow=True))

    async def stop(self, seconds: float) -> None:
        """End the workers once all questions are answered, or after so many seconds."""
        self._is_closing = True
        self._abandon(self._shadows, "it is ending")
        self._end_idle()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._abandon(self._questions, "it had to end")

    def _put(self, ticket: Ticket) -> asyncio.Future[dict[str, Any]]:
        (self._shadows if ticket.is_shadow else self._questions).append(ticket)
        self._wake()
        return ticket.reply

    def _wake(self) -> None:
        """Have a worker that has nothing to do look for questions."""
        if self._idle:
            self._idle.popleft().set_result(None)

    def _end_idle(self) -> None:
        """Once the pool closes and nothing waits, let all end that have nothing to do."""
        while self._idle:
            self._wake()
        if not self._questions:
            for task in self._restarts:
                task.cancel()

    async def _work(self, worker: WorkerProcess | None) -> None:
        """Keep a worker at work, and another in its place when it dies."""
        while worker or (worker := await self._replace_worker()):
            self._workers.add(worker)
            try:
                await self._ask_all(worker)
            finally:
                self._workers.discard(worker)
                self.deaths += worker.end.done()
                await worker.stop()
            worker = None

    async def _ask_all(self, worker: WorkerProcess) -> None:
        """Ask a worker what waits, until it dies or the pool closes."""
        while batch := await self._take(worker):
            questions = [ticket.question for ticket in batch]
            try:
                async with asyncio.timeout(self.limits.seconds):
                    replies = await worker.ask(
                        pack_questions(questions, self.columns, self.limits.rows)
                    )
            except asyncio.CancelledError:
                self._abandon(batch, "it had to end")
                raise
            except Exception:  # it has died, hangs, or says what is no answer
                await worker.kill()
                self._take_back(batch)
            else:
                for ticket, reply in zip(batch, replies, strict=True):
                    self._settle(ticket, reply)

    async def _take(self, worker: WorkerProcess) -> list[Ticket]:
        """The next questions for a worker; none when there will be no more for it."""
        while not worker.end.done():
            if batch := self._next_batch():
                return batch
            if self._is_closing:
                self._end_idle()
                return []
            call = _make_future()
            self._idle.append(call)
            await asyncio.wait((call, worker.end), return_when=asyncio.FIRST_COMPLETED)
            if call in self._idle:
                self._idle.remove(call)
        self._wake()  # the call may have been for this one
        return []

    def _next_batch(self) -> list[Ticket]:
        for queue in (self._questions, self._shadows):
            batch: list[Ticket] = []
            size = 0
            while queue:
                ticket = queue[0]
                if ticket.reply.done():  # nobody waits any more
                    queue.popleft()
                    continue
                size += ticket.size
                if batch and size > MOST_ROWS:
                    break
                batch.append(queue.popleft())
                if ticket.tries:
                    break
            if batch:
                return batch
        return []

    def _settle(self, ticket: Ticket, reply: dict[str, Any]) -> None:
        if ticket.reply.done():
            return
        if "crash" in reply:
            ticket.reply.set_exception(self._complain(f"it cannot answer: {reply['crash']}"))
        else:
            ticket.reply.set_result(reply)

    def _take_back(self, batch: Iterable[Ticket]) -> None:
        """Have questions asked once more, if somebody waits and it is the first time."""
        for ticket in reversed([*batch]):
            ticket.tries += 1
            if ticket.is_shadow or ticket.tries >= MOST_TRIES:
                self._abandon([ticket], "its process has died of the request")
            else:
                self._questions.appendleft(ticket)
                self._wake()

    def _abandon(self, batch: Iterable[Ticket], reason: str) -> None:
        for ticket in batch:
            if not ticket.reply.done():
                ticket.reply.set_exception(self._complain(reason))

    def _complain(self, reason: str) -> Broken:
        return Broken(f"{self.name}: {reason}", LONGEST_PAUSE)

    async def _replace_worker(self) -> WorkerProcess | None:
        """Another worker; None where none is needed any more."""
        task = asyncio.current_task()
        assert task is not None
        self._restarts.add(task)
        try:
            while self._questions or not self._is_closing:
                try:
                    worker = await self._start_worker()
                except UserError as error:
                    self._failures += 1
                    print(f"serve: {self.name}: {error}", file=sys.stderr)
                    if self.state == "broken":
                        self._abandon(self._questions, UNABLE)
                    await asyncio.sleep(min(2**self._failures, LONGEST_PAUSE))
                else:
                    self._failures = 0
                    return worker
        finally:
            self._restarts.discard(task)
        return None

    async def _start_worker(self) -> WorkerProcess:
        for _ in range(MOST_KILLS):
            with suppress(ConnectionError):
                return await WorkerProcess.start(
                    self.command, self.folder, is_polite=self.is_polite
                )
        raise UserError(f"its process was killed {MOST_KILLS} times while it started")


def _make_future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()
