"""Where a person's data come from: a disk, an address that DVC fetches from, or a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..core.errors import UserError, shorten
from ..core.files import read_yaml
from ..core.progress import progress
from ..core.project import Project
from ..core.raw_files import is_data
from ..core.table import table_writers
from ..reading.databases import read_database_tables
from ..reading.mysql import is_mysql, read_mysql_table
from ..reading.postgresql import copy_table, is_postgresql
from . import swap
from .addresses import describe_path, find_place, get_scheme, hide_secrets, parse_address
from .downloads import PATIENCE, Opener, download, require_answer
from .objects import is_object, make_client, open_object
from .web import open_web

STORAGES = ("http", "https", "s3", "ssh")
"""Schemes of addresses of files; others are databases."""
EXTRAS = ("s3", "ssh")
"""Storages that pyproject.toml has an extra for."""
UNUSABLE_NAME = re.compile(
    r".*[\x00-\x1f\x7f\\/]|.*[. ]$|(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE | re.DOTALL
)
"""With signs that separate, or that no line can hold; or a name that Windows has no file of."""
LONGEST_LINE = 500


class Source(NamedTuple):
    """The data, where they can be read."""

    path: Path
    """A file or a folder."""
    origin: str
    """Where they are from, without what is secret."""
    address: str = "ADDRESS"
    """What a person types for it, where nothing in that may be secret."""
    is_tracked: bool = False
    """Whether DVC knows them already, by a file beside them."""
    notes: tuple[str, ...] = ()
    """What is to be known of how they came."""


def fetch(
    project: Project, address: str, staging: Path, table: str | None, *, dry_run: bool
) -> Source:
    """The data at a path or a URL, brought into `staging` if they are elsewhere than on a disk.

    Of a database it is the `table`; `dry_run` leaves the project's cache as it is.

    Raises:
        UserError: There is nothing, or it cannot be reached; the message tells no secret.
    """
    if "://" not in address:
        try:
            path = Path(address).expanduser().absolute()
            is_there = path.exists()
        except (OSError, RuntimeError):  # too long for a path, or of a user that there is not
            is_there = False
        if not is_there:
            raise UserError(f"{describe_path(address)}: no such file or folder")
        _require_name(path.name, path.name)
        return Source(path, path.name, address)
    scheme = get_scheme(address)
    with _hiding_secrets(address):
        if scheme in STORAGES:
            return _download(project, scheme, address, staging, dry_run=dry_run)
        return _read_database(scheme, address, staging, table)


@contextmanager
def _hiding_secrets(address: str) -> Iterator[None]:
    """Let no error out of the block but one without secrets, not even as the cause of another."""
    try:
        yield
    except Exception as error:
        text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        line = shorten(hide_secrets(text, address), LONGEST_LINE)
        raise UserError(line).with_traceback(error.__traceback__) from None


def _require_name(name: str, source: str) -> None:
    """Check that what lies in data/raw can have a name, before anything is brought there."""
    if not is_data(Path(name)) or UNUSABLE_NAME.match(name):
        raise UserError(f"{source}: files of such names are not taken for data; rename it")


def _read_database(scheme: str, address: str, staging: Path, table: str | None) -> Source:
    """The rows as a parquet file, since a server keeps no old ones."""
    path = staging / (re.sub(r"[^\w-]", "_", table or "table") + ".parquet")
    name, what = f"{scheme} database", f"table {table}" if table else "the only table"
    _require_name(path.name, f"{what} of a {name}")
    if is_postgresql(scheme):
        batches = copy_table(address, name, table)
    elif is_mysql(scheme):
        batches = read_mysql_table(address, name, table)
    else:
        batches = read_database_tables(address, name, table)
    with table_writers(path) as (rows,), progress("use") as count:
        for batch in batches:
            rows.write(batch)
            count(len(batch))
    return Source(path, f"{what} of {find_place(address) or f'a {name}'}")


def _download(
    project: Project, scheme: str, address: str, staging: Path, *, dry_run: bool
) -> Source:
    place, name, is_public = parse_address(address)
    if not name:
        raise UserError(f"{place}: the address names no file")
    _require_name(name, place)
    is_kept = is_public and not dry_run
    try:
        if ask := _choose_opener(scheme, address, is_public=is_public):
            _fetch_file(project, ask, address, staging / name, is_kept=is_kept)
        elif is_kept:
            swap.track(project, staging, "import-url", "--", address, name)
        else:
            swap.run_dvc(staging, "get-url", "--", address, name)
    except UserError as error:
        reason = str(error)
        if "to be installed" in reason:
            way = f"sync --extra {scheme}" if scheme in EXTRAS else f"add --dev 'dvc[{scheme}]'"
            reason = f"reading from {scheme} takes a part of DVC that is not installed: `uv {way}`"
        elif "does not exist" in reason:
            reason = "nothing there, or not reachable"
        raise UserError(f"{place}: {reason}") from error
    if is_public:
        return Source(staging / name, place, address, is_tracked=True)
    note = (
        "the address is not kept, as a user, password or query in it may be secret; for what is "
        "new, `use` it again"
    )
    return Source(staging / name, place, notes=(note,))


def _choose_opener(scheme: str, address: str, *, is_public: bool) -> Opener | None:
    """What asks for the file at an address; nothing for what is left to DVC, such as folders."""
    if scheme in ("http", "https"):
        return partial(open_web, address)
    if scheme == "s3" and is_public:
        client = make_client({}, PATIENCE)
        return partial(open_object, client, address) if is_object(client, address) else None
    return None


def _fetch_file(project: Project, ask: Opener, address: str, path: Path, *, is_kept: bool) -> None:
    """Download a file and, if its address may be kept, let DVC know where it is from."""
    require_answer(ask)  # DVC would try for minutes what is never let in.
    if not is_kept:
        download(ask, path)
        return
    pointer = path.with_name(f"{path.name}.dvc")
    swap.track(project, path.parent, "import-url", "--no-download", "--", address, path.name)
    before = _read_version(pointer)
    download(ask, path)
    swap.run_dvc(path.parent, "commit", "--force", "--", pointer.name)
    # DVC has asked anew: what is there now would pass for what came, and `update` would leave it.
    if _read_version(pointer) != before:
        raise UserError("it changed there while it came, so nothing was taken; `use` it again")


def _read_version(pointer: Path) -> object:
    """What DVC knows of the file at an address by which it tells whether there is a newer one."""
    return read_yaml(pointer, pointer.name)["deps"]
