"""A batch of trials of one candidate; of networks, most are dropped after fewer epochs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from math import ceil

from .contender import Proposal
from .evaluation import Evaluator, has_epochs
from .trials import Trial

SHARES = (9, 3)
"""Of a network's epochs, in the rounds before the last; each time a third of them goes on."""


def try_batch(evaluator: Evaluator, proposals: Sequence[Proposal]) -> Generator[Trial | None]:
    """Try all at the same time; gives each trial as it ends, and None where none has ended.

    Networks have rounds (synchronous successive halving; Jamieson and Talwalkar, 2016): all learn
    for a ninth of their epochs, the best third of them for a third, the best third of these for
    all. A round is over before it is decided who goes on, so that nothing depends on who is first.
    """
    for share in SHARES if has_epochs(proposals[0].candidate) else ():
        most = ceil(len(proposals) / 3)
        if most == len(proposals):
            continue
        trials = []
        for trial in _try_all(evaluator, proposals, share):
            trials.append(trial)
            yield trial if trial.state == "failed" else None
        complete = [trial for trial in trials if trial.state == "complete"]
        complete.sort(key=lambda trial: -trial.mean * evaluator.metric.sign)
        for trial in complete[most:]:
            yield replace(trial, state="dropped")
        numbers = {trial.number for trial in complete[:most]}
        proposals = [one for one in proposals if one.number in numbers]
    yield from _try_all(evaluator, proposals, 1)


def _try_all(evaluator: Evaluator, proposals: Sequence[Proposal], share: int) -> Iterator[Trial]:
    """Each as a trial, after a share of its epochs if it is a network."""
    requests = [
        evaluator.prepare(f"{one.candidate}, trial {one.number}", one.candidate, one.options, share)
        for one in proposals
    ]
    for one, request, figures in zip(
        proposals, requests, evaluator.evaluate(requests), strict=True
    ):
        yield Trial(
            one.number,
            one.batch,
            one.candidate,
            one.searched,
            "failed" if figures.reason else "complete",
            figures.mean,
            figures.standard_error,
            request.epochs,
            figures.reason,
        )
