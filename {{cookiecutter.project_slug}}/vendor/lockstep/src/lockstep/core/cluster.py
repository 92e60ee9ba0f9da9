"""Work on a Dask cluster that exists already: the results are those of one process.

A unit is a pure function of what all units share and of its own arguments, so that it may be done
by any worker, again where one is killed, and in any order. Workers need the same versions of what
is computed with, which is looked at first, and nothing of ours: the library's and the owner's code
goes there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from .cluster_client import find_address
from .cluster_session import Session
from .cluster_units import complete

if TYPE_CHECKING:
    from .workers import Task


def run_on_cluster(
    function: Callable[..., Any],
    shared: tuple[Any, ...],
    tasks: Sequence[Task],
    on_end: Callable[[], None],
) -> Iterator[Any]:
    """What `function(*shared, *task.arguments)` gives for each task, in their order.

    The most expensive one is begun first. A task of which a process dies twice gives a
    `UserError`.

    Raises:
        UserError: Nobody answers, workers have other versions than we, or the cluster has gone.
    """
    numbers = sorted(range(len(tasks)), key=lambda number: -tasks[number].cost)
    numbered = ((number, tasks[number]) for number in numbers)
    count = partial(len, tasks)
    with open_session() as session:
        session.share(function, shared)
        for _, state, answer in complete(session, function, numbered, on_end, count):
            if state in ("error", "lacks"):
                raise answer
            yield answer


@contextmanager
def open_session() -> Iterator[Session]:
    """A connection to the cluster that the environment names.

    Raises:
        UserError: Nobody answers, or workers have other versions than we.
    """
    session, is_whole = Session(str(find_address())), False
    try:
        yield session
        is_whole = True
    finally:
        # Nobody asks for the others any more, after an error or an interruption.
        session.close(is_over=not is_whole)
