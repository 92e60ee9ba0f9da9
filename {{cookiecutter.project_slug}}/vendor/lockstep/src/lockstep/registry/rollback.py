"""Giving a stage back to the version that stood there before."""

from __future__ import annotations

from ..core.errors import UserError
from ..core.paths import Paths
from ..records.repository import Repository
from .stages import assign
from .tags import require_author
from .versions import ROLLBACK, read_registry, require_all_tags


def roll_back(stage: str) -> None:
    """Put what stood in a stage before into it again; once more goes further back.

    No gate stands before it: it has stood there, and what is wrong now cannot wait.

    Raises:
        UserError: There is no such stage, or nothing stood there before.
    """
    repository = Repository(Paths.find())
    require_all_tags(repository)
    require_author(repository)
    registry = read_registry(repository)
    stack = registry.stages.get(stage, [])
    if not stack:
        stages = ", ".join(sorted(name for name, tags in registry.stages.items() if tags))
        advice = f"there are {stages}" if stages else "`promote` makes the first"
        raise UserError(f"{stage}: nothing stands in this stage; {advice}")
    present = registry.name_commit(stack[-1].commit)
    if len(stack) == 1:
        raise UserError(f"{stage}: nothing stood there before {present}, so that it stays")
    commit = stack[-2].commit
    body = {
        "action": ROLLBACK,
        "version": registry.name_commit(commit),
        "record": stack[-2].body.get("record"),
        "instead": present,
    }
    assign(repository, registry, commit, stage, body)
