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

from ..commands.programs import run_program
from ..core.errors import UserError
from ..core.files import write_json
from ..core.paths import Paths

STAGING, JOURNAL = ".use.tmp", ".journal.json"


@contextmanager
def staging_folder(paths: Paths) -> Iterator[Path]:
    """An empty folder in which to lay out what will be new; gone afterwards."""
    staging = paths.root / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        if not is_pending(paths):
            shutil.rmtree(staging, ignore_errors=True)


def track(paths: Paths, staging: Path, *arguments: str) -> None:
    """Run a command of DVC, such as `add`, on what is staged; see `run_dvc`.

    For it the folder is a repository of its own that shares the project's cache.
    """
    (staging / ".dvc").mkdir(exist_ok=True)
    config = configparser.ConfigParser(interpolation=None)
    config["core"] = {"no_scm": "true", "analytics": "false"}
    config["cache"] = {"dir": run_dvc(paths.root, "cache", "dir").strip()}
    with (staging / ".dvc" / "config").open("w", encoding="utf-8") as file:
        config.write(file)
    run_dvc(staging, *arguments)


def run_dvc(folder: Path, *arguments: str) -> str:
    """Run a command of DVC in a folder; returns what it printed.

    Raises:
        UserError: It failed.
    """
    done = run_program([sys.executable, "-m", "dvc", *arguments], folder)
    if done.returncode:
        reason = " ".join(done.stderr.replace("ERROR: ", "").partition("\n\n")[0].split())
        raise UserError(f"dvc {arguments[0]}: {reason or 'failed'}")
    return done.stdout


def commit(paths: Paths, moves: dict[str, str], removals: list[str]) -> None:
    """Put what is staged into its place, and remove what it replaces.

    Args:
        paths: The project; what follows is relative to its root.
        moves: Where each staged file or folder belongs, by its name in the staging folder.
        removals: What goes.

    Raises:
        UserError: A folder may not be written; nothing has changed then.
    """
    for place in [*moves.values(), *removals]:
        folder = (paths.root / place).parent
        if not os.access(folder, os.W_OK):
            raise UserError(f"{paths.name(folder)}: may not be written")
    write_json({"moves": moves, "removed": removals}, paths.root / STAGING / JOURNAL)
    resume(paths)


def is_pending(paths: Paths) -> bool:
    """Whether an interrupted process has decided something and not finished it."""
    return (paths.root / STAGING / JOURNAL).exists()


def resume(paths: Paths) -> bool:
    """Finish what was decided, if an interrupted process has left something; whether it had."""
    if not is_pending(paths):
        return False
    staging = paths.root / STAGING
    journal = json.loads((staging / JOURNAL).read_text(encoding="utf-8"))
    for name in journal["removed"]:
        _remove(paths.root / name)
    for name, place in journal["moves"].items():
        if (staging / name).exists():
            if (staging / name).is_dir() or (paths.root / place).is_dir():
                _remove(paths.root / place)
            (staging / name).replace(paths.root / place)
    (staging / JOURNAL).unlink()
    shutil.rmtree(staging)
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
