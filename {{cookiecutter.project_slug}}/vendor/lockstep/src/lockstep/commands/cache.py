"""What DVC keeps in its cache, where each file is called by the MD5 of its bytes.

DVC trusts a file there once it has put it, and what it has copied from there: it gives out damaged
bytes and still calls them up to date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..core.files import read_yaml
from ..core.paths import Paths

MD5 = partial(hashlib.md5, usedforsecurity=False)
LISTING = ".dir"
"""How the hash of a folder ends: what it is of is a list of the folder's files."""


class Kept(NamedTuple):
    """A file that DVC keeps."""

    owner: str
    """The stage that makes it, or the pointer that names it."""
    path: Path
    """Where it belongs in the project."""
    file: Path
    """Where it is in the cache."""
    md5: str
    """The hash of its bytes."""

    @property
    def is_damaged(self) -> bool:
        """Whether the cache has other bytes."""
        return self.file.exists() and not _has_bytes(self.file, self.md5)

    @property
    def is_whole(self) -> bool:
        """Whether the project has the right bytes; a folder is compared by DVC itself."""
        return self.path.is_dir() or _has_bytes(self.path, self.md5)


def list_kept(paths: Paths, cache: Path) -> Iterator[Kept]:
    """What the last run made and what data/raw points to, as far as the folder `cache` has it."""
    lock = paths.root / "dvc.lock"
    stages = read_yaml(lock, lock.name).get("stages", {}) if lock.exists() else {}
    for stage, content in stages.items():
        for out in content.get("outs", []):
            yield from _follow(stage, paths.root / out["path"], out, cache)
    for pointer in sorted(paths.raw.glob("*.dvc")):
        name = paths.name(pointer)
        for out in read_yaml(pointer, name).get("outs", []):
            yield from _follow(name, pointer.parent / out["path"], out, cache)


def _follow(owner: str, path: Path, out: dict[str, Any], cache: Path) -> Iterator[Kept]:
    """A file, or a folder's list and the files on it."""
    # Another hash is that of an older DVC, which keeps its files elsewhere.
    if out.get("hash") != "md5" or "md5" not in out:
        return
    kept = _locate(owner, path, out["md5"], cache)
    yield kept
    if out["md5"].endswith(LISTING) and kept.file.exists() and not kept.is_damaged:
        for entry in json.loads(kept.file.read_text(encoding="utf-8")):
            yield _locate(owner, path / entry["relpath"], entry["md5"], cache)


def _locate(owner: str, path: Path, md5: str, cache: Path) -> Kept:
    return Kept(owner, path, cache / "files/md5" / md5[:2] / md5[2:], md5.removesuffix(LISTING))


def _has_bytes(path: Path, md5: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, MD5).hexdigest() == md5
