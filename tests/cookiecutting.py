"""Cookiecutter as a person calls it, in processes that are forked from one that has imported it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CONTEXT = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
CONTEXT.set_forkserver_preload(["cookiecutter.cli"])


def run_cookiecutter(
    arguments: Sequence[str], environment: Mapping[str, str], started_in: Path
) -> subprocess.CompletedProcess[str]:
    """Run the command, whatever its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, "output"), Path(folder, "errors")]
        call = (arguments, dict(environment), started_in, streams)
        process = CONTEXT.Process(target=_be_cookiecutter, args=call)
        process.start()
        process.join()
        printed = [path.read_text(encoding="utf-8") for path in streams]
        status = process.exitcode
        process.close()
    return subprocess.CompletedProcess(arguments, status, *printed)


def _be_cookiecutter(
    arguments: Sequence[str], environment: Mapping[str, str], started_in: Path, streams: list[Path]
) -> None:
    from cookiecutter.cli import main

    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")
    os.chdir(started_in)
    os.environ.clear()
    os.environ.update(environment)
    main([*arguments], prog_name="cookiecutter")
