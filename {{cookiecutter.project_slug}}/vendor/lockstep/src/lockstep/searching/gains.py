"""What a search has brought each candidate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from ..core.decimals import count_decimals
from .search import Search
from .trials import Trial, as_text, find_best


@dataclass(frozen=True)
class Gain:
    """The trials of a candidate, and what there is to gain by the best of them."""

    candidate: str
    trials: tuple[Trial, ...]
    best: Trial | None
    """None where all have failed."""

    @property
    def before(self) -> Trial:
        """With the options that params.yaml had."""
        return self.trials[0]

    @property
    def is_better(self) -> bool:
        """Whether the best is another one."""
        return self.best is not None and self.best is not self.before

    @property
    def is_clear(self) -> bool:
        """Whether it is better by more than a standard error of the one or the other."""
        if self.best is None:
            return False
        errors = self.best.standard_error, self.before.standard_error
        return abs(self.best.mean - self.before.mean) > max(errors)

    @property
    def changes(self) -> dict[str, Any]:
        """The options of the best one that are others than before, and their values."""
        if self.best is None:
            return {}
        former = self.before.options
        return {
            name: value
            for name, value in self.best.options.items()
            if name not in former or as_text(former[name]) != as_text(value)
        }

    @property
    def outcome(self) -> str:
        """The figures of the best one, unless that is what there was before."""
        if self.best is None:
            return "all failed"
        return format_figures(self.best) if self.is_better else "no better"

    def describe(self, option: str) -> str:
        """From which value to which one it changes."""
        former, value = self.before.options, as_text(self.changes[option])
        return f"{as_text(former[option])} -> {value}" if option in former else value


def list_gains(search: Search) -> list[Gain]:
    """Those of all candidates that were tried, in the order of params.yaml."""
    key = attrgetter("candidate")
    first = {trial.candidate: trial.number for trial in reversed(search.trials)}
    trials = sorted(search.trials, key=lambda trial: first[trial.candidate])
    parts = [tuple(own) for _, own in groupby(trials, key)]
    return [Gain(own[0].candidate, own, find_best(own, search.metric)) for own in parts]


def format_figures(trial: Trial) -> str:
    """The mean and, where there is one, the standard error, as `train` prints them."""
    if trial.state == "failed" or math.isnan(trial.mean):
        return "failed" if trial.state == "failed" else "undefined"
    form = f".{count_decimals(trial.mean)}f"
    error = f" +- {trial.standard_error:{form}}" if trial.standard_error >= 0 else ""
    return f"{trial.mean:{form}}{error}"


def describe_losses(trials: Sequence[Trial]) -> str:
    """How many were dropped and how many failed, and why the first of these; nothing if none."""
    parts = []
    if dropped := sum(trial.state == "dropped" for trial in trials):
        verb = "was" if dropped == 1 else "were"
        parts.append(f"{count(dropped, 'network')} {verb} dropped early")
    if failed := [trial for trial in trials if trial.state == "failed"]:
        name = f"trial {failed[0].number} of {failed[0].candidate}"
        amount = count(len(failed), "trial")
        parts.append(f"{amount} failed, the first is {name}: {failed[0].reason}")
    return "; ".join(parts)


def count(number: int, noun: str) -> str:
    """Such as 1 trial or 2 trials."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
