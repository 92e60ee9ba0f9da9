"""The process that a cluster's worker gives its units to; see `unit`."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from . import workers
from .unit import IDLE_STATUS, read_part, write_part

IDLE_SECONDS = 600
"""After which a process ends that nobody asks anything, such as one whose client was killed."""


def main() -> None:
    """Answer what is asked by the standard input, on what was the standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between answers
    requests: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    workers.become_worker()
    while True:
        try:
            file, unit = requests.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            os._exit(IDLE_STATUS)
        write_part(answers, _pack(*_answer(file, unit)))


def _listen(requests: queue.SimpleQueue[tuple[str, bytes]]) -> None:
    """Pass on what is asked; end this process, whatever it is doing, with the one that asks."""
    try:
        while True:
            file = os.fsdecode(read_part(sys.stdin.buffer))
            requests.put((file, read_part(sys.stdin.buffer)))
    finally:
        os._exit(1)


def _answer(file: str, unit: bytes) -> tuple[str, Any]:
    try:
        function, arguments = pickle.loads(unit)
        shared = workers.map_shared(Path(file))
    except Exception as error:
        return "lacks", f"{type(error).__name__}: {error}"
    try:
        return "result", function(*shared, *arguments)
    except Exception as error:
        error.add_note(traceback.format_exc())
        return "error", error


def _pack(state: str, answer: Any) -> bytes:
    """The answer as it travels; an error that cannot is told by another with its words."""
    import cloudpickle

    try:
        content = bytes(cloudpickle.dumps((state, answer)))
        if state == "error":
            pickle.loads(content)
        return content
    except Exception as error:
        told = answer if state == "error" else error
        stand_in = RuntimeError(f"{type(told).__name__}: {told}")
        for note in getattr(told, "__notes__", ()):
            stand_in.add_note(note)
        return bytes(cloudpickle.dumps(("error", stand_in)))


if __name__ == "__main__":
    main()
