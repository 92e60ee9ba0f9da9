"""Putting a version into a stage, if it passes the gate."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from ..core.errors import UserError
from ..core.project import Project
from ..core.records import digest_source
from ..data.row_names import digest_names
from ..records.pairs import Pair
from ..records.repository import Repository
from ..records.run import Run
from .decisions import Decision, count_decisions, describe_decisions, keep_refusal
from .findings import Finding, Note
from .gate import (
    Present,
    add_later_rows,
    check_present,
    check_record,
    measure,
    pair_with_present,
    rebuild,
)
from .names import HEAD, require_stage_name
from .register import digest_model
from .stages import assign
from .tags import require_author
from .versions import Registry, read_registry, read_version_run, require_all_tags


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
    require_stage_name(stage)
    require_all_tags(repository)
    require_author(repository)
    registry = read_registry(repository)
    entry, tag = registry.find_version(version), registry.find_present(stage)
    run = read_version_run(repository, entry.commit, entry.name)
    if tag and tag.commit == entry.commit:
        print(f"promote: {entry.name} stands in {stage} already, since {tag.date}")
        return
    present = _read_present(repository, registry, tag.commit) if tag else None
    place = f"instead of {present.name}" if present else "the first one"
    print(f"promote: {entry.name} to {stage}, {place}")
    stays = f"where {present.name} stays" if present else "where nothing stands yet"
    refusal = f"{entry.name} is not promoted to {stage}, {stays}"
    findings = _print_all([check_record(repository, run)])
    _require_good(findings, refusal)
    if present:
        findings += _print_all(check_present(repository, run, present, params.promote.new_contract))
        _require_good(findings, refusal)
    former = present.run if present else None
    common = pair_with_present(repository, run, former)
    pair, notes = add_later_rows(repository, run, former, common)
    findings += _print_all(chain(measure(repository, params, run, former, pair), notes))
    # By the rows in common, so that a single new row does not start the count anew.
    decision = _name_decision(run, former, common)
    confidence = params.evaluate.confidence
    times = describe_decisions(count_decisions(project, registry, decision), confidence)
    _print_all([*_compare_params(repository), Note("test rows", times)])
    if all(finding.is_good for finding in findings):
        findings += _print_all([rebuild(repository, run)])  # last, since it takes longest
    if not all(finding.is_good for finding in findings):
        keep_refusal(project, decision)
    _require_good(findings, refusal)
    body = {
        "action": "promote",
        "version": entry.name,
        "record": run.id,
        "model": digest_model(run),
        "instead": present.name if present else None,
        "decision": decision._asdict(),
        "confidence": confidence,
        **params.promote.model_dump(),
        "findings": {finding.name: finding.text for finding in findings},
    }
    assign(repository, registry, entry.commit, stage, body)


def _read_present(repository: Repository, registry: Registry, commit: str) -> Present:
    name = registry.name_commit(commit)
    try:
        return Present(name, commit, read_version_run(repository, commit, name))
    except UserError as error:
        return Present(name, commit, None, str(error))


def _name_decision(run: Run, present: Run | None, pair: Pair | None) -> Decision:
    test = digest_names(pair.rows) if pair else run.record["test"]["sha256"]
    return Decision(test, run.id, present.id if present else None)


def _compare_params(repository: Repository) -> list[Note]:
    """Whether the settings of the gate are those that others have."""
    paths = repository.paths
    name = paths.name(paths.params_file)
    committed = repository.read(HEAD, name)
    # As digested, since git may change line ends.
    if committed and digest_source(committed) == digest_source(paths.params_file.read_bytes()):
        return []
    return [Note(name, "is not the one that is committed; the gate goes by what it says now")]


def _print_all(lines: Iterable[Finding | Note]) -> list[Finding]:
    """Each as soon as it is found; the findings without the notes."""
    findings = []
    for line in lines:
        print(line, flush=True)
        if isinstance(line, Finding):
            findings.append(line)
    return findings


def _require_good(findings: Iterable[Finding], refusal: str) -> None:
    if reasons := [f"{finding.name}: {finding.reason}" for finding in findings if finding.reason]:
        raise UserError(f"{refusal}: {'; '.join(reasons)}")
