"""Work in several processes: the same results, and nothing that outlasts its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from errno import ENOSPC
from pathlib import Path
from types import ModuleType

import made_up_series
import numpy as np
import psutil
import pytest
from conftest import POOL, make_params, run_stage, write_params
from joblib.externals.loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError
from lockstep.core import workers
from lockstep.core.errors import UserError
from lockstep.core.examples import frame_contract
from lockstep.core.project import Project
from lockstep.core.workers import Task, count_workers, end_workers, run_tasks
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.cost import estimate_cost
from lockstep.modeling.problem import Problem, make_problem
from owner import models  # noqa: F401 - it registers the candidates
from sklearn.pipeline import make_pipeline
from tasks import describe, die, linger, meet, name_threads, square

NUMBERS = np.arange(50_000) / 7
ESTIMATORS = {"baseline": {}, "linear": {}, "svm": {}, "forest": {"trees": 5}}
NETWORKS = {"mlp": {"max_epochs": 3, "dropout": 0.2}, "wide_and_deep": {"max_epochs": 2}}


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    end_workers()


@pytest.fixture
def any_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers for whatever work, of which two are wanted."""
    monkeypatch.setattr(workers, "WORTHWHILE", 0)
    monkeypatch.setenv(workers.VARIABLE, "2")


def make_tasks(*arguments: object) -> list[Task]:
    return [Task(f"task {number}", 1, (each,)) for number, each in enumerate(arguments)]


@pytest.mark.usefixtures("any_cost")
def test_results_come_in_the_order_of_the_tasks() -> None:
    tasks = [Task(str(number), number % 3, (number,)) for number in range(20)]
    ended = []
    results = list(run_tasks(square, (NUMBERS,), tasks, lambda: ended.append(1)))
    assert [result for result, _ in results] == [number**2 for number in range(20)]
    assert os.getpid() not in {process for _, process in results}
    assert len(ended) == 20


@pytest.mark.usefixtures("any_cost")
def test_tasks_run_at_the_same_time(tmp_path: Path) -> None:
    assert all(run_tasks(meet, (NUMBERS,), make_tasks(tmp_path, tmp_path)))


@pytest.mark.usefixtures("any_cost")
def test_workers_are_kept_for_more_work_on_the_same_rows() -> None:
    pools = []
    for shared in (NUMBERS, NUMBERS, NUMBERS + 1):
        list(run_tasks(square, (shared,), make_tasks(1, 2)))
        pools.append(workers._pool)
    assert pools[0] is pools[1] is not pools[2]


@pytest.mark.usefixtures("any_cost")
def test_the_most_expensive_task_is_begun_first(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    usual = workers._Pool.submit
    monkeypatch.setattr(
        workers._Pool, "submit", lambda *args: begun.append(args[3].cost) or usual(*args)
    )
    list(run_tasks(square, (NUMBERS,), [Task("", cost, (1,)) for cost in (1, 9, 3)]))
    assert begun == [9, 3, 1]


@pytest.mark.usefixtures("any_cost")
def test_workers_map_what_they_share_and_may_not_write_to_it() -> None:
    for digest, is_mapped, is_writeable in run_tasks(describe, (NUMBERS,), make_tasks(1, 2, 3)):
        assert digest == describe(NUMBERS, None)[0]
        assert is_mapped
        assert not is_writeable


@pytest.mark.usefixtures("any_cost")
def test_a_worker_has_one_thread_also_where_all_others_have_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert {*run_tasks(name_threads, (NUMBERS,), make_tasks(1, 2))} == {"1"}


@pytest.mark.usefixtures("any_cost")
def test_workers_start_while_interrupts_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual, handlers, former = ProcessPoolExecutor.submit, [], signal.getsignal(signal.SIGINT)

    def submit(*arguments: object) -> object:
        handlers.append(signal.getsignal(signal.SIGINT))
        return usual(*arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    list(run_tasks(square, (NUMBERS,), make_tasks(1, 2)))
    assert handlers == [signal.SIG_IGN] * 2
    assert signal.getsignal(signal.SIGINT) is former


def test_little_work_is_done_in_this_process_unless_much_is_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(workers.VARIABLE, "2")
    tasks = make_tasks(1, 2)
    assert {process for _, process in run_tasks(square, (NUMBERS,), tasks)} == {os.getpid()}
    results = run_tasks(square, (NUMBERS,), tasks, cost=workers.WORTHWHILE)
    assert os.getpid() not in {process for _, process in results}


@pytest.mark.usefixtures("any_cost")
def test_one_worker_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.VARIABLE, "1")
    results = run_tasks(square, (NUMBERS,), make_tasks(1, 2))
    assert {process for _, process in results} == {os.getpid()}


def test_the_workers_are_as_many_as_the_cores_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 5)
    assert count_workers() == 5
    monkeypatch.setenv(workers.VARIABLE, "3")
    assert count_workers() == 3


def test_one_process_has_the_gpu_unless_more_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 5)
    assert count_workers() == 5
    monkeypatch.setattr(workers, "is_on_cpu", lambda: False)
    assert count_workers() == 1
    monkeypatch.setenv(workers.VARIABLE, "2")
    assert count_workers() == 2


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers_that_is_none_is_told(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(workers.VARIABLE, text)
    with pytest.raises(UserError, match=f"LOCKSTEP_WORKERS: '{text}' in the environment; a number"):
        count_workers()


def test_memory_bounds_the_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workers, "_free_bytes", lambda: 4 * 2**30)
    assert workers._count_fitting(8, 2**30 // 6) == 2
    assert capsys.readouterr().err == (
        "memory is short: 2 of 8 workers, each of which may take 1.8 GiB\n"
    )
    assert workers._count_fitting(8, 2**40) == 1


def test_the_memory_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CGROUP", tmp_path)
    machine = workers._free_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 2000\ninactive_file 700\nactive_file 300\n")
    assert workers._free_bytes() == pytest.approx(machine, rel=0.5)
    (tmp_path / "memory.max").write_text("5000\n")
    assert workers._free_bytes() == 2700


@pytest.mark.usefixtures("any_cost")
def test_a_task_that_fails_ends_the_workers_and_is_raised() -> None:
    with pytest.raises(TypeError):
        list(run_tasks(square, (NUMBERS,), make_tasks(1, "two", 3)))
    assert workers._pool is None


@pytest.mark.usefixtures("any_cost")
def test_work_that_nobody_waits_for_any_more_ends_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks = [*make_tasks("at once"), *(Task("", 0, (tmp_path,)) for _ in range(30))]
    results = run_tasks(linger, (NUMBERS,), tasks)
    next(results)
    wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
    children = [psutil.Process(int(file.name)) for file in tmp_path.iterdir()]
    results.close()
    assert not psutil.wait_procs(children)[1]
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("any_cost")
def test_what_a_worker_cannot_import_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    here_only = ModuleType("here_only")
    monkeypatch.setitem(sys.modules, "here_only", here_only)
    exec("class Thing: pass", vars(here_only))
    with pytest.raises(UserError) as error:
        list(run_tasks(square, (NUMBERS,), make_tasks(here_only.Thing(), here_only.Thing())))
    assert str(error.value) == (
        "task 0: a worker cannot take in what it needs: ModuleNotFoundError: No module named "
        "'here_only'; with LOCKSTEP_WORKERS=1 there is none"
    )


@pytest.mark.usefixtures("any_cost")
def test_after_a_worker_has_died_its_task_is_tried_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = make_tasks(tmp_path / "mark")
    tasks += [Task("harmless", 0, (tmp_path,))] * 3
    ended = []
    assert list(run_tasks(die, (NUMBERS,), tasks, lambda: ended.append(1))) == ["well"] * 4
    assert len(ended) == 4
    assert capsys.readouterr().err == "a worker died of task 0; tried alone now\n"


@pytest.mark.usefixtures("any_cost")
def test_a_task_of_which_workers_die_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    tasks = [Task("harmless", 0, (tmp_path,))] * 3
    tasks.insert(1, Task("mlp, fold 3", 1, (tmp_path / "no" / "mark",)))
    first, error, *others = run_tasks(die, (NUMBERS,), tasks)
    assert [first, *others] == ["well"] * 3
    assert str(error).startswith("mlp, fold 3: the process that worked on it died")
    assert list(run_tasks(die, (NUMBERS,), tasks[2:])) == ["well"] * 2


@pytest.mark.usefixtures("any_cost")
@pytest.mark.parametrize("place", [1, 3])
def test_a_worker_that_dies_before_all_is_given_to_it_costs_no_result(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = iter(range(1, 99))
    usual = workers._Pool.submit

    def submit(*arguments: object) -> object:
        if next(places) == place:
            raise TerminatedWorkerError
        return usual(*arguments)

    monkeypatch.setattr(workers._Pool, "submit", submit)
    results = run_tasks(square, (NUMBERS,), make_tasks(*range(5)))
    assert [result for result, _ in results] == [0, 1, 4, 9, 16]


@pytest.mark.usefixtures("any_cost")
def test_a_full_disk_under_what_workers_share_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("joblib.dump", fill)
    with pytest.raises(UserError, match=r"what workers share cannot be written: No space left on"):
        list(run_tasks(square, (NUMBERS,), make_tasks(1, 2)))
    assert [*tmp_path.iterdir()] == []
    assert signal.getsignal(signal.SIGTERM) is handler


WAIT = """
import signal, sys
from pathlib import Path
from lockstep.core import workers
from lockstep.core.errors import exit_status
from tasks import linger
workers.WORTHWHILE = 0
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
tasks = [workers.Task("", 1, (Path(sys.argv[1]),)) for _ in range(20)]
sys.exit(exit_status(lambda: list(workers.run_tasks(linger, (1,), tasks))))
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.05)


@pytest.mark.usefixtures("importable")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("signal_number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
)
def test_no_worker_outlasts_the_process_that_started_it(
    signal_number: int,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(workers.VARIABLE, "2")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "processes"
    folder.mkdir()
    command = [sys.executable, "-c", WAIT, str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: process.poll() is not None or len([*folder.iterdir()]) == 2)
        children = [psutil.Process(int(file.name)) for file in folder.iterdir()]
        assert len(children) == 2
        process.send_signal(signal_number)
        psutil.wait_procs(children)
        errors = process.stderr.read()
    assert process.returncode == status
    assert "Traceback" not in errors
    wait_until(lambda: not [*tmp_path.glob("lockstep-*")])


@pytest.mark.usefixtures("importable", "any_cost")
@pytest.mark.parametrize(
    ("candidates", "counts"),
    [
        ({"forest": {"trees": 5}}, ["1", "2"]),
        pytest.param(ESTIMATORS, ["1", "2", "4", "8"], marks=pytest.mark.matrix),
        pytest.param(NETWORKS, ["1", "2", "4", "8"], marks=pytest.mark.matrix),
    ],
)
def test_outputs_are_the_same_bytes_for_any_number_of_workers(
    candidates: dict,
    counts: list[str],
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {"folds": 3, "training_sizes": [0.5, 1.0]}
    write_params(project, train=settings | {"candidates": {"baseline": {}} | candidates})
    run_stage("ingest")
    run_stage("preprocess")
    capsys.readouterr()
    outputs = {}
    for count in counts:
        monkeypatch.setenv(workers.VARIABLE, count)
        run_stage("train")
        end_workers()
        files = [*project.champion.iterdir(), *project.reports.iterdir()]
        outputs[count] = {file.name: file.read_bytes() for file in files}, capsys.readouterr().out
    for count in counts:
        assert outputs[count] == outputs["1"]


def test_what_costs_more_is_known_to(project: Project) -> None:
    problem, contract = Problem("classification", 0), project.contract

    def cost(name: str, rows: int = 1000, **options: object) -> float:
        return estimate_cost(make_pipeline(make_candidate(name, options, problem)), contract, rows)

    names = {name: cost(name) for name in POOL if name != "cnn"}
    assert min(names, key=names.__getitem__) == "baseline"
    assert all(cost(name, 10_000) > names[name] for name in names)
    assert cost("forest", trees=200) > 1.5 * cost("forest", trees=100)
    assert cost("mlp", max_epochs=10) < cost("mlp", max_epochs=100)
    assert cost("svm", 20_000) > 3 * cost("svm", 10_000)
    # A table such as iris is done before workers would have started.
    small = {name: cost(name, 100) for name in names}
    assert sum(5 * seconds for seconds in small.values()) < workers.WORTHWHILE
    assert 20 * max(small.values()) < workers.WORTHWHILE


@pytest.mark.parametrize("name", ["boosting", "forest", "autoregression", "tcn"])
def test_what_costs_more_of_a_forecast_is_a_longer_window_of_more_columns(name: str) -> None:
    def cost(**changes: object) -> float:
        contract = frame_contract(made_up_series.make_contract(**changes))
        problem = make_problem(make_params(kind="forecasting"), contract)
        pipeline = make_pipeline(make_candidate(name, {}, problem))
        return estimate_cost(pipeline, contract, 10_000)

    columns = {name: made_up_series.CONTRACT["columns"][name] for name in ("shop", "day", "sales")}
    assert cost(window=168) > 3 * cost()
    assert cost() > 1.5 * cost(columns=columns)
