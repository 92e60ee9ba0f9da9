"""Names of versions and stages, wherever a revision may be named."""

from __future__ import annotations

from ..core.paths import Paths
from ..records.repository import Repository
from ..records.run import WORKSPACE
from .versions import LATEST, read_registry


def find_revision(name: str) -> str:
    """The commit of a version such as v1.2.0, or of what stands in a stage such as production.

    What git knows by that name comes first; a name that nobody knows is given back.
    """
    repository = Repository(Paths.find())
    if name == WORKSPACE or repository.find_commit(name):
        return name
    registry = read_registry(repository)
    if tag := registry.find_present(name):
        return tag.commit
    if name in {LATEST, *(version.name for version in registry.versions)}:
        return registry.find_version(name).commit
    return name
