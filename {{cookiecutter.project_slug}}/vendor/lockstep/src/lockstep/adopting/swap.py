"""Taking other data into a project, as a whole or not at all.

What will be new is first laid out in a folder of its own. A journal written there is the moment of
decision: without it the folder is thrown away, with it the moves that it lists are made, by whoever
comes next if need be.
"""

from __future__ import annotations

import configparser
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..commands import programs
from ..core.errors import UserError
from ..core.files import write_json
from ..core.project import Project

STAGING = ".use.tmp"
JOURNAL = ".journal.json"


@contextmanager
def staged(project: Project) -> Iterator[Path]:
    """An empty folder in which to lay out what will be new; gone afterwards."""
    staging = project.root / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        if not (staging / JOURNAL).exists():
            shutil.rmtree(staging, ignore_errors=True)


def track(project: Project, staging: Path, *arguments: str) -> None:
    """Run a command of DVC, such as `add`, on what is staged.

    For it the folder is a repository of its own that shares the project's cache.

    Raises:
        UserError: It failed.
    """
    (staging / ".dvc").mkdir(exist_ok=True)
    config = configparser.ConfigParser(interpolation=None)
    config["core"] = {"no_scm": "true", "analytics": "false"}
    config["cache"] = {"dir": dvc(project.root, "cache", "dir").strip()}
    with (staging / ".dvc" / "config").open("w", encoding="utf-8") as file:
        config.write(file)
    dvc(staging, *arguments)


def dvc(folder: Path, *arguments: str) -> str:
    """Run a command of DVC in a folder; returns what it printed.

    Raises:
        UserError: It failed.
    """
    done = programs.run_program([sys.executable, "-m", "dvc", *arguments], folder)
    if done.returncode:
        reason = " ".join(done.stderr.replace("ERROR: ", "").partition("\n\n")[0].split())
        raise UserError(f"dvc {arguments[0]}: {reason or 'failed'}")
    return done.stdout


def commit(project: Project, moves: dict[str, str], removed: list[str]) -> None:
    """Put what is staged into its place, and remove what it replaces.

    Args:
        project: The project.
        moves: Where each staged file or folder belongs, by its name in the staging folder;
            relative to the project's root.
        removed: What goes, relative to the project's root.

    Raises:
        UserError: A folder may not be written; nothing has changed then.
    """
    for place in [*moves.values(), *removed]:
        folder = (project.root / place).parent
        if not os.access(folder, os.W_OK):
            raise UserError(f"{project.name(folder)}: may not be written")
    write_json({"moves": moves, "removed": removed}, project.root / STAGING / JOURNAL)
    resume(project)


def is_pending(project: Project) -> bool:
    """Whether an interrupted process has decided something and not finished it."""
    return (project.root / STAGING / JOURNAL).exists()


def resume(project: Project) -> bool:
    """Finish what was decided, if an interrupted process has left something; whether it had."""
    staging = project.root / STAGING
    if not is_pending(project):
        return False
    journal = json.loads((staging / JOURNAL).read_text(encoding="utf-8"))
    for name in journal["removed"]:
        remove(project.root / name)
    for name, place in journal["moves"].items():
        if (staging / name).exists():
            if (staging / name).is_dir() or (project.root / place).is_dir():
                remove(project.root / place)
            (staging / name).replace(project.root / place)
    (staging / JOURNAL).unlink()
    shutil.rmtree(staging)
    return True


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
