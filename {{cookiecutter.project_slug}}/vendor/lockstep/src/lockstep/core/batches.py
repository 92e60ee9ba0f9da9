"""Working on rows in batches, so that memory does not grow with their number."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from .cluster import open_session
from .cluster_client import find_address
from .cluster_session import Session
from .workers import Task, is_worker

Item = TypeVar("Item")
Result = TypeVar("Result")
QUEUE_LENGTH = 2
"""Batches that are ready before they are needed, or wait to be written."""
START_SECONDS = 10.0
"""Until a cluster's workers have what units need, and have begun the first of them."""
BYTES_PER_SECOND = 100e6
"""That go to a cluster and come back."""
_END: Any = object()


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, the next ones made in a thread of their own while one is worked on."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        futures = deque(thread.submit(next, iterator, _END) for _ in range(QUEUE_LENGTH))
        while (item := futures.popleft().result()) is not _END:
            futures.append(thread.submit(next, iterator, _END))
            yield item


def map_ahead(
    function: Callable[..., Result],
    shared: tuple[Any, ...],
    items: Iterable[Item],
    threads: int = 0,
) -> Iterator[Result]:
    """What `function(*shared, item)` gives for each item, in their order, so many made at once.

    Where the environment names the scheduler of a cluster, it is made there from when on that is
    worth the way, and a few items for each worker are ahead. Until then it is made here for as long
    as workers take to start, so that what is small stays here and nothing takes twice as long as
    where one knew all beforehand (the ski rental of Karlin et al., 1988).

    Args:
        function: A function of a module; what it gives must depend on its arguments alone.
        shared: What the calls have in common; it is given to each worker once.
        items: They come one after the other.
        threads: That work here, so many items ahead; without any, the caller's does.
    """
    if not find_address() or is_worker():
        yield from _map_here(partial(function, *shared), items, threads)
        return
    rest = iter(items)
    with ExitStack() as stack:
        trial = _Trial(partial(function, *shared), max(1, threads), stack)
        yield from _map_here(trial.work, trial.take_some(rest), threads)
        if trial.session and (item := next(rest, _END)) is not _END:
            numbered = enumerate(chain([item], rest), start=trial.count + 1)
            tasks = (Task(f"batch {number}", 0, (item,)) for number, item in numbered)
            yield from trial.session.map(function, shared, tasks)


def pair_ahead(
    function: Callable[..., Result],
    shared: tuple[Any, ...],
    items: Iterable[Item],
    threads: int = 0,
) -> Iterator[tuple[Item, Result]]:
    """Each item with what `map_ahead` gives of it; no items are held but those that are ahead."""
    waiting: deque[Item] = deque()

    def pass_on() -> Iterator[Item]:
        for item in items:
            waiting.append(item)
            yield item

    for result in map_ahead(function, shared, pass_on(), threads):
        yield waiting.popleft(), result


def _map_here(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    if not threads:
        yield from map(function, items)
        return
    futures: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > threads:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


class _Trial:
    """What work takes here, and what its way to a cluster and back would.

    Where that is worth it, `session` is the way, open until `stack` is closed.
    """

    def __init__(self, function: Callable[[Any], Any], threads: int, stack: ExitStack) -> None:
        self.function, self.threads, self.stack = function, threads, stack
        self.count, self.seconds = 0, 0.0
        self.last: Any = None
        self.session: Session | None = None

    def work(self, item: Any) -> Any:
        start = time.perf_counter()
        result = self.function(item)
        # First, since `take_some` may look as soon as the seconds are enough.
        self.last = item, result
        self.seconds += time.perf_counter() - start
        return result

    def take_some(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items to work on here, which may be all."""
        for item in items:
            self.count += 1
            yield item
            if self.seconds >= self.threads * START_SECONDS:
                break
        else:
            return
        session = self.stack.enter_context(open_session())
        if self._is_worth_the_way(session):
            self.session = session
        else:
            self.stack.close()
            yield from items

    def _is_worth_the_way(self, session: Session) -> bool:
        seconds = len(session.pickle(self.last)) / BYTES_PER_SECOND
        self.last = None
        return seconds <= self.seconds / self.count / self.threads


@contextmanager
def background(work: Callable[[Item], object]) -> Iterator[Callable[[Item], None]]:
    """Gives what has `work` done in a thread of its own, in the order of the calls.

    What `work` raises is raised by a later call, or at the end of the block.
    """
    futures: deque[Future[object]] = deque()

    def submit(item: Item) -> None:
        futures.append(thread.submit(work, item))
        while len(futures) > QUEUE_LENGTH or (futures and futures[0].done()):
            futures.popleft().result()

    with ThreadPoolExecutor(1) as thread:
        yield submit
        while futures:
            futures.popleft().result()
