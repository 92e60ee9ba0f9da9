"""How long a database is waited for that says nothing.

Until it lets somebody in, some seconds. From then on as long as its machine answers: a query that
sorts a large table says nothing for hours, but the operating system there acknowledges a probe
meanwhile (RFC 9293, 3.8.4), and one that nobody acknowledges ends the connection. A server that
hangs while its machine goes on cannot be told from one that works.
"""

from __future__ import annotations

import socket
from configparser import Error as ConfigParserError
from typing import TYPE_CHECKING, Any

from ..core.errors import UserError

if TYPE_CHECKING:
    import sqlalchemy

PATIENCE = 10
"""Seconds until a server that says nothing is given up, where the address names no others."""
PROBES = 3
"""That are sent, one after the other, before a machine is given up that acknowledges none."""
SILENCE = PATIENCE * (1 + PROBES)
"""Seconds after which a machine is given up."""
CREDENTIALS = "~/.my.cnf"
"""Where people keep who they are for MySQL, which its own programs read unasked."""
TCP_OPTIONS = {
    "TCP_KEEPIDLE": PATIENCE,
    "TCP_KEEPALIVE": PATIENCE,  # what macOS calls it
    "TCP_KEEPINTVL": PATIENCE,
    "TCP_KEEPCNT": PROBES,
    "TCP_USER_TIMEOUT": 1000 * SILENCE,
}
"""Those of a connection, as far as the operating system has them."""


def connect_with_limits(
    dialect: sqlalchemy.Dialect, _: object, arguments: Any, options: dict[str, Any]
) -> Any:
    """A driver's connection that gives up, for SQLAlchemy's event `do_connect`."""
    if dialect.name == "sqlite":
        options.setdefault("timeout", PATIENCE)
    if dialect.name == "postgresql":
        options.setdefault("connect_timeout", PATIENCE)
        options.setdefault("keepalives_idle", PATIENCE)
        options.setdefault("keepalives_interval", PATIENCE)
        options.setdefault("keepalives_count", PROBES)
        # A query that was sent into the void is no idle connection, which probes are for.
        options.setdefault("tcp_user_timeout", 1000 * SILENCE)
    if dialect.driver == "pymysql":
        return _connect_pymysql(dialect, arguments, options)
    return None  # the dialect does it


def _connect_pymysql(dialect: sqlalchemy.Dialect, arguments: Any, options: dict[str, Any]) -> Any:
    """A connection of PyMySQL, whose one limit is for greetings and for queries alike."""
    limit = options.get("read_timeout")
    defaults = {"read_timeout": PATIENCE, "read_default_file": CREDENTIALS}
    try:
        connection: Any = dialect.connect(*arguments, **{**defaults, **options})
    except ConfigParserError as error:  # whose message has the line, which may be a password's
        raise UserError(f"{CREDENTIALS}: not readable as MySQL's options") from error
    connection._read_timeout = limit
    if connection._sock.family != getattr(socket, "AF_UNIX", None):
        for name, value in TCP_OPTIONS.items():
            if hasattr(socket, name):
                connection._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection
