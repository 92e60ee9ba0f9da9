"""What a version's rows are held against: its contract, and the profile of its train rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.files import sha256
from ..core.project import Project
from ..modeling.model import DESCRIPTION
from ..modeling.postprocessing import NONE, Postprocessing
from ..modeling.profile import Profile, read_profile
from ..records.outputs import fetch_output
from ..records.repository import Repository
from ..records.run import RECORD
from ..registry.versions import Registry, Version, read_registry
from ..serving.engine import CACHE
from ..serving.keeping import find_private
from ..standalone.model_package import CHAMPION, INFO
from .batches import Subject


class Reference(NamedTuple):
    """What is known of a version."""

    contract: Contract
    profile: Profile | None
    """None of a version that was trained before there were any."""
    postprocessing: Postprocessing = NONE


class References:
    """The references of the versions of a project, each looked for once, or when told to.

    Args:
        project: The project.
        known: Those of runs that need not be looked for.
    """

    def __init__(self, project: Project, known: Mapping[str, Reference] | None = None) -> None:
        self._project = project
        self._references: dict[str, Reference | None] = {**(known or {})}
        self.problems: dict[str, str] = {}
        """Why the model of a run says nothing, where it is there and cannot be read."""

    @cached_property
    def private(self) -> frozenset[str]:
        """Columns that the server keeps of no version."""
        return find_private(self._project)

    def find(self, subject: Subject) -> Reference | None:
        """The reference of a version; None where its model is nowhere to be had."""
        if subject.run not in self._references:
            self._references[subject.run] = self._look(subject.run)
        return self._references[subject.run]

    def look_again(self) -> bool:
        """Look for those that were not to be had; returns whether one of them is now."""
        runs = [run for run, reference in self._references.items() if reference is None]
        for run in runs:
            self.problems.pop(run, None)
            self._references[run] = self._look(run)
        return any(self._references[run] for run in runs)

    def list_kept(self, contract: Contract) -> list[str]:
        """The columns of a contract, or of what its examples are made of, that the server keeps."""
        keep = self._project.params.serve.keep
        rows = {} if contract.rows is None else contract.rows.columns
        return [
            name
            for name, column in {**rows, **contract.columns}.items()
            if keep.rows
            and name not in self.private
            and not column.private
            and (keep.columns is None or name in keep.columns)
        ]

    def _look(self, run: str) -> Reference | None:
        for folder in self._list_folders(run):
            try:
                return read_reference(folder, self._project.name(folder))
            except UserError as error:
                self.problems[run] = str(error)
        with suppress(UserError), self._bring(run) as folder:
            return read_reference(folder, folder.name)
        return None

    def _list_folders(self, run: str) -> Iterator[Path]:
        """Where the model of a run is at hand: in the workspace, or unpacked for the server."""
        project = self._project
        if find_run(project) == run:
            yield project.champion
        for file in sorted((project.root / CACHE / "models").glob(f"*/*/{INFO}")):
            with suppress(OSError, ValueError):
                if json.loads(file.read_text(encoding="utf-8")).get("run") == run:
                    yield file.parent / CHAMPION

    @contextmanager
    def _bring(self, run: str) -> Iterator[Path]:
        """The model of a registered run, from DVC's cache or its remote.

        Raises:
            UserError: No version is of that run, or its model is in neither.
        """
        repository = Repository(self._project)
        version = _find_version(repository, read_registry(repository), run)
        name = self._project.name(self._project.champion)
        with TemporaryDirectory(prefix="monitor-") as scratch:
            folder = Path(scratch) / CHAMPION
            fetch_output(repository, version.commit, name, folder)
            yield folder


def find_run(project: Project) -> str | None:
    """The run that the workspace's champion is of; None where no record tells of it."""
    file = project.champion / DESCRIPTION
    if not project.record.is_file() or not file.is_file():
        return None
    record = json.loads(project.record.read_text(encoding="utf-8"))
    is_own = record["model"]["files"].get(project.name(file)) == sha256(file)
    return sha256(project.record) if is_own else None


def _find_version(repository: Repository, registry: Registry, run: str) -> Version:
    """The version that a run was registered as."""
    versions = registry.versions
    records = repository.read_many([(version.commit, RECORD) for version in versions])
    for version, record in zip(versions, records, strict=True):
        if record is not None and hashlib.sha256(record).hexdigest() == run:
            return version
    raise UserError(f"{run}: no version is of this run")


def read_reference(folder: Path, name: str) -> Reference:
    """What the folder of a model tells.

    Raises:
        UserError: It is not complete.
    """
    profile = read_profile(folder, name)
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        contract = Contract.model_validate(description["contract"])
        postprocessing = Postprocessing.model_validate(description["postprocessing"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{name}: not a complete saved model") from error
    return Reference(contract, profile, postprocessing)
