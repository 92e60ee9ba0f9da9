"""verify needs a commit with results; what it makes of them is tried on whole projects."""

import subprocess

import pytest

from lockstep.commands.cli import main
from lockstep.core.project import Project
from lockstep.commands.verify import Comparison


def test_outputs_agree_when_their_hashes_are_equal() -> None:
    assert Comparison("train", "models/champion", "abc", "abc").agrees
    assert not Comparison("train", "models/champion", "abc", "abd").agrees
    assert not Comparison("train", "models/champion", "abc", "missing").agrees


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([], "error: git rev-parse: fatal: not a git repository"),
        (["git init --quiet"], "error: HEAD: no such commit; verify needs one to rebuild"),
        (
            [
                "git init --quiet",
                "git add params.yaml",
                "git -c user.name=A -c user.email=a@b commit --quiet --message A",
            ],
            "holds no dvc.lock: run `dvc repro` and commit first",
        ),
    ],
)
def test_a_project_without_results_in_a_commit_is_told_what_to_do(
    project: Project,
    commands: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    for command in commands:
        subprocess.run(command.split(), cwd=project.root, check=True)
    assert main(["verify"]) == 1
    assert expected in capsys.readouterr().err
