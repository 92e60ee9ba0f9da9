"""Reading and writing small files: the same content gives the same bytes, whole or never.

Each writer fills a temporary name beside the target and renames it, so that a reader, or a
process that is killed, meets the old file or the new one and never half of either.

Nothing heavy is imported here, since each start of DVC comes by.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from .errors import UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of the file `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """An empty folder that takes the place of the folder `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    former = path.with_name(f".{path.name}.old.tmp")
    if former.exists() and not path.exists():
        # A process was killed between the two renames below.
        former.replace(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(former, ignore_errors=True)
        if path.exists():
            path.replace(former)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def write_text(text: str, path: Path) -> None:
    """UTF-8 with line feeds on every system."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def update_text(text: str, path: Path) -> None:
    """The same, unless the file says so already: then it stays as old as it is."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(text, path)


def write_json(content: Any, path: Path) -> None:
    """Indented JSON; keys stay in the order given."""
    write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_all(paths: Iterable[Path]) -> str:
    """That of a single file or, of several, the digest of their digests in this order."""
    return join_digests([sha256(path) for path in paths])


def join_digests(digests: Sequence[str]) -> str:
    """A single digest as it is or, of several, the digest of them in this order."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def stamp(path: Path) -> tuple[int, int] | None:
    """When a file was written to, and its size; a hash would take as long as reading the data."""
    status = path.stat() if path.exists() else None
    return (status.st_mtime_ns, status.st_size) if status else None


def read_yaml(path: Path, name: str) -> Any:
    """The content of the YAML file `path`; messages call it `name`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error
    return parse_yaml(content, name)


def parse_yaml(content: bytes, name: str) -> Any:
    """What YAML says; messages call the file `name`.

    YAML 1.2, through the parser that DVC uses, so that both read the same values.
    """
    try:
        return deepcopy(_load_yaml(content))
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: not UTF-8 text: byte {error.start} is invalid") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UserError(f"{name}, line {line}: not valid YAML: {error.problem}") from error
    except YAMLError as error:
        raise UserError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error


@lru_cache(maxsize=8)
def _load_yaml(content: bytes) -> Any:
    # A stage reads dvc.yaml and params.yaml several times, and parsing them takes longest of what
    # it does before its first row.
    return YAML(typ="safe", pure=True).load(content.decode("utf-8"))
