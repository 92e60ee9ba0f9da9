"""What is done whenever DVC starts in the project's environment, before it looks what has changed.

The file startup/lockstep_startup.pth calls it; README.md of the library says why.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from ..adopting.swap import lock, resume
from ..core.environment import record_environment
from ..core.paths import Paths

EXPERIMENTS = ("exp", "experiments", "queue")
"""DVC's commands that may run stages in a copy of the project."""
CODE = (str(Path("src")), str(Path("vendor", "lockstep", "src")))


def before_dvc() -> None:
    """Finish what an interrupted `use` had decided, and record the environment.

    In the project around the working directory, if there is one. Stages that are run as an
    experiment are made to use the code of the copy that they run in.
    """
    if {*EXPERIMENTS} & {*sys.orig_argv}:
        # Python takes such paths from where it is started, and before those that are installed,
        # which lead to the project as it is being worked on.
        former = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([*CODE, *([former] if former else [])])
    # Nothing here may keep DVC from starting: it and the stages tell what is wrong.
    with suppress(Exception):
        paths = Paths.find()
        if paths.journal.exists():
            with lock(paths):
                resume(paths)
    with suppress(Exception):
        record_environment(Paths.find())
