"""Work in several processes, each on one thread: the results are those of one process, sooner.

A task is a pure function of what all tasks share and of its own arguments, so that neither the
number of workers nor which of them comes first changes a result. What is shared reaches the workers
by a file that they map into memory.

joblib is imported where workers start, since every stage and command comes by here.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from operator import is_
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn

from .cluster import run_on_cluster
from .cluster_client import find_address
from .cluster_traces import end_units
from .errors import UserError
from .runtime import ONE_THREAD, is_on_cpu

VARIABLE = "LOCKSTEP_WORKERS"
WORTHWHILE = 20.0
"""Seconds of work on one core from which on it is worth starting workers."""
WORKER_BYTES = 800 * 2**20
"""Memory of a worker with Keras and what it compiles, without rows."""
COPIES = 6
"""How often a worker may hold what is shared: rows of a fold, their numbers, what a model keeps."""
SECONDS_BETWEEN_LOOKS = 0.5
CGROUP = Path("/sys/fs/cgroup")
MEMORY_LIMITS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
"""Where versions 2 and 1 of Linux' control groups say what a container may take, and has taken."""


@dataclass(frozen=True)
class Task:
    """One call of a function that several calls have in common."""

    name: str
    """What messages call it."""
    cost: float
    """Seconds it takes on one core, roughly; known beforehand, not by a clock."""
    arguments: tuple[Any, ...]


def run_tasks(
    function: Callable[..., Any],
    shared: tuple[Any, ...],
    tasks: Sequence[Task],
    on_end: Callable[[], None] = lambda: None,
    cost: float | None = None,
) -> Iterator[Any]:
    """What `function(*shared, *task.arguments)` gives for each task, in their order.

    Much work is done by workers, the most expensive task first; little of it in this process, since
    starting workers would take longer. A task of which a worker dies, also when there is no other
    beside it, gives a `UserError`. Where the environment names the scheduler of a cluster, all work
    is done there.

    Args:
        function: A function of a module; what it gives must depend on its arguments alone.
        shared: What the tasks have in common, such as the train rows.
        tasks: What is to be done.
        on_end: Called after each task, in any thread.
        cost: Seconds on one core of all work that is to come, by default that of these tasks.
    """
    if find_address() and not is_worker():
        yield from run_on_cluster(function, shared, tasks, on_end)
        return
    seconds = sum(task.cost for task in tasks) if cost is None else cost
    if seconds < WORTHWHILE or len(tasks) < 2 or is_worker() or count_workers() < 2:
        for task in tasks:
            result = function(*shared, *task.arguments)
            on_end()
            yield result
        return
    yield from _run_in_workers(function, shared, tasks, on_end)


def count_workers() -> int:
    """How many workers are wanted: what LOCKSTEP_WORKERS says, by default the usable cores.

    Where networks compute on a GPU it is one, unless the variable says otherwise.

    Raises:
        UserError: The variable holds no whole number above zero.
    """
    from joblib import cpu_count

    text = os.environ.get(VARIABLE) or str(cpu_count() if is_on_cpu() else 1)
    if not (text.isdecimal() and int(text) > 0):
        raise UserError(
            f"{VARIABLE}: {text!r} in the environment; a number of processes was expected, such as "
            "2, or nothing for as many as there are cores"
        )
    return int(text)


def is_worker() -> bool:
    """Whether this process is a worker."""
    return _is_worker


def become_worker() -> None:
    """Let this process start no workers of its own."""
    global _is_worker
    _is_worker = True


def end_workers() -> None:
    """End all workers at once, whatever they are doing."""
    global _pool
    end_units()
    pool, _pool = _pool, None
    if pool:
        pool.close()


_is_worker = False
_pool: _Pool | None = None


class _Pool:
    """Workers, and a folder with what they share and which task each of them is doing."""

    def __init__(self, shared: tuple[Any, ...], most: int) -> None:
        import joblib
        from joblib.externals.loky import ProcessPoolExecutor
        from joblib.externals.loky.backend import resource_tracker

        self.shared = shared
        self.cleanup = ExitStack()
        with suppress(ValueError):  # only the main thread may
            former = signal.signal(signal.SIGTERM, _exit)
            self.cleanup.callback(signal.signal, signal.SIGTERM, former)
        self.folder = Path(mkdtemp(prefix="lockstep-"))
        # A process of its own removes the folder where this one is killed.
        resource_tracker.register(str(self.folder), "folder")
        self.cleanup.callback(resource_tracker.unregister, str(self.folder), "folder")
        self.cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.file = self.folder / "shared"
        try:
            joblib.dump(shared, self.file)
        except OSError as error:
            self.cleanup.close()
            raise UserError(
                f"{self.folder}: what workers share cannot be written: {error.strerror or error}; "
                f"TMPDIR in the environment names another place, and {VARIABLE}=1 needs none"
            ) from error
        self.executor = ProcessPoolExecutor(
            _count_fitting(most, self.file.stat().st_size),
            initializer=_begin,
            initargs=(os.getpid(),),
            env=ONE_THREAD,
        )

    def submit(self, function: Callable[..., Any], number: int, task: Task) -> Future[Any]:
        """Have a task, which has this number, done by the worker that is free next."""
        future: Future[Any]
        with _ignoring_interrupts():  # the first task starts the workers
            future = self.executor.submit(_run, function, self.file, number, task.arguments)
        return future

    def list_running(self) -> list[int]:
        """The numbers of the tasks that workers are doing, or were doing when they died."""
        numbers = set()
        for file in self.folder.glob("*.task"):
            with suppress(OSError, ValueError):  # others may begin and end a task meanwhile
                numbers.add(int(file.read_text(encoding="ascii")))
        return sorted(numbers)

    def close(self) -> None:
        """End the workers and remove the folder."""
        # Told to kill its workers, the executor would stumble over what it has not given them yet.
        for process in [*(self.executor._processes or {}).values()]:
            process.terminate()
        self.executor.shutdown()
        self.cleanup.close()


def _exit(number: int, _: object) -> NoReturn:
    """End as a process that is told to end, but by way of what ends its workers."""
    sys.exit(128 + number)


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C for the moment of the block; a process that starts in it always does."""
    with ExitStack() as cleanup:
        with suppress(ValueError):  # only the main thread may
            former = signal.signal(signal.SIGINT, signal.SIG_IGN)
            cleanup.callback(signal.signal, signal.SIGINT, former)
        yield


def _open_pool(shared: tuple[Any, ...], most: int) -> _Pool:
    """The pool that is there, if it shares the same."""
    global _pool
    if _pool and not all(map(is_, _pool.shared, shared)):
        end_workers()
    _pool = _pool or _Pool(shared, most)
    return _pool


def _run_in_workers(
    function: Callable[..., Any],
    shared: tuple[Any, ...],
    tasks: Sequence[Task],
    on_end: Callable[[], None],
) -> Iterator[Any]:
    """What the tasks give, in their order; those that a worker may have died of are done alone."""
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

    def report(future: Future[Any]) -> None:
        if not future.cancelled() and not future.exception():
            on_end()

    pool = _open_pool(shared, count_workers())
    waiting = [*range(len(tasks))]
    futures: dict[int, Future[Any]] = {}
    try:
        for number in sorted(waiting, key=lambda number: -tasks[number].cost):
            futures[number] = pool.submit(function, number, tasks[number])
            futures[number].add_done_callback(report)
        while waiting:
            result = futures[waiting[0]].result()
            del futures[waiting.pop(0)]
            yield result
    except TerminatedWorkerError:
        results = {n: future.result() for n, future in futures.items() if not future.exception()}
        unfinished = [number for number in waiting if number not in results]
        running = pool.list_running()
        end_workers()
        suspects = []
        if futures:  # else it died when it had nothing to do
            suspects = [number for number in unfinished if number in running] or unfinished[:1]
            names = " or ".join(tasks[number].name for number in suspects)
            print(f"a worker died of {names}; tried alone now", file=sys.stderr)
        for number in suspects:
            results[number] = _run_alone(function, shared, number, tasks[number])
            on_end()
        others = [tasks[number] for number in unfinished if number not in suspects]
        more = _run_in_workers(function, shared, others, on_end)
        for number in waiting:
            yield results[number] if number in results else next(more)
    except BrokenProcessPool as error:
        # It quotes a whole traceback.
        *_, reason = str(error.__cause__ or error).strip('"\n').splitlines()
        raise UserError(
            f"{tasks[waiting[0]].name}: a worker cannot take in what it needs: {reason}; "
            f"with {VARIABLE}=1 there is none"
        ) from error
    finally:
        # Nobody asks for the others any more, after an error, an interruption or when time is up.
        if waiting and _pool is pool:
            end_workers()


def _run_alone(
    function: Callable[..., Any], shared: tuple[Any, ...], number: int, task: Task
) -> Any:
    """What a task gives when there is no other worker."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        return _open_pool(shared, 1).submit(function, number, task).result()
    except TerminatedWorkerError:
        return UserError(
            f"{task.name}: the process that worked on it died, also with no other beside it; "
            "mostly memory has run out, or a library has crashed"
        )
    finally:
        end_workers()


def _count_fitting(most: int, size: int) -> int:
    """How many workers memory is enough for, each of which maps a file of so many bytes."""
    need = WORKER_BYTES + COPIES * size
    fitting = max(1, int(min(_free_bytes() // need, most)))
    if fitting < most:
        print(
            f"memory is short: {fitting} of {most} workers, each of which may take "
            f"{need / 2**30:.1f} GiB",
            file=sys.stderr,
        )
    return fitting


def _free_bytes() -> float:
    """Memory that may still be taken; infinite where the system does not say."""
    free = [inf]
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    for limit, use in MEMORY_LIMITS:
        with suppress(OSError, ValueError):  # the word `max` is no limit
            rest = _read_number(CGROUP / limit) - _read_number(CGROUP / use)
            free.append(rest + _cached_bytes((CGROUP / use).with_name("memory.stat")))
    return max(0, min(free))


def _cached_bytes(file: Path) -> int:
    """Memory that a container keeps files in which it has read, until others need it."""
    lines = file.read_text(encoding="ascii").splitlines()
    return max(int(line.split()[1]) for line in lines if "inactive_file" in line)


def _read_number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))


# What follows runs in the workers.


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the process that started this one, and end with it."""
    from joblib.externals.loky import process_executor

    become_worker()
    # It would take what Keras needs for a leak, and start another worker, which compiles anew.
    process_executor._MAX_MEMORY_LEAK_SIZE = inf
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    # Windows goes on naming a parent that has ended; there a worker ends after its task.
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def _run(function: Callable[..., Any], file: Path, number: int, arguments: tuple[Any, ...]) -> Any:
    mark = file.with_name(f"{os.getpid()}.task")
    with suppress(OSError):  # who cleans up temporary files should end no work
        mark.write_text(str(number), encoding="ascii")
    result = function(*map_shared(file), *arguments)
    with suppress(OSError):
        mark.unlink()
    return result


@lru_cache(maxsize=1)
def map_shared(file: Path) -> tuple[Any, ...]:
    """What the file holds, its numbers mapped into memory."""
    import joblib

    shared: tuple[Any, ...] = joblib.load(file, mmap_mode="r")
    return shared
