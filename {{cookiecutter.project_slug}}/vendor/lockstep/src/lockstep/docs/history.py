"""The runs of git's history, and which version stood in which stage, as a drawing and tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..core.errors import UserError
from ..core.paths import Paths
from ..records.changes import find_changes
from ..records.repository import Repository
from ..records.run import Run, list_runs
from ..records.runs import FIRST, UNKNOWN, summarise_step
from ..records.wording import format_figure
from ..registry.moves import Move, trace_moves
from ..registry.tags import Tags
from ..registry.versions import Registry, read_registry, resolve
from ..reporting.markdown import code, directive, plain, table
from .timeline import Entry, draw_timeline

NOTHING_YET = """\
No commit holds a run yet. After `uv run dvc repro`, `git add --all` and `git commit` its figures
stand here.
"""
LEGEND = """\
<span class="history-key tested">●</span> on the test rows, with the interval;
<span class="history-key validated">●</span> by the rows that candidates are compared on, with the
standard error; an arrow goes farther than shown. ● marks what the run before had otherwise:
<b>P</b> parameters, <b>D</b> data or contract, <b>C</b> code, <b>E</b> environment."""


def history_page(paths: Paths) -> str:
    """What each commit's run came to, or a sentence where there is none."""
    try:
        repository = Repository(paths)
        runs, flaws, is_whole = list_runs(repository)
    except UserError as error:
        return f"# History\n\nThere is no history to tell: {plain(str(error))}.\n"
    notes: list[str] = []
    if repository.is_shallow:
        notes.append("This clone is shallow, so that older commits are not here.")
    if flaws:
        notes.append(f"Runs are left out, since {len(flaws)} of their records cannot be read.")
    try:
        registry = read_registry(repository)
    except UserError as error:
        registry = resolve(Tags([], []))
        notes.append(f"Versions and stages are not known: {plain(str(error))}.")
    if not runs:
        return "\n\n".join(["# History", *notes, *([] if flaws else [NOTHING_YET])])
    entries = _list_entries(runs, registry, FIRST if is_whole else UNKNOWN)
    moves = trace_moves(registry.tags)
    parts = [
        "# History",
        "Each commit that holds a run of the pipeline, the newest on top: how good its champion "
        "was in the metric that picked it, and what had changed. With two of them, "
        f"`{paths.command} compare` tells whether one is better by more than chance.",
    ]
    if len({run.metric for run in runs}) > 1:
        notes.append(
            "The metric was another one at times. Figures of different metrics are not to be "
            "compared, so that each has its own axis."
        )
    parts += [
        *notes,
        directive("raw", "html", draw_timeline(_merge(entries, moves))),
        f'<p class="history-legend">{" ".join(LEGEND.split())}</p>',
        "## Runs",
        _tabulate_runs(entries),
    ]
    if moves:
        parts += ["## Stages", _tabulate_moves(moves)]
    return "\n\n".join(parts) + "\n"


def _list_entries(runs: Sequence[Run], registry: Registry, beginning: str) -> list[Entry]:
    steps = [(older, newer) for newer, older in pairwise(runs)]
    changes = [*(find_changes(*step) for step in steps), None]
    summaries = [*(summarise_step(*step) for step in steps), beginning]
    versions: dict[str, list[str]] = {}
    for version in registry.versions:
        versions.setdefault(version.commit, []).append(version.name)
    return [
        Entry(run, run.commit, own, summary, versions.get(run.commit.sha, []))
        for run, own, summary in zip(runs, changes, summaries, strict=True)
        if run.commit
    ]


def _merge(entries: Sequence[Entry], moves: Sequence[Move]) -> list[Entry | Move]:
    """Both, the newest first; a move stands above the newest run that was there by then."""
    items: list[Entry | Move] = []
    waiting = [*moves]
    for entry in entries:
        while waiting and waiting[-1].tag.seconds >= entry.commit.date.timestamp():
            items.append(waiting.pop())
        items.append(entry)
    return [*items, *reversed(waiting)]


def _tabulate_runs(entries: Sequence[Entry]) -> str:
    metrics = {entry.run.metric for entry in entries}
    name = "metric" if len(metrics) > 1 else plain(entries[0].run.metric)
    rows = []
    for entry in entries:
        validated = format_figure(entry.run.validated).replace("+-", "±")
        rows.append(
            [
                " ".join([code(entry.commit.short), *entry.versions]),
                entry.commit.date.date().isoformat(),
                plain(entry.commit.subject),
                plain(entry.run.candidate),
                f"{plain(entry.run.metric)} {validated}" if len(metrics) > 1 else validated,
                format_figure(entry.run.tested),
                plain(entry.summary),
            ]
        )
    header = (
        "commit",
        "date",
        "message",
        "champion",
        f"{name}, validated",
        "on the test",
        "changed",
    )
    return table(header, rows)


def _tabulate_moves(moves: Sequence[Move]) -> str:
    rows = [
        [
            move.tag.date,
            plain(move.stage),
            move.version or "none",
            plain(move.action),
            plain(move.tag.author),
        ]
        for move in reversed(moves)
    ]
    return table(("when", "stage", "version", "by what", "by whom"), rows)
