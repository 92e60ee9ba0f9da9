"""Experiments of DVC: each runs by the code of the copy that it is made in."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from conftest import OFFLINE, Project

pytestmark = pytest.mark.matrix  # DVC's queue takes a minute

MARKED = {
    "owner": "src/my_project/models/common.py",
    "library": "vendor/lockstep/src/lockstep/modeling/metrics.py",
}
"""A file of the owner's and one of the library, which say who they are when they are imported."""


@pytest.fixture(scope="module")
def queued(ready: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose code was another one when an experiment was queued."""
    project = ready.copy(tmp_path_factory.mktemp("queued") / "my-project")
    project.run("uv", "sync")
    for name, path in MARKED.items():
        with (project / path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(f'print("this is the {name}:", __file__)\n')
    project.run("uv", "run", "dvc", "exp", "run", "--queue", "-S", "train.folds=3", **OFFLINE)
    project.run("git", "checkout", "--", "src", "vendor")
    return project


def test_a_queued_experiment_runs_by_the_code_that_it_was_queued_with(queued: Project) -> None:
    before = (queued / "reports/validation.json").read_bytes()
    printed = queued.run("uv", "run", "dvc", "exp", "run", "--run-all", **OFFLINE)
    lines = {*re.findall(r"this is the (\w+): (\S+)", printed)}
    assert {name for name, _ in lines} == {*MARKED}
    assert all("/.dvc/tmp/exps/" in path.replace("\\", "/") for _, path in lines)
    assert "over 3 folds" in printed
    assert (queued / "reports/validation.json").read_bytes() == before
    assert queued.run("git", "status", "--porcelain") == ""


def test_settings_are_compared_by_what_the_champion_did_on_validation_rows(
    queued: Project,
) -> None:
    figures = json.loads((queued / "reports/validation.json").read_text(encoding="utf-8"))
    table = queued.run("uv", "run", "dvc", "exp", "show", "--csv", **OFFLINE)
    workspace, _, experiment = csv.DictReader(io.StringIO(table))
    assert float(workspace["validation.log_loss"]) == figures["validation"]["log_loss"]
    assert workspace["validation.log_loss"] != experiment["validation.log_loss"]
    assert (workspace["train.folds"], experiment["train.folds"]) == ("2", "3")
