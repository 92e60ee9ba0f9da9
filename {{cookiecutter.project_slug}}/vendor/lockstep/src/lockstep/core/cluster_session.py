"""A connection to a cluster, over which units of work go there."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cluster_call import make_call
from .cluster_client import CONNECT_SECONDS, VARIABLE, ask_workers, connect
from .cluster_code import pack_code
from .cluster_traces import digest, end_units_of, has_traces, is_kept, note_kept
from .cluster_units import complete
from .cluster_versions import require_same_versions
from .errors import UserError
from .places import State, is_seen

if TYPE_CHECKING:
    from .workers import Task

WAIT_SECONDS = 60
"""How long a cluster may be without any worker."""
SCATTERINGS = 2
"""How often data are scattered while workers come and go."""
AHEAD, MOST_AHEAD = 2, 64
"""Batches ahead for each thread of a worker, and in all, for memory here to be bounded."""
KEPT = (b"", b"")
"""In place of code and shared data that workers keep since an earlier call of this command."""


class Session:
    """A connection to a cluster, and what its workers have been given.

    It lasts no longer than units are waited for: to estimate the size of what it sends, Dask may
    draw from the generators of random numbers that networks here draw from.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = connect(address)
        self.do, self.scatterings = make_call("do"), 0
        self.parts: Sequence[Any] = KEPT
        self.seen: dict[tuple[Path, State], bool] = {}
        try:
            with self._guard():
                if not has_traces(address):  # who joins later is looked at before its first unit
                    require_same_versions(self.client)
        except BaseException:
            self.client.close(timeout=CONNECT_SECONDS)
            raise

    def map(
        self, function: Callable[..., Any], shared: tuple[Any, ...], tasks: Iterator[Task]
    ) -> Iterator[Any]:
        """What `function(*shared, *task.arguments)` gives of tasks that come one after the other.

        A few of them are there at a time. What raises an error there is done here again: the error
        comes from where all is at hand that explains it, or does not come at all.

        Raises:
            UserError: See `run_on_cluster`; or processes or workers die of a task.
        """
        self.share(function, shared)
        numbered = enumerate(tasks)
        for task, state, answer in complete(
            self, function, numbered, lambda: None, self._count_ahead
        ):
            if state in ("died", "killed", "lost"):
                raise answer
            yield answer if state == "result" else function(*shared, *task.arguments)

    def share(self, function: Callable[..., Any], shared: tuple[Any, ...]) -> None:
        """Give workers the code and what units have in common."""
        import joblib

        buffer = io.BytesIO()
        joblib.dump(shared, buffer)
        self.content = buffer.getvalue()
        self.archive = pack_code(function.__module__.partition(".")[0])
        self.code, self.rows = digest(self.archive), digest(self.content)
        if is_kept(self.address, self.code, self.rows):
            self.parts = KEPT
            return
        note_kept(self.address, self.code, self.rows)
        self.scatter()

    @property
    def has_scattered(self) -> bool:
        """Whether units are given code and shared data, rather than what workers keep."""
        return self.parts is not KEPT

    def scatter(self) -> None:
        """Have all workers that answer hold code and shared data as long as units need them."""
        self.scatterings += 1
        for _ in range(SCATTERINGS):
            self._wait_for_workers()
            # Which is a KeyError where one of them has gone since.
            with self._guard(), suppress(TimeoutError, KeyError):
                answers = ask_workers(self.client, os.getpid)
                self.parts = self.client.scatter(
                    [self.archive, self.content],
                    workers=[worker for worker, answer in answers.items() if answer],
                    broadcast=True,
                    hash=False,
                )
                return
        raise UserError(
            f"{VARIABLE}: {self.address}: workers come and go, or do not answer, so that none "
            "keeps data"
        )

    def _wait_for_workers(self) -> None:
        with self._guard(), suppress(TimeoutError):
            self.client.wait_for_workers(1, timeout=WAIT_SECONDS)
            return
        raise UserError(
            f"{VARIABLE}: {self.address} has no workers; start some, "
            f"`dask worker {self.address}` in an environment of the same versions is one"
        )

    def submit(self, function: Callable[..., Any], task: Task) -> Any:
        """Have a task done by the worker that is free next."""
        archive, content = self.parts
        payload = self.pickle((function, task.arguments))
        arguments = (self.code, archive, self.rows, content, payload)
        with self._guard():
            return self.client.submit(self.do, *arguments, priority=task.cost, pure=False)

    def pickle(self, values: Any) -> bytes:
        """What travels of them: of a file that all workers see, its place."""
        import cloudpickle

        token = is_seen.set(self._is_seen)
        try:
            return bytes(cloudpickle.dumps(values))
        finally:
            is_seen.reset(token)

    def _is_seen(self, path: Path, state: State) -> bool:
        if (path, state) not in self.seen:
            with self._guard():
                answers = ask_workers(self.client, make_call("sees"), str(path), state)
            self.seen[path, state] = bool(answers) and all(answers.values())
        return self.seen[path, state]

    def _count_ahead(self) -> int:
        """How many units may be there at a time, done or not, which nobody has asked for."""
        with self._guard():
            threads = int(sum(self.client.nthreads().values()))
        return min(AHEAD * max(1, threads), MOST_AHEAD)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Say that the scheduler has gone where it does not answer in the block."""
        from distributed.client import ClosedClientError

        try:
            yield
        except (OSError, ClosedClientError) as error:
            raise self.tell_end() from error

    def tell_end(self) -> UserError:
        """What there is to tell where the scheduler has gone."""
        return UserError(
            f"{VARIABLE}: the scheduler at {self.address} has gone; once it is back, run the same "
            "command again"
        )

    def close(self, is_over: bool) -> None:
        """Leave the cluster and, if all is over, nothing there."""
        if is_over and self.client.status == "running":
            end_units_of(self.client, self.address)
        self.parts = KEPT  # what was scattered is let go
        self.client.close(timeout=CONNECT_SECONDS)
