"""Running one stage of the pipeline: what all four have in common."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from .environment import record_environment
from .errors import exit_status
from .inputs import guard_inputs, require_dependency
from .project import Project
from .runtime import describe_runtime
from .workers import end_workers


def run_stage(stage: Callable[[Project], None]) -> NoReturn:
    """Run `stage` in the project around the working directory, and end the process.

    A mistake that its user can mend is told in a line on stderr, with exit status 1.

    Args:
        stage: A function of the project, named like a stage of dvc.yaml.
    """
    # What was imported stays to the end; to look for garbage in it, then and before, takes as long
    # as all else that a stage does beside importing and its rows.
    gc.freeze()
    status = exit_status(lambda: guard_stage(stage))
    if "DVC_STAGE" in os.environ:
        # DVC looks at the inputs once the process has ended: a stage must not linger after it has
        # made sure that they are unchanged, and an interpreter with Keras takes a second to leave.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def guard_stage(stage: Callable[[Project], None]) -> None:
    """Run `stage` with its environment recorded, and fail where an input changes meanwhile."""
    project = Project.find()
    name = stage.__name__
    project.require_settled()
    record_environment(project)
    if name == "train" and (vectors := project.params.features.tokens.vectors):
        require_dependency(project, name, vectors, "params.yaml: features.tokens.vectors")
    for note in describe_runtime(project.params.reproducibility):
        print(f"{name}: {note}", file=sys.stderr)
    try:
        with guard_inputs(project, name):
            stage(project)
    finally:
        end_workers()
