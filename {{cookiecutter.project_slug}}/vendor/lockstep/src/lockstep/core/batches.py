"""Working on rows in batches, so that memory does not grow with their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
QUEUE_LENGTH = 2
"""Batches that are ready before they are needed, or wait to be written."""
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
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """What `function` makes of each item, in their order, so many made at once."""
    futures: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > threads:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


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
