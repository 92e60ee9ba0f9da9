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
from typing import IO

from ..core.errors import UserError

MAX_RATIO = 200
"""A table of text seldom packs to a fiftieth; a bomb packs to a thousandth."""
HARMLESS_SIZE = 100 * 2**20
"""Bytes that do no harm, however well they are packed."""
CHUNK_SIZE = 2**20
DAMAGE_ERRORS = (OSError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""What reading a damaged or locked archive raises."""


@contextmanager
def open_zip(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    """The zip file `path`, after a look at what it says of its content.

    Raises:
        UserError: It is no whole zip, has a path that leads out of it, or unpacks to far too much.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, struct.error) as error:
        raise UserError(f"{name}: not a whole zip file") from error
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


def list_members(archive: zipfile.ZipFile) -> list[str]:
    """The files in a zip by their names, without what systems add for themselves."""
    return sorted(
        entry.filename
        for entry in archive.infolist()
        if not entry.is_dir()
        and not any(part.startswith((".", "__MACOSX")) for part in entry.filename.split("/"))
    )


class UnpackedFile(io.RawIOBase):
    """What is unpacked while it is read: of damage, and of far too much, a line tells."""

    def __init__(
        self, file: IO[bytes] | gzip.GzipFile, packed_size: int, name: str, damage: str
    ) -> None:
        self.file, self.packed_size, self.name, self.damage = file, packed_size, name, damage
        self.size = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Close the packed file too."""
        self.file.close()
        super().close()

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or all that are left.

        Raises:
            UserError: The file is damaged or locked, or unpacks to far too much.
        """
        parts = []
        while size:
            try:
                part = self.file.read(CHUNK_SIZE if size < 0 else min(size, CHUNK_SIZE))
            except DAMAGE_ERRORS as error:
                raise UserError(self.damage) from error
            if not part:
                break
            parts.append(part)
            self.size += len(part)
            size -= len(part) if size > 0 else 0
            _require_sane(self.size, self.packed_size, self.name)
        return b"".join(parts)


def open_member(archive: zipfile.ZipFile, member: str, name: str) -> UnpackedFile:
    """One file in the zip `archive`, which messages call `name`.

    Raises:
        UserError: It is damaged or locked by a password.
    """
    damage = f"{name}: {member}: damaged, or locked by a password"
    try:
        packed_size = archive.getinfo(member).compress_size
        return UnpackedFile(archive.open(member), packed_size, name, damage)
    except DAMAGE_ERRORS as error:
        raise UserError(damage) from error


def open_gzip(path: Path, name: str) -> UnpackedFile:
    """The content of a gzip file."""
    size = path.stat().st_size
    return UnpackedFile(gzip.open(path), size, name, f"{name}: not a whole gzip file")


def _require_sane(size: int, packed_size: int, name: str) -> None:
    if size > max(HARMLESS_SIZE, MAX_RATIO * packed_size):
        raise UserError(
            f"{name}: unpacks to more than {size / 2**20:,.0f} MB, over {MAX_RATIO} times its "
            "size; unpack it yourself if you trust it"
        )
