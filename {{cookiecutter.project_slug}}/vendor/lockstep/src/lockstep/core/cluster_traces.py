"""What workers keep for this command between two calls, by which it is ended with the command."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

from .cluster_call import make_call
from .cluster_client import CONNECT_SECONDS, ask_workers, connect
from .errors import UserError

_CLIENT = uuid4().bytes
"""Of this process alone, so that it ends no units of another with the same code and data."""
_traces: dict[str, dict[str, set[str]]] = {}
"""By scheduler and code, digests of what is shared."""


def digest(content: bytes) -> str:
    """The name under which workers keep some bytes for this process."""
    return sha256(_CLIENT + content).hexdigest()[:32]


def has_traces(address: str) -> bool:
    """Whether workers of that scheduler keep anything for us."""
    return address in _traces


def is_kept(address: str, code: str, rows: str) -> bool:
    """Whether workers have been given both, by their digests."""
    return rows in _traces.get(address, {}).get(code, ())


def note_kept(address: str, code: str, rows: str) -> None:
    """Remember that workers are given both."""
    _traces.setdefault(address, {}).setdefault(code, set()).add(rows)


def end_units() -> None:
    """End the processes that workers keep for us, and remove what they work on."""
    while _traces:
        address, traces = _traces.popitem()
        with suppress(UserError):
            client = connect(address)
            try:
                _end(client, traces)
            finally:
                client.close(timeout=CONNECT_SECONDS)


def end_units_of(client: Any, address: str) -> None:
    """The same on the workers of this scheduler alone."""
    _end(client, _traces.pop(address, {}))


def _end(client: Any, traces: dict[str, set[str]]) -> None:
    for code, rows in traces.items():
        with suppress(Exception):  # whoever has gone needs not to be told
            ask_workers(client, make_call("end"), code, sorted(rows))
