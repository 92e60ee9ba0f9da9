"""Taking other data into a project, as a whole or not at all.

What will be new is first laid out in a folder of its own. A journal written there is the moment of
decision: without it the folder is thrown away, with it the moves that it lists are made, by whoever
comes next if need be.

Data keep the name that they came with, so they lie in a folder below, where no name reaches the
journal. It lists names and no paths: what is called so has one place in the project.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from ..core.errors import UserError, shorten
from ..core.files import stamp, write_json, write_text
from ..core.lock import hold_lock
from ..core.paths import Paths
from ..core.programs import run_program
from .addresses import hide_secrets
from .starters import STARTERS, place_starter

DATA, SETTINGS, REMOVED, IDLE = "data", "settings", "removed", "idle"
LONGEST_REASON = 300


def lock(paths: Paths) -> AbstractContextManager[None]:
    """Keep others from taking data in; a `UserError` where another process does so already."""
    # In DVC's folder for such things, since what is staged is thrown away.
    message = "another `use` is at work in this project; wait until it has ended"
    return hold_lock(paths.root / ".dvc" / "tmp" / "use.lock", message)


@contextmanager
def staging_folder(paths: Paths) -> Iterator[Path]:
    """An empty folder in which to lay out data that will be new; gone afterwards."""
    _remove(paths.staging)
    folder = paths.staging / DATA
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        if not paths.journal.exists():
            shutil.rmtree(paths.staging, ignore_errors=True)


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
        reason = _find_reason(done.stderr)
        for argument in arguments:
            reason = hide_secrets(reason, argument)
        raise UserError(f"dvc {arguments[0]}: {shorten(reason, LONGEST_REASON) or 'failed'}")
    return done.stdout


def _find_reason(errors: str) -> str:
    """What a program's errors come to: the first paragraph of DVC's own, the end of a traceback."""
    own, *_ = re.split(r"\n\n|^Traceback ", errors.strip(), maxsplit=1, flags=re.MULTILINE)
    reason = own or errors.strip().rpartition("\n")[2]
    return reason.partition("ERROR: ")[2] or reason


def edit_gitignore(paths: Paths, additions: Sequence[Path], removals: Sequence[Path] = ()) -> str:
    """The text of data/raw/.gitignore, by which git leaves to DVC what DVC keeps."""
    path = paths.raw / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    new, former = (
        # Such a line means the path beside the file and nothing else.
        ["/" + re.sub(r"([\\*?\[])", r"\\\1", place.name) for place in places]
        for places in (additions, removals)
    )
    lines = [line for line in lines if line not in (*new, *former)]
    return "".join(f"{line}\n" for line in [*lines, *new])


def commit(
    paths: Paths,
    data: Sequence[str],
    settings: dict[Path, str],
    removals: Sequence[str],
    idle: Sequence[str] = (),
) -> None:
    """Put what is staged into its place, and remove what it replaces.

    Args:
        paths: The project.
        data: Names of what is staged for data/raw.
        settings: The new text of each file of the project that has to fit the data.
        removals: Names of what goes from data/raw.
        idle: Names of files of candidates that go from the owner's package.

    Raises:
        UserError: A folder may not be written; nothing has changed then.
    """
    for path, text in settings.items():
        write_text(text, paths.staging / SETTINGS / path.name)
    names = [(DATA, name) for name in data] + [(SETTINGS, path.name) for path in settings]
    moves = [_make_move(paths, folder, name, None) for folder, name in names]
    starters = [place_starter(paths, name) for name in idle]
    _require_within(paths, moves, starters)
    for folder in {place.parent for place in (*(move.place for move in moves), *starters)}:
        if not os.access(folder, os.W_OK):
            raise UserError(f"{paths.name(folder)}: may not be written")
    journal: dict[str, object] = {
        folder: {move.staged.name: stamp(move.staged) for move in moves if move.folder == folder}
        for folder in (DATA, SETTINGS)
    }
    write_json(journal | {REMOVED: removals, IDLE: idle}, paths.journal)
    resume(paths)


class _Move(NamedTuple):
    folder: str
    staged: Path
    place: Path
    stamp: tuple[int, int] | None
    """By which what has been moved already is known."""


def resume(paths: Paths) -> bool:
    """Finish what was decided, if an interrupted process has left something; whether it had.

    Raises:
        UserError: The journal is not one of ours, or what it lists is lost; nothing has changed.
    """
    if not paths.journal.exists():
        return False
    moves, removals = _read_journal(paths)
    _require_within(paths, moves, removals)
    lost = [
        paths.name(move.staged)
        for move in moves
        if not move.staged.exists() and stamp(move.place) != move.stamp
    ]
    if lost:
        raise UserError(
            f"{', '.join(lost)}: neither there nor in its place, so nothing was changed; remove "
            f"the folder {paths.staging.name} and `use` the data again"
        )
    for path in removals:
        _remove(path)
    for move in moves:
        if move.staged.exists():
            if move.staged.is_dir() or move.place.is_dir():
                _remove(move.place)
            move.staged.replace(move.place)
    paths.journal.unlink()
    shutil.rmtree(paths.staging)
    return True


def _read_journal(paths: Paths) -> tuple[list[_Move], list[Path]]:
    """What is to be moved and what to be removed."""
    try:
        journal = json.loads(paths.journal.read_text(encoding="utf-8"))
        if journal.keys() != {DATA, SETTINGS, REMOVED, IDLE} or not all(
            isinstance(journal[key], list) for key in (REMOVED, IDLE)
        ):
            raise ValueError("not the keys of a journal")
        moves = [
            _make_move(paths, folder, _require_name(name), (written, size))
            for folder in (DATA, SETTINGS)
            for name, (written, size) in journal[folder].items()
        ]
        removals = [paths.raw / _require_name(name) for name in journal[REMOVED]]
        removals += [place_starter(paths, _require_starter(name)) for name in journal[IDLE]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{paths.name(paths.journal)}: not what `use` writes, so nothing was changed; remove "
            f"the folder {paths.staging.name} and `use` the data again"
        ) from error
    return moves, removals


def _make_move(paths: Paths, folder: str, name: str, stamp: tuple[int, int] | None) -> _Move:
    if folder == DATA:
        place = paths.raw / name
    elif name in STARTERS:
        place = place_starter(paths, name)
    else:
        settings = (paths.contract_file, paths.params_file, paths.raw / ".gitignore")
        place = {path.name: path for path in settings}[name]
    return _Move(folder, paths.staging / folder / name, place, stamp)


def _require_name(name: str) -> str:
    if name in ("", "..") or Path(name).name != name or "\0" in name:
        raise ValueError("a path where a name was expected")
    return name


def _require_starter(name: str) -> str:
    if name not in STARTERS:
        raise ValueError("another file than one of candidates")
    return name


def _require_within(paths: Paths, moves: Sequence[_Move], removals: Sequence[Path]) -> None:
    """Check that no symbolic link leads what is moved or removed out of the project, or into it."""
    root = paths.root.resolve()
    places = [place for move in moves for place in (move.staged, move.place)]
    for folder in (paths.raw, *(place.parent for place in (*places, *removals))):
        if not folder.resolve().is_relative_to(root):
            raise UserError(
                f"{paths.name(folder)}: a link that leads out of the project, so nothing was "
                "changed; put a folder of the project in its place"
            )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
