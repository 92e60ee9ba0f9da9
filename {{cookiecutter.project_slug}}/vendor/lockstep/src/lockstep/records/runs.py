"""The command that lists the commits that hold a run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise

from ..core.errors import shorten
from ..core.paths import Paths
from .changes import find_changes
from .repository import SHORT, Repository
from .run import RECORD, Run, list_runs
from .wording import align, format_figure, summarise_changes

UNLIMITED = 10**6
"""Columns where the table goes into a file or another program."""
LEAST = 36
"""Columns that a message and the changes each need to stand in the table instead of below it."""
MOST_LETTERS = 60
"""Of a message."""
MOST_FLAWS = 3
"""Records that are told of one by one."""
FIRST, UNKNOWN = "the first", "not known"
"""What the oldest run has changed: no other was before it, or one may have been."""
INDENT = " " * (SHORT + 2)


def print_runs() -> None:
    """Print a table of the commits that hold a run, newest first."""
    paths = Paths.find()
    repository = Repository(paths)
    runs, flaws, is_whole = list_runs(repository)
    print_flaws(flaws)
    if repository.is_shallow:
        print(
            "runs: this clone is shallow, so older commits are not here; `git fetch --unshallow` "
            "brings them",
            file=sys.stderr,
        )
    if not runs and not flaws:
        print(
            f"runs: no commit holds a run yet, which is told by {RECORD}: `uv run dvc repro` makes "
            "it, `git add --all` and `git commit` keep it"
        )
    if runs:
        width = shutil.get_terminal_size((UNLIMITED, 0)).columns
        print(format_runs(runs, width, is_whole=is_whole))


def print_flaws(flaws: Sequence[str]) -> None:
    """Say on standard error which commits are left out, of many the first."""
    more = len(flaws) - MOST_FLAWS
    lines = [*flaws[:MOST_FLAWS], *([f"{more} more records cannot be read"] if more > 0 else [])]
    for line in lines:
        print(f"runs: {line}", file=sys.stderr)


def format_runs(runs: Sequence[Run], width: int, *, is_whole: bool = True) -> str:
    """A table of so many columns of text.

    Where they are too few for the message and what has changed since the run before, these stand on
    lines of their own. They are cut where they are too long; figures never are.

    Args:
        runs: At least one, newest first.
        width: Of a line.
        is_whole: Whether there was no run before the oldest of them.
    """
    heads = align(_describe(runs))
    messages = [shorten(run.commit.subject, MOST_LETTERS) for run in runs if run.commit]
    changes = [
        *(summarise_step(older, newer) for newer, older in pairwise(runs)),
        FIRST if is_whole else UNKNOWN,
    ]
    start = max(map(len, heads)) + 2
    if width - start >= 2 * LEAST:
        texts = [_cut(message, (width - start) // 2) for message in messages]
        tails = align([["message", "what changed"], *map(list, zip(texts, changes, strict=True))])
        lines = [head.ljust(start) + tail for head, tail in zip(heads, tails, strict=True)]
        return "\n".join(_cut(line, width) for line in lines)
    lines = heads[:1]
    for head, *tail in zip(heads[1:], messages, changes, strict=True):
        lines += [head, *(_cut(f"{INDENT}{text}", width) for text in tail)]
    return "\n".join(lines)


def summarise_step(before: Run, after: Run) -> str:
    """What set a run apart from the one before, in a few words."""
    if before.id == after.id:
        return "nothing"
    return summarise_changes(find_changes(before, after))


def _describe(runs: Sequence[Run]) -> list[list[str]]:
    """What each run was and how good, below a header; the metric stands there if all have one."""
    metrics = {run.metric for run in runs}
    name = "metric" if len(metrics) > 1 else runs[0].metric
    rows = [["commit", "date", "champion", f"{name}, validated", "on the test"]]
    for run in runs:
        date = run.commit.date.date().isoformat() if run.commit else ""
        prefix = f"{run.metric} " if len(metrics) > 1 else ""
        validated, tested = format_figure(run.validated), format_figure(run.tested)
        rows.append([run.name, date, run.candidate, f"{prefix}{validated}", tested])
    return rows


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 3]}..."
