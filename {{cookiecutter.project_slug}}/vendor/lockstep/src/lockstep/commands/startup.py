"""What is done whenever DVC starts in the project's environment, before it looks what has changed.

The file startup/lockstep_startup.pth calls it; README.md of the library says why.
"""

from __future__ import annotations

from contextlib import suppress

from ..adopting.swap import resume
from ..core.environment import record_environment
from ..core.paths import Paths


def before_dvc() -> None:
    """Finish what an interrupted `use` had decided, and record the environment.

    In the project around the working directory, if there is one.
    """
    with suppress(Exception):  # nothing here may keep DVC from starting; it tells what is wrong
        paths = Paths.find()
        resume(paths)
        record_environment(paths)
