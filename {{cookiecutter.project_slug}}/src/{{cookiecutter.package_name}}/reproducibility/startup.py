"""What is done whenever DVC starts in the project's environment, before it looks what has changed.

A .pth file calls it: see hatch_build.py.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..config import Project
from ..data.adopting.swap import resume
from .environment import record


def before_dvc() -> None:
    """Finish what an interrupted `use` had decided, and record the environment.

    In the project whose source this is.
    """
    project = Project(Path(__file__).parents[3])
    if (project.root / "dvc.yaml").exists():
        # On a medium that cannot be written DVC itself says so.
        with suppress(OSError):
            resume(project)
            record(project.environment_file)
