"""Whether a store of data answers: as what, how fast, and whether it lets this person in."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..core.errors import LONGEST_REASON, UserError, shorten
from ..reading import mysql, postgresql
from ..reading.databases import connect
from .addresses import get_scheme
from .objects import ask_bucket, ask_object, make_client
from .web import open_web

SECONDS = 3
"""For which an answer is waited for."""
OWN_CREDENTIALS = {"allow_anonymous_login", "configpath", "credentialpath"}
"""Options of a remote by which DVC gets in where what is asked here does not."""
PG_KEYS = "PGUSER, PGPASSWORD and ~/.pgpass say who asks"
MYSQL_KEYS = "~/.my.cnf says who asks"


Question = Callable[[str, Mapping[str, str]], str]
"""Asks the store at an address with a remote's options, and gives what it is and how fast."""


class Answer(NamedTuple):
    """What a store says."""

    is_open: bool
    """Whether data can be had there."""
    text: str
    """What is there and how fast, or what is wrong and what mends it."""


def ask_store(address: str, options: Mapping[str, str], folder: Path) -> Answer:
    """Ask the store at an address once, for a few seconds at most.

    Args:
        address: Of the store, or a path.
        options: Those of the remote in DVC's settings.
        folder: What a path starts from.
    """
    if "://" not in address:
        return _ask_folder(folder / address)
    scheme = get_scheme(address)
    ask: dict[str, Question] = {
        "http": _ask_web,
        "https": _ask_web,
        "s3": _ask_s3,
        "ssh": _ask_ssh,
    }
    if postgresql.is_postgresql(scheme):
        question: Question | None = _ask_postgresql
    elif mysql.is_mysql(scheme):
        question = _ask_mysql
    else:
        question = ask.get(scheme)
    if question is None:
        return Answer(True, f"{scheme} is not asked")
    if own := sorted({*options} & OWN_CREDENTIALS):
        return Answer(True, f"is not asked, since {own[0]} lets DVC in on its own")
    parts = urlsplit(address)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    try:
        return Answer(True, question(place, options))
    except UserError as error:
        return Answer(False, str(error))
    except OSError as error:
        reason = shorten(str(getattr(error, "reason", error)), LONGEST_REASON)
        return Answer(False, f"not reachable: {reason}")


def _tell(server: str, start: float) -> str:
    """What answers, and how long it took."""
    return f"{server}, {1000 * (time.perf_counter() - start):.0f} ms"


def _ask_folder(path: Path) -> Answer:
    if not path.is_dir():
        return Answer(
            False, f"{path.resolve()} is not there; `uv run dvc push` makes it where it may"
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return Answer(False, f"{path.resolve()} may not be read and written")
    return Answer(True, "a folder that may be written")


def _ask_web(address: str, _: Mapping[str, str]) -> str:
    start = time.perf_counter()
    try:
        with open_web(address, patience=SECONDS) as reply:
            return _tell(reply.server or "a web server", start)
    except HTTPException as error:
        raise UserError("answers, and not as a web server does") from error


def _ask_ssh(address: str, options: Mapping[str, str]) -> str:
    """The server's own words; whether it lets anyone in is for ssh to find out."""
    parts = urlsplit(address)
    place = (parts.hostname or "", parts.port or int(options.get("port", 22)))
    start = time.perf_counter()
    with socket.create_connection(place, SECONDS) as connection:
        banner = connection.recv(255).decode(errors="replace")
    return _tell(shorten(banner, LONGEST_REASON) or "a server without a word", start)


def _ask_postgresql(address: str, _: Mapping[str, str]) -> str:
    place = f"{postgresql.name_driver(address)}?connect_timeout={SECONDS}"
    query = "SELECT current_user, current_setting('server_version')"
    return _ask_database(place, "PostgreSQL", query, PG_KEYS)


def _ask_mysql(address: str, _: Mapping[str, str]) -> str:
    place = f"{mysql.name_driver(address)}?connect_timeout={SECONDS}&read_timeout={SECONDS}"
    return _ask_database(place, "MySQL", "SELECT current_user(), version()", MYSQL_KEYS)


def _ask_database(address: str, name: str, query: str, keys: str) -> str:
    """The answer to a query for who asks and the server's version."""
    try:
        with connect(address, name) as connection:
            start = time.perf_counter()
            user, version = connection.exec_driver_sql(query).one()
            server = "MariaDB" if "MariaDB" in version else name
            return _tell(f"{server} {version.split()[0].partition('-')[0]}, as {user}", start)
    except UserError as error:
        raise UserError(f"{error}; {keys}") from error


def _ask_s3(address: str, options: Mapping[str, str]) -> str:
    client = make_client(options, SECONDS)
    start = time.perf_counter()
    ask = ask_bucket if "url" in options else ask_object  # a remote may still be empty
    reply = ask(client, address)
    server = reply["ResponseMetadata"]["HTTPHeaders"].get("server", "S3")
    return _tell(f"{server}, with the credentials here", start)
