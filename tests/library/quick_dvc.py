"""DVC for tests: its commands run in processes that are forked from one that has imported it.

Each has the working directory, environment, streams and hooks of a process that is started anew,
and takes a tenth of the time.
"""

import importlib
import json
import os
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

DVC = [sys.executable, "-m", "dvc"]
IMPORTED = ("dvc.cli.parser", "dvc.repo", "dvc.stage.loader", "dvc.output", "dvc.info", "dvc_data")
IMPORTED += ("dvc.repo.index", "dvc.repo.graph", "dvc.stage.cache", "dvc.fs", "dvc_objects.fs")


class QuickDVC:
    """Runs programs as `subprocess.run` does, and DVC without its start."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", __file__]  # what lies beside it hides no module
        self._server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "PYTHONUTF8": "1"},
        )

    def stop(self) -> None:
        """End the process that has imported DVC."""
        self._server.communicate()

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program; `options` are how a process that is started anew gives its output."""
        if [*command[:3]] != DVC:
            return subprocess.run(command, env=env, cwd=cwd, **options)
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder, "output"), Path(folder, "errors")]
            call = [[*command[3:]], str(cwd), {**env}, [*map(str, streams)]]
            self._server.stdin.write(json.dumps(call) + "\n")
            self._server.stdin.flush()
            status = int(self._server.stdout.readline())
            printed = [path.read_text(encoding="utf-8") for path in streams]
        return subprocess.CompletedProcess(command, status, *printed)


def _serve() -> None:
    """Run the commands that come in, one after the other, each in a process of its own."""
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(
    arguments: list[str], folder: str, environment: dict[str, str], streams: list[str]
) -> NoReturn:
    """Be what `python -m dvc` with these arguments is, to the end."""
    for number, path in enumerate([os.devnull, *streams]):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv, sys.orig_argv = ["dvc", *arguments], [*DVC, *arguments]
    status = 1
    try:
        site.addsitedir(sysconfig.get_path("purelib"))  # what is done whenever Python starts
        status = importlib.import_module("dvc.cli").main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
