"""Writing a wheel, such that the same files give the same bytes on any machine and day.

See the Python Packaging User Guide, "Binary distribution format".
"""

from __future__ import annotations

import hashlib
import stat
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from ..core.files import replacing

UNIX = 3
"""The system that files of a zip say they come from, so that it keeps modes."""


def write_wheel(path: Path, files: Mapping[str, Path], notes: Mapping[str, bytes]) -> None:
    """Write a wheel, in place of what was there.

    Nothing is compressed, since what compresses has versions too.

    Args:
        path: The wheel.
        files: What is installed, by its name in the wheel.
        notes: What is told of it, by its name in the folder that the wheel has for that.
    """
    distribution, version, *_ = path.stem.split("-")
    folder = f"{distribution}-{version}.dist-info"
    lines = []
    with replacing(path) as temporary, ZipFile(temporary, "w") as archive:

        def add(name: str, content: bytes) -> None:
            member = ZipInfo(name)  # of 1980-01-01
            member.create_system = UNIX
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, content)

        def add_listed(name: str, content: bytes) -> None:
            add(name, content)
            digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(content)}\n")

        for name, file in sorted(files.items()):
            add_listed(name, file.read_bytes())
        for name, content in sorted(notes.items()):
            add_listed(f"{folder}/{name}", content)
        record = f"{folder}/RECORD"
        add(record, "".join([*lines, f"{record},,\n"]).encode())
