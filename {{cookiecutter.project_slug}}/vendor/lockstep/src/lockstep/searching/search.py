"""The search for better options: batch after batch of trials, until all are done or time is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..core.paths import Paths
from ..core.project import Project
from ..modeling.metrics import Metric
from .trials import Trial


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
    """At most, until the time is up or, by the cost of what is left, until all is tried; None while
    nothing is known."""


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


def lock_search(paths: Paths) -> AbstractContextManager[None]:
    """Keep others from searching here; a `UserError` where another process does so already.

    To be held until what was found is written.
    """
    raise NotImplementedError


def search(
    project: Project,
    names: Sequence[str],
    *,
    minutes: float | None,
    report: Callable[[Progress], None],
) -> Search:
    """Try options of the candidates in the space that params.yaml gives under `search`.

    Args:
        project: Its train rows are used, those of the test never.
        names: The candidates; none means all of `train.candidates` that have a space.
        minutes: After so many it ends with the batches that are whole by then.
        report: Told after each trial how far the search is.

    Raises:
        UserError: The space or a name is impossible, or Optuna is not installed.
    """
    raise NotImplementedError


def forget_search(paths: Paths) -> None:
    """Remove the journal by which an interrupted search goes on, once its outcome is written."""
    raise NotImplementedError
