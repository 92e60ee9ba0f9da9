"""Work on a Dask cluster: the results are those of one process, whatever becomes of workers."""

import asyncio
import io
import os
import pickle
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import run_stage, write_params
from lockstep.commands import doctor
from lockstep.commands.cli import main
from lockstep.core import (
    batches,
    cluster_client,
    cluster_code,
    cluster_session,
    cluster_traces,
    cluster_versions,
    table,
    unit,
    workers,
)
from lockstep.core.cluster import open_session
from lockstep.core.cluster_call import make_call
from lockstep.core.cluster_client import VARIABLE, ask_workers, connect
from lockstep.core.cluster_code import pack_code
from lockstep.core.cluster_versions import read_own_versions
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.places import FileBytes, read_state
from lockstep.core.project import Project
from lockstep.core.workers import Task, end_workers, run_tasks
from lockstep.modeling import intervals
from lockstep.modeling.intervals import MOST_RESAMPLED
from lockstep.modeling.metrics import find_metric
from lockstep.modeling.model import Model
from lockstep.modeling.outcome import Outcome
from lockstep.reading import images, texts
from lockstep.reporting.measure import predict_all
from PIL import Image
from tasks import describe, die, name_threads, raise_locked, require_process, square

NUMBERS = np.arange(50_000) / 7


def make_tasks(*arguments: object) -> list[Task]:
    return [Task(f"task {number}", 1, (each,)) for number, each in enumerate(arguments)]


@pytest.fixture(scope="module")
def small_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and a worker of two threads, both in this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        dashboard_address=":0",
        local_directory=str(tmp_path_factory.mktemp("worker")),
    ) as small:
        yield small.scheduler_address
        end_workers()


@pytest.fixture
def scheduler(small_cluster: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, small_cluster)
    return small_cluster


@pytest.mark.usefixtures("scheduler")
def test_units_on_a_cluster_give_what_they_give_here_in_the_order_of_the_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    ended = []
    tasks = [Task(str(number), number % 3, (number,)) for number in range(9)]
    results = list(run_tasks(square, (NUMBERS,), tasks, lambda: ended.append(1)))
    assert [result for result, _ in results] == [number**2 for number in range(9)]
    assert os.getpid() not in {process for _, process in results}
    assert len(ended) == 9
    ((digest, is_mapped, is_writeable),) = run_tasks(describe, (NUMBERS,), make_tasks(1))
    assert digest == describe(NUMBERS, None)[0]
    assert (is_mapped, is_writeable) == (True, False)
    assert [*run_tasks(name_threads, (NUMBERS,), make_tasks(1))] == ["1"]


def test_rows_go_to_workers_once_in_a_command_and_again_to_one_that_lost_them(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    sent = []
    scatter = Client.scatter
    monkeypatch.setattr(
        Client, "scatter", lambda *args, **options: sent.append(1) or scatter(*args, **options)
    )

    def count_sent() -> int:
        sent.clear()
        assert [each for each, _ in run_tasks(square, (NUMBERS,), make_tasks(2, 3))] == [4, 9]
        client = connect(scheduler)
        for _ in range(100):  # the scheduler is told of it by the way
            if not any(client.has_what().values()):
                break
            time.sleep(0.05)
        else:
            pytest.fail("rows stay in the memory of workers")
        client.close()
        return len(sent)

    end_workers()
    assert [count_sent() for _ in range(2)] == [1, 0]
    with open_session() as session:
        (worker,) = session.client.scheduler_info()["workers"].values()
    for file in Path(worker["local_directory"]).glob("lockstep-*"):
        if file.is_file():
            file.unlink()
    assert [count_sent() for _ in range(2)] == [1, 0]


@pytest.mark.usefixtures("scheduler")
def test_an_error_of_a_unit_is_raised_and_a_process_that_dies_costs_its_own_unit_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TypeError) as error:
        list(run_tasks(square, (NUMBERS,), make_tasks("two")))
    assert "in square" in error.value.__notes__[0]
    tasks = [Task("mlp, fold 3", 1, (tmp_path / "no" / "mark",)), Task("harmless", 0, (tmp_path,))]
    died, well = run_tasks(die, (NUMBERS,), tasks)
    assert well == "well"
    assert str(died).startswith("mlp, fold 3: the process that worked on it ended with status -9")
    assert capsys.readouterr().err == "a process died of mlp, fold 3; tried again now\n"


@pytest.mark.usefixtures("scheduler")
def test_batches_on_a_cluster_come_in_their_order_and_a_few_are_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "START_SECONDS", 0)
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(cluster_session, "MOST_AHEAD", 3)
    taken, given = [], []

    def take() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    connections = []
    connect = cluster_session.connect
    monkeypatch.setattr(
        cluster_session, "connect", lambda *args: connections.append(1) or connect(*args)
    )
    for result, process in batches.map_ahead(square, (NUMBERS,), take()):
        given.append(result)
        assert len(taken) <= len(given) + 3
        assert (process == os.getpid()) == (len(given) == 1)
    assert given == [number**2 for number in range(9)]
    assert len(connections) == 1


@pytest.mark.usefixtures("scheduler")
def test_a_batch_that_fails_there_is_done_here_and_one_of_which_processes_die_is_told(
    tmp_path: Path,
) -> None:
    tasks = make_tasks(os.getpid(), os.getpid())
    with open_session() as session:
        assert [*session.map(require_process, (NUMBERS,), iter(tasks))] == ["here"] * 2
    with (
        pytest.raises(UserError, match="task 0: the process that worked on it ended with"),
        open_session() as session,
    ):
        list(session.map(die, (NUMBERS,), iter(make_tasks(tmp_path / "no" / "mark"))))


@pytest.mark.usefixtures("scheduler")
def test_an_error_that_cannot_travel_is_told_in_its_words() -> None:
    with pytest.raises(RuntimeError, match=r"^LockedError: held\n") as error:
        list(run_tasks(raise_locked, (NUMBERS,), make_tasks(1)))
    assert "in raise_locked" in error.value.__notes__[0]


@pytest.mark.usefixtures("scheduler")
def test_a_command_ends_no_units_of_another_with_the_same_code_and_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_traces, "_traces", {})
    ((_, process),) = run_tasks(square, (NUMBERS,), make_tasks(1))
    with monkeypatch.context() as other:
        other.setattr(cluster_traces, "_traces", {})
        other.setattr(cluster_traces, "_CLIENT", b"of another")
        ((_, their_process),) = run_tasks(square, (NUMBERS,), make_tasks(1))
        end_workers()
    assert not psutil.pid_exists(their_process)
    assert psutil.pid_exists(process)
    end_workers()
    assert not psutil.pid_exists(process)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names what goes to a cluster at once: a stand-in, where all is pickled as on its way."""
    names: list[str] = []

    class StubSession:
        def pickle(self, _: object) -> bytes:
            return bytes(1000)

        def map(
            self, function: Callable[..., Any], shared: tuple[Any, ...], tasks: Iterator[Task]
        ) -> Iterator[Any]:
            buffer = io.BytesIO()
            joblib.dump(shared, buffer)
            for task in tasks:
                names.append(function.__name__)
                there = pickle.loads(cloudpickle.dumps((function, task.arguments)))
                result = there[0](*joblib.load(io.BytesIO(buffer.getvalue())), *there[1])
                yield pickle.loads(cloudpickle.dumps(result))

    monkeypatch.setenv(VARIABLE, "tcp://127.0.0.1:9")
    monkeypatch.setattr(batches, "open_session", lambda: nullcontext(StubSession()))
    monkeypatch.setattr(batches, "START_SECONDS", 0)
    return names


@pytest.mark.parametrize("threads", [0, 3])
def test_batches_go_to_a_cluster_from_when_on_it_is_worth_the_way(
    threads: int, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [number**2 for number in range(9)]

    def count() -> int:
        elsewhere.clear()
        results = batches.map_ahead(square, (NUMBERS,), range(9), threads)
        assert [number for number, _ in results] == numbers
        return len(elsewhere)

    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    assert count() >= 9 - max(1, threads)
    monkeypatch.setattr(batches, "START_SECONDS", 100)
    assert count() == 0  # too little work
    monkeypatch.setattr(batches, "START_SECONDS", 0)
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", 1)
    assert count() == 0  # more way than work


def test_rows_are_ingested_and_cleaned_elsewhere_as_here(
    project: Project, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(texts, "BLOCK", 100)
    monkeypatch.setattr(table, "ROWS_IN_GROUP", 16)
    write_params(project, data={"raw": "data/raw/fruit.csv", "max_rejected": 0.1})
    lines = (project.raw / "fruit.csv").read_text(encoding="utf-8").splitlines()
    lines[40] += "?"
    (project.raw / "fruit.csv").write_text("\n".join(lines), encoding="utf-8")
    outputs = []
    for address in ("", "tcp://127.0.0.1:9"):
        monkeypatch.setenv(VARIABLE, address)
        run_stage("ingest")
        run_stage("preprocess")
        folders = (project.dataset.parent, project.train.parent, project.reports)
        outputs.append({file: file.read_bytes() for each in folders for file in each.iterdir()})
        assert bool(elsewhere) == bool(address)
    assert outputs[1] == outputs[0]
    assert {*elsewhere} == {"type_piece", "_map_group"}


def test_images_are_decoded_elsewhere_as_here(
    tmp_path: Path, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(images, "BYTES_AT_ONCE", 1)
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(draw_ramp(2 + number % 2))
    (tmp_path / "1.png").write_bytes(b"no picture")
    answer = {"type": "categorical", "categories": ["no", "yes"], "meaning": "the answer"}
    facts = {"title": "Pictures", "source": "this test", "licence": "none", "target": "answer"}
    shape = {"width": 2, "height": 1}
    contract = Contract.model_validate(facts | {"images": shape, "columns": {"answer": answer}})
    there, their_breaches = images.read_images(tmp_path, "a", contract, resize=False)
    assert len(elsewhere) == 3
    monkeypatch.setenv(VARIABLE, "")
    here, breaches = images.read_images(tmp_path, "a", contract, resize=False)
    assert here["image"].notna().tolist() == [True, False, True, False]
    pd.testing.assert_frame_equal(there, here)
    pd.testing.assert_frame_equal(their_breaches, breaches)


def draw_ramp(width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(width, dtype="uint8")[np.newaxis]).save(file, format="PNG")
    return file.getvalue()


def test_a_broken_row_is_told_by_its_number_wherever_it_is_parsed(
    project: Project, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(texts, "BLOCK", 100)
    with (project.raw / "fruit.csv").open("a", encoding="utf-8") as file:
        file.write("1,2\n")
    with pytest.raises(UserError, match="Row #62: Expected 4 columns, got 2"):
        run_stage("ingest")
    assert elsewhere


def test_test_rows_are_predicted_elsewhere_as_here(
    project: Project, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(table, "ROWS_IN_GROUP", 4)
    candidates = {"baseline": {}, "linear": {}}
    write_params(project, train={"folds": 2, "candidates": candidates})
    monkeypatch.setenv(VARIABLE, "")
    for stage in ("ingest", "preprocess", "train"):
        run_stage(stage)
    models = Model.load(project.champion), Model.load(project.baseline)
    rows, outcomes = predict_all(project.table(project.test), *models)
    assert not elsewhere
    monkeypatch.setenv(VARIABLE, "tcp://127.0.0.1:9")
    their_rows, their_outcomes = predict_all(project.table(project.test), *models)
    assert elsewhere
    pd.testing.assert_frame_equal(their_rows, rows)
    for theirs, ours in zip(their_outcomes, outcomes, strict=True):
        assert pickle.dumps(asdict(theirs)) == pickle.dumps(asdict(ours))


@pytest.mark.parametrize("rows", [3000, MOST_RESAMPLED + 1])
def test_resamples_are_measured_elsewhere_as_here(
    rows: int, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_SECOND", inf)
    monkeypatch.setattr(intervals, "CELLS_AT_ONCE", 2 * rows)
    predicted = np.linspace(0, 1, rows)
    outcome = Outcome(np.sin(NUMBERS[:rows]), predicted)
    metrics = (find_metric("regression", "mae", "metric"),)
    there = intervals.bootstrap(metrics, outcome, 10, 1)
    assert elsewhere
    monkeypatch.setenv(VARIABLE, "")
    assert (there == intervals.bootstrap(metrics, outcome, 10, 1)).all()


@pytest.mark.usefixtures("scheduler")
def test_workers_of_other_versions_are_told_by_package_and_get_no_unit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end_workers()
    ours = read_own_versions()
    monkeypatch.setattr(cluster_versions, "read_own_versions", lambda: ours | {"numpy": "1.0"})
    with pytest.raises(UserError) as error:
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))
    assert f"numpy {ours['numpy']}, not 1.0; give them the versions of uv.lock" in str(error.value)


@pytest.mark.usefixtures("scheduler")
def test_a_worker_that_cannot_load_our_code_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise TypeError("code() expects another Python")

    monkeypatch.setattr(cluster_session, "make_call", lambda _: fail)
    with pytest.raises(UserError, match="a worker cannot begin task 0: TypeError: code"):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


@pytest.mark.usefixtures("scheduler")
def test_a_worker_that_joins_later_is_held_against_ours_before_its_first_unit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end_workers()
    monkeypatch.setattr(cluster_session, "require_same_versions", lambda _: None)
    ours = read_own_versions()
    others = ours | {"python": "2.7", "numpy": "1.0"}
    monkeypatch.setattr(cluster_code, "read_own_versions", lambda: others)
    told = f"joined: python {ours['python']}, not 2.7, numpy {ours['numpy']}, not 1.0; give"
    with pytest.raises(UserError, match=told):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


def test_a_worker_that_does_not_answer_is_not_waited_for(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_client, "ANSWER_SECONDS", 0.5)
    client = connect(scheduler)
    assert [*ask_workers(client, os.getpid).values()] == [os.getpid()]
    assert [*ask_workers(client, asyncio.sleep, 20, "late").values()] == [None]
    client.close()


@pytest.mark.usefixtures("scheduler")
def test_a_file_is_named_by_its_place_only_where_all_workers_say_that_they_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(bytes(9999))
    content = FileBytes.of(path.read_bytes(), path, read_state(path), 0)
    for answers in ({}, {"tcp://a": True, "tcp://b": None}):
        with open_session() as session, monkeypatch.context() as patch:
            patch.setattr(cluster_session, "ask_workers", lambda *_, answers=answers: answers)
            assert len(session.pickle(content)) > len(content)
    with open_session() as session:
        assert len(session.pickle(content)) < 999


def test_what_is_asked_of_workers_travels_as_text_which_every_python_loads() -> None:
    class Loader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            assert (module, name) == ("builtins", "eval")
            return eval

    asked = make_call("read_versions")
    for _ in range(2):  # the scheduler passes on what it has loaded
        asked = Loader(io.BytesIO(pickle.dumps(asked))).load()
    assert asked(["numpy", "no-such"]) == unit.read_versions(["numpy", "no-such"])


def test_the_doctor_tells_of_a_cluster_what_there_is_to_tell(
    project: Project, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    finding = doctor.check_cluster(project)
    assert finding.state == "ok"
    assert re.fullmatch(
        rf"{scheduler} answers in \d+ ms; workers: 1, of the same versions, with 2 threads",
        finding.message,
    )
    with monkeypatch.context() as patch:
        patch.setattr(doctor, "require_same_versions", lambda _: [])
        assert "0 of 1 workers answer; restart" in doctor.check_cluster(project).message
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp", dashboard_address=":0"
    ) as empty:
        monkeypatch.setenv(VARIABLE, empty.scheduler_address)
        finding = doctor.check_cluster(project)
    assert finding.state == "wrong"
    assert "has no workers; `dask worker tcp://" in finding.message
    monkeypatch.delenv(VARIABLE)
    assert doctor.check_cluster(project).message.startswith("none is named")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:9", "Timed out"),
        ("tls://127.0.0.1:9", "TLS expects .* check your TLS configuration"),
        ("nowhere", "missing port number"),
    ],
)
def test_an_address_where_nobody_answers_is_told_in_a_line(
    address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_client, "CONNECT_SECONDS", 0.2)
    monkeypatch.setenv(VARIABLE, address)
    told = rf"^LOCKSTEP_SCHEDULER: '{address}' in the environment: no .* there \({reason}.*\); an "
    with pytest.raises(UserError, match=told):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


def test_what_to_install_for_a_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv(VARIABLE, "tcp://127.0.0.1:9")
    with pytest.raises(UserError, match="Dask is not installed; `uv sync --extra cluster`"):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


def test_workers_that_differ_in_the_same_way_are_told_once() -> None:
    differences = {"tcp://b": ["numpy 1, not 2"], "tcp://a": ["numpy 1, not 2"]}
    text = cluster_versions.tell_differences(differences | {"tcp://c": ["keras none, not 3"]})
    assert "tcp://a and 1 more: numpy 1, not 2; tcp://c: keras none, not 3; give" in text


def test_a_process_whose_answer_is_not_taken_in_gets_no_further_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_part(_: object) -> bytes:
        raise MemoryError

    (tmp_path / unit.MANIFEST).write_text("{}", encoding="utf-8")
    process = object.__new__(unit._Process)
    program = [sys.executable, "-c", "while True: input()"]
    process.popen = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    monkeypatch.setitem(unit._idle, "code", [process])
    monkeypatch.setitem(unit._refusals, "code", [])
    monkeypatch.setattr(unit, "_folders", [])
    monkeypatch.setattr(unit, "_keep", lambda *_: tmp_path)
    monkeypatch.setattr(unit, "read_part", read_part)
    worker = SimpleNamespace(local_directory=str(tmp_path))
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    with pytest.raises(MemoryError):
        unit.do("code", b"code", "rows", b"rows", b"\n")
    assert process.has_ended
    assert not unit._idle["code"]


def test_a_command_ends_what_it_has_on_a_cluster(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []
    monkeypatch.setattr(workers, "end_units", lambda: ended.append(1))
    assert main(["predict", str(project.raw / "fruit.csv")]) == 1  # there is no model yet
    assert ended


def test_code_is_packed_once_until_it_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cluster_code, "LIBRARY", "edited")
    (tmp_path / "edited.py").write_text("NUMBER = 1\n", encoding="utf-8")
    first = pack_code("edited")
    assert pack_code("edited") is first
    (tmp_path / "edited.py").write_text("NUMBER = 22\n", encoding="utf-8")
    second = pack_code("edited")
    with zipfile.ZipFile(io.BytesIO(second)) as archive:
        assert archive.read("edited.py") == b"NUMBER = 22\n"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    assert pack_code("edited") != second
