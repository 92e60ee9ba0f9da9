"""Noticing that versions were registered or moved between stages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..core.files import stamp
from ..core.paths import Paths
from ..records.repository import Repository
from ..registry.versions import Registry, read_registry

Stamp = list[tuple[int, int] | None]


class RegistryWatch:
    """The registry of a project, and whether it may be another than it was.

    Raises:
        UserError: There is no repository.
    """

    def __init__(self, paths: Paths) -> None:
        self._repository = Repository(paths)
        folder = self._repository.git("rev-parse", "--git-common-dir")
        self._folder = self._repository.top / folder

    def read(self) -> Registry:
        """The registry as it is now.

        Raises:
            UserError: git cannot read it.
        """
        return read_registry(self._repository)

    def stamp(self) -> Stamp:
        """What is another once tags were made or removed; git is not started for it."""
        return [stamp(path) for path in self._list_paths()]

    def _list_paths(self) -> Iterator[Path]:
        """Where git keeps tags: all in a file that it replaces, or each in one of a folder."""
        yield self._folder / "packed-refs"
        yield self._folder / "reftable" / "tables.list"
        for folder, _, _ in os.walk(self._folder / "refs" / "tags"):
            yield Path(folder)
