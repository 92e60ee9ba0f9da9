"""The registry on runs that were computed: their records, their predictions, their contracts."""

from pathlib import Path

import pytest
from conftest import make_project, run_stages, write_params
from history import commit_run, run_git, write_pipeline
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.registry import gate
from lockstep.registry.promote import promote
from lockstep.registry.register import register


def run(project: Project, **candidates: object) -> None:
    train = {"metric": "log_loss", "folds": 3, "candidates": {"baseline": {}, **candidates}}
    write_params(project, train=train)
    run_stages()
    commit_run(project)


def test_a_run_becomes_a_version_and_a_worse_one_does_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verified: list[str] = []
    monkeypatch.setattr(gate, "require_verified", lambda _, commit: verified.append(commit))
    project = make_project(tmp_path)
    write_pipeline(project)
    monkeypatch.chdir(tmp_path)
    run(project, linear={})
    for key, value in {"user.name": "Ada", "user.email": "ada@example.org"}.items():
        run_git(tmp_path, "config", key, value)
    register(None)
    promote("latest", "production")
    run(project, knn={"neighbours": 30})
    register(None)
    capsys.readouterr()
    with pytest.raises(UserError, match=r"where v1\.0\.0 stays: log_loss: the gain may be as"):
        promote("v1.1.0", "production")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(run_git(tmp_path, "rev-parse", "--short=8", "HEAD"))
    assert lines[3].split("gain ")[1].split(") ")[1].startswith("on 13 test rows in common")
    assert verified == [run_git(tmp_path, "rev-parse", "HEAD~1")]  # not what is refused anyway
    write_params(project, seed=2)
    commit_run(project)
    with pytest.raises(UserError, match=r"the record of the run is not of this commit: params"):
        register(None)
