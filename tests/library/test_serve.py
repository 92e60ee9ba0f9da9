"""The command `serve`: a process from its start to its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import psutil
import pytest
from conftest import LIBRARY, make_project
from lockstep.core.project import Project
from stand_ins import make_wheel

SERVE = """
import sys
from lockstep.core.errors import exit_status
from lockstep.serving.serve import serve

wheel, port = sys.argv[1:]
sys.exit(exit_status(lambda: serve([wheel], "127.0.0.1", int(port), None)))
"""


@contextmanager
def run(project: Project, wheel: Path, port: int = 0) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, wheel, str(port)],
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": str(LIBRARY.parent)},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            yield server
        finally:
            server.kill()


def test_a_request_under_way_is_answered_and_kept_before_the_server_ends(tmp_path: Path) -> None:
    folder = tmp_path / "100%20"  # which an address of a database would have as a space
    folder.mkdir()
    project = make_project(folder)
    wheel = make_wheel(project.root / "dist", "1.0.0")
    replies: list[httpx.Response] = []
    with run(project, wheel) as server:
        assert server.stderr.readline() == "serve: fruit 1.0.0: answers by default\n"
        address = server.stderr.readline().removeprefix("serve: ").strip()
        workers = psutil.Process(server.pid).children()
        row = {"x": 7, "do": 1.5}

        def ask() -> None:
            replies.append(httpx.post(f"{address}/predict", json=row, timeout=30))

        thread = Thread(target=ask)
        thread.start()
        time.sleep(0.5)  # it is being answered now
        server.send_signal(signal.SIGTERM)
        thread.join()
        assert server.wait(20) == -signal.SIGTERM
    (reply,) = replies
    assert reply.json()["predictions"] == [{"prediction": "1.0.0 7"}]
    assert not psutil.wait_procs(workers, timeout=20)[1]
    assert (project.root / ".serve" / "requests.sqlite").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for uv is a script of a shell")
def test_a_server_that_ends_while_it_prepares_leaves_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = project.root / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\nsleep 60\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    wheel = make_wheel(project.root / "dist", "1.0.0", pins={"numpy": "0.1"})
    with run(project, wheel) as server:
        line = "serve: fruit 1.0.0: making an environment with its libraries\n"
        assert server.stderr.readline() == line
        while not (programs := psutil.Process(server.pid).children(recursive=True)):
            time.sleep(0.02)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 128 + signal.SIGTERM
        assert server.stderr.read() == ""
    assert not psutil.wait_procs(programs, timeout=20)[1]
    assert not [*(project.root / ".serve" / "cache" / "environments").iterdir()]


def test_a_port_that_is_taken_is_told_in_a_line(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with run(project, make_wheel(project.root / "dist", "1.0.0"), port) as server:
            error = server.communicate()[1]
    assert server.returncode == 1
    assert error == (
        f"error: --host 127.0.0.1 --port {port}: cannot listen there: Address already in use\n"
    )


def test_what_cannot_be_served_is_told_in_a_line(project: Project) -> None:
    wheel = make_wheel(project.root / "dist", "1.0.0", fault="it was made on another planet")
    with run(project, wheel) as server:
        error = server.communicate()[1]
    assert server.returncode == 1
    assert error == "error: fruit 1.0.0: it was made on another planet\n"
