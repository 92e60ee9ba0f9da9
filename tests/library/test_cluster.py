"""Work on a Dask cluster: the results are those of one process, whatever becomes of workers."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from lockstep.core import cluster
from lockstep.core.errors import UserError
from lockstep.core.workers import Task, end_workers, run_tasks
from tasks import describe, die, name_threads, square

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
    monkeypatch.setenv(cluster.VARIABLE, small_cluster)
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
def test_workers_of_other_versions_are_told_by_package_and_get_no_unit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end_workers()
    ours = cluster.read_own_versions()
    monkeypatch.setattr(cluster, "read_own_versions", lambda: ours | {"numpy": "1.0"})
    with pytest.raises(UserError) as error:
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))
    assert f"numpy {ours['numpy']}, not 1.0; give them the versions of uv.lock" in str(error.value)


@pytest.mark.usefixtures("scheduler")
def test_a_worker_that_joins_later_is_held_against_ours_before_its_first_unit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end_workers()
    monkeypatch.setattr(cluster, "require_same_versions", lambda _: None)
    ours = cluster.read_own_versions()
    monkeypatch.setattr(cluster, "read_own_versions", lambda: ours | {"scipy": "1.0"})
    with pytest.raises(UserError, match=f"joined: scipy {ours['scipy']}, not 1.0; give"):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_an_address_where_nobody_answers_is_told_in_a_line(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.2)
    monkeypatch.setenv(cluster.VARIABLE, address)
    with pytest.raises(UserError, match=f"LOCKSTEP_SCHEDULER: '{address}' in the environment: no "):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


def test_what_to_install_for_a_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv(cluster.VARIABLE, "tcp://127.0.0.1:9")
    with pytest.raises(UserError, match="Dask is not installed; `uv sync --extra cluster`"):
        list(run_tasks(square, (NUMBERS,), make_tasks(1)))


def test_workers_that_differ_in_the_same_way_are_told_once() -> None:
    differences = {"tcp://b": ["numpy 1, not 2"], "tcp://a": ["numpy 1, not 2"]}
    text = cluster._tell_differences(differences | {"tcp://c": ["keras none, not 3"]})
    assert "tcp://a and 1 more: numpy 1, not 2; tcp://c: keras none, not 3; give" in text


def test_code_is_the_same_until_it_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "edited.py").write_text("NUMBER = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    first = cluster._read_package("edited")
    assert cluster._read_package("edited") == first
    (tmp_path / "edited.py").write_text("NUMBER = 2\n", encoding="utf-8")
    assert cluster._read_package("edited") != first
