"""A server under load while versions come and go, its workers are killed, its database crashes.

    python benchmarks/endurance.py [--minutes M] [--clients N]

Two versions of iris take turns in production, by `promote` and `rollback`; every 20 seconds one of
the two workers of a version is killed, and every 45 PostgreSQL crashes and comes back. Each answer
is held against what its version answered at the beginning, bit for bit. Needs PostgreSQL's
programs, as Debian's package postgresql has them, and `ps`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from run import make_project

POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
OTHER_CANDIDATES = "    baseline: {}\n    forest: {trees: 50}\n"
WRITE_ROWS = """
import pandas as pd
rows = pd.read_parquet("data/processed/test.parquet").drop(columns="species")
print(rows.to_json(orient="records"))
"""
COUNT = "select count(distinct request) from requests where role = 'answer'"


def find_port() -> int:
    """A port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Cluster:
    """A PostgreSQL of its own, below a folder; it refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self.port, self.data = find_port(), folder / "data"
        self.user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, **self.user)
        self.call("initdb", "--auth=trust", "--username=lockstep", str(self.data))
        self.start()
        self.call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lockstep", "kept")
        self.address = f"postgresql://lockstep@127.0.0.1:{self.port}/kept"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.data}"
        self.call("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", "/dev/null", "start")

    def crash(self) -> None:
        """End it at once, as a machine does that loses its power, and start it again."""
        self.call("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")
        time.sleep(2)
        self.start()

    def ask(self, query: str) -> str:
        """What a query gives."""
        return self.call("psql", "-At", self.address, "-c", query)

    def call(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs."""
        command = [str(POSTGRESQL[-1] / program), *arguments]
        quiet = {"extra_groups": []} if self.user else {}
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, cwd="/", **self.user, **quiet
        )
        return done.stdout.strip()


def make_versions(project: Path) -> None:
    """Two versions, both of which have stood in production."""

    def call(*command: str) -> None:
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)

    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("margin: null", "margin: 1000.0")
    text += "\nserve:\n  workers: 2\n"
    for candidates in (None, OTHER_CANDIDATES):
        if candidates:
            text = re.sub(r"(?<=  candidates:\n)(    .*\n)+", candidates, text, count=1)
        params.write_text(text, encoding="utf-8")
        call("dvc", "repro", "--quiet")
        call("git", "add", "--all")
        call("git", "-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "-qm", "Run")
        call("my-project", "register")
        call("my-project", "promote", "latest", "--to", "production")


@contextmanager
def serving(project: Path, address: str, port: int) -> Iterator[int]:
    """The server's process, ready to answer."""
    command = ["my-project", "serve", "v1.0.0", "v1.1.0", "production", "--port", str(port)]
    process = subprocess.Popen([*command, "--requests", address], cwd=project)
    try:
        for _ in range(1200):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready"):
                    break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, row: dict[str, Any], target: str
) -> tuple[int, Any]:
    """The status and the content of an answer."""
    body = json.dumps(row).encode()
    head = (
        f"POST /predict{target} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?i)^content-length: (\d+)", lines, re.MULTILINE)
    content = await reader.readexactly(int(length[1]))
    return int(lines.split()[1]), json.loads(content)


async def learn(port: int, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """What each version answers for each row, asked alone."""
    answers = {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for version in ("1.0.0", "1.1.0"):
        target = f"?version={version}"
        replies = [await ask(reader, writer, row, target) for row in rows]
        answers[version] = [content["predictions"][0] for _, content in replies]
    writer.close()
    return answers


async def load(
    port: int,
    rows: list[dict[str, Any]],
    expected: dict[str, list[Any]],
    end: float,
    counts: Counter,
) -> None:
    """One client: asks until the end, and holds each answer against the one expected."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        place = random.randrange(len(rows))
        try:
            status, content = await asyncio.wait_for(ask(reader, writer, rows[place], ""), 60)
        except (OSError, EOFError, TimeoutError) as error:
            counts[f"lost: {type(error).__name__}"] += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        if status != 200:
            counts[f"status {status}"] += 1
        elif content["predictions"] == [expected[content["version"]][place]]:
            counts[f"right, by {content['version']}"] += 1
        else:
            counts["WRONG"] += 1
    writer.close()


async def repeat(seconds: float, act: Callable[[], None], name: str, counts: Counter) -> None:
    """Do something again and again, beside the load."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(act)
        counts[name] += 1


def list_workers(server: int) -> list[int]:
    """The processes that a server has started to answer."""
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True
    ).stdout
    lines = [line.split(maxsplit=2) for line in listing.splitlines()]
    return [int(pid) for pid, parent, args in lines if parent == str(server) and "worker" in args]


async def endure(project: Path, cluster: Cluster, minutes: float, clients: int) -> None:
    """Load the server while all of it goes on, and print what came of it."""
    done = subprocess.run(
        ["python", "-c", WRITE_ROWS], cwd=project, check=True, capture_output=True
    )
    rows, port, counts = json.loads(done.stdout), find_port(), Counter()
    moves = [("rollback", "production"), ("promote", "v1.1.0", "--to", "production")]

    def move() -> None:
        moves.append(moves.pop(0))
        command = ["my-project", *moves[-1]]
        subprocess.run(command, cwd=project, check=True, capture_output=True)

    with serving(project, cluster.address, port) as server:
        expected = await learn(port, rows)
        apart = sum(a != b for a, b in zip(*expected.values(), strict=True))
        print(f"{len(rows)} rows, on {apart} of which the two versions differ", flush=True)
        start, end = time.monotonic(), time.monotonic() + 60 * minutes
        events = [
            (10, move, "moves in production"),
            (20, lambda: os.kill(random.choice(list_workers(server)), signal.SIGKILL), "kills"),
            (45, cluster.crash, "crashes of PostgreSQL"),
        ]
        tasks = [asyncio.create_task(repeat(*event, counts)) for event in events]
        loads = [load(port, rows, expected, end, counts) for _ in range(clients)]
        await asyncio.gather(*loads)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if not isinstance(outcome, asyncio.CancelledError):
                raise SystemExit(f"what was to happen beside the load failed: {outcome!r}")
        seconds = time.monotonic() - start
        await asyncio.sleep(5)  # what waits for the database is written
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = [line for line in answer.read().decode().splitlines() if "dropped" in line]
    answered = sum(count for name, count in counts.items() if name.startswith("right"))
    asked = answered + len(expected) * len(rows)
    for name, count in sorted(counts.items()):
        print(f"{name}: {count:,}")
    print(f"{answered / seconds:,.0f} answers a second over {seconds / 60:.1f} minutes")
    print(f"kept: {int(cluster.ask(COUNT)):,} of {asked:,} requests;", *lines[-3:], sep="\n  ")


def main(minutes: float, clients: int) -> None:
    """Make all that it takes, and run it."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        tempfile.TemporaryDirectory(dir="/tmp", prefix="postgresql-") as folder,
    ):
        project = make_project(Path(scratch), [])
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        sync = ["uv", "sync", "--quiet", "--extra", "serve", "--extra", "postgresql"]
        subprocess.run(sync, cwd=project, env=environment, check=True)
        make_versions(project)
        cluster = Cluster(Path(folder))
        try:
            asyncio.run(endure(project, cluster, minutes, clients))
        finally:
            cluster.call("pg_ctl", "-D", str(cluster.data), "-m", "immediate", "stop")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=20)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--rounds", type=int, help="not used: one takes long enough")
    arguments = options.parse_args()
    main(arguments.minutes, arguments.clients)
