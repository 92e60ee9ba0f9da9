"""Which files are data, and which accompany them."""

from __future__ import annotations

from pathlib import PurePath

NO_DATA = (".dvc", ".tmp")
"""Ends of names of files that lie beside the data."""
NOTES = ("_SUCCESS", "_metadata", "_common_metadata")
"""What programs that divide a table into files leave beside them."""


def is_data(path: PurePath) -> bool:
    """Whether a file is called like data, not like what accompanies them."""
    return not (
        path.name.startswith(".")
        or path.name in NOTES
        or path.suffix in NO_DATA
        or path.stem.lower() == "readme"
    )
