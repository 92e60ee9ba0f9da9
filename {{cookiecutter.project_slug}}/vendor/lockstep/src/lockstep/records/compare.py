"""The command that shows what differs between runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby

from ..core.errors import shorten
from ..core.files import write_text
from ..core.paths import Paths
from .agreement import find_disagreements
from .comparison import Comparison, Contest
from .repository import Repository
from .run import WORKSPACE, Run, read_run
from .wording import align, format_ends, format_figure, format_number, format_value

MOST_LETTERS = 60
"""Of a message."""
MOST_NAMED = 3
"""Files that are not those of a run."""


def compare(revisions: Sequence[str], *, html: bool) -> None:
    """Print what differs between runs.

    Args:
        revisions: Commits, branches, tags or the `workspace`. The first is the reference; a single
            one is that of the workspace, and HEAD that of the `workspace` alone.
        html: Whether to write it as a page, too.

    Raises:
        UserError: One of them is none, or holds no run.
    """
    paths = Paths.find()
    repository = Repository(paths)
    names = revisions
    if len(revisions) == 1:
        names = ["HEAD" if revisions[0] == WORKSPACE else revisions[0], WORKSPACE]
    comparison = Comparison(repository, [read_run(repository, name) for name in names])
    for run in comparison.runs:
        _warn_of_disagreements(repository, run)
    print(format_comparison(comparison))
    if html:
        from .comparison_page import render_comparison  # here, since it takes seconds to import

        write_text(render_comparison(comparison), paths.comparison)
        print(f"compare: the same as a page -> {paths.name(paths.comparison)}")


def _warn_of_disagreements(repository: Repository, run: Run) -> None:
    reasons = find_disagreements(repository, run)
    if reasons:
        more = f" and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
        print(
            f"compare: {run.name} has changed since its run, which is what is compared: "
            f"{', '.join(reasons[:MOST_NAMED])}{more}; `dvc repro` runs it anew",
            file=sys.stderr,
        )


def format_comparison(comparison: Comparison) -> str:
    """A comparison as text."""
    runs = comparison.runs
    lines = align([_describe(run) for run in runs])
    if comparison.is_of_one_run:
        return "\n".join([*lines, "", f"the same run, {runs[0].id[:8]}: nothing differs"])
    blank = [""] * len(runs)
    rows = [["", *(run.name for run in runs)]]
    for kind, group in groupby(comparison.differences, lambda one: one.kind):
        rows.append([kind, *blank])
        for one in group:
            rows.append([f"  {one.name}", *(format_value(kind, value) for value in one.per_run)])
    rows.append(["metrics", *blank])
    metrics = {run.metric for run in runs}
    validated = [format_figure(run.validated) for run in runs]
    if len(metrics) > 1:
        validated = [f"{run.metric} {text}" for run, text in zip(runs, validated, strict=True)]
    rows.append(
        ["  validated" if len(metrics) > 1 else f"  {runs[0].metric}, validated", *validated]
    )
    for name, figures in comparison.results:
        rows.append([f"  {name}", *map(format_figure, figures)])
    lines += ["", *align(rows)]
    if not comparison.differences:
        lines.append("what went into them does not differ")
    if not comparison.has_same_test_rows:
        counts = ", ".join(str(run.record["test"]["rows"]) for run in runs)
        lines.append(f"the test rows are not the same ({counts}), which makes metrics differ, too")
    for contest in comparison.contests:
        lines += ["", *_format_contest(contest, runs[0], comparison.confidences[0])]
    return "\n".join(lines)


def _format_contest(contest: Contest, reference: Run, confidence: str) -> list[str]:
    title = f"{contest.run.name} against {reference.name}"
    if contest.rows:
        title += f" on the {contest.rows} test rows that both have"
    if contest.remark:
        return [f"{title}: {contest.remark}"]
    rows = []
    for name, gain in contest.gains.items():
        ends = "" if gain.is_nothing else f"({format_ends(gain[1:], '+')})"
        rows.append([f"  {name}", format_number(gain.figure, "+"), ends, gain.verdict])
    return [f"{title}, + is better, with {confidence} intervals", *align(rows)]


def _describe(run: Run) -> list[str]:
    """Name, date, champion and message."""
    if run.commit is None:
        return [run.name, "", run.candidate, "as the last run left it"]
    date = run.commit.date.date().isoformat()
    return [run.name, date, run.candidate, shorten(run.commit.subject, MOST_LETTERS)]
