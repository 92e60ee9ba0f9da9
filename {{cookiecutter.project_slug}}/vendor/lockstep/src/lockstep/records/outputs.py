"""What stages have written at a commit, from DVC's cache or its remote."""

from __future__ import annotations

from pathlib import Path

from .clone import run_dvc
from .repository import Repository, git_environment


def fetch_output(repository: Repository, commit: str, name: str, to: Path) -> None:
    """Write a file or folder, which a stage at a commit has written, to a place where nothing is.

    Raises:
        UserError: It is neither in the cache nor in the remote.
    """
    where = ["--rev", commit, "--out", str(to)]
    command = ["get", "--quiet", str(repository.top), repository.prefix + name, *where]
    run_dvc(command, repository.paths.root, git_environment())
