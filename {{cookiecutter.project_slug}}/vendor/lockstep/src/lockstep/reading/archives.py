"""Opening packed files, with a guard against those that are made to do harm."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..core.errors import UserError, guard_reading

MAX_RATIO = 200
"""A table of text seldom packs to a fiftieth; a bomb packs to a thousandth."""
HARMLESS_SIZE = 100 * 2**20
"""Bytes that do no harm, however well they are packed."""
CHUNK_SIZE = 2**20
DAMAGE_ERRORS = (OSError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""What reading a damaged or locked archive raises."""


@contextmanager
def open_zip(path: Path, name: str, kind: str = "a whole zip file") -> Iterator[zipfile.ZipFile]:
    """The zip file `path`, after a look at what it says of its content.

    Raises:
        UserError: It is not of this `kind`, or would do harm.
    """
    with guard_reading(f"{name}: not {kind}"):
        archive = zipfile.ZipFile(path)
    with archive:
        for entry in archive.infolist():
            inside = PurePosixPath(entry.filename.replace("\\", "/"))
            if inside.is_absolute() or ".." in inside.parts:
                raise UserError(
                    f"{name}: {entry.filename!r} leads out of the zip; pack it without such paths"
                )
        size = sum(entry.file_size for entry in archive.infolist())
        _require_sane(size, path.stat().st_size, name)
        yield archive


def list_packed(path: Path) -> list[str]:
    """The names in a zip; none where it is no zip, or not whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # whoever reads it tells what is wrong
        return []


def list_members(archive: zipfile.ZipFile) -> list[str]:
    """The files in a zip by their names, without what systems add for themselves."""
    return sorted(
        entry.filename
        for entry in archive.infolist()
        if not entry.filename.endswith("/")
        and entry.filename
        and not any(part.startswith((".", "__MACOSX")) for part in entry.filename.split("/"))
    )


class _UnpackedFile(io.RawIOBase):
    """What is unpacked while it is read: of damage, and of far too much, a line tells."""

    def __init__(self, file: Any, packed_size: int, name: str, damage: str) -> None:
        self.file, self.packed_size, self.name, self.damage = file, packed_size, name, damage
        self.size = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        try:
            count: int = self.file.readinto(memoryview(buffer)[:CHUNK_SIZE])
        except DAMAGE_ERRORS as error:
            raise UserError(self.damage) from error
        self.size += count
        _require_sane(self.size, self.packed_size, self.name)
        return count


def open_member(archive: zipfile.ZipFile, member: str, name: str) -> BinaryIO:
    """One file in the zip `archive`, which messages call `name`."""
    damage = f"{name}: {member}: damaged, or locked by a password"
    try:
        file, packed_size = archive.open(member), archive.getinfo(member).compress_size
    except DAMAGE_ERRORS as error:
        raise UserError(damage) from error
    return io.BufferedReader(_UnpackedFile(file, packed_size, name, damage), CHUNK_SIZE)


def open_gzip(path: Path, name: str) -> BinaryIO:
    """The content of a gzip file."""
    damage, packed_size = f"{name}: not a whole gzip file", path.stat().st_size
    return io.BufferedReader(_UnpackedFile(gzip.open(path), packed_size, name, damage), CHUNK_SIZE)


def _require_sane(size: int, packed_size: int, name: str) -> None:
    if size > max(HARMLESS_SIZE, MAX_RATIO * packed_size):
        raise UserError(
            f"{name}: unpacks to more than {size / 2**20:,.0f} MB, over {MAX_RATIO} times its "
            "size; unpack it yourself if you trust it"
        )
