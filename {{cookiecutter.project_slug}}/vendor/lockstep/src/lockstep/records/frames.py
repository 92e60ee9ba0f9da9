"""Runs and what sets them apart as data frames, for notebooks."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from ..core.paths import Paths
from .comparison import Comparison
from .repository import Repository
from .run import WORKSPACE, Run, list_runs, read_run
from .runs import print_flaws, summarise_step
from .wording import format_value

FIGURES = ("validated", "standard_error", "tested", "low", "high")


def tabulate_runs(project: Paths) -> pd.DataFrame:
    """What the runs were that the commits up to the present one, and the workspace, hold.

    Args:
        project: In a git repository, with or without commits.

    Returns:
        (n_runs, 10) newest first, indexed by the short names of their commits; the workspace is
        there unless its run was committed last. Commits whose record cannot be read are left out,
        and named on standard error. Columns are the commit's `date` and `message`, the
        `champion`, the `metric` that chose it, its mean on validation rows (`validated`) with its
        `standard_error`, its figure on the test rows (`tested`) with both ends of its interval
        (`low`, `high`), and in words what had `changed` since the run before.

    Raises:
        UserError: There is no git repository, or the workspace's record is none.
    """
    repository = Repository(project)
    runs, flaws, _ = list_runs(repository)
    print_flaws(flaws)
    if project.record.exists():
        present = read_run(repository, WORKSPACE)
        runs = runs if runs and runs[0].id == present.id else [present, *runs]
    changes = [summarise_step(older, newer) for newer, older in pairwise(runs)]
    rows = [[*_describe(run), changed] for run, changed in zip(runs, [*changes, ""], strict=False)]
    columns = ["date", "message", "champion", "metric", *FIGURES, "changed"]
    index = pd.Index([run.name for run in runs], name="run", dtype="str")
    return pd.DataFrame(rows, index, columns).astype(dict.fromkeys(FIGURES, "float64"))


def _describe(run: Run) -> list[str | float | None]:
    date = run.commit.date.date().isoformat() if run.commit else ""
    message = run.commit.subject if run.commit else ""
    validated, tested = run.validated, run.tested
    return [
        *(date, message, run.candidate, run.metric),
        *(
            validated.value,
            validated.standard_error,
            tested.value,
            *(tested.interval or (None, None)),
        ),
    ]


def tabulate_changes(project: Paths, *revisions: str) -> pd.DataFrame:
    """What went into runs and was not the same.

    Args:
        project: In a git repository.
        revisions: Two or more commits, branches or tags, or `workspace`.

    Returns:
        (n_changes, n_runs) texts, of files the first signs of their digests, indexed by the `kind`
        and `name` of each thing.

    Raises:
        UserError: One of them is none, or holds no run.
    """
    comparison = _compare(project, revisions)
    differences = comparison.differences
    index = pd.MultiIndex.from_arrays(
        [[one.kind for one in differences], [one.name for one in differences]],
        names=["kind", "name"],
    )
    values = [[format_value(one.kind, value) for value in one.per_run] for one in differences]
    return pd.DataFrame(values, index, [run.name for run in comparison.runs])


def tabulate_gains(project: Paths, *revisions: str) -> pd.DataFrame:
    """By how much runs are better than the first of them on the test rows that both have.

    Args:
        project: In a git repository.
        revisions: Two or more commits, branches or tags, or `workspace`.

    Returns:
        (n_gains, 5) indexed by `run` and `metric`: the `gain`, above zero where the run is better,
        both ends of its interval (`low`, `high`), the number of `rows`, and the `verdict` in words.
        There are none of a run that predicts the same, that has no row in common with the first,
        or whose predictions were not kept.

    Raises:
        UserError: One of them is none, or holds no run.
    """
    gains = [
        (contest.run.name, metric, *gain, contest.rows, gain.verdict)
        for contest in _compare(project, revisions).contests
        for metric, gain in contest.gains.items()
    ]
    columns = ["run", "metric", "gain", "low", "high", "rows", "verdict"]
    return pd.DataFrame(gains, columns=columns).set_index(["run", "metric"])


def _compare(project: Paths, revisions: tuple[str, ...]) -> Comparison:
    repository = Repository(project)
    return Comparison(repository, [read_run(repository, revision) for revision in revisions])
