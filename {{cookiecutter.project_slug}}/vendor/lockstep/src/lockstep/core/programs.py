"""Git, DVC and uv, called as programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_program(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder and wait for its end, whatever its exit status.

    What it prints is read as UTF-8, and a program written in Python is told to print that: on
    Windows it would use another encoding and lose the letters of a name.

    Raises:
        OSError: There is no such program.
    """
    return subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
    )


def read_output(command: Sequence[str], folder: Path) -> str | None:
    """What a program prints in a folder; None if it fails or is not there."""
    try:
        done = run_program(command, folder)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
