"""How many requests the server answers, beside a bare FastAPI route that calls the same pipeline.

    python benchmarks/serving.py [--rows N] [--requests N] [--rounds N] [--champions NAME ...]
                                 [--peers]

Needs `hey`, which sends so many requests from 32 clients over loopback. The bare route checks
nothing and keeps nothing; it is measured as `def`, which FastAPI runs in threads, and as `async
def`, and the faster one is the floor. Servers are measured in turn, so that a machine's drift meets
all alike. Memory is that of all processes of a server. With `--peers`, BentoML and MLServer call
the same pipeline, each in an environment of its own: BentoML in batches, MLServer a request at a
time, since its batching refuses a model of this form.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from _table import count, use_table
from run import make_project

CLIENTS = 32
BATCH = 1_000
CHAMPIONS = {
    "linear": "linear: {alpha: 1.0}",
    "forest": "forest: {trees: 100, min_samples_leaf: 5}",
    "mlp": "mlp: {hidden_units: [32], max_epochs: 20, patience: 5}",
}
BARE = """
from typing import Any
import lockstep
import pandas as pd
from fastapi import FastAPI
champion = lockstep.Model.load("models/champion")
features = champion.contract.features
types = pd.read_parquet("data/processed/test.parquet").dtypes[features]
app = FastAPI()
@app.post("/predict")
{keyword} predict(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    X = pd.DataFrame(rows)[features].astype(types)
    shares = champion.pipeline.predict_proba(X)
    return pd.DataFrame(shares, columns=champion.pipeline.classes_).to_dict("records")
"""
BENTOML = """
from typing import Any
import bentoml
@bentoml.service(traffic={"timeout": 60})
class Champion:
    def __init__(self) -> None:
        import lockstep
        import pandas as pd
        self.champion = lockstep.Model.load("models/champion")
        features = self.champion.contract.features
        self.types = pd.read_parquet("data/processed/test.parquet").dtypes[features]
    @bentoml.api(batchable=True, max_batch_size=2000, max_latency_ms=60000)
    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, float]]:
        import pandas as pd
        X = pd.DataFrame(rows)[[*self.types.index]].astype(self.types)
        pipeline = self.champion.pipeline
        return pd.DataFrame(pipeline.predict_proba(X), columns=pipeline.classes_).to_dict("records")
"""
MLSERVER = """
import lockstep
import pandas as pd
from mlserver import MLModel
from mlserver.codecs import PandasCodec
class Champion(MLModel):
    async def load(self):
        self.champion = lockstep.Model.load("models/champion")
        features = self.champion.contract.features
        self.types = pd.read_parquet("data/processed/test.parquet").dtypes[features]
        return True
    async def predict(self, payload):
        X = PandasCodec.decode_request(payload)[[*self.types.index]].astype(self.types)
        pipeline = self.champion.pipeline
        shares = pd.DataFrame(pipeline.predict_proba(X), columns=pipeline.classes_)
        return PandasCodec.encode_response(self.name, shares)
"""
PEERS = {"bentoml": BENTOML, "mlserver": MLSERVER}
WRITE_ROWS = """
import sys
import pandas as pd
rows = pd.read_parquet("data/processed/test.parquet").drop(columns="churned").head(int(sys.argv[1]))
print(rows.to_json(orient="records", date_format="iso"))
"""


@dataclass
class Server:
    """A server to measure, and what came of it by the number of rows of a request."""

    name: str
    command: list[str]
    ready: str
    route: str = "/predict"
    dress: Callable[[list[dict[str, Any]]], Any] = list
    """What it is sent of some rows."""
    rates: dict[int, list[float]] = field(default_factory=lambda: {1: [], BATCH: []})
    """Requests per second."""
    slowest: dict[int, list[float]] = field(default_factory=lambda: {1: [], BATCH: []})
    """99th percentile of the seconds of a request."""
    megabytes: float = 0.0
    lost: int = 0
    """Requests without a good answer."""


def name_rows(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as BentoML takes them: by the name of the argument."""
    return {"rows": rows}


def make_tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as the Open Inference Protocol has them: a tensor for each column."""
    inputs = []
    for name in rows[0]:
        cells = [row[name] for row in rows]
        is_number = all(isinstance(cell, int | float | None) for cell in cells)
        tensor: dict[str, Any] = {"name": name, "shape": [len(rows), 1], "datatype": "BYTES"}
        if is_number:
            tensor["datatype"] = "FP64"
            cells = [float("nan") if cell is None else cell for cell in cells]
        else:
            tensor["parameters"] = {"content_type": "str"}
        inputs.append({**tensor, "data": cells})
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def install_peers(project: Path) -> list[Server]:
    """An environment for each peer beside the project, and its own file of code in it."""
    servers = []
    for name, code in PEERS.items():
        environment = project.with_name(name)
        subprocess.run(["uv", "venv", "--quiet", str(environment)], check=True)
        install = ["uv", "pip", "install", "--quiet", "--python", str(environment), name, "jax"]
        subprocess.run([*install, "--editable", "vendor/lockstep"], cwd=project, check=True)
        (project / f"{name}_peer.py").write_text(code, encoding="utf-8")
    (project / "model-settings.json").write_text(
        json.dumps({"name": "champion", "implementation": "mlserver_peer.Champion"}),
        encoding="utf-8",
    )
    path = "PYTHONPATH=src:."
    bentoml = project.with_name("bentoml") / "bin" / "bentoml"
    command = ["env", path, "BENTOML_DO_NOT_TRACK=True", str(bentoml), "serve"]
    command += ["bentoml_peer:Champion", "--host", "127.0.0.1", "--port", "{port}"]
    servers.append(Server("BentoML", command, "/readyz", dress=name_rows))
    mlserver = project.with_name("mlserver") / "bin" / "mlserver"
    ports = ["MLSERVER_HTTP_PORT={port}", f"MLSERVER_GRPC_PORT={find_port()}"]
    ports += [f"MLSERVER_METRICS_PORT={find_port()}", "MLSERVER_PARALLEL_WORKERS=0"]
    ports += ["MLSERVER_HOST=127.0.0.1", "MLSERVER_DEBUG=false"]
    infer = "/v2/models/champion/infer"
    command = ["env", path, *ports, str(mlserver), "start", "."]
    servers.append(Server("MLServer", command, "/v2/health/ready", infer, make_tensors))
    return servers


def train_champion(project: Path, candidate: str) -> None:
    """Make a candidate the champion, of one that stands for itself and the baseline."""
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    lines = f"    baseline: {{}}\n    {CHAMPIONS[candidate]}\n"
    text = re.sub(r"(?<=candidates:\n)(    .*\n)+", lines, text)
    params.write_text(text, encoding="utf-8")
    subprocess.run(["dvc", "repro", "--quiet"], cwd=project, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def running(server: Server, project: Path, port: int) -> Iterator[None]:
    """The server, from its first answer to its end."""
    command = [part.format(port=port) for part in server.command]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=project, stdout=quiet, stderr=quiet)
    try:
        wait(f"http://127.0.0.1:{port}{server.ready}", process)
        yield
        server.megabytes = max(server.megabytes, measure_memory(process.pid))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until the address answers."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{address} does not answer")


def measure_memory(process: int) -> float:
    """Megabytes in memory of a process and all that it has started; shared pages count for each."""
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid=,rss="], check=True, capture_output=True, text=True
    ).stdout
    rows = [[int(cell) for cell in line.split()] for line in listing.splitlines()]
    family = {process}
    while more := {pid for pid, parent, _ in rows if parent in family} - family:
        family |= more
    return sum(size for pid, _, size in rows if pid in family) / 1024


def load(address: str, body: Path, requests: int) -> tuple[float, float, int]:
    """Good answers per second, the 99th percentile of their seconds, and how many were not good."""
    command = ["hey", "-n", str(requests), "-c", str(CLIENTS), "-m", "POST", "-o", "csv"]
    command += ["-T", "application/json", "-D", str(body), address]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    answers = list(csv.DictReader(done.stdout.splitlines()))
    good = [answer for answer in answers if answer["status-code"] == "200"]
    if len(good) < 2:
        raise SystemExit(f"{address}: no good answer")
    times = [float(answer["response-time"]) for answer in good]
    # Each client sends as many, so that a few may remain.
    lost = requests // CLIENTS * CLIENTS - len(good)
    return len(good) / seconds, statistics.quantiles(times, n=100)[98], lost


def find_port() -> int:
    """A port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def compare(
    project: Path, rows: list[dict[str, Any]], peers: list[Server], requests: int, rounds: int
) -> list[Server]:
    """Measure the servers in turn, the peers once more for this champion."""
    bare = ["uvicorn", "--port", "{port}", "--log-level", "error"]
    servers = [
        Server("bare route, def", [*bare, "bare_threads:app"], "/openapi.json"),
        Server("bare route, async def", [*bare, "bare_loop:app"], "/openapi.json"),
        Server("my-project serve", ["my-project", "serve", "--port", "{port}"], "/health/ready"),
        *(replace(peer, rates={1: [], BATCH: []}, slowest={1: [], BATCH: []}) for peer in peers),
    ]
    for _ in range(rounds):
        for server in servers:
            port = find_port()
            with running(server, project, port):
                address = f"http://127.0.0.1:{port}{server.route}"
                for number, least in ((1, requests), (BATCH, max(CLIENTS, requests // 50))):
                    body = project / "body.json"
                    body.write_text(json.dumps(server.dress(rows[:number])), encoding="utf-8")
                    load(address, body, max(CLIENTS, least // 10))
                    rate, slowest, lost = load(address, body, least)
                    server.lost += lost
                    server.rates[number].append(rate)
                    server.slowest[number].append(slowest)
    return servers


def print_table(candidate: str, servers: list[Server], rounds: int) -> None:
    """Ratios are of medians, to the faster bare route."""
    print(f"\n{candidate}, {CLIENTS} clients, {rounds} rounds\n")
    print("| server | rows | answers a second | ratio | p99 ms | ratio | lost | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for rows in (1, BATCH):
        floor = max(servers[:2], key=lambda server: statistics.median(server.rates[rows]))
        rate, slowest = (statistics.median(of[rows]) for of in (floor.rates, floor.slowest))
        for server in servers:
            mine = statistics.median(server.rates[rows])
            late = statistics.median(server.slowest[rows])
            print(
                f"| {server.name} | {rows:,} | {mine:,.0f} | {mine / rate:.2f} "
                f"| {late * 1000:.0f} | {late / slowest:.2f} | {server.lost} "
                f"| {server.megabytes:.0f} |"
            )


def main(rows: int, requests: int, rounds: int, champions: list[str], *, peers: bool) -> None:
    """Print a table for each champion."""
    if shutil.which("hey") is None:
        raise SystemExit("hey is not installed; `apt-get install hey` does it on Debian")
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [])
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        sync = ["uv", "sync", "--quiet", "--extra", "serve"]
        subprocess.run(sync, cwd=project, env=environment, check=True)
        use_table(project, rows)
        for name, keyword in (("bare_threads", "def"), ("bare_loop", "async def")):
            (project / f"{name}.py").write_text(BARE.format(keyword=keyword), encoding="utf-8")
        others = install_peers(project) if peers else []
        for candidate in champions:
            train_champion(project, candidate)
            command = ["python", "-c", WRITE_ROWS, str(BATCH)]
            done = subprocess.run(command, cwd=project, check=True, capture_output=True)
            sent = json.loads(done.stdout)
            print_table(candidate, compare(project, sent, others, requests, rounds), rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=count, default=20_000)
    options.add_argument("--requests", type=count, default=5_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--champions", nargs="+", choices=[*CHAMPIONS], default=[*CHAMPIONS])
    options.add_argument("--peers", action="store_true")
    main(**vars(options.parse_args()))
