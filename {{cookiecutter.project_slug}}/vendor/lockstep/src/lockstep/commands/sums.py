"""The sums of the bundled library's files, by which an edit of them shows."""

from __future__ import annotations

from pathlib import Path

from ..core.files import sha256

SUMS = "SHA256SUMS"
"""The file that holds them, in the format of the program sha256sum."""


def sum_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below `folder` by its name there, caches and SUMS left out."""
    paths = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    return {
        name: sha256(paths[name])
        for name in sorted(paths)
        if name != SUMS
        and not any(part.startswith(".") or part == "__pycache__" for part in name.split("/"))
    }


def read_sums(folder: Path) -> dict[str, str]:
    """The sums that `folder` came with, by the names of the files."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def find_edits(folder: Path) -> list[str]:
    """The files below `folder` that were changed, added or removed since it came."""
    before, after = read_sums(folder), sum_files(folder)
    return sorted(name for name in before | after if before.get(name) != after.get(name))
