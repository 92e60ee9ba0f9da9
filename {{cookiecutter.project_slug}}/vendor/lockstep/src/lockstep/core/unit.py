"""What a worker of a Dask cluster does: it gives a unit of work to a process of its own.

A worker computes in threads, in a process whose libraries may have been imported with any settings,
so a unit is done in another one, which has ours from its start and is kept for the next unit. The
text of this module is sent to workers and executed there, where nothing of ours is installed: it
imports the standard library and Dask alone.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import threading
import zipfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

MANIFEST = "unit.json"
"""In the archive of the code, what a process that runs it needs to know."""
PROJECT_FILES = ("dvc.yaml", "params.yaml", "pyproject.toml")
"""By which the library knows a project, what it asks for and whose code it runs."""
IDLE_STATUS = 75
"""How a process ends that has had nothing to do for long."""
SECONDS_TO_END = 10
LENGTH = struct.Struct("!Q")
"""Of a message in a pipe, in bytes, before it."""

_folders: deque[str] = deque(maxlen=1)
_lock = threading.RLock()
_idle: dict[str, list[_Process]] = defaultdict(list)
_busy: dict[str, list[_Process]] = defaultdict(list)
_refusals: dict[str, list[str]] = {}


def read_versions(names: Iterable[str]) -> dict[str, str]:
    """The version of Python and of each package here, `none` where it is not installed."""
    versions = {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "machine": platform.machine(),
    }
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return versions


def list_differences(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """What is other there than here, in a few words each."""
    return [
        f"{name} {theirs[name]}, not {mine}" for name, mine in ours.items() if theirs[name] != mine
    ]


def do(code: str, archive: bytes, rows: str, shared: bytes, unit: bytes) -> tuple[str, Any]:
    """Do a unit of work.

    Args:
        code: The digest of `archive`.
        archive: The packages of the library and of the owner, and a manifest, as a zip file; or
            nothing, where an earlier unit has had it.
        rows: The digest of `shared`.
        shared: What units have in common, as joblib writes it; or nothing in the same way.
        unit: A function and its further arguments, pickled.

    Returns:
        `answer` and what the process says; `differs` and how this worker does; `died` and the
        status that the process ended with; or `absent`, where what an earlier unit had is not here.
    """
    from distributed import get_worker

    _folders.append(get_worker().local_directory)  # who ends units is told of no worker
    if not (archive or _is_kept(code)) or not (shared or _is_kept(rows)):
        return "absent", None
    folder = _keep(code, lambda path: _unpack(archive, path))
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    with _lock:
        if code not in _refusals:
            _refusals[code] = _list_refusals(manifest)
    if _refusals[code]:
        return "differs", _refusals[code]
    file = _keep(rows, lambda path: path.write_bytes(shared))
    while True:
        process = _take(code, folder, manifest)
        try:
            answer = process.ask([os.fsencode(file), unit])
            return "answer", answer
        except (OSError, EOFError):
            status = process.wait()
            if status != IDLE_STATUS:
                return "died", status
        except BaseException:
            # What is left in its pipes would be taken for the answer to the next unit.
            process.popen.kill()
            process.wait()
            raise
        finally:
            _put_back(code, process)


def end(code: str, rows: Iterable[str]) -> None:
    """End all processes of a code, whatever they are doing, and remove what they work on."""
    with _lock:
        for process in _busy.pop(code, []):
            process.popen.kill()  # the thread that asks it sees to the rest
        for process in _idle.pop(code, []):
            process.popen.kill()
            process.wait()
        _refusals.pop(code, None)
        for digest in [code, *rows] if _folders else []:
            place = _find_place(digest)
            shutil.rmtree(place, ignore_errors=True)
            place.unlink(missing_ok=True)


class _Process:
    """One that does units, each after the other, and is spoken with by pipes."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        environment = {
            name: value for name, value in os.environ.items() if name not in manifest["settings"]
        }
        settings = {name: value for name, value in manifest["settings"].items() if value}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", manifest["module"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_find_project(folder, manifest["root"]),
            env=environment | settings | {"PYTHONPATH": str(folder)},
        )

    def ask(self, message: list[bytes]) -> bytes:
        assert self.popen.stdin
        assert self.popen.stdout
        for part in message:
            write_part(self.popen.stdin, part)
        return read_part(self.popen.stdout)

    def wait(self) -> int:
        """The status that it ends with, which it is about to."""
        try:
            self.popen.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.popen.kill()
        with suppress(OSError), self.popen:  # which closes its pipes
            pass
        return self.popen.returncode

    @property
    def has_ended(self) -> bool:
        return self.popen.poll() is not None


def _find_project(folder: Path, root: str | None) -> Path:
    """The project itself, where this worker sees it as we do, or what the archive has of it."""
    with suppress(OSError):
        if root and all(
            (Path(root) / name).read_bytes() == (folder / name).read_bytes()
            for name in PROJECT_FILES
        ):
            return Path(root)
    return folder


def write_part(pipe: BinaryIO | Any, part: bytes) -> None:
    """Write some bytes, and before them how many."""
    pipe.write(LENGTH.pack(len(part)))
    pipe.write(part)
    pipe.flush()


def read_part(pipe: BinaryIO | Any) -> bytes:
    """The bytes that were written, or EOFError where the other side has ended."""
    (length,) = LENGTH.unpack(_read(pipe, LENGTH.size))
    return _read(pipe, length)


def _read(pipe: BinaryIO | Any, length: int) -> bytes:
    content: bytes = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _take(code: str, folder: Path, manifest: dict[str, Any]) -> _Process:
    with _lock:
        waiting = _idle[code]
        process = waiting.pop() if waiting else _Process(folder, manifest)
        _busy[code].append(process)
        return process


def _put_back(code: str, process: _Process) -> None:
    with _lock:
        if process in _busy[code]:
            _busy[code].remove(process)
            if not process.has_ended:
                _idle[code].append(process)


def _find_place(digest: str) -> Path:
    """Where this worker keeps what has that digest; Dask removes the folder with the worker."""
    return Path(_folders[0]) / f"lockstep-{digest}"


def _is_kept(digest: str) -> bool:
    return _find_place(digest).exists()


def _keep(digest: str, write: Callable[[Path], Any]) -> Path:
    """What has that digest on this worker's disk, written the first time."""
    with _lock:
        place = _find_place(digest)
        if not _is_kept(digest):
            draft = place.with_suffix(".part")
            write(draft)
            draft.replace(place)
        return place


def _unpack(archive: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        content.extractall(folder)


def _list_refusals(manifest: dict[str, Any]) -> list[str]:
    """Why this worker cannot do the units of that code, if it cannot."""
    ours = manifest["versions"]
    reasons = list_differences(ours, read_versions(ours.keys() - {"python", "machine"}))
    for name, state in manifest["files"].items():
        file = Path(name)
        if file.exists() and not sees(name, state):
            reasons.append(f"{name} is another file there")
    return reasons


def sees(name: str, state: Sequence[int]) -> bool:
    """Whether a file is there, of this size and written at this time; see `places.State`."""
    try:
        content = Path(name).stat()
    except OSError:
        return False
    return [content.st_size, content.st_mtime_ns] == [*state]
