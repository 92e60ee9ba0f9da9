"""Wheels of models, unpacked, and processes that know them and no project."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from conftest import run_stages
from lockstep.core.project import Project

NO_PROJECT = """
import sys
sys.modules.update(dict.fromkeys(["lockstep", "owner"]))
"""
"""Code and library of the project cannot be imported after this."""


def train_champion(project: Project) -> Project:
    """The same project with all results of a run, read anew."""
    former = Path.cwd()
    os.chdir(project.root)
    try:
        run_stages()
    finally:
        os.chdir(former)
    return Project(project.root)


def unpack(wheel: Path, to: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(to)
    return to


def run_alone(
    folder: Path, code: str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run code where the packages in a folder can be imported, and no project's."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", NO_PROJECT + code, *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
    )


def run_program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m` with the name of the package and more."""
    code = "import runpy, sys\nsys.argv[0] = 'x'\nrunpy.run_module('owner_model', alter_sys=True)"
    code = code.replace("alter_sys", "run_name='__main__', alter_sys")
    return run_alone(folder, code, *arguments)
