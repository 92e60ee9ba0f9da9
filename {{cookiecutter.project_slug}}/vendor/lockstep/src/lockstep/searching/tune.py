"""The command `tune`: search for better options, show what was tried, and take over the best."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..core.decimals import count_decimals
from ..core.editing import edit_yaml
from ..core.errors import UserError
from ..core.files import replacing_directory, write_text
from ..core.params import Params
from ..core.progress import clear_line, make_reporter
from ..core.project import Project
from ..core.runtime import describe_runtime
from ..core.table import write_csv
from ..core.workers import end_workers
from ..modeling.metrics import Metric
from .gains import Gain, count, describe_losses, format_figures, list_gains
from .gallery import draw_pictures
from .page import render_page
from .search import Progress, Search, forget_search, lock_search, search
from .trials import tabulate


def tune(names: Sequence[str], minutes: float | None, *, dry_run: bool) -> None:
    """Search for better options of the candidates, show them, and put them into params.yaml.

    Args:
        names: The candidates; none means all that have a space.
        minutes: After so many it makes do with what was found.
        dry_run: Leave params.yaml as it is.

    Raises:
        UserError: The space, a name or the time is impossible; or params.yaml was edited meanwhile.
    """
    project = Project.find()
    with lock_search(project):
        text = project.params_file.read_text(encoding="utf-8")
        for note in describe_runtime(project.params.reproducibility):
            print(f"tune: {note}", file=sys.stderr)
        result = _search(project, names, minutes)
        gains = list_gains(result)
        print("\n".join(_describe(result, gains, names or _list_spaces(project.params))))
        # Each file is replaced as a whole, and params.yaml is the last one. Until then the same
        # command tries the same from the journal, and writes the same; with other options in
        # params.yaml it would begin with these, and nothing could tell any more what was before.
        write_csv(tabulate(result.trials, result.metric), project.trials)
        with replacing_directory(project.search) as folder:
            captions = draw_pictures(gains, project.params.search.space, result.metric, folder)
            write_text(render_page(project, result, gains, captions, folder), folder / "index.html")
        print(f"tune: every trial -> {project.name(project.trials)}")
        print(f"tune: all of it as a page to read -> {project.name(project.search)}/index.html")
        _take_over(project, text, gains, dry_run=dry_run)
        if not result.is_cut and not dry_run:
            forget_search(project)


def _search(project: Project, names: Sequence[str], minutes: float | None) -> Search:
    """What a search finds, with its progress on stderr."""
    show = make_reporter()
    try:
        result = search(
            project, names, minutes=minutes, report=lambda progress: show(_tell(progress))
        )
    except KeyboardInterrupt:
        print("\ntune: what was tried is kept; the same command goes on from it", file=sys.stderr)
        raise
    finally:
        clear_line()
        end_workers()
    return result


def _tell(progress: Progress) -> str:
    parts = [f"tune: {progress.trials} of {progress.of} trials"]
    if progress.best is not None:
        mean = progress.best.mean
        parts.append(f"best: {progress.best.candidate} {mean:.{count_decimals(mean)}f}")
    if progress.seconds_left is not None:
        parts.append(f"{_format_time(progress.seconds_left)} left")
    return ", ".join(parts)


def _format_time(seconds: float) -> str:
    """Seconds below two minutes, minutes below two hours, else hours."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _describe(result: Search, gains: Sequence[Gain], names: Sequence[str]) -> list[str]:
    """What was tried of these candidates and what it brought, a line each."""
    amount = (
        f"{count(len(result.trials), 'trial')} of {count(len(gains), 'candidate')} in "
        f"{result.batches} batch{'' if result.batches == 1 else 'es'}"
    )
    lines = [f"tune: {'the time was up after ' if result.is_cut else ''}{amount}"]
    if rest := sorted({*names} - {gain.candidate for gain in gains}, key=names.index):
        lines.append(f"tune: no time for {', '.join(rest)}")
    if losses := describe_losses(result.trials):
        lines.append(f"tune: {losses}")
    return [*lines, *_make_table(result.metric, gains)]


def _list_spaces(params: Params) -> list[str]:
    """The candidates that have a space."""
    return [name for name in params.train.candidates if params.search.space.get(name)]


def _make_table(metric: Metric, gains: Sequence[Gain]) -> list[str]:
    """A line per candidate with its figures before and after, and one for each further option."""
    lines = [("candidate", f"{metric.name} before", "after", "options")]
    for gain in gains:
        first, *others = [f"{name}: {gain.describe(name)}" for name in gain.changes] or [""]
        lines.append((gain.candidate, format_figures(gain.before), gain.outcome, first))
        lines += [("", "", "", option) for option in others]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def _take_over(project: Project, text: str, gains: Sequence[Gain], *, dry_run: bool) -> None:
    """Put the best options into params.yaml, whose text was this one when the search began."""
    file, better = project.params_file, [gain for gain in gains if gain.is_better]
    name, names = project.name(file), ", ".join(gain.candidate for gain in better)
    if not better:
        print(f"tune: nothing is better than the options in {name}, which stays as it is")
        return
    if dry_run:
        print(f"tune: {name} would get the options of {names}, and stays as it is (--dry-run)")
        print("next: the same without --dry-run, which repeats nothing that was tried")
        return
    if file.read_text(encoding="utf-8") != text:
        raise UserError(
            f"{name}: edited while the search ran, and left as it is; the page and the table above "
            f"have the best options of {names}"
        )
    changes = {
        f"train.candidates.{gain.candidate}.{option}": value
        for gain in better
        for option, value in gain.changes.items()
    }
    write_text(edit_yaml(text, changes), file)
    print(f"tune: the best options of {names} -> {name}")
    print("next: uv run dvc repro")
