"""A run of the pipeline, as its record at a commit or in the workspace tells it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..core.errors import UserError
from ..core.records import FORM
from .form import find_flaw
from .repository import Commit, Repository

WORKSPACE = "workspace"
"""What the files as they are now are called where a revision may be named."""
RECORD = "reports/record.json"


class Figure(NamedTuple):
    """A metric's figure; None where it is not defined."""

    value: float | None
    standard_error: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Run:
    """A run, named by the digest of its record."""

    commit: Commit | None
    """None for the one in the workspace."""
    id: str
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """The short name of its commit, or `workspace`."""
        return self.commit.short if self.commit else WORKSPACE

    @property
    def candidate(self) -> str:
        """The champion's name."""
        return str(self.record["model"]["candidate"])

    @property
    def metric(self) -> str:
        """The metric that chose the champion."""
        return str(self.record["metric"]["name"])

    @property
    def higher_is_better(self) -> bool:
        """Whether more of that metric is better."""
        return bool(self.record["metric"]["higher_is_better"])

    @property
    def validated(self) -> Figure:
        """That metric on validation rows."""
        figures = self.record["validation"]
        return Figure(figures.get(self.metric), figures.get("standard_error"))

    @property
    def tested(self) -> Figure:
        """That metric on the test rows."""
        return self.measure(self.metric)

    def measure(self, metric: str) -> Figure:
        """Any metric on the test rows."""
        figures = self.record["metrics"]
        ends = figures["intervals"].get(metric)
        return Figure(figures.get(metric), interval=tuple(ends) if ends else None)


def read_run(repository: Repository, revision: str) -> Run:
    """The run at a commit, or that of the `workspace`.

    Raises:
        UserError: There is no such commit, it holds no run, or its record is none.
    """
    if revision == WORKSPACE:
        path = repository.paths.record
        if not path.exists():
            raise UserError(f"{RECORD}: not there yet; `dvc repro` makes it")
        return _parse(None, path.read_bytes(), RECORD)
    commit = repository.resolve(revision)
    content = repository.read(commit.sha, RECORD)
    if content is None:
        raise UserError(
            f"{revision}: no run at this commit: it holds no {RECORD}, which `dvc repro` makes; "
            "commit it with the other results"
        )
    return _parse(commit, content, f"{commit.short}:{RECORD}")


def read_file(repository: Repository, run: Run, name: str) -> bytes | None:
    """A file of the project as the run's commit or the workspace has it; None where it has none."""
    if run.commit is not None:
        return repository.read(run.commit.sha, name)
    path = repository.paths.root / name
    return path.read_bytes() if path.is_file() else None


class Listing(NamedTuple):
    """The runs of a history."""

    runs: list[Run]
    """Newest first."""
    flaws: list[str]
    """What is to be said of each commit whose record cannot be read."""
    is_whole: bool
    """Whether there was no run before the oldest of them, as far as is known."""


def list_runs(repository: Repository) -> Listing:
    """The runs of the commits up to the present one that have brought another record.

    There is none where nothing was committed yet.
    """
    if repository.is_empty:
        return Listing([], [], is_whole=True)
    commits = repository.list_commits("HEAD", "--", repository.prefix + RECORD)
    contents = repository.read_many([(commit.sha, RECORD) for commit in commits])
    runs, flaws, is_whole = [], [], True
    for commit, content in zip(commits, contents, strict=True):
        if content is not None:
            try:
                runs.append(_parse(commit, content, f"{commit.short}:{RECORD}"))
                is_whole = True
            except UserError as error:
                flaws.append(str(error))
                is_whole = False
    return Listing(runs, flaws, is_whole and not repository.is_shallow)


def _parse(commit: Commit | None, content: bytes, name: str) -> Run:
    try:
        record = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        record = None
    form = record.get("record") if isinstance(record, dict) else None
    if type(form) is int and form != FORM:
        reason = f"written in form {form}, and this version reads form {FORM}"
        advice = "`make update`" if form > FORM else "an older version has written it"
        raise UserError(f"{name}: {reason}; {advice}")
    flaw = find_flaw(record)
    if flaw is not None:
        where = f" (see `{flaw}` in it)" if flaw else ""
        raise UserError(
            f"{name}: not a record that `evaluate` has written{where}; `dvc repro` writes it anew"
        )
    return Run(commit, hashlib.sha256(content).hexdigest(), record)


def _refuse(constant: str) -> None:
    """NaN and infinity are no JSON, although Python reads them."""
    raise ValueError(constant)
