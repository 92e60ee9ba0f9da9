"""Which format a file of a table has."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from .archives import list_packed

FileFormat = Literal["text", "json", "parquet", "excel", "database", "duckdb", "gzip", "zip"]
FORMATS: dict[str, FileFormat] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "text"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm"), "excel"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "database"),
    **{".duckdb": "duckdb", ".gz": "gzip", ".zip": "zip"},
}
"""What a file is by the end of its name."""
FIRST_BYTES: dict[bytes, FileFormat] = {
    b"PAR1": "parquet",
    b"SQLite format 3\0": "database",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}
"""What a file of another name is by its beginning; without one of these it is text."""


def detect_format(path: Path) -> FileFormat:
    """What `path` is, by its name or, if that says nothing, by its content."""
    usual = FORMATS.get(path.suffix.lower())
    # Files of DuckDB are called `.db` too.
    if usual is not None and usual != "database":
        return usual
    with path.open("rb") as file:
        start = file.read(16)
    if start[8:12] == b"DUCK" and b"\0" in start:
        return "duckdb"
    detected = (form for sign, form in FIRST_BYTES.items() if start.startswith(sign))
    form: FileFormat = next(detected, usual or "text")
    # A spreadsheet is a zip too.
    return "excel" if form == "zip" and "xl/workbook.xml" in list_packed(path) else form


def is_table(path: Path) -> bool:
    """Whether a file is called like a table; a zip may hold anything."""
    return FORMATS.get(path.suffix.lower(), "zip") != "zip"
