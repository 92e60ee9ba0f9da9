"""Putting a version into a stage, whatever the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..records.repository import Repository
from .tags import ARTIFACT, describe_push, name_artifact, write_tag
from .versions import Registry


def assign(
    repository: Repository, registry: Registry, commit: str, stage: str, body: Mapping[str, Any]
) -> None:
    """Make the tag by which a commit's version stands in a stage, and print it.

    Args:
        repository: The repository.
        registry: What it was decided by; should it be another one by now, nothing is made.
        commit: The version's.
        stage: The stage.
        body: What the tag tells; its `action` is what is done.

    Raises:
        UserError: The registry is another one by now, or git makes no tag.
    """
    action, version = body["action"], registry.name_commit(commit)
    name = f"{name_artifact(repository)}#{stage}#{registry.next_counter}"
    line = f"{action.capitalize()} {ARTIFACT} {version} to {stage}"
    write_tag(repository, name, commit, line=line, body=body, tags=registry.tags)
    hint = describe_push(repository, name)
    print(f"{action}: {version} stands in {stage} now; tag {name}{'; ' if hint else ''}{hint}")
