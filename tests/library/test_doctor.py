"""The doctor: what it finds, and what it says would mend it."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import write_params

from lockstep.commands import doctor
from lockstep.core.project import Project
from lockstep.core.errors import UserError

PYPROJECT = '[project]\nname = "fruit"\nversion = "1"\nrequires-python = "{}"\ndependencies = []\n'


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name to commit under and no other wishes, whoever runs the tests."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Nobody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "nobody@example.com")
    # Continuous integration asks for a lock.
    monkeypatch.delenv("UV_LOCKED", raising=False)


def run(project: Project, *command: str) -> None:
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)


def kept_by_dvc(project: Project) -> None:
    """Start git and DVC in the project."""
    run(project, "git", "init", "--quiet")
    run(project, sys.executable, "-m", "dvc", "init", "--quiet")


@pytest.mark.parametrize(
    ("asked", "state", "said"),
    [
        (">=3.11", "note", f"in {sys.prefix}; `uv run` takes the project's own, in .venv"),
        (">=3.99", "wrong", "but pyproject.toml asks for >=3.99; `uv sync` fetches one"),
    ],
)
def test_another_python_is_told(project: Project, asked: str, state: str, said: str) -> None:
    (project.root / "pyproject.toml").write_text(PYPROJECT.format(asked))
    found = doctor.python(project)
    assert found.state == state
    assert found.said.endswith(said)


def test_the_projects_own_python_is_right(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "pyproject.toml").write_text(PYPROJECT.format(">=3.11"))
    monkeypatch.setattr(sys, "prefix", str(project.root / ".venv"))
    assert doctor.python(project).state == "ok"


def test_a_missing_uv_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.uv(project).state == "ok"
    monkeypatch.setenv("PATH", str(project.raw))
    assert doctor.uv(project) == doctor.wrong("not found; `pip install uv` gets it")


def test_a_lock_that_does_not_fit_is_told(project: Project) -> None:
    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(PYPROJECT.format(">=3.11"))
    assert doctor.lock(project).said.startswith("uv.lock is not there yet")
    run(project, "uv", "lock", "--offline")
    assert doctor.lock(project).state == "ok"
    pyproject.write_text(PYPROJECT.format(">=3.11").replace('"1"', '"2"'))
    assert doctor.lock(project).state == "wrong"
    assert "`uv lock` renews it" in doctor.lock(project).said
    (project.root / "uv.lock").write_text("<<<<<<< HEAD\n")
    assert "cannot be read; `git checkout HEAD -- uv.lock`" in doctor.lock(project).said


def test_a_lock_is_not_called_wrong_where_uv_is_missing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "uv.lock").touch()
    monkeypatch.setenv("PATH", str(project.raw))
    assert doctor.lock(project) == doctor.note("uv.lock cannot be looked at without uv")


def test_a_repository_that_git_does_not_take_is_no_reason_to_make_one(project: Project) -> None:
    (project.root / ".git").write_text("gitdir: nowhere")
    assert doctor.git(project) == doctor.wrong(
        "git does not take this for its repository; `git status` says why"
    )


def test_git_is_asked_for_a_repository_and_a_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.git(project).state == "wrong"
    assert "`git init` makes it one" in doctor.git(project).said
    run(project, "git", "init", "--quiet")
    assert doctor.git(project).said.startswith("nothing is committed yet")
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", "State")
    assert doctor.git(project).state == "ok"
    (project.root / "uv.lock").touch()
    told = "not in git, though they make results repeatable: uv.lock"
    assert doctor.git(project) == doctor.note(told)
    monkeypatch.setenv("PATH", str(project.raw))
    assert doctor.git(project) == doctor.wrong("not found; install it, then `git init`")


def test_missing_hooks_are_a_note(project: Project) -> None:
    run(project, "git", "init", "--quiet", "--template=")
    assert doctor.hooks(project).state == "note"
    assert "`uv run pre-commit install`" in doctor.hooks(project).said
    hook = project.root / ".git/hooks/pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\n")
    assert doctor.hooks(project).said.startswith("another hook is there")
    hook.write_text("#!/bin/sh\nexec pre-commit\n")
    hook.chmod(0o755)
    assert doctor.hooks(project).state == "ok"


@pytest.mark.skipif(os.name == "nt", reason="Windows runs what it can read")
def test_a_hook_that_git_passes_over_is_told(project: Project) -> None:
    run(project, "git", "init", "--quiet", "--template=")
    hook = project.root / ".git/hooks/pre-commit"
    hook.parent.mkdir()
    hook.write_text("exec pre-commit\n")
    hook.chmod(0o644)
    assert doctor.hooks(project).state == "wrong"


def test_a_project_on_one_machine_only_is_noted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_by_dvc(project)
    assert doctor.remote(project).state == "note"
    address = str(project.root / ("long" * 40))
    run(project, sys.executable, "-m", "dvc", "remote", "add", "store", address)
    assert "`uv run dvc remote default NAME`" in doctor.remote(project).said
    run(project, sys.executable, "-m", "dvc", "remote", "default", "store")
    assert doctor.remote(project) == doctor.ok("store")
    run(project, sys.executable, "-m", "dvc", "config", "core.remote", "nowhere")
    assert doctor.remote(project).said == "nowhere is the default; there are only store"
    monkeypatch.setattr(doctor, "_output", lambda *_: None)
    assert doctor.remote(project).state == "wrong"


def test_the_backend_is_told_with_its_processor(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = project.params.keras_backend
    monkeypatch.setattr(doctor, "_gpus", lambda _: 0)
    monkeypatch.setattr(doctor, "_output", lambda *_: None)
    assert doctor.keras(project) == doctor.ok(f"{backend} on the CPU")
    monkeypatch.setattr(doctor, "_output", lambda *_: "GPU 0: some")
    assert doctor.keras(project).state == "note"
    monkeypatch.setattr(doctor, "_gpus", lambda _: 2)
    assert doctor.keras(project) == doctor.ok(f"{backend} on 2 GPUs")


def test_a_mistake_in_the_settings_is_not_one_of_the_backend(project: Project) -> None:
    project.params_file.write_text("kind: [")
    with pytest.raises(UserError, match=r"^params\.yaml"):
        doctor.keras(project)


def test_the_backend_can_be_asked_for_its_gpus(project: Project) -> None:
    assert doctor._gpus(project.params.keras_backend) >= 0


def test_data_that_are_elsewhere_or_nowhere_are_told(project: Project) -> None:
    assert doctor.data(project) == doctor.ok("data/raw/fruit.csv")
    (project.raw / "fruit.csv").unlink()
    assert doctor.data(project).said.startswith("data/raw/fruit.csv: not there, though params.yaml")
    (project.raw / "fruit.csv.dvc").touch()
    assert doctor.data(project) == doctor.wrong(
        "data/raw/fruit.csv: not here; `uv run dvc pull` fetches what DVC keeps"
    )


def test_results_that_are_out_of_date_are_told(project: Project) -> None:
    assert doctor.pipeline(project).state == "wrong"
    kept_by_dvc(project)
    stage = {"cmd": "exit", "deps": ["params.yaml"]}
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": {"look": stage}}))
    assert doctor.pipeline(project).said.startswith("nothing has run yet")
    run(project, sys.executable, "-m", "dvc", "commit", "--force")
    assert doctor.pipeline(project).state == "ok"
    project.params_file.write_text(project.params_file.read_text() + "\n")
    expected = "out of date: look; `uv run dvc repro` runs them"
    assert doctor.pipeline(project) == doctor.wrong(expected)


def test_results_that_are_kept_elsewhere_are_not_out_of_date(project: Project) -> None:
    kept_by_dvc(project)
    made, code = project.root / "made/made.txt", project.root / "code.py"
    made.parent.mkdir()
    made.touch()
    code.touch()
    look = {"cmd": "exit", "deps": ["params.yaml", "code.py"], "outs": ["made/made.txt"]}
    show = {"cmd": "exit", "deps": ["made/made.txt"]}
    stages = {"stages": {"look": look, "show": show}}
    (project.root / "dvc.yaml").write_text(json.dumps(stages))
    run(project, sys.executable, "-m", "dvc", "commit", "--force")
    shutil.rmtree(project.root / ".dvc/cache")
    made.unlink()
    assert doctor.pipeline(project).said.startswith("results are not here; `uv run dvc pull`")
    made.write_text("another")
    assert doctor.pipeline(project).said.startswith("out of date: show;")
    made.unlink()
    code.unlink()
    assert doctor.pipeline(project).said.startswith("out of date: look;")
    code.touch()
    project.params_file.write_text(project.params_file.read_text() + "\n")
    assert doctor.pipeline(project).said.startswith("out of date: look;")
    stages["stages"]["show"]["cmd"] = "echo"
    (project.root / "dvc.yaml").write_text(json.dumps(stages))
    assert doctor.pipeline(project).said.startswith("out of date: look, show;")


def test_every_check_is_printed_and_what_is_wrong_is_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistaken(project: Project) -> doctor.Finding:
        return doctor.ok(project.params.kind)

    checks = {"one": lambda _: doctor.note("could be better"), "params": mistaken}
    monkeypatch.setattr(doctor, "CHECKS", checks)
    doctor.main()
    assert capsys.readouterr().out.splitlines() == [
        "note   one       could be better",
        "ok     params    classification",
    ]
    checks["one"] = lambda _: 1 / 0
    with pytest.raises(UserError, match="to mend: one"):
        doctor.main()
    assert "wrong  one       ZeroDivisionError: division by zero" in capsys.readouterr().out
    checks["one"] = lambda _: doctor.note("could be better")
    write_params(project, kind="guess")
    with pytest.raises(UserError, match="to mend: params; the lines above say how"):
        doctor.main()
    assert capsys.readouterr().out.splitlines()[1].startswith("wrong  params    params.yaml: kind")
    doctor.main(["one"])
    assert capsys.readouterr().out == "note   one       could be better\n"
    with pytest.raises(UserError, match="doctor: --only params1: did you mean params"):
        doctor.main(["params1"])
