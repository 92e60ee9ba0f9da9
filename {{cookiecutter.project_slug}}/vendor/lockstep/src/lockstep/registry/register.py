"""Giving the run of a commit a version."""

from __future__ import annotations

import hashlib
import json

from ..core.errors import LONGEST_REASON, UserError, shorten
from ..core.paths import Paths
from ..records.agreement import find_disagreements
from ..records.repository import Repository
from ..records.run import RECORD, Run, read_run
from .compatibility import find_breaks, read_contract
from .tags import ARTIFACT, describe_push, name_artifact, require_author, write_tag
from .versions import (
    Level,
    Number,
    Registry,
    Version,
    read_registry,
    read_version_run,
    require_all_tags,
)

FIRST = Number(1, 0, 0)


def register(revision: str | None) -> None:
    """Make a commit a version, by a tag, and print which one and why.

    Args:
        revision: The commit; by default the last one, if nothing has changed since.

    Raises:
        UserError: There is no run that agrees with the commit, or it is a version already.
    """
    paths = Paths.find()
    repository = Repository(paths)
    require_all_tags(repository)
    require_author(repository)
    if revision is None and repository.is_dirty:
        raise UserError(
            "files have changed since the last commit: commit them first, or name a commit as "
            f"`{paths.command} register HEAD` does"
        )
    run = read_run(repository, "HEAD" if revision is None else revision)
    require_agreement(repository, run)
    registry = read_registry(repository)
    _require_news(repository, registry, run)
    number, reason = _choose_number(repository, registry, run)
    assert run.commit is not None
    name = f"{name_artifact(repository)}@{number}"
    body = {
        "action": "register",
        "version": str(number),
        "record": run.id,
        "model": digest_model(run),
        "reason": reason,
    }
    line = f"Register {ARTIFACT} {number}: {reason}"
    write_tag(repository, name, run.commit.sha, line=line, body=body, tags=registry.tags)
    print(f"register: {run.name} is {number}, {reason}; tag {name}")
    hints = [f"`{paths.command} promote {number} --to STAGE`", describe_push(repository, name)]
    print(f"register: next, {', '.join(filter(None, hints))}")


def require_agreement(repository: Repository, run: Run) -> None:
    """Check that a commit holds what its record tells.

    Raises:
        UserError: It does not, or it is no commit.
    """
    if run.commit is None:
        raise UserError(
            "the workspace is no commit: commit it with its results, then name the commit"
        )
    if disagreements := find_disagreements(repository, run):
        more = len(disagreements) - 1
        others = f", and {more} more" if more else ""
        raise UserError(
            f"{run.name}: the record of the run is not of this commit: {disagreements[0]}{others}; "
            "run `dvc repro` and commit what it writes"
        )


def digest_model(run: Run) -> str:
    """One digest of all files of the model."""
    files = json.dumps(run.record["model"]["files"], sort_keys=True)
    return hashlib.sha256(files.encode()).hexdigest()


def _require_news(repository: Repository, registry: Registry, run: Run) -> None:
    """Check that neither the commit nor the run is a version."""
    versions = registry.versions
    records = repository.read_many([(version.commit, RECORD) for version in versions])
    for version, record in zip(versions, records, strict=True):
        if run.commit is not None and version.commit == run.commit.sha:
            raise UserError(f"{run.name}: is {version.name} already")
        if record is not None and hashlib.sha256(record).hexdigest() == run.id:
            raise UserError(
                f"{run.name}: the same run as {version.name}, which is commit {version.commit[:8]}"
            )


def _choose_number(repository: Repository, registry: Registry, run: Run) -> tuple[Number, str]:
    """The next number, and why it is that one."""
    last = registry.last_number
    if last is None:
        return FIRST, "the first version"
    if not registry.versions:
        return last.raise_by("major"), "a major one, since no version before it is left"
    level, reason = _compare(repository, registry.versions[-1], run)
    return last.raise_by(level), f"a {level} one, since {reason}"


def _compare(repository: Repository, before: Version, run: Run) -> tuple[Level, str]:
    assert run.commit is not None
    try:
        former = read_version_run(repository, before.commit, before.name)
        breaks = find_breaks(
            read_contract(repository, before.commit), read_contract(repository, run.commit.sha)
        )
    except UserError as error:
        problem = str(error).removeprefix(f"{before.name}: ")
        return "major", f"{before.name} cannot be compared: {shorten(problem, LONGEST_REASON)}"
    if breaks:
        change = shorten(breaks[0], LONGEST_REASON)
        return "major", f"callers of {before.name} must change: {change}"
    if former.record["model"]["files"] != run.record["model"]["files"]:
        return "minor", f"the model is another than that of {before.name}"
    return "patch", f"the model is that of {before.name}"
