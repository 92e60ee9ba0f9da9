"""The git repository around a project, read through git itself; DVC is not started for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..core.errors import UserError
from ..core.paths import Paths

VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
"""What git tells its hooks of the repository that they run for; we know ours by its folder."""
FORMAT = "%H%x00%cI%x00%an%x00%s"
"""How git prints a commit: digest, time, author, first line of the message."""
SHORT = 8
FILE = "100"
"""What git's mode of a file begins with, whether it can be run or not."""


class Commit(NamedTuple):
    """A commit, and who made it when."""

    sha: str
    date: datetime
    author: str
    subject: str
    """The first line of its message."""

    @property
    def short(self) -> str:
        """The first signs of its digest."""
        return self.sha[:SHORT]


class Repository:
    """The repository that a project lies in, with the project's files at any commit.

    Raises:
        UserError: There is none, or git is not installed.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.top = Path(run_git(paths.root, "rev-parse", "--show-toplevel"))
        inside = paths.root.resolve().relative_to(self.top.resolve()).as_posix()
        self.prefix = "" if inside == "." else f"{inside}/"
        """What the names of the project's files begin with, where it is a folder of the whole."""

    def git(self, *arguments: str, request: str | None = None, **variables: str) -> str:
        """What a command of git prints, without line ends around it.

        It reads the `request` from its standard input, and has more `variables` around it.

        Raises:
            UserError: It fails.
        """
        content = None if request is None else request.encode()
        return _decode(_run(self.top, arguments, content, variables))

    @cached_property
    def is_shallow(self) -> bool:
        """Whether older commits were not cloned."""
        return self.git("rev-parse", "--is-shallow-repository") == "true"

    @property
    def is_empty(self) -> bool:
        """Whether nothing was committed yet."""
        return not self.git("rev-list", "--all", "--max-count=1")

    @property
    def is_dirty(self) -> bool:
        """Whether files of the project differ from the last commit, or are new."""
        command = ("--literal-pathspecs", "status", "--porcelain")
        return bool(self.git(*command, "--", self.prefix or "."))

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag, or anything else that git understands stands for.

        Raises:
            UserError: There is no such commit.
        """
        sha = self.find_commit(revision)
        if sha is None:
            reason = "no such commit, branch or tag"
            if self.is_shallow:
                reason += "; this clone is shallow, `git fetch --unshallow --tags` brings the rest"
            raise UserError(f"{revision}: {reason}")
        return self.list_commits("--max-count=1", sha)[0]

    def find_commit(self, revision: str) -> str | None:
        """The full digest of that commit; None where git knows none."""
        name = ("--quiet", "--end-of-options", f"{revision}^{{commit}}")
        with suppress(UserError):
            return self.git("rev-parse", "--verify", *name)
        return None

    def list_commits(self, *arguments: str) -> list[Commit]:
        """The commits that `git log` lists with these arguments, in its order."""
        command = ("-c", "log.showSignature=false", "--literal-pathspecs", "log")
        printed = self.git(*command, f"--format={FORMAT}", *arguments)
        return [
            Commit(sha, datetime.fromisoformat(date), author, subject)
            for line in printed.split("\n")
            if line
            for sha, date, author, subject in [line.split("\0")]
        ]

    def read(self, commit: str, name: str) -> bytes | None:
        """A file of the project as it was at a commit; None where it was not there."""
        return self.read_many([(commit, name)])[0]

    def read_many(self, files: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The same for pairs of a commit and a name, all by one process of git."""
        return self.read_objects([f"{commit}:{self.prefix}{name}" for commit, name in files])

    def read_objects(self, names: Sequence[str]) -> list[bytes | None]:
        """The content of objects by whatever git knows them by; None where it has none."""
        request = "".join(f"{name}\n" for name in names).encode()
        printed = _run(self.top, ["cat-file", "--batch"], request)
        contents: list[bytes | None] = []
        place = 0
        for _ in names:
            end = printed.index(b"\n", place)
            *_, kind, size = [b"", b"", *printed[place:end].split(b" ")]
            place = end + 1
            if not size.isdigit():  # the answer is `missing` then
                contents.append(None)
                continue
            content = printed[place : place + int(size)]
            contents.append(None if kind == b"tree" else content)
            place += int(size) + 1
        return contents

    def list_files(self, commit: str, folder: str) -> dict[str, str]:
        """The files at or below a path of the project at a commit, and git's names for their bytes.

        A file's own name is that below the folder, and empty if the path is the file itself. Links
        and other repositories are no files.
        """
        path = self.prefix + folder
        printed = self.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", path)
        entries = [entry.split("\t", 1) for entry in printed.split("\0") if entry[:3] == FILE]
        return {name[len(path) :].lstrip("/"): header.split(" ")[2] for header, name in entries}


def git_environment() -> dict[str, str]:
    """The environment for git in a folder of our choice, also where a hook of git has called us."""
    return {name: value for name, value in os.environ.items() if name not in VARIABLES}


def run_git(folder: Path, *arguments: str) -> str:
    """What git prints when it runs in a folder, without line ends around it.

    Raises:
        UserError: It fails, or is not installed.
    """
    return _decode(_run(folder, arguments))


def _decode(printed: bytes) -> str:
    return printed.decode("utf-8", "replace").strip("\r\n")


def _run(
    folder: Path,
    arguments: Sequence[str],
    request: bytes | None = None,
    variables: Mapping[str, str] | None = None,
) -> bytes:
    command, environment = ["git", *arguments], {**git_environment(), **(variables or {})}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, input=request, capture_output=True
        )
    except FileNotFoundError as error:
        raise UserError("git is not installed; the history of runs is kept by it") from error
    if done.returncode:
        name = next(word for word in arguments if word[0] != "-" and "=" not in word)
        reason = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise UserError(f"git {name}: {reason}")
    return done.stdout
