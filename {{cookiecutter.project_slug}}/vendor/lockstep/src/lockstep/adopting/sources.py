"""Where a person's data come from: a disk, an address that DVC fetches from, or a database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import pandas as pd

from ..core.errors import UserError
from ..core.project import Project
from ..core.table import write_parquet
from ..reading.databases import read_database_batches
from . import swap

STORAGES = ("http", "https", "s3", "ssh")
"""Schemes of addresses that DVC fetches from; others are databases."""
EXTRAS = ("s3", "ssh")
"""Storages that pyproject.toml has an extra for."""


class Source(NamedTuple):
    """The data, where they can be read."""

    path: Path
    """A file or a folder."""
    origin: str
    """Where they are from, without what is secret."""
    is_tracked: bool = False
    """Whether DVC knows them already, by a file beside them."""


def fetch(
    project: Project, address: str, staging: Path, table: str | None, *, dry_run: bool
) -> Source:
    """The data at a path or a URL, brought into `staging` if they are elsewhere than on a disk.

    Of a database it is the `table`; `dry_run` leaves the project's cache as it is.

    Raises:
        UserError: There is nothing, or it cannot be reached.
    """
    if "://" not in address:
        path = Path(address).expanduser()
        if not path.exists():
            raise UserError(f"{address}: no such file or folder")
        return Source(path.absolute(), path.absolute().name)
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise UserError(f"{address}: not a valid address: {error}") from error
    if parts.scheme in STORAGES:
        return _download(project, parts, address, staging, dry_run=dry_run)
    # As a parquet file, since a server keeps no old rows.
    origin = f"{parts.scheme} database"
    frame = pd.concat(read_database_batches(address, origin, table), ignore_index=True)
    path = staging / (re.sub(r"[^\w-]", "_", table or "table") + ".parquet")
    write_parquet(frame, path)
    return Source(path, f"table {table} of a {origin}")


def _download(
    project: Project, parts: SplitResult, address: str, staging: Path, *, dry_run: bool
) -> Source:
    name = Path(unquote(parts.path)).name
    origin = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    if parts.password:
        raise UserError(
            f"{origin}: DVC writes the address into a file that git keeps, so it must not hold a "
            "password; download the file, or give the password in DVC's settings"
        )
    if not name:
        raise UserError(f"{origin}: the address names no file")
    try:
        if dry_run:
            swap.run_dvc(staging, "get-url", address, name)
        else:
            swap.track(project, staging, "import-url", address, name)
    except UserError as error:
        reason, scheme = str(error), parts.scheme
        if "to be installed" in reason:
            way = f"sync --extra {scheme}" if scheme in EXTRAS else f"add --dev 'dvc[{scheme}]'"
            reason = f"reading from {scheme} takes a part of DVC that is not installed: `uv {way}`"
        elif "does not exist" in reason:
            reason = "nothing there, or not reachable"
        raise UserError(f"{origin}: {reason}") from error
    return Source(staging / name, origin, is_tracked=True)
