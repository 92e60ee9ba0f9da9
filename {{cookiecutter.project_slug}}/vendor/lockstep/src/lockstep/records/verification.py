"""Prove that a commit's results follow from its raw data: rebuild them and compare every hash."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.environment import processor, read_environment, watched_libraries
from ..core.errors import UserError
from ..core.files import read_yaml, write_json
from ..core.paths import Paths
from .clone import DVC, make_environment, open_clone, run_dvc
from .repository import Repository, run_git
from .run import RECORD

MISSING = "missing"
PROCESSOR = "processor"
VERIFIED = Path(".dvc", "tmp", "verified.json")
"""Which commits have been rebuilt here to the same bytes, and with what; git ignores it."""


@dataclass(frozen=True)
class Comparison:
    """One output of a stage, as its commit records it and as the rebuild made it."""

    stage: str
    output: str
    recorded: str
    rebuilt: str
    is_alike: bool = False
    """Whether it differs by nothing but the name of the processor, which a record tells."""

    @property
    def agrees(self) -> bool:
        """Whether both are there and tell the same."""
        return self.rebuilt != MISSING and (self.recorded == self.rebuilt or self.is_alike)

    @property
    def verdict(self) -> str:
        """The same in words."""
        if not self.agrees:
            return "DIFFERS"
        return "same" if self.recorded == self.rebuilt else "same but for the processor"


def require_verified(project: Paths, revision: str) -> None:
    """Rebuild a commit as `verify` does, unless that was done here before and agreed.

    Raises:
        UserError: There is no such commit, or an output of its rebuild has other bytes.
    """
    repository = Repository(project)
    commit = _resolve(repository, revision)
    if _read_verified(project).get(commit) == _digest_environment(project):
        return
    comparisons, differences = _rebuild(repository, commit)
    _conclude(project, commit, comparisons, differences)


def verify(project: Paths, revision: str) -> None:
    """Print a table of `revision`'s outputs and whether their rebuild has the same bytes.

    Raises:
        UserError: There is no such commit, or an output has other bytes.
    """
    repository = Repository(project)
    commit = _resolve(repository, revision)
    comparisons, differences = _rebuild(repository, commit)
    width = max(len(comparison.output) for comparison in comparisons)
    print(f"{'stage':<12}{'output':<{width + 2}}{'recorded':<10}{'rebuilt':<10}")
    for one in comparisons:
        print(
            f"{one.stage:<12}{one.output:<{width + 2}}{one.recorded[:8]:<10}{one.rebuilt[:8]:<10}"
            f"{one.verdict}"
        )
    if run_git(project.root, "status", "--porcelain"):
        print("verify: uncommitted changes are no part of the commit", file=sys.stderr)
    _conclude(project, commit, comparisons, differences)
    alike = sum(one.recorded != one.rebuilt for one in comparisons)
    note = f", {RECORD} but for the name of the processor" if alike else ""
    print(f"verify: all {len(comparisons)} outputs of {commit[:8]} are the same bytes{note}")


def _conclude(
    project: Paths, commit: str, comparisons: list[Comparison], differences: list[str]
) -> None:
    """Remember that a commit was rebuilt to the same bytes, or raise what differs and why."""
    wrong = [one for one in comparisons if not one.agrees]
    if wrong:
        reasons = "; ".join(differences) or "versions, parameters and processor are those recorded"
        raise UserError(
            f"{commit[:8]}: {wrong[0].stage} is the first stage whose output differs "
            f"({wrong[0].output}): {reasons}"
        )
    write_json(
        _read_verified(project) | {commit: _digest_environment(project)}, project.root / VERIFIED
    )


def _read_verified(project: Paths) -> dict[str, str]:
    try:
        content = json.loads((project.root / VERIFIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest_environment(project: Paths) -> str:
    """Of the versions and the processor: with others, the same bytes are to be proved anew."""
    environment = read_environment(watched_libraries(project))
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()


def _rebuild(repository: Repository, commit: str) -> tuple[list[Comparison], list[str]]:
    """A comparison for each output of a commit's rebuild, and what else is known to differ.

    The rebuild runs in a temporary clone, without any cache: the user's files, cache and git
    references are only read. The libraries are those installed, but for the one that is bundled
    with the commit.
    """
    print(f"verify: rebuilding {commit[:8]} in a temporary clone", file=sys.stderr)
    with open_clone(repository, commit) as (clone, scratch):
        recorded = _lock(clone, f"{commit[:8]} holds no dvc.lock: run `dvc repro` and commit first")
        record = clone.environment_file
        environment = (read_yaml(record, record.name) if record.exists() else None) or {}
        former = _read_record(clone)
        _reproduce(repository.paths, clone, scratch)
        rebuilt = _lock(clone, "the rebuild left no dvc.lock")
        is_alike = bool(former) and former == _read_record(clone)
    differences = _differences(recorded, rebuilt, environment.get(PROCESSOR))
    return _compare(recorded, rebuilt, {RECORD} if is_alike else set()), differences


def _read_record(clone: Paths) -> dict[str, Any]:
    """The record without the processor's name; nothing if there is none.

    Results are the same bytes on many processors: what the record says of it is no difference.
    """
    try:
        record = json.loads(clone.record.read_text(encoding="utf-8"))
        del record["environment"][PROCESSOR]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(record)


def _resolve(repository: Repository, revision: str) -> str:
    commit = repository.find_commit(revision)
    if commit is None:
        raise UserError(f"{revision}: no such commit; verify needs one to rebuild")
    return commit


def _lock(project: Paths, missing: str) -> dict[str, Any]:
    path = project.root / "dvc.lock"
    content = read_yaml(path, "dvc.lock") if path.exists() else None
    stages = content.get("stages") if isinstance(content, dict) else None
    if not stages:
        raise UserError(missing)
    return dict(stages)


def _reproduce(project: Paths, clone: Paths, scratch: Path) -> None:
    """Run every stage in `clone`, with its own code, an empty cache and nothing of its results."""
    environment = make_environment(clone, scratch)

    def dvc(*arguments: str, folder: Path = clone.root) -> str:
        return run_dvc(arguments, folder, environment)

    dvc("config", "--quiet", "--local", "cache.dir", str(scratch / "cache"))
    if tracked := run_git(clone.root, "ls-files", "*.dvc").splitlines():
        # Raw data that DVC keeps: from the user's cache, which has the layout of a remote.
        own_cache = dvc("cache", "dir", folder=project.root)
        dvc("remote", "add", "--quiet", "--local", "own-cache", own_cache)
        try:
            dvc("pull", "--quiet", "--remote", "own-cache", *tracked)
        except UserError as error:
            raise UserError(
                "the raw data are not all in DVC's cache: `dvc pull` or `dvc update` brings them"
            ) from error
    _remove_results(clone)
    if _run_group([*DVC, "repro"], clone.root, environment):
        raise UserError("the rebuild failed, see above")


def _remove_results(clone: Paths) -> None:
    """Remove dvc.lock and all outputs that it names, so that nothing is taken over."""
    for stage in _lock(clone, "").values():
        for output in stage.get("outs", []):
            path = clone.root / output["path"]
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    (clone.root / "dvc.lock").unlink()


def _run_group(command: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run a command; should this process be interrupted, end it and all that it has started."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=sys.stderr, start_new_session=True
    )
    try:
        return process.wait()
    except BaseException:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        raise


def _compare(
    recorded: dict[str, Any], rebuilt: dict[str, Any], alike: Collection[str]
) -> list[Comparison]:
    return [
        Comparison(
            *(stage, output, before.get(output, MISSING), after.get(output, MISSING)),
            is_alike=output in alike,
        )
        for stage in recorded | rebuilt
        for before, after in [(_hashes(recorded, stage, "outs"), _hashes(rebuilt, stage, "outs"))]
        for output in before | after
    ]


def _hashes(lock: dict[str, Any], stage: str, kind: str) -> dict[str, str]:
    entries = lock.get(stage, {}).get(kind, [])
    return {entry["path"]: entry.get("md5", MISSING) for entry in entries}


def _differences(
    recorded: dict[str, Any], rebuilt: dict[str, Any], former_processor: str | None
) -> list[str]:
    """What may be why outputs differ, each once, in the order of the stages."""
    outputs = {name for stage in recorded for name in _hashes(recorded, stage, "outs")}
    reasons = []
    for stage in recorded:
        before, after = _hashes(recorded, stage, "deps"), _hashes(rebuilt, stage, "deps")
        stale = [name for name in after if name not in outputs and before.get(name) != after[name]]
        reasons += [f"dvc.lock was made from another {name}" for name in stale]
        for file, values in recorded[stage].get("params", {}).items():
            now = rebuilt.get(stage, {}).get("params", {}).get(file, {})
            reasons += [
                f"{key} in {file} was {value}, now it is {now[key]}"
                for key, value in values.items()
                if key in now and now[key] != value
            ]
    if former_processor not in (None, processor()):
        reasons.append(f"the processor was {former_processor}, here it is {processor()}")
    return list(dict.fromkeys(reasons))
