"""The command `monitor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..core.batches import prefetch
from ..core.errors import UserError
from ..core.files import write_json, write_text
from ..core.progress import progress
from ..core.project import Project
from ..core.since import parse_since
from ..modeling.model import Model
from ..records.run import WORKSPACE
from .batches import Batch, Subject
from .file_source import read_files
from .ignored import list_mistakes
from .page import render_page
from .quality import Gauge
from .references import References, find_run, read_reference
from .report import list_stages, make_report
from .watch import Watch, choose_windows
from .windows import NEVER, By

STATUS = {"fine": 0, "alarm": 1, "unsure": 2}
"""The exit status of the command."""


def monitor(files: Sequence[str], since: str | None, by: By | None, address: str | None) -> int:
    """Say whether later rows, and what the model makes of them, are still like those it knows.

    It writes `reports/monitoring/index.html` and `monitoring.json` beside it, and prints what is
    most important.

    Args:
        files: Of rows, which the workspace's champion predicts; without any, the requests that
            the server has kept.
        since: Since when, such as 2026-11-03 or 7d; without it, all of them.
        by: What is a window: by default see `choose_windows`; of files without a time, many rows.
        address: Of the database of the requests; by default the project's file.

    Returns:
        The exit status: 0 if all is fine, 1 for an alarm, 2 where nobody can say.

    Raises:
        UserError: There is nothing to read, or `monitor.ignore` names no column.
    """
    project = Project.find()
    if files and address:
        raise UserError("--requests: either files are looked at or requests; leave one out")
    start = parse_since(since) if since else None
    if files:
        watch = _watch_files(project, [*map(Path, files)], start, by)
    else:
        watch = _watch_requests(project, start, by or choose_windows(project.contract), address)
    if mistakes := list_mistakes(project, watch):
        raise UserError("\n".join(mistakes))
    content = make_report(
        watch,
        project.params.monitor,
        source="files" if files else "requests",
        since=start.isoformat(timespec="seconds") if start else None,
        stages=list_stages(project),
        gauge=Gauge(project),
    )
    folder = project.reports / "monitoring"
    write_json(content, folder / "monitoring.json")
    write_text(render_page(content, live=False), folder / "index.html")
    for line in [*content["lines"], *content["notes"]]:
        print(f"monitor: {line}")
    print(f"monitor: {project.name(folder / 'index.html')} shows it all")
    return STATUS[content["state"]]


def _watch_files(
    project: Project, files: Sequence[Path], since: datetime | None, by: By | None
) -> Watch:
    name = project.name(project.champion)
    model = Model.load(project.require(project.champion), name)
    time = model.contract.time
    has_time = time is not None and model.contract.columns[time].type == "datetime"
    if not has_time and (since or by in ("day", "week")):
        option = "--since" if since else f"--by {by}"
        raise UserError(
            f"{option}: no column says when a row of a file was observed; name one as `time` in "
            "references/schema.yaml, or leave it out"
        )
    subject = Subject(project.title, WORKSPACE, find_run(project) or "", "answer")
    reference = read_reference(project.champion, name)
    has_steps = model.contract.forecasts  # a week may have but one of them
    usual = choose_windows(model.contract) if has_time and not has_steps else "rows"
    watch = Watch(References(project, {subject.run: reference}), by or usual)
    resize = project.params.data.resize
    batches = read_files(files, subject, model, reference.profile, resize=resize)
    if since:
        batches = _keep_since(batches, since)
    return _fill(watch, batches)


def _keep_since(batches: Iterable[Batch], since: datetime) -> Iterator[Batch]:
    start = np.datetime64(since.astimezone(UTC).replace(tzinfo=None), "us")
    for batch in batches:
        yield batch.take(np.flatnonzero(batch.times >= start))


def _watch_requests(project: Project, since: datetime | None, by: By, address: str | None) -> Watch:
    try:
        from ..serving.request_database import REQUESTS, open_requests
        from .request_source import as_times, find_latest, find_start, make_batches, read_pages
    except ModuleNotFoundError as error:
        command = project.command.replace("run", "run --extra serve", 1)
        raise UserError(
            f"{error.name} is not installed; `{command} monitor` installs what reads the requests"
        ) from error
    watch = Watch(References(project), by)
    with open_requests(project, address) as database:
        conditions = [REQUESTS.c.time >= since] if since else []
        pages = read_pages(database, find_start(database, since), *conditions)
        batches = (batch for page in pages for batch in make_batches(page, watch.references))
        return _fill(watch, batches, as_times([find_latest(datetime.now(UTC))])[0])


def _fill(watch: Watch, batches: Iterable[Batch], latest: np.datetime64 = NEVER) -> Watch:
    with progress("monitor") as count:
        for batch in prefetch(batches):
            watch.add(batch, latest)
            count(batch.rows)
    return watch
