"""The figures that a search has found so far, kept so that it can go on after an interruption."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import UserError
from ..core.files import write_text
from ..core.paths import Paths
from .space import Options, label


class Figures(NamedTuple):
    """How a candidate did with some options; of a failure the figures are nan."""

    mean: float
    standard_error: float
    reason: str = ""


class Journal:
    """A file with a line for each candidate and options that were tried, and how they did.

    Its first line is the fingerprint of all else that decides the figures. A last line that was
    not written to its end is dropped, another one that cannot be read is told on stderr.

    Args:
        paths: The project.
        fingerprint: Figures of another one are forgotten, with a line on stderr.
    """

    def __init__(self, paths: Paths, fingerprint: str) -> None:
        self._path = find_folder(paths) / "journal.jsonl"
        self.name = paths.name(self._path)
        self._figures: dict[str, Figures] = {}
        first, *lines = self._read_lines() or [b""]
        header = json.dumps({"fingerprint": fingerprint})
        if first == header.encode():
            self._take_in(lines)
            return
        if first:
            print(
                f"tune: data, settings, code or versions have changed since {self.name} was "
                "written; the search begins anew",
                file=sys.stderr,
            )
        with self._guard_writing():
            write_text(f"{header}\n", self._path)

    def get(self, candidate: str, options: Options) -> Figures | None:
        """How the candidate did with these options, all of them, if that is known."""
        return self._figures.get(label([candidate, options]))

    def add(self, candidate: str, options: Options, figures: Figures) -> None:
        """Write down how it did.

        Raises:
            UserError: The disk is full, or the file may not be written.
        """
        key = label([candidate, options])
        with self._guard_writing(), self._path.open("ab") as file:
            file.write(f"{json.dumps([key, *figures])}\n".encode())
        self._figures[key] = figures

    def _read_lines(self) -> list[bytes]:
        """The whole lines; what is behind the last of them goes."""
        if not self._path.exists():
            return []
        content = self._path.read_bytes()
        *lines, torn = content.split(b"\n")
        if torn:
            with self._guard_writing(), self._path.open("rb+") as file:
                file.truncate(len(content) - len(torn))
        return lines

    def _take_in(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, start=2):
            match _parse(line):
                case [str(key), float(mean), float(error), str(reason)]:
                    self._figures[key] = Figures(mean, error, reason)
                case _:
                    print(
                        f"tune: {self.name}, line {number}: cannot be read; what it told is tried "
                        "again",
                        file=sys.stderr,
                    )

    @contextmanager
    def _guard_writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"{self.name}: cannot be written: {error.strerror}; what it holds is kept, and the "
                "search goes on from there when it can"
            ) from error


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def find_folder(paths: Paths) -> Path:
    """Where the journal lies."""
    return paths.root / ".dvc" / "tmp" / "tune"
