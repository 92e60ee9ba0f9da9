"""What kind of file a table is in."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

Kind = Literal["text", "json", "parquet", "excel", "database", "gzip", "zip"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "text"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm"), "excel"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "database"),
    **{".gz": "gzip", ".zip": "zip"},
}
"""What a file is by the end of its name."""
BEGINNINGS: dict[bytes, Kind] = {
    b"PAR1": "parquet",
    b"SQLite format 3\0": "database",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}
"""What a file of another name is by its first bytes; without one of these it is text."""
_BOOK = "xl/workbook.xml"


def kind_of(path: Path) -> Kind:
    """What `path` is, by its name or, if that says nothing, by its content."""
    if path.suffix.lower() in KINDS:
        return KINDS[path.suffix.lower()]
    with path.open("rb") as file:
        start = file.read(16)
    kind: Kind = next((kind for sign, kind in BEGINNINGS.items() if start.startswith(sign)), "text")
    is_book = (
        kind == "zip" and zipfile.is_zipfile(path) and _BOOK in zipfile.ZipFile(path).namelist()
    )
    return "excel" if is_book else kind


def is_table(path: Path) -> bool:
    """Whether a file is called like a table; a zip may hold anything."""
    return KINDS.get(path.suffix.lower(), "zip") != "zip"
