"""The search for better options: batch after batch of trials, until all are done or time is up."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from math import inf, isfinite
from operator import attrgetter
from time import monotonic

from ..core.lock import hold_lock
from ..core.own import import_own
from ..core.paths import Paths
from ..core.project import Project
from ..modeling.metrics import Metric
from ..modeling.problem import make_problem
from .batch import try_batch
from .contender import Contender, Proposal, choose_next
from .evaluation import Evaluator
from .journal import find_folder
from .space import choose_spaces, read_current
from .study import import_optuna
from .trials import Trial, find_best


@dataclass(frozen=True)
class Progress:
    """How far a search is."""

    trials: int
    """Those that have ended."""
    of: int
    """How many there will be, unless time is up before."""
    best: Trial | None
    """Of all candidates."""
    seconds: float
    seconds_left: float | None
    """Until the time is up or, by the cost of what is left, until all is tried; None while nothing
    is known."""


@dataclass(frozen=True)
class Search:
    """What a search has tried."""

    trials: tuple[Trial, ...]
    """Of whole batches, in the order in which they were asked for."""
    metric: Metric
    batches: int
    is_cut: bool
    """Whether the time was up before all was tried."""
    seconds: float


class _OutOfTimeError(Exception):
    """Ends the batch that is under way."""


def lock_search(paths: Paths) -> AbstractContextManager[None]:
    """Keep others from searching here; a `UserError` where another process does so already.

    To be held until what was found is written.
    """
    message = "another `tune` is at work in this project; wait until it has ended"
    return hold_lock(paths.root / ".dvc" / "tmp" / "tune.lock", message)


def search(
    project: Project,
    names: Sequence[str],
    *,
    minutes: float | None,
    report: Callable[[Progress], None],
) -> Search:
    """Try options of the candidates in the space that params.yaml gives under `search`.

    What is tried depends on the project only, neither on the time nor on the number of workers: a
    search that is cut has the first batches of the whole one, and one that was interrupted goes on
    from its journal.

    Args:
        project: Its train rows are used, those of the test never.
        names: The candidates; none means all of `train.candidates` that have a space.
        minutes: After so many it ends with the batches that are whole by then, at least the first
            one, which is a single trial.
        report: Told after each trial how far the search is.

    Raises:
        UserError: The space or a name is impossible, or Optuna is not installed.
    """
    start = monotonic()
    project.require_settled()
    import_own(project, "train")  # it registers the candidates
    if project.params.search.method == "tpe":
        import_optuna()
    params, problem = project.params, make_problem(project.params, project.examples)
    spaces = choose_spaces(params, problem, names)
    evaluator = Evaluator(project, problem)
    contenders = [
        Contender(name, space, read_current(name, space, params, problem), params, evaluator.metric)
        for name, space in spaces.items()
    ]
    evaluator.outlook = sum(
        each.limit * evaluator.prepare(each.name, each.name, each.options).cost
        for each in contenders
    )

    limit = inf if minutes is None else 60 * minutes

    def watch(batch: Sequence[Trial], size: int) -> None:
        """Tell how far the search is, and end it when the time is up before a batch is whole."""
        seconds = monotonic() - start
        rest = max(0.0, limit - seconds)
        report(_measure(contenders, batch, evaluator, seconds, rest))
        if rest == 0 and len(batch) < size:
            raise _OutOfTimeError

    batches, is_cut = 0, False
    try:
        while contender := choose_next(contenders):
            if batches and monotonic() - start >= limit:
                raise _OutOfTimeError
            proposals = contender.propose(sum(len(each.trials) for each in contenders))
            if proposals:
                _run_batch(contender, proposals, evaluator, watch)
                batches += 1
    except _OutOfTimeError:
        is_cut = True
    return Search(_collect(contenders), evaluator.metric, batches, is_cut, monotonic() - start)


def _run_batch(
    contender: Contender,
    proposals: Sequence[Proposal],
    evaluator: Evaluator,
    watch: Callable[[Sequence[Trial], int], None],
) -> None:
    """Let a candidate have a batch, and call `watch` with what has ended of it again and again."""
    cost, batch = evaluator.cost, []
    with closing(try_batch(evaluator, proposals)) as steps:
        for trial in steps:
            batch += [trial] if trial else []
            watch(batch, len(proposals))
    contender.trials += sorted(batch, key=attrgetter("number"))
    contender.cost += evaluator.cost - cost


def _collect(contenders: Sequence[Contender], batch: Sequence[Trial] = ()) -> tuple[Trial, ...]:
    """All trials, in the order in which they were asked for."""
    trials = [trial for contender in contenders for trial in contender.trials]
    return tuple(sorted([*trials, *batch], key=attrgetter("number")))


def _measure(
    contenders: Sequence[Contender],
    batch: Sequence[Trial],
    evaluator: Evaluator,
    seconds: float,
    rest: float,
) -> Progress:
    """How far the search is, with the trials that have ended of the batch under way."""
    trials = _collect(contenders, batch)
    count = sum(contender.limit for contender in contenders)
    if len(trials) == count:
        rest = 0.0
    elif evaluator.fresh_cost and all(contender.trials for contender in contenders):
        whole = sum(each.cost / len(each.trials) * each.limit for each in contenders)
        rest = min(rest, max(0.0, seconds * (whole - evaluator.cost) / evaluator.fresh_cost))
    return Progress(
        len(trials),
        count,
        find_best(trials, evaluator.metric),
        seconds,
        rest if isfinite(rest) else None,
    )


def forget_search(paths: Paths) -> None:
    """Remove the journal by which an interrupted search goes on, once its outcome is written."""
    shutil.rmtree(find_folder(paths), ignore_errors=True)
