"""Which versions there are, and which of them stands in which stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..core.errors import UserError
from ..records.repository import Repository
from ..records.run import Run, read_run
from .tags import Tag, Tags, read_tags

LATEST = "latest"
ROLLBACK = "rollback"
"""What the body of a tag calls a way back, which is no promotion."""
Level = Literal["major", "minor", "patch"]


class Number(NamedTuple):
    """A version's number (semantic versioning)."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, name: str) -> Number:
        """That of a name such as v1.2.0."""
        return cls(*map(int, name[1:].split(".")))

    def raise_by(self, level: Level) -> Number:
        """The next one."""
        match level:
            case "major":
                return Number(self.major + 1, 0, 0)
            case "minor":
                return Number(self.major, self.minor + 1, 0)
            case "patch":
                return Number(self.major, self.minor, self.patch + 1)


@dataclass(frozen=True)
class Version:
    """A commit's model that was given a number."""

    number: Number
    tag: Tag

    @property
    def name(self) -> str:
        """Such as v1.2.0."""
        return str(self.number)

    @property
    def commit(self) -> str:
        """The full digest of its commit."""
        return self.tag.commit


@dataclass(frozen=True)
class Registry:
    """What the tags come to."""

    tags: Tags
    versions: Sequence[Version]
    """From the lowest number to the highest, without those that were taken back."""
    stages: dict[str, list[Tag]]
    """Of each stage what was put into it, one above the other: the last one stands there now, and
    `rollback` takes it away."""

    @property
    def last_number(self) -> Number | None:
        """The highest that was ever given, also if it was taken back."""
        numbers = [Number.parse(tag.version) for tag in self.tags.events if tag.version]
        return max(numbers, default=None)

    @property
    def next_counter(self) -> int:
        """What the next tag of a stage has at its end, whatever the stage is."""
        return max([tag.counter for tag in self.tags.events], default=0) + 1

    def find_version(self, name: str) -> Version:
        """The version of that name, or the `latest`.

        Raises:
            UserError: There is none.
        """
        if not self.versions:
            raise UserError(f"{name}: there are no versions yet; `register` makes the first")
        if name == LATEST:
            return self.versions[-1]
        by_name = {version.name: version for version in self.versions}
        if name not in by_name:
            raise UserError(f"{name}: no such version; there are {', '.join(by_name)} and {LATEST}")
        return by_name[name]

    def name_commit(self, commit: str) -> str:
        """The version that a commit is; of one that is none its first signs."""
        names = [version.name for version in self.versions if version.commit == commit]
        return names[-1] if names else commit[:8]

    def find_present(self, stage: str) -> Tag | None:
        """What stands in a stage now."""
        stack = self.stages.get(stage)
        return stack[-1] if stack else None


def require_all_tags(repository: Repository) -> None:
    """Check that the clone can have all tags, so that what is decided fits them.

    Raises:
        UserError: It is shallow.
    """
    if repository.is_shallow:
        raise UserError(
            "this clone is shallow, so that commits and tags may be missing: "
            "`git fetch --unshallow --tags` brings them"
        )


def read_registry(repository: Repository) -> Registry:
    """Read all tags.

    Raises:
        UserError: The project's folder has a name that tags cannot have.
    """
    return resolve(read_tags(repository))


def read_version_run(repository: Repository, commit: str, name: str) -> Run:
    """The run of a version's commit.

    Raises:
        UserError: There is none that can be read; it is told by the version's name.
    """
    try:
        return read_run(repository, commit)
    except UserError as error:
        raise UserError(f"{name}: {str(error).removeprefix(f'{commit}: ')}") from error


def resolve(tags: Tags) -> Registry:
    """What some tags come to."""
    by_name: dict[str, Tag] = {}
    for tag in tags.events:
        if tag.action == "register" and tag.version:
            by_name[tag.version] = tag
        elif tag.action == "deregister" and tag.version:
            by_name.pop(tag.version, None)
    versions = sorted(
        (Version(Number.parse(name), tag) for name, tag in by_name.items()),
        key=lambda version: version.number,
    )
    removals = {tag.commit for tag in tags.events if tag.action == "deregister"}
    removals -= {version.commit for version in versions}
    stages: dict[str, list[Tag]] = {}
    for tag in tags.events:
        if tag.stage:
            stages[tag.stage] = _move(stages.get(tag.stage, []), tag)
    stages = {
        stage: [tag for tag in stack if tag.commit not in removals]
        for stage, stack in stages.items()
    }
    return Registry(tags, versions, stages)


def _move(stack: list[Tag], tag: Tag) -> list[Tag]:
    """What stands in a stage after one more tag of it."""
    others = [one for one in stack if one.commit != tag.commit]
    if tag.action == "unassign":
        return others
    places = [place for place, one in enumerate(stack) if one.commit == tag.commit]
    if places and (tag.body.get("action") == ROLLBACK or places[-1] == len(stack) - 1):
        return [*stack[: places[-1]], tag]
    return [*stack, tag]
