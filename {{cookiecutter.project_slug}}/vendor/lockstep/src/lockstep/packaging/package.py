"""The command `package`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from zipfile import ZipFile

from ..core.errors import UserError
from ..core.project import Project
from ..records.agreement import find_disagreements
from ..records.repository import Repository
from ..records.run import RECORD, WORKSPACE, Run, read_run
from ..registry.versions import read_registry
from ..standalone.model_package import INFO
from .build import build_wheel
from .versions import package_version


def package(version: str | None) -> None:
    """Make a wheel of the champion in the workspace, or of a version's, and print where it is.

    Args:
        version: Such as v1.2.0, or latest; None for the workspace.

    Raises:
        UserError: There is no such version, no run, or the workspace has changed since its run.
    """
    project = Project.find()
    folder = project.root / "dist"
    if version is None:
        path = package_workspace(project, folder)
    else:
        path = package_version(project, version, folder)
    home = f"{project.package}_model"
    with ZipFile(path) as archive:
        info = json.loads(archive.read(f"{home}/{INFO}"))
    size = path.stat().st_size / 1e6
    print(f"package: {project.name(path)}, {size:.1f} MB, is run {info['run'][:8]}")
    print(f"package: next, `pip install` it and `python -m {home} check`, wherever it is needed")


def package_workspace(project: Project, folder: Path) -> Path:
    """Make the wheel of the champion that stands in the workspace.

    Its version is the one that its run was registered as, or else the project's.

    Raises:
        UserError: There is no run, or something has changed since.
    """
    repository = Repository(project)
    run = read_run(repository, WORKSPACE)
    if disagreements := find_disagreements(repository, run):
        more = len(disagreements) - 1
        others = f", and {more} more" if more else ""
        raise UserError(
            f"the workspace is not what {RECORD} tells: {disagreements[0]}{others}; "
            "`uv run dvc repro` makes a run of it"
        )
    return build_wheel(project, _find_version(repository, run) or project.version, folder)


def _find_version(repository: Repository, run: Run) -> str | None:
    """What a run was registered as, such as 1.2.0."""
    versions = read_registry(repository).versions
    records = repository.read_many([(version.commit, RECORD) for version in versions])
    names = [
        version.name[1:]
        for version, record in zip(versions, records, strict=True)
        if record is not None and hashlib.sha256(record).hexdigest() == run.id
    ]
    return names[-1] if names else None
