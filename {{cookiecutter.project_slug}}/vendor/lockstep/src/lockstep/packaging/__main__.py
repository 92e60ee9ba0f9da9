"""`python -m lockstep.packaging VERSION FOLDER` makes the wheel of the project around us."""

import sys
from pathlib import Path

from ..core.errors import exit_status
from ..core.project import Project
from .build import build_wheel

version, folder = sys.argv[1:]
sys.exit(exit_status(lambda: print(build_wheel(Project.find(), version, Path(folder)))))
