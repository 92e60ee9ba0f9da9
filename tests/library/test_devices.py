"""Networks on a GPU."""

import json
import subprocess
import sys

import pytest
from conftest import PARAMS, write_params
from lockstep.core import devices
from lockstep.core.devices import count_gpus, require_gpu
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling.problem import make_problem


def test_a_gpu_that_is_not_there_is_told_before_anything_is_trained(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_params(project, train=PARAMS["train"] | {"device": "gpu"})
    monkeypatch.setattr(devices, "count_gpus", lambda _: 0)
    line = r"^params\.yaml: train\.device: gpu: \w+ sees none on this machine; .*`device: cpu`"
    with pytest.raises(UserError, match=line):
        make_problem(project.params, project.examples)
    monkeypatch.setattr(devices, "count_gpus", lambda _: 1)
    assert make_problem(project.params, project.examples).seed == project.params.seed


def test_a_gpu_here_and_a_cluster_are_not_both_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKSTEP_SCHEDULER", "tcp://127.0.0.1:8786")
    with pytest.raises(UserError, match=r"train\.device: gpu: it is this machine's, and LOCKSTEP_"):
        require_gpu("jax")


def test_the_backend_can_be_asked_for_its_gpus(project: Project) -> None:
    assert count_gpus(project.params.keras_backend) == 0  # since tests compute on the CPU


@pytest.mark.matrix
@pytest.mark.usefixtures("importable")
def test_each_network_learns_with_what_is_settled_for_a_gpu(project: Project) -> None:
    write_params(project, train=PARAMS["train"] | {"device": "gpu"})
    command = [sys.executable, "-m", "pretended_gpu"]
    # A backend that is asked for the same bytes refuses what it cannot promise them of.
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    same = json.loads(done.stdout.splitlines()[-1])
    assert len(same) == 11
    assert all(same.values()), same
