"""What differs between runs, and in how far their results differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from .changes import Kind, find_changes
from .repository import Repository
from .run import Figure, Run, read_file

if TYPE_CHECKING:
    from .pairs import Gain

KINDS: tuple[Kind, ...] = ("parameters", "data", "contract", "environment", "code")
PREDICTIONS = "reports/plots/predictions.csv"
ALIKE = "both predict the same of each row"


class Difference(NamedTuple):
    """Something that not all runs had alike."""

    kind: Kind
    name: str
    per_run: tuple[Any, ...]
    """(n_runs,) what each had; ABSENT where it was not there."""


class Result(NamedTuple):
    """A metric of all runs."""

    name: str
    figures: tuple[Figure, ...]
    """(n_runs,) of each."""


@dataclass(frozen=True)
class Contest:
    """By how much a run is better than the reference on the test rows that both have."""

    run: Run
    rows: int = 0
    gains: dict[str, Gain] = field(default_factory=dict)
    """Of the metrics that are defined for both, the one that chose the champion first."""
    remark: str = ""
    """Why there are no gains."""


class Comparison:
    """Runs side by side.

    Args:
        repository: Where they are.
        runs: At least two; the first is the reference.
    """

    def __init__(self, repository: Repository, runs: Sequence[Run]) -> None:
        self.repository, self.runs = repository, tuple(runs)

    @property
    def is_of_one_run(self) -> bool:
        """Whether all hold the same run."""
        return len({run.id for run in self.runs}) == 1

    @property
    def confidences(self) -> list[str]:
        """Of the intervals of all runs, each once, the reference's first; gains have that one."""
        settings = [run.record["parameters"]["evaluate"] for run in self.runs]
        return [*dict.fromkeys(f"{100 * each['confidence']:g}%" for each in settings)]

    @property
    def has_same_test_rows(self) -> bool:
        """Whether all were measured on the same rows."""
        return len({run.record["test"]["sha256"] for run in self.runs}) == 1

    @cached_property
    def differences(self) -> list[Difference]:
        """What went into the runs and is not the same, by its kind."""
        reference, *others = self.runs
        values: dict[tuple[Kind, str], list[Any]] = {}
        for place, run in enumerate(others, start=1):
            for kind, name, before, after in find_changes(reference, run):
                values.setdefault((kind, name), [before] * len(self.runs))[place] = after
        differences = [Difference(*key, tuple(own)) for key, own in values.items()]
        return sorted(differences, key=lambda one: (KINDS.index(one.kind), one.name))

    @cached_property
    def results(self) -> list[Result]:
        """The metrics of the test rows, that which chose the reference's champion first."""
        metric = self.runs[0].metric
        names = dict.fromkeys(
            name for run in self.runs for name in run.record["metrics"]["intervals"]
        )
        return [
            Result(name, tuple(run.measure(name) for run in self.runs))
            for name in sorted(names, key=lambda name: name != metric)
        ]

    @cached_property
    def contests(self) -> list[Contest]:
        """How each other run does against the reference; what both predicted is read for it."""
        reference, *others = self.runs
        return [_hold_contest(self.repository, reference, run) for run in others]


def _hold_contest(repository: Repository, before: Run, after: Run) -> Contest:
    if any(before.record[key] != after.record[key] for key in ("kind", "classes")):
        return Contest(after, remark=f"{before.name} predicts something else")
    for run in (before, after):
        if read_file(repository, run, PREDICTIONS) is None:
            return Contest(after, remark=f"{run.name} holds no {PREDICTIONS}")
    from .pairs import measure_runs, pair_runs  # here, since it takes a second to import

    pair = pair_runs(repository, before, after)
    if pair is None:
        return Contest(after, remark="no test row is in both, known by what stands in it")
    if pair.is_alike:
        return Contest(after, len(pair), remark=ALIKE)
    gains = measure_runs(repository, pair, before, after)
    return Contest(after, len(pair), gains, "" if gains else "too few to measure a difference")
