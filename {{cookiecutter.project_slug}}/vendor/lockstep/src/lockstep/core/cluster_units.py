"""Units of work on their way: each is done, again where its process or its worker dies of it.

Dask does not make scattered data again of which each holder has died; it cancels what needs them.
They are scattered once more then.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .cluster_client import VARIABLE
from .cluster_versions import tell_differences
from .errors import LONGEST_REASON, UserError, shorten

if TYPE_CHECKING:
    from .cluster_session import Session
    from .workers import Task

TRIES = 2
"""How often a unit is begun of which processes die."""
MOST_LOSSES = 3
"""How often a unit may be lost with workers that die: they may have died of it."""


class _Unit(NamedTuple):
    """A task on its way."""

    number: int
    task: Task
    tries: int = 1
    losses: int = 0
    scattering: int = 0
    """The last one before it."""


def complete(
    session: Session,
    function: Callable[..., Any],
    numbered: Iterator[tuple[int, Task]],
    on_end: Callable[[], None],
    count_most: Callable[[], int],
) -> Iterator[tuple[Task, str, Any]]:
    """Each task, what has become of it and what it gives, in the order of the numbers.

    So many as `count_most` says are ahead of what has been asked for.
    """
    from distributed import as_completed

    endings = as_completed([], loop=session.client.loop)
    units: dict[Any, _Unit] = {}
    results: dict[int, tuple[Task, str, Any]] = {}

    def begin(unit: _Unit) -> None:
        future = session.submit(function, unit.task)
        units[future] = unit._replace(scattering=session.scatterings)
        endings.add(future)

    def begin_more() -> None:
        room = max(0, count_most() - len(units) - len(results))
        for number, task in islice(numbered, room):
            begin(_Unit(number, task))

    place = 0
    begin_more()
    for future in endings:
        unit = units.pop(future)
        state, answer = _read(session, future, unit.task)
        if state == "died" and unit.tries < TRIES:
            print(f"a process died of {unit.task.name}; tried again now", file=sys.stderr)
            begin(unit._replace(tries=unit.tries + 1))
            continue
        if state == "lost" and unit.losses + 1 < MOST_LOSSES:
            if unit.scattering == session.scatterings:
                print("workers have died; data are given to the others", file=sys.stderr)
                session.scatter()
            begin(unit._replace(losses=unit.losses + 1))
            continue
        if state == "absent":
            if not session.has_scattered:
                session.scatter()
            begin(unit)
            continue
        results[unit.number] = unit.task, state, answer
        on_end()
        while place in results:
            yield results.pop(place)
            place += 1
        begin_more()


def _read(session: Session, future: Any, task: Task) -> tuple[str, Any]:
    """`result`, or what else became of it, and what there is to tell of it."""
    from distributed import CancelledError, KilledWorker

    try:
        if future.status == "lost":
            raise CancelledError
        state, answer = future.result()
    except CancelledError:
        if session.client.status != "running":
            raise session.tell_end() from None
        return "lost", _tell_deaths(task)
    except KilledWorker:
        return "killed", _tell_deaths(task)
    except Exception as error:  # the worker's own: a unit's travels as its answer
        reason = shorten(f"{type(error).__name__}: {error}", LONGEST_REASON)
        raise UserError(
            f"{VARIABLE}: {session.address}: a worker cannot begin {task.name}: {reason}"
        ) from error
    if state == "absent":
        return state, None
    if state == "differs":
        raise UserError(tell_differences({"a worker that has joined": answer}))
    if state == "died":
        return "died", UserError(
            f"{task.name}: the process that worked on it ended with status {answer}, twice; "
            "mostly memory has run out, or a library has crashed"
        )
    state, result = pickle.loads(answer)
    if state == "lacks":
        text = f"{task.name}: a worker cannot take in what it needs: {result}"
        return state, UserError(text)
    return state, result


def _tell_deaths(task: Task) -> UserError:
    return UserError(
        f"{task.name}: workers died, one after the other, while they had it; mostly memory has run "
        "out, or a library has crashed"
    )
