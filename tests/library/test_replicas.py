"""Two servers with one PostgreSQL, behind nginx as docs/serving.md sets it up."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from conftest import LIBRARY, TEMPLATE, make_project
from lockstep.core.params import KeepParams
from lockstep.serving.request_store import RequestStore
from stand_ins import make_wheel
from test_request_store import POSTGRESQL, Cluster

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
AROUND = """
daemon off;
user {user};
pid nginx.pid;
error_log stderr emerg;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    add_header X-Asked $upstream_addr always;
    {documented}
}}
"""
MAIN = "from lockstep.commands.cli import main; raise SystemExit(main())"
CLIENTS, REQUESTS = 8, 150


class Answer(NamedTuple):
    """What a client was answered."""

    request: str
    status: int
    prediction: str
    expected: str
    asked: tuple[str, ...]
    """The servers, the last of which has answered."""


def find_free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return free.getsockname()[1]


def answers_at(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


@contextmanager
def running(command: list[str], ready: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers at the address `ready`, until the end."""
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        try:
            while not answers_at(ready):
                assert process.poll() is None
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()


def run_server(folder: Path, port: int, address: str, stack: ExitStack) -> subprocess.Popen[bytes]:
    """A server in a project of its own, as on a machine of its own."""
    folder.mkdir()
    make_project(folder)
    wheel = make_wheel(folder / "dist", "1.0.0")
    options = ["--port", str(port), "--requests", address]
    command = [sys.executable, "-c", MAIN, "serve", str(wheel), *options]
    return stack.enter_context(running(command, f"http://127.0.0.1:{port}/health/ready", folder))


def configure_nginx(folder: Path, port: int, servers: list[int]) -> list[str]:
    """The configuration of the page, with these ports; returns the command."""
    page = (TEMPLATE / "docs" / "serving.md").read_text(encoding="utf-8")
    (documented,) = re.findall(r"^```nginx\n(.+?)^```", page, flags=re.DOTALL | re.MULTILINE)
    for server in servers:
        documented = re.sub(r"10\.0\.0\.\d:8000", f"127.0.0.1:{server}", documented, count=1)
    documented = documented.replace("listen 80;", f"listen 127.0.0.1:{port};")
    user = "root" if os.geteuid() == 0 else "nobody"
    text = AROUND.format(documented=documented, user=user)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return [str(NGINX), "-p", str(folder), "-e", "stderr", "-c", "nginx.conf"]


@pytest.mark.matrix
@pytest.mark.skipif(POSTGRESQL is None, reason="no PostgreSQL; Debian's package postgresql has it")
@pytest.mark.skipif(NGINX is None, reason="no nginx; Debian's package nginx-light has it")
def test_no_answer_is_lost_when_one_of_two_servers_is_killed(tmp_path: Path) -> None:
    ports = [find_free_port() for _ in range(3)]
    url = f"http://127.0.0.1:{ports[0]}"
    numbers, answers = count(), list[Answer]()

    def ask_often(_: int) -> None:
        with httpx.Client(timeout=20) as client:
            for _ in range(REQUESTS):
                x = next(numbers)
                reply = client.post(f"{url}/predict", json={"x": x})
                content = reply.json()
                answers.append(
                    Answer(
                        reply.headers["X-Request-Id"],
                        reply.status_code,
                        content["predictions"][0]["prediction"],
                        f"1.0.0 {x}",
                        tuple(reply.headers["X-Asked"].split(", ")),
                    )
                )

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp", prefix="postgresql-"))
        cluster = Cluster(Path(folder))
        stack.callback(cluster.stop)
        address = cluster.make_database("requests")
        first, _ = (
            run_server(tmp_path / f"server-{port}", port, address, stack) for port in ports[1:]
        )
        command = configure_nginx(tmp_path, ports[0], ports[1:])
        stack.enter_context(running(command, f"{url}/health/ready", tmp_path))
        with ThreadPoolExecutor(CLIENTS) as clients:
            asking = clients.map(ask_often, range(CLIENTS))
            while len(answers) < CLIENTS * REQUESTS / 3:
                time.sleep(0.01)
            first.kill()
            list(asking)
        store = RequestStore(address, KeepParams())
        store.start()
        kept = {line["request"] for line in store.read_last(len(answers))}
        store.stop()
    assert len(answers) == CLIENTS * REQUESTS
    assert {answer.status for answer in answers} == {200}
    assert all(answer.prediction == answer.expected for answer in answers)
    dead, alive = (f"127.0.0.1:{port}" for port in ports[1:])
    answered = {
        place: [one for one in answers if one.asked[-1] == place] for place in (dead, alive)
    }
    assert answered[dead]
    assert any(answer.asked == (dead, alive) for answer in answers)
    assert {answer.request for answer in answered[alive]} <= kept
    assert kept & {answer.request for answer in answered[dead]}
