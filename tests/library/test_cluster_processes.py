"""Work on a Dask cluster of real processes: the same bytes, whatever becomes of its workers.

What computes here to compare has no cluster in its own process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from math import inf
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import make_fruit, run_stage, run_stages, write_params
from lockstep.commands.predict import predict_with_champion
from lockstep.core import batches, cluster_client, table, unit
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.core.workers import VARIABLE, Task, end_workers, run_tasks
from lockstep.modeling import intervals
from lockstep.monitoring.monitor import monitor
from lockstep.reading import texts
from lockstep.searching.tune import tune
from owner import models  # noqa: F401 - it registers the candidates
from tasks import kill_worker, linger, square

pytestmark = pytest.mark.matrix
BUSY_SECONDS = 120
"""Until which a worker has begun a unit."""
NUMBERS = np.arange(50_000) / 7
CANDIDATES = {
    "baseline": {},
    "forest": {"trees": 5},
    "linear": {},
    "mlp": {"max_epochs": 3, "dropout": 0.2},
    "svm": {},
}


def make_tasks(*arguments: object) -> list[Task]:
    return [Task(f"task {number}", 1, (each,)) for number, each in enumerate(arguments)]


class RealCluster:
    """A scheduler and workers in processes of their own, as a person starts them elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[psutil.Popen] = []
        self.happening: Future[None] | None = None
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(file))
        while not file.exists():
            time.sleep(0.05)
        self.address = json.loads(file.read_text(encoding="utf-8"))["address"]

    def add(self, *options: str) -> psutil.Popen:
        place = self.folder / f"worker_{len(self.workers)}"
        options = (*(options or ["--no-nanny"]), "--nthreads", "1", "--local-directory", str(place))
        self.workers.append(self._start("worker", self.address, *options))
        return self.workers[-1]

    def _start(self, name: str, *arguments: str) -> psutil.Popen:
        # Neither the library nor the owner's code is there, and the environment is another one.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return psutil.Popen(
            [
                *(sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments),
                *("--host", "127.0.0.1", "--no-dashboard"),
            ],
            cwd=self.folder,
            env=environment | {"OMP_NUM_THREADS": "3", "XLA_FLAGS": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def expect(self, count: int, happen: Callable[[RealCluster], None] | None) -> None:
        """Have so many workers, to one of which something happens once it is busy."""
        for _ in range(count - 1):
            self.add()
        if happen:
            self.happening = ThreadPoolExecutor(1).submit(self._act_once_busy, happen)

    def _act_once_busy(self, happen: Callable[[RealCluster], None]) -> None:
        end = time.monotonic() + BUSY_SECONDS
        while not self.workers[0].children():  # where a unit is done
            assert time.monotonic() < end, "no worker became busy"
            time.sleep(0.05)
        happen(self)

    def close(self) -> None:
        end_workers()
        if self.happening:
            wait([self.happening])
        for process in (*self.workers, self.scheduler):
            if process.is_running():
                process.resume()
                process.kill()
            process.wait()


@pytest.fixture
def real_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealCluster]:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    started = RealCluster(folder)
    try:
        started.add()
        monkeypatch.setenv(VARIABLE, "1")
        yield started
    finally:
        started.close()


def kill_and_replace(real: RealCluster) -> None:
    """Kill a worker that has units, so that data may be lost with it, and let others join."""
    real.workers[0].kill()
    real.add()
    real.add()


def slow_down(real: RealCluster) -> None:
    real.workers[0].suspend()
    time.sleep(4)
    real.workers[0].resume()


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(
    ("count", "happen"),
    [(1, None), (2, None), (4, None), (1, kill_and_replace), (2, kill_and_replace), (2, slow_down)],
)
def test_outputs_are_the_same_bytes_on_a_cluster_whatever_becomes_of_its_workers(
    count: int,
    happen: Callable[[RealCluster], None] | None,
    project: Project,
    real_cluster: RealCluster,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {"folds": 3, "training_sizes": [0.5, 1.0]}
    write_params(project, train=settings | {"candidates": CANDIDATES})
    run_stage("ingest")
    run_stage("preprocess")
    capsys.readouterr()
    outputs = []
    for address in ("", real_cluster.address):
        monkeypatch.setenv(cluster_client.VARIABLE, address)
        if address:
            real_cluster.expect(count, happen)
        run_stage("train")
        files = [*project.champion.iterdir(), *project.reports.iterdir()]
        outputs.append({file.name: file.read_bytes() for file in files})
        outputs[-1]["printed"] = capsys.readouterr().out
    assert outputs[1] == outputs[0]
    if real_cluster.happening:
        real_cluster.happening.result()


@pytest.mark.usefixtures("importable")
def test_a_unit_that_kills_each_worker_that_has_it_is_given_up(
    real_cluster: RealCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cluster_client.VARIABLE, real_cluster.address)
    real_cluster.workers[0].kill()
    real_cluster.add("--nanny")  # which starts another worker whenever one has died
    (answer,) = run_tasks(kill_worker, (NUMBERS,), make_tasks(1))
    assert isinstance(answer, UserError)
    assert str(answer).startswith("task 0: workers died, one after the other")


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(
    ("count", "happen"), [(1, None), (2, kill_and_replace), (2, slow_down), (4, None)]
)
def test_batches_give_the_same_bytes_on_a_cluster_whatever_becomes_of_its_workers(
    count: int,
    happen: Callable[[RealCluster], None] | None,
    project: Project,
    real_cluster: RealCluster,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(batches, "START_SECONDS", 0)
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(texts, "BLOCK", 3000)
    monkeypatch.setattr(table, "ROWS_IN_GROUP", 100)
    monkeypatch.setattr(intervals, "CELLS_AT_ONCE", 1000)
    candidates = {"baseline": {}, "mlp": {"max_epochs": 2}}
    write_params(project, train={"folds": 2, "candidates": candidates})
    new_rows = project.raw / "fruit.csv"
    make_fruit(1000).to_csv(new_rows, index=False)
    run_stages()
    capsys.readouterr()
    outputs = []
    for address in ("", real_cluster.address):
        monkeypatch.setenv(cluster_client.VARIABLE, address)
        if address:
            real_cluster.expect(count, happen)
        run_stage("ingest")
        run_stage("preprocess")
        run_stage("evaluate")
        predict_with_champion(new_rows, project.root / "predictions.csv")
        monitor([str(new_rows)], None, None, None)
        folders = (project.dataset.parent, project.train.parent, project.reports)
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        outputs.append({file: file.read_bytes() for file in files})
        outputs[-1]["predictions"] = (project.root / "predictions.csv").read_bytes()
        outputs[-1]["printed"] = capsys.readouterr().out
    assert outputs[1] == outputs[0]
    if real_cluster.happening:
        real_cluster.happening.result()


@pytest.mark.usefixtures("importable")
def test_a_search_finds_the_same_on_a_cluster(
    project: Project,
    real_cluster: RealCluster,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real_cluster.expect(2, None)
    write_params(
        project,
        train={"folds": 2, "candidates": {"baseline": {}, "linear": {}}},
        search={"trials": 10, "space": {"linear": {"alpha": {"low": 0.001, "high": 100.0}}}},
    )
    settings = project.params_file.read_bytes()
    run_stage("ingest")
    run_stage("preprocess")
    capsys.readouterr()
    outputs = []
    for address in ("", real_cluster.address):
        monkeypatch.setenv(cluster_client.VARIABLE, address)
        project.params_file.write_bytes(settings)
        tune([], None, dry_run=False)
        files = [project.params_file, *project.reports.iterdir(), *project.search.iterdir()]
        outputs.append({file: file.read_bytes() for file in files if file.is_file()})
        outputs[-1]["printed"] = capsys.readouterr().out
    assert outputs[1] == outputs[0]


def test_nothing_of_ours_stays_on_workers(
    real_cluster: RealCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cluster_client.VARIABLE, real_cluster.address)
    list(run_tasks(square, (NUMBERS,), make_tasks(1, 2)))
    (worker,) = real_cluster.workers
    assert worker.children()
    assert [*real_cluster.folder.rglob("lockstep-*")]
    end_workers()
    while worker.children():
        time.sleep(0.05)
    assert not [*real_cluster.folder.rglob("lockstep-*")]


def test_a_scheduler_that_goes_away_is_told(
    real_cluster: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cluster_client.VARIABLE, real_cluster.address)
    results = run_tasks(linger, (NUMBERS,), make_tasks("at once", tmp_path))
    threading.Timer(8, real_cluster.scheduler.kill).start()
    with pytest.raises(UserError, match=r"scheduler at tcp://.* has gone"):
        list(results)


@pytest.mark.usefixtures("importable")
def test_a_process_that_nobody_asks_ends_by_itself() -> None:
    code = "from lockstep.core import unit_process as it; it.IDLE_SECONDS = 0.1; it.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.wait() == unit.IDLE_STATUS
