"""A candidate in the search: what was tried of it, and what is to be tried next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.params import Params, Space
from ..modeling.metrics import Metric
from .space import Options, draw_grid
from .study import ask
from .trials import Trial, find_best

BATCH = 8
"""Trials that are asked for at the same time, whatever the number of workers."""


@dataclass(frozen=True)
class Proposal:
    """A trial that is still to be made."""

    number: int
    batch: int
    candidate: str
    searched: Options
    options: Options
    """All that the candidate is given."""


class Contender:
    """A candidate with its space.

    Args:
        name: The candidate.
        space: What may be tried.
        current: The searched options as they are now.
        params: What params.yaml says.
        metric: What trials are measured by.

    Attributes:
        options: All that the candidate has now.
        trials: Those that were made, in the order in which they were asked for.
        limit: How many there will be.
        cost: What they took, in the unit of `estimate_cost`.
    """

    def __init__(
        self, name: str, space: Space, current: Options, params: Params, metric: Metric
    ) -> None:
        self.name, self.space, self._current = name, space, current
        self.options, self._seed = params.train.candidates[name], f"{params.seed} {name}"
        self._metric, self._batches = metric, 0
        self.trials: list[Trial] = []
        self.limit, self.cost = params.search.trials, 0.0
        self._grid: list[Options] | None = None
        if params.search.method == "grid":
            grid = draw_grid(space, self.limit, self._seed)
            self._grid = [options for options in grid if options != current][: self.limit - 1]
            self.limit = 1 + len(self._grid)

    @property
    def merit(self) -> float:
        """The best figure so far, of which more is better."""
        best = find_best(self.trials, self._metric)
        return best.mean * self._metric.sign if best else float("-inf")

    def propose(self, number: int) -> list[Proposal]:
        """The next batch, whose first trial has that number; none when there is nothing new.

        The first batch is what params.yaml has, so that the search never ends with less.
        """
        batch, self._batches = self._batches, self._batches + 1
        if batch == 0:
            return [Proposal(number, batch, self.name, self._current, self.options)]
        several = self._ask(min(BATCH, self.limit - len(self.trials)), batch)
        if not several:
            self.limit = len(self.trials)
        return [
            Proposal(place, batch, self.name, searched, self.options | searched)
            for place, searched in enumerate(several, start=number)
        ]

    def _ask(self, count: int, batch: int) -> list[Options]:
        if self._grid is not None:
            start = len(self.trials) - 1
            return self._grid[start : start + count]
        return ask(self.space, self.trials, self._metric, count, f"{self._seed} {batch}")


def choose_next(contenders: Sequence[Contender]) -> Contender | None:
    """Whose turn it is: the better a candidate is, the more of the cost is spent on it.

    The best one gets twice as much as the next best, which gets twice as much as the third, as long
    as all have something left to try. A tie goes to the one that params.yaml names first.
    """
    ranking = sorted(contenders, key=lambda contender: -contender.merit)
    turns = [
        (contender.cost * 2**rank, contender)
        for rank, contender in enumerate(ranking)
        if len(contender.trials) < contender.limit
    ]
    return min(turns, key=lambda turn: turn[0], default=(0.0, None))[1]
