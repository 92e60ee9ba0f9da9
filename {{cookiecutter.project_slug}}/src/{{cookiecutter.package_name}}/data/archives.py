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

from ..errors import UserError

MOST_TIMES = 200
"""A table of text seldom packs to a fiftieth; a bomb packs to a thousandth."""
UNSUSPICIOUS = 100 * 2**20
"""Bytes that do no harm, however well they are packed."""
DAMAGED = (OSError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""What reading a damaged or locked archive raises."""


@contextmanager
def opened_zip(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
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
        unpacked = sum(entry.file_size for entry in archive.infolist())
        _require_sane(unpacked, path.stat().st_size, name)
        yield archive


def members(archive: zipfile.ZipFile) -> list[str]:
    """The files in a zip by their names, without what systems add for themselves."""
    return sorted(
        entry.filename
        for entry in archive.infolist()
        if not entry.is_dir()
        and not any(part.startswith((".", "__MACOSX")) for part in entry.filename.split("/"))
    )


def read_member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """The bytes of one file in a zip.

    Raises:
        UserError: It is damaged or locked by a password.
    """
    try:
        return archive.read(member)
    except DAMAGED as error:
        raise UserError(f"{name}: {member}: damaged, or locked by a password") from error


def read_gzip(path: Path, name: str) -> bytes:
    """The unpacked bytes of a gzip file.

    Raises:
        UserError: It is damaged, or unpacks to far too much.
    """
    packed, parts, size = path.stat().st_size, [], 0
    try:
        with gzip.open(path) as file:
            while part := file.read(io.DEFAULT_BUFFER_SIZE * 128):
                size += len(part)
                _require_sane(size, packed, name)
                parts.append(part)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{name}: not a whole gzip file") from error
    return b"".join(parts)


def _require_sane(unpacked: int, packed: int, name: str) -> None:
    if unpacked > max(UNSUSPICIOUS, MOST_TIMES * packed):
        raise UserError(
            f"{name}: unpacks to more than {unpacked / 2**20:,.0f} MB, over {MOST_TIMES} times its "
            "size; unpack it yourself if you trust it"
        )
