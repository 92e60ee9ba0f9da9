"""Putting a version into a stage, whatever the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import UserError
from ..records.repository import Repository
from .tags import ARTIFACT, describe_push, name_artifact, write_tag
from .versions import Registry, read_registry


def assign(
    repository: Repository, registry: Registry, commit: str, stage: str, body: Mapping[str, Any]
) -> None:
    """Make the tag by which a commit's version stands in a stage, and print it.

    Args:
        repository: The repository.
        registry: What it was decided by.
        commit: The version's.
        stage: The stage.
        body: What the tag tells; its `action` is what is done.

    Raises:
        UserError: The stage was given to another version meanwhile, or git makes no tag.
    """
    latest = read_registry(repository)
    if latest.stages.get(stage) != registry.stages.get(stage):
        raise UserError(
            f"{stage}: somebody else has given this stage to another version meanwhile; run this "
            "again, since it may be decided otherwise now"
        )
    action, version = body["action"], latest.name_commit(commit)
    name = f"{name_artifact(repository)}#{stage}#{latest.next_counter}"
    line = f"{action.capitalize()} {ARTIFACT} {version} to {stage}"
    write_tag(repository, name, commit, line=line, body=body, tags=latest.tags)
    hint = describe_push(repository, name)
    instead = f", instead of {body['instead']}" if body.get("instead") else ""
    print(f"{action}: {version} stands in {stage} now{instead}")
    print(f"{action}: tag {name}{'; ' if hint else ''}{hint}")
