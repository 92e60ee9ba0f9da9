"""The command `use --from-requests`: what became true of requests as the next raw data."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core.editing import edit_yaml
from ..core.errors import UserError
from ..core.project import Project
from ..core.since import parse_since
from ..reading.folder import list_entries
from ..serving.request_database import open_requests
from . import swap
from .deliveries import choose_name
from .delivery import Delivery
from .inventory import pointer

RAW = "data/raw"


def use_requests(address: str | None, since: str | None, *, dry_run: bool) -> None:
    """Take the requests of which the outcome is known into data/raw, as the next delivery.

    Those that were delivered before are left out, and so is what breaks the contract.

    Args:
        address: Of the database that keeps them; by default the project's file.
        since: Only those of which the outcome came since then, such as 2026-11-03 or 7d.
        dry_run: Only tell.

    Raises:
        UserError: They cannot be read or used, or another process is at it; nothing has changed.
    """
    project = Project.find()
    start = None if since is None else parse_since(since)
    if dry_run:
        project.require_settled()
        with TemporaryDirectory(prefix="use-") as folder:
            _deliver(project, address, start, Path(folder), dry_run=True)
        return
    with swap.lock(project):
        if swap.resume(project):
            print("use: finished what an interrupted run had begun")
        with swap.staging_folder(project) as staging:
            _deliver(project, address, start, staging, dry_run=False)


def _deliver(
    project: Project, address: str | None, since: datetime | None, staging: Path, *, dry_run: bool
) -> None:
    settings = _make_room(project)
    delivery = Delivery(project, staging / "delivery")
    with open_requests(project, address) as database:
        delivery.fill(database, since)
    for line in delivery.describe():
        print(f"use: {line}")
    if not delivery.news:
        print("use: no outcome is new: nothing was changed")
        return
    if not delivery.rows:
        raise UserError("no request can be used, for the reasons above: nothing was changed")
    if dry_run:
        print("use: nothing was changed (--dry-run)")
        return
    name = choose_name(project, delivery.last)
    delivery.folder.rename(staging / name)
    swap.track(project, staging, "add", "--", name)
    place = project.raw / name
    ignored = {project.raw / ".gitignore": swap.edit_gitignore(project, [place])}
    swap.commit(project, [name, pointer(place).name], settings | ignored, [])
    changed = "".join(f", {project.name(path)}" for path in settings)
    print(f"use: {project.name(place)} (kept by DVC){changed}")
    print("next: uv run dvc repro")


def _make_room(project: Project) -> dict[Path, str]:
    """The new texts of settings, by which a second file in data/raw is read.

    Raises:
        UserError: The raw data take none.
    """
    if project.contract.images is not None:
        raise UserError(
            "use: images are learnt from, of which the server keeps no pixels; no request can be "
            "raw data"
        )
    if project.contract.forecasts:
        raise UserError(
            "use: a request holds the past of a series, and its outcome what became of it later, "
            "so none is a row of it; give the next rows to `use` as a file"
        )
    where = project.params.data.raw
    if where == RAW:
        return {}
    others = [path for path in list_entries(project.raw) if path != project.root / where]
    if others or (project.root / where).parent != project.raw:
        raise UserError(
            f"params.yaml: data.raw: only {where} is read, and no delivery beside it; let it say "
            f"{RAW}, where all files are read"
        )
    text = project.params_file.read_text(encoding="utf-8")
    return {project.params_file: edit_yaml(text, {"data.raw": RAW})}
