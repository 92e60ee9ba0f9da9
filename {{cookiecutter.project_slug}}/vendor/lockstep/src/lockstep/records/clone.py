"""A temporary clone of the project at a commit, in which its own code runs."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ..core.errors import UserError
from ..core.paths import Paths
from ..core.programs import run_program
from .repository import Repository, git_environment, run_git

DVC = (sys.executable, "-m", "dvc")


@contextmanager
def open_clone(repository: Repository, commit: str) -> Iterator[tuple[Paths, Path]]:
    """The project at a commit, and an empty folder beside it; both are gone afterwards.

    The user's files, cache and git references are only read.
    """
    with _open_folder() as scratch:
        place = str(scratch / "clone")
        top = str(repository.top)
        repository.git("clone", "--quiet", "--shared", "--no-checkout", top, place)
        run_git(scratch / "clone", "checkout", "--quiet", "--detach", commit)
        yield Paths(scratch / "clone" / repository.prefix), scratch


def make_environment(clone: Paths, scratch: Path) -> dict[str, str]:
    """What makes programs in a clone run its own code, with the libraries that are installed."""
    bundled = clone.root / "vendor" / "lockstep" / "src"  # older commits have none
    code = [clone.root / "src", *([bundled] if bundled.is_dir() else [])]
    return git_environment() | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(map(str, code)),
        "DVC_SITE_CACHE_DIR": str(scratch / "site"),
        "DVC_NO_ANALYTICS": "1",
    }


def run_dvc(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What a command of DVC prints in a folder.

    Raises:
        UserError: It fails.
    """
    done = run_program([*DVC, *arguments], folder, environment)
    if done.returncode:
        raise UserError(f"dvc {arguments[0]}: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


@contextmanager
def _open_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, also when the process is asked to terminate."""

    def interrupt(*_: int | FrameType | None) -> None:
        raise KeyboardInterrupt

    ends = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    former = {number: signal.signal(number, interrupt) for number in ends}
    try:
        with tempfile.TemporaryDirectory(prefix="clone-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
