"""The environment that numeric libraries find."""

import os
import subprocess
import sys
from unittest.mock import MagicMock

import pytest
from conftest import PARAMS, write_params
from lockstep.core import runtime
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.core.runtime import (
    ON_CPU,
    OVERRULED,
    SAME_ON_GPU,
    STRICT,
    describe_runtime,
    import_keras,
    is_on_cpu,
    pin,
    pin_strictly,
)

HERE = {name: os.environ.get(name) for name in STRICT}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the environment, in which the user asks for eight threads."""
    unpinned = {name: value for name, value in os.environ.items() if name not in STRICT | ON_CPU}
    unpinned.pop(OVERRULED, None)
    monkeypatch.setattr(os, "environ", unpinned | {"OMP_NUM_THREADS": "8"})
    # numpy is long there when a test calls `pin`, which is not what these tests are about.
    monkeypatch.setattr(runtime, "READERS", ())


@pytest.mark.usefixtures("project")
def test_strict_computes_on_one_thread_whatever_the_user_has_set() -> None:
    pin()
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_strict_names_what_it_overrules_also_in_processes_it_starts(project: Project) -> None:
    assert describe_runtime("strict") == []
    pin()
    note = "reproducibility is strict: OMP_NUM_THREADS=8 is overruled"
    assert describe_runtime("strict") == [note]
    pin()
    assert describe_runtime("strict") == [note]
    assert project.params.reproducibility == "strict"


def in_a_new_process(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=dict(os.environ), capture_output=True, encoding="utf-8", check=True
    )


@pytest.mark.usefixtures("project")
def test_importing_the_package_pins_before_numpy_is_there() -> None:
    code = "import lockstep, os, sys; print(os.environ['OMP_NUM_THREADS'], 'numpy' in sys.modules)"
    done = in_a_new_process(code)
    assert (done.stdout, done.stderr) == ("1 False\n", "")


@pytest.mark.usefixtures("project")
def test_numpy_before_the_package_is_warned_of() -> None:
    warned = in_a_new_process("import numpy, lockstep").stderr
    assert "numpy was imported before" in warned
    assert "import the project's package first" in warned


def test_these_tests_run_pinned() -> None:
    assert HERE == STRICT


@pytest.mark.usefixtures("project")
def test_networks_compute_on_the_cpu_also_where_the_user_names_a_gpu() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "0"
    pin()
    assert is_on_cpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_saved_model_computes_on_the_cpu() -> None:
    pin_strictly("jax")
    assert is_on_cpu()


def ask_for_gpu(project: Project, **changes: object) -> None:
    write_params(project, train=PARAMS["train"] | {"device": "gpu"}, **changes)


def test_networks_on_a_gpu_see_it_and_are_asked_for_the_same_bytes(project: Project) -> None:
    pin()
    os.environ["CUDA_VISIBLE_DEVICES"] = "1"
    ask_for_gpu(project)
    pin()
    seen = {name: os.environ.get(name) for name in ON_CPU}
    assert seen == dict.fromkeys(ON_CPU) | {"CUDA_VISIBLE_DEVICES": "1"}
    assert os.environ.items() >= SAME_ON_GPU.items()
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_gpu_may_add_in_any_order_where_close_results_will_do(project: Project) -> None:
    ask_for_gpu(project, reproducibility="fast")
    pin()
    assert not is_on_cpu()
    assert not os.environ.keys() & SAME_ON_GPU.keys()


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_libraries_that_need_a_call_for_the_same_bytes_on_a_gpu_get_it(
    backend: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = MagicMock()
    monkeypatch.setattr(runtime, "find_spec", lambda _: True)
    monkeypatch.setattr(runtime, "import_module", lambda _: library)
    write_params(project, keras_backend=backend)
    pin()
    import_keras()
    assert not library.use_deterministic_algorithms.called | library.random.set_seed.called
    ask_for_gpu(project)
    pin()
    import_keras()
    assert library.use_deterministic_algorithms.called == (backend == "torch")
    assert library.random.set_seed.called == (backend == "tensorflow")


def test_fast_leaves_the_users_setting(project: Project) -> None:
    write_params(project, reproducibility="fast")
    pin()
    assert os.environ["OMP_NUM_THREADS"] == "8"


def test_keras_computes_with_the_library_in_params(project: Project) -> None:
    write_params(project, keras_backend="torch")
    pin()
    assert os.environ["KERAS_BACKEND"] == "torch"


def test_a_library_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "theano")
    with pytest.raises(UserError, match=r"keras_backend: theano is not installed; `uv add theano`"):
        import_keras()


def test_outside_of_a_project_keras_computes_with_what_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "")
    monkeypatch.delitem(os.environ, "KERAS_BACKEND")
    monkeypatch.setattr(runtime, "find_spec", lambda name: object() if name == "torch" else None)
    monkeypatch.setattr(runtime, "import_module", lambda _: MagicMock())
    import_keras()
    assert os.environ["KERAS_BACKEND"] == "torch"


def test_a_broken_params_file_does_not_stop_the_import(project: Project) -> None:
    project.params_file.write_text("[")
    pin()
    assert os.environ["OMP_NUM_THREADS"] == "1"
