"""Names of versions and stages, wherever a revision may be named."""

from __future__ import annotations

import re
import sys

from ..core.errors import UserError
from ..core.paths import Paths
from ..records.repository import Repository
from ..records.run import WORKSPACE
from .tags import STAGE
from .versions import LATEST, read_registry

HEAD = "HEAD"


def find_revision(name: str) -> str:
    """The commit of a version such as v1.2.0, or of what stands in a stage such as production.

    They come before what git knows by that name, as `promote` takes them; where that is another
    commit, a line on stderr says so. Any other name is given back.
    """
    if name in (WORKSPACE, HEAD):
        return name
    repository = Repository(Paths.find())
    commit = _find_commit(repository, name)
    if commit is None:
        return name
    other = repository.find_commit(name)
    if other not in (None, commit):
        print(
            f"{name}: commit {commit[:8]}, as the registry has it; git has a branch or tag of this "
            f"name at {other[:8]}",
            file=sys.stderr,
        )
    return commit


def _find_commit(repository: Repository, name: str) -> str | None:
    """That of a version or stage; None where the registry has none of that name."""
    try:
        registry = read_registry(repository)
    except UserError:  # tags cannot name the project's folder, so that there is none
        return None
    if registry.versions and name in {LATEST, *(version.name for version in registry.versions)}:
        return registry.find_version(name).commit
    tag = registry.find_present(name)
    return tag.commit if tag else None


def require_stage_name(name: str) -> None:
    """Check that a stage can have a name.

    Raises:
        UserError: Tags cannot, or it stands for something else.
    """
    if not re.fullmatch(STAGE, name):
        raise UserError(
            f"--to {name}: found a name that no stage can have; letters, digits, - _ and single / "
            "were expected, with a letter or digit first and last, such as production"
        )
    if name in (LATEST, WORKSPACE, HEAD):
        raise UserError(
            f"--to {name}: found a name that no stage can have, since it stands for something else "
            "wherever a commit is named; another was expected, such as production"
        )
