"""What the stage that writes the record of a run shares with those who read it.

Digests of code are the same wherever it was checked out, since git may change line ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

FORM = 1
"""Of the record."""
ROW, IDENTIFIER = "row", "id"
"""What a test row is known by, as the columns of a table of predictions: see `data.row_names`."""
NO_INPUTS = ("search", "promote", "serve", "monitor")
"""Sections of params.yaml that no stage reads, so that they are no part of a run."""


def digest_source(content: bytes) -> str:
    """Hexadecimal SHA-256 digest of a file, with line ends as git keeps them."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def digest_sources(contents: Mapping[str, bytes]) -> str:
    """That of a folder: of a line for each file, in the order of their names below it.

    The lines are those of the program sha256sum: digest, two spaces, name.
    """
    lines = [f"{digest_source(content)}  {name}\n" for name, content in sorted(contents.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
