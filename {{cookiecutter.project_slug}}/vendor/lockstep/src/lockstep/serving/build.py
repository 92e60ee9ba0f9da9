"""`python -m lockstep.serving.build FOLDER [VERSION]`: the wheel of a version, or of the workspace.

The server starts it as a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.errors import exit_status
from ..core.project import Project
from ..packaging.package import package_workspace
from ..packaging.versions import package_version


def main(folder: str, version: str | None = None) -> None:
    """Make the wheel in a folder, and print where it is."""
    project = Project.find()
    if version is None:
        print(package_workspace(project, Path(folder)))
    else:
        print(package_version(project, version, Path(folder)))


if __name__ == "__main__":
    sys.exit(exit_status(lambda: main(*sys.argv[1:])))
