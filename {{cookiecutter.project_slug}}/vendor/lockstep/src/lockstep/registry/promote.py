"""Putting a version into a stage, if it passes the gate."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..core.errors import UserError
from ..core.project import Project
from ..records.repository import Repository
from ..records.run import Run, read_run
from .decisions import Decision, count_decisions, describe_decisions, keep_refusal
from .findings import Finding
from .gate import check_record, measure, rebuild
from .register import digest_model
from .stages import assign
from .tags import STAGE, Tag, require_author
from .versions import read_registry, require_all_tags


def promote(version: str, stage: str) -> None:
    """Put a version into a stage by a tag, and print what the gate has found.

    Args:
        version: Such as v1.2.0, or `latest`.
        stage: Such as production; one that there was not before is a new one.

    Raises:
        UserError: There is no such version, or the gate refuses it.
    """
    project = Project.find()
    repository, params = Repository(project), project.params
    _require_name(stage)
    require_all_tags(repository)
    require_author(repository)
    registry = read_registry(repository)
    entry, tag = registry.find_version(version), registry.find_present(stage)
    run = read_run(repository, entry.commit)
    if tag and tag.commit == entry.commit:
        print(f"promote: {entry.name} stands in {stage} already, since {tag.date}")
        return
    name = registry.name_commit(tag.commit) if tag else ""
    print(f"promote: {entry.name} to {stage}, {f'instead of {name}' if name else 'the first one'}")
    present = _read_present(repository, tag, name)
    stays = f"where {name} stays" if name else "where nothing stands yet"
    refusal = f"{entry.name} is not promoted to {stage}, {stays}"
    findings = _print_all([check_record(repository, run)])
    _require_good(findings, refusal)
    findings += _print_all(measure(repository, params, run, present, name))
    decision = Decision(run.record["test"]["sha256"], run.id, present.id if present else None)
    count = count_decisions(project, registry, decision)
    print(f"  note  {'test rows':<18} {describe_decisions(count)}")
    if not all(finding.is_good for finding in findings):
        keep_refusal(project, decision)
    _require_good(findings, refusal)
    findings += _print_all([rebuild(repository, run)])  # last, since it takes longest
    _require_good(findings, refusal)
    body = {
        "action": "promote",
        "version": entry.name,
        "record": run.id,
        "model": digest_model(run),
        "instead": name or None,
        "decision": decision._asdict(),
        "margin": params.promote.margin,
        "findings": {finding.name: finding.text for finding in findings},
    }
    assign(repository, registry, entry.commit, stage, body)


def _require_name(stage: str) -> None:
    if not re.fullmatch(STAGE, stage):
        raise UserError(
            f"--to {stage}: found a name that no stage can have; letters, digits, - _ and / were "
            "expected, with a letter or digit first and last, such as production"
        )


def _read_present(repository: Repository, tag: Tag | None, name: str) -> Run | None:
    """The run of what stands in the stage; None where there is none to compare with."""
    if tag is None:
        return None
    try:
        return read_run(repository, tag.commit)
    except UserError as error:
        print(f"  note  {name:<18} cannot be compared with, the baseline is instead: {error}")
        return None


def _print_all(findings: Iterable[Finding]) -> list[Finding]:
    """Each as soon as it is found."""
    lines = []
    for finding in findings:
        print(finding, flush=True)
        lines.append(finding)
    return lines


def _require_good(findings: Iterable[Finding], refusal: str) -> None:
    if reasons := [f"{finding.name}: {finding.reason}" for finding in findings if finding.reason]:
        raise UserError(f"{refusal}: {'; '.join(reasons)}")
