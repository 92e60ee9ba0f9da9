"""A project that was generated earlier takes the newest template, and keeps what is its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project, bake
from test_pipeline import edit

# A commit of this repository, older than the newest: the first that keeps only the owner's files.
OLDER = "3cc7619044e3e3ef1f095d232ab3e316c4ad5a13"
OWN = {
    "src/my_project/own.py": '"""A module of mine."""\n',
    "references/decisions/0002-of-mine.md": "# 0002: of mine\n",
    "data/external/rates.csv": "a,b\n1,2\n",
}
EDITED = ("README.md", "params.yaml", "src/my_project/predict.py")


def generate_older(folder: Path) -> Project:
    """The default project as the template made it then."""
    command = [Path(sys.executable).parent / "cruft", "create", TEMPLATE, "--checkout", OLDER]
    options = ["--no-input", "--default-config", "--output-dir", folder]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return Project(folder / "my-project")


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of then whose owner has worked with it, after `make update`."""
    project = generate_older(tmp_path_factory.mktemp("older"))
    project.run("uv", "run", "dvc", "repro")
    for name, text in OWN.items():
        (project / name).write_text(text, encoding="utf-8", newline="\n")
    edit(project / "README.md", "## Start", "Ask Ada about this project.\n\n## Start")
    edit(project / "params.yaml", "test_fraction: 0.25", "test_fraction: 0.3")
    edit(project / "src/my_project/predict.py", '"""Use the champion', '"""Mine: use the champion')
    project.commit()
    project.run("make", "update")
    return project


def skipped(project: Project, name: str) -> bool:
    """Whether the project's settings leave the file to its owner."""
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = pyproject["tool"]["cruft"]["skip"]
    path = Path(name)
    return any(path.match(one) or path.is_relative_to(one) for one in patterns)


def test_every_file_is_that_of_the_newest_template(updated: Project, pristine: Project) -> None:
    compared = 0
    for name in pristine.files() - {*EDITED}:
        if not skipped(updated, name):
            assert (updated / name).read_bytes() == (pristine / name).read_bytes(), name
            compared += 1
    assert compared > 100
    changed = updated.run("git", "diff", "--name-only", "HEAD").splitlines()
    assert {*changed} - {".cruft.json"}, "OLDER is as new as the template; name an older commit"


def test_nothing_is_rejected_or_in_conflict(updated: Project) -> None:
    assert not list(updated.root.glob("**/*.rej"))
    assert updated.run("git", "diff", "--check", "HEAD") == ""
    assert updated.run("git", "ls-files", "--unmerged") == ""


def test_what_the_owner_has_made_and_changed_stays(updated: Project) -> None:
    for name, text in OWN.items():
        assert (updated / name).read_text(encoding="utf-8") == text
    assert "Ask Ada about this project." in (updated / "README.md").read_text(encoding="utf-8")
    assert "test_fraction: 0.3" in (updated / "params.yaml").read_text(encoding="utf-8")
    source = (updated / "src/my_project/predict.py").read_text(encoding="utf-8")
    assert source.startswith('"""Mine: use the champion')
    raw = updated.run("git", "status", "--short", "data", "dvc.lock", "notebooks", "references")
    assert not [line for line in raw.splitlines() if not line.endswith("notebooks/dvc.yaml")]


def test_the_state_of_the_template_is_written_down(updated: Project) -> None:
    state = json.loads((updated / ".cruft.json").read_text(encoding="utf-8"))
    newest = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=TEMPLATE, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert state["commit"] == newest


def test_the_updated_project_runs(updated: Project) -> None:
    updated.run("uv", "run", "dvc", "repro")
    assert "up to date" in updated.run("uv", "run", "dvc", "status", "dvc.yaml")
    metrics = json.loads((updated / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["test_rows"] > 40
    updated.run("uv", "run", "pytest", "--quiet", "tests/test_dvc.py", "tests/test_notebooks.py")


@pytest.mark.matrix
def test_all_tests_of_the_updated_project_pass(updated: Project) -> None:
    assert " passed" in updated.run("uv", "run", "pytest", "--quiet")


def test_what_an_update_needs_is_told(tmp_path: Path) -> None:
    project = bake(tmp_path)
    project.commit()
    refused = project.try_run("make", "update")
    assert refused.returncode != 0
    assert ".cruft.json" in refused.stderr + refused.stdout
