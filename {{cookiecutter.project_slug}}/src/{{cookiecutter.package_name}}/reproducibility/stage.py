"""Running one stage of the pipeline: what all four have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..config import Project
from .environment import record
from .inputs import unchanged
from .runtime import notes


def run(name: str, main: Callable[[], None]) -> None:
    """Run `main` as the stage `name` of dvc.yaml.

    It records the environment first, and makes sure that no input changes meanwhile.

    Raises:
        UserError: The stage cannot run, or one of its inputs was edited while it ran.
    """
    project = Project.find()
    record(project.environment_file)
    for note in notes(project.params().reproducibility):
        print(f"{name}: {note}", file=sys.stderr)
    with unchanged(project, name):
        main()
