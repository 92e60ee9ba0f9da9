"""When which version came to stand in which stage."""

from __future__ import annotations

from typing import NamedTuple

from .tags import Tag, Tags
from .versions import resolve


class Move(NamedTuple):
    """Another version in a stage than before."""

    stage: str
    version: str | None
    """None where the stage is empty from then on."""
    tag: Tag
    """That which has brought it about."""

    @property
    def action(self) -> str:
        """What was done, in a word."""
        done = self.tag.body.get("action")
        return done if isinstance(done, str) else self.tag.action


def trace_moves(tags: Tags) -> list[Move]:
    """All changes of what stands in the stages, in the order of time."""
    moves = []
    present: dict[str, str | None] = {}
    for number in range(1, len(tags.events) + 1):
        registry = resolve(Tags(tags.events[:number], []))
        for stage in registry.stages:
            now = registry.find_present(stage)
            commit = now.commit if now else None
            if present.get(stage) != commit:
                version = registry.name_commit(commit) if commit else None
                moves.append(Move(stage, version, tags.events[number - 1]))
            present[stage] = commit
    return moves
