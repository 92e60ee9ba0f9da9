"""A project without data: every command says what to do next, and its tests pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Project, bake
from test_workflows import play

USE = "references/schema.yaml: says nothing yet; the command `use FILE --target COLUMN` writes it"
SAID = {
    "dvc repro": f"error: {USE}",
    "my-project doctor": f"wrong  data       {USE}",
    "my-project use": "name a file, a folder or an address",
}
SAID_BY_PARTS = {
    "my-project predict x.csv": "error: models/champion: not there yet; `dvc repro train` makes it",
    "my-project verify": "error: HEAD: no such commit; verify needs one to rebuild",
    "dvc repro notebooks/dvc.yaml": f"error: {USE}",
    "my-project ingest": f"error: {USE}",
    "my-project preprocess": f"error: {USE}",
    "my-project train": f"error: {USE}",
    "my-project evaluate": "error: models/champion: not there yet; `dvc repro train` makes it",
    "python -m lockstep.docs.notebooks notebooks/1.0-yn-data-exploration.ipynb": USE,
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, ready: Project) -> Project:
    project = ready.equip(bake(tmp_path_factory.mktemp("empty"), dataset="none"))
    project.run("uv", "sync")
    return project


@pytest.mark.parametrize(
    ("command", "said"),
    [
        *SAID.items(),
        *(pytest.param(*pair, marks=pytest.mark.matrix) for pair in SAID_BY_PARTS.items()),
    ],
)
def test_a_command_without_data_says_what_to_do(empty: Project, command: str, said: str) -> None:
    done = empty.try_run("uv", "run", *command.split())
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.matrix
def test_documentation_is_made_without_data(empty: Project) -> None:
    empty.run("make", "docs")
    said = {
        "results.html": "Nothing has been computed yet.",
        "data_dictionary.html": "There is none yet: the command",
        "notebooks/index.html": "Not run yet:",
    }
    for name, sentence in said.items():
        assert sentence in (empty / f"docs/_build/html/{name}").read_text(encoding="utf-8")


def test_tests_pass_without_data(empty: Project) -> None:
    # These read the project's own files; all others work on made-up rows.
    assert " passed" in empty.run("uv", "run", "pytest", "tests/test_settings.py")


@pytest.mark.matrix
def test_a_project_without_data_can_be_committed_and_checked(
    empty: Project, tmp_path: Path
) -> None:
    empty.run("git", "add", "--all")
    empty.run("uv", "run", "pre-commit", "run", "--all-files")
    with pytest.raises(AssertionError, match=re.escape(USE)):
        play(empty, "ci.yml", "results", tmp_path, "push")
