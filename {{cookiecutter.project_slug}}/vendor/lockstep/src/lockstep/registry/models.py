"""Listing the versions and what stands in the stages."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..core.errors import UserError
from ..core.paths import Paths
from ..records.repository import Repository
from ..records.run import Run
from ..records.wording import align, format_figure
from .signatures import judge_signature
from .tags import Tag
from .versions import Registry, Version, read_registry, read_version_run

VERSION = ("version", "run", "metric", "stages", "registered", "by", "signature")
STAGE = ("stage", "version", "since", "by", "signature", "before")


def print_models() -> None:
    """Print a line for each version, newest first, and for each stage.

    Tags that mean nothing are told on stderr.
    """
    paths = Paths.find()
    repository = Repository(paths)
    registry = read_registry(repository)
    for stranger in registry.tags.strangers:
        print(f"models: {stranger}", file=sys.stderr)
    if repository.is_shallow:
        print("models: this clone is shallow, so that tags may be missing", file=sys.stderr)
    if not registry.versions:
        print(f"models: there are no versions yet; `{paths.command} register` makes the first")
        return
    versions = [
        _describe_version(repository, registry, version) for version in reversed(registry.versions)
    ]
    stages = [
        _describe_stage(repository, registry, stage, tags)
        for stage, tags in sorted(registry.stages.items())
        if tags
    ]
    print("\n".join(align([VERSION, *versions])))
    if stages:
        print()
        print("\n".join(align([STAGE, *stages])))


def _describe_version(repository: Repository, registry: Registry, version: Version) -> list[str]:
    try:
        run: Run | None = read_version_run(repository, version.commit, version.name)
    except UserError as error:
        print(f"models: {error}", file=sys.stderr)
        run = None
    stages = [
        stage
        for stage, tags in registry.stages.items()
        if tags and tags[-1].commit == version.commit
    ]
    return [
        version.name,
        run.id[:8] if run else "-",
        f"{run.metric} {format_figure(run.tested)}" if run else "-",
        ", ".join(sorted(stages)) or "-",
        *_describe_tag(repository, version.tag),
    ]


def _describe_stage(
    repository: Repository, registry: Registry, stage: str, tags: Sequence[Tag]
) -> list[str]:
    former = registry.name_commit(tags[-2].commit) if len(tags) > 1 else "-"
    present = tags[-1]
    return [
        stage,
        registry.name_commit(present.commit),
        *_describe_tag(repository, present),
        former,
    ]


def _describe_tag(repository: Repository, tag: Tag) -> list[str]:
    return [tag.date, tag.author, judge_signature(repository, tag)]
