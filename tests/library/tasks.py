"""Functions for workers, in a file that imports little, since each worker imports it anew."""

import hashlib
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np


def square(_: object, number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def meet(_: object, folder: Path) -> bool:
    """Whether another process comes here while this one waits."""
    (folder / str(os.getpid())).touch()
    while len([*folder.iterdir()]) < 2:
        time.sleep(0.01)
    return True


def describe(numbers: np.ndarray, _: object) -> tuple[str, bool, bool]:
    base = numbers
    while isinstance(base.base, np.ndarray):
        base = base.base
    digest = hashlib.sha256(numbers).hexdigest()
    return digest, isinstance(base, np.memmap), numbers.flags.writeable


def name_threads(_: object, __: object) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def die(_: object, marker: Path) -> str:
    """The first process to come here dies, or each one where there is no folder for a mark."""
    if not marker.parent.exists() or not marker.exists():
        if marker.parent.exists():
            marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "well"


def linger(_: object, folder: Path | str) -> None:
    """Work for long in a folder, or not at all where there is none."""
    if isinstance(folder, Path):
        (folder / str(os.getpid())).touch()
        time.sleep(600)


def require_process(_: object, process: int) -> str:
    """Fail in any other process."""
    if os.getpid() != process:
        raise OSError("not here")
    return "here"


class LockedError(Exception):
    """An error that cannot be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


def raise_locked(_: object, __: object) -> None:
    raise LockedError("held")


def kill_worker(_: object, __: object) -> None:
    """Kill the worker that has started this process."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1)
