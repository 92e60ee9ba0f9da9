"""How long a database that says nothing is waited for."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest
from lockstep.core.errors import UserError
from lockstep.reading import waiting
from lockstep.reading.databases import connect
from test_mysql import address as mysql_address
from test_mysql import port
from test_mysql import server as mysql_server
from test_request_store import Cluster, cluster

__all__ = ["cluster", "mysql_address", "mysql_server", "port"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="names its own options")
PROBED = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 40_000,
}
"""What the operating system is asked to do for each connection."""


def read_options(connection: socket.socket) -> dict[str, int]:
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    return {
        name: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in PROBED
    }


@linux
def test_the_machine_of_a_postgresql_is_probed_while_nothing_comes(cluster: Cluster) -> None:
    with connect(
        cluster.make_database("probed").replace("://", "+psycopg://"), "shop"
    ) as connection:
        driver: Any = connection.connection.driver_connection
        with socket.socket(fileno=driver.fileno()) as own:
            assert read_options(own) == PROBED
            own.detach()


@linux
@pytest.mark.matrix
@pytest.mark.usefixtures("mysql_server")
def test_the_machine_of_a_mysql_is_probed_while_nothing_comes(mysql_address: str) -> None:
    with connect(mysql_address, "shop") as connection:
        driver: Any = connection.connection.driver_connection
        assert read_options(driver._sock) == PROBED


@pytest.mark.matrix
@pytest.mark.usefixtures("mysql_server")
@pytest.mark.parametrize(("limit", "is_told"), [("", False), ("?read_timeout=1", True)])
def test_a_query_that_takes_long_is_waited_for_unless_the_address_says_how_long(
    mysql_address: str, monkeypatch: pytest.MonkeyPatch, limit: str, is_told: bool
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 1)
    told = []
    try:
        with connect(mysql_address + limit, "shop") as connection:
            connection.exec_driver_sql("select sleep(2)")
    except UserError as error:
        told.append(str(error))
    start = "shop: the connection broke off, so nothing was taken; try again: "
    assert [text.startswith(start) for text in told] == [True] * is_told
