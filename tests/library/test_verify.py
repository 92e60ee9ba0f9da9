"""verify needs a commit with results; what it makes of them is tried on whole projects."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from lockstep.commands.cli import main
from lockstep.core.errors import UserError
from lockstep.core.paths import Paths
from lockstep.core.project import Project
from lockstep.records import verification
from lockstep.records.repository import Repository
from lockstep.records.run import RECORD
from lockstep.records.verification import Comparison, require_verified


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


@pytest.mark.parametrize("bundled", [True, False])
def test_a_commit_is_rebuilt_by_the_library_that_it_came_with(
    project: Project, tmp_path: Path, bundled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = Paths(tmp_path / "clone")
    code = [str(clone.root / "src")]
    if bundled:
        code.append(str(clone.root / "vendor/lockstep/src"))
        Path(code[1]).mkdir(parents=True)
    environments = []

    def run(*arguments: dict[str, str]) -> int:
        environments.append(arguments[-1])
        return 0

    monkeypatch.setattr(verification, "run_dvc", lambda *_: "")
    monkeypatch.setattr(verification, "run_git", lambda *_: "")
    monkeypatch.setattr(verification, "_remove_results", lambda _: None)
    monkeypatch.setattr(verification, "_run_group", run)
    verification._reproduce(project, clone, tmp_path)
    assert environments[0]["PYTHONPATH"].split(os.pathsep) == code


def test_a_record_may_differ_by_the_name_of_the_processor_alone(tmp_path: Path) -> None:
    clone = Paths(tmp_path)
    clone.record.parent.mkdir()

    def read(processor: str, numpy: str) -> dict[str, object]:
        environment = {"processor": processor, "numpy": numpy}
        clone.record.write_text(json.dumps({"environment": environment, "code": {}}))
        return verification._read_record(clone)

    assert read("one", "2.4") == read("another", "2.4") != read("one", "2.5")
    lock = [{"evaluate": {"outs": [{"path": RECORD, "md5": md5}]}} for md5 in "ab"]
    (alike,), (other,) = (verification._compare(*lock, names) for names in ({RECORD}, set()))
    assert (alike.agrees, alike.verdict) == (True, "same but for the processor")
    assert (other.agrees, other.verdict) == (False, "DIFFERS")
    clone.record.unlink()
    assert verification._read_record(clone) == {}


@pytest.fixture
def rebuilds(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits that were rebuilt, each without a difference, in a project with one commit."""
    for command in ("init --quiet", "add params.yaml", "commit --quiet --message A"):
        author = ["-c", "user.name=A", "-c", "user.email=a@b"]
        subprocess.run(["git", *author, *command.split()], cwd=project.root, check=True)
    commits: list[str] = []

    def rebuild(_: Repository, commit: str) -> tuple[list[Comparison], list[str]]:
        commits.append(commit)
        return [Comparison("train", "models/champion", "abc", "abc")], []

    monkeypatch.setattr(verification, "_rebuild", rebuild)
    return commits


def test_what_was_verified_here_is_not_rebuilt_to_be_promoted(
    project: Project, rebuilds: list[str]
) -> None:
    require_verified(project, "HEAD")
    require_verified(project, "HEAD")
    assert len(rebuilds) == 1
    assert len(rebuilds[0]) == 40


@pytest.mark.parametrize("change", ["versions", "memo"])
def test_what_may_have_changed_since_is_rebuilt(
    project: Project, rebuilds: list[str], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_verified(project, "HEAD")
    if change == "versions":
        monkeypatch.setattr(verification, "read_environment", lambda _: {"numpy": "another"})
    else:
        (project.root / verification.VERIFIED).write_text("[")
    require_verified(project, "HEAD")
    assert len(rebuilds) == 2


def test_a_commit_that_does_not_follow_from_its_data_is_not_remembered(
    project: Project, rebuilds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [Comparison("train", "models/champion", "abc", "abd")]
    monkeypatch.setattr(verification, "_rebuild", lambda *_: (wrong, []))
    for _ in range(2):
        with pytest.raises(UserError, match="train is the first stage whose output differs"):
            require_verified(project, "HEAD")
    assert rebuilds == []


def test_what_may_be_why_outputs_differ_is_told() -> None:
    def lock(numpy: str, code: str) -> dict[str, object]:
        return {
            "train": {
                "deps": [{"path": "vendor/lockstep/src/lockstep/core", "md5": code}],
                "params": {"environment.yaml": {"numpy": numpy}},
            }
        }

    assert verification._differences(lock("1", "a.dir"), lock("2", "b.dir"), "another") == [
        "dvc.lock was made from another vendor/lockstep/src/lockstep/core",
        "numpy in environment.yaml was 1, now it is 2",
        f"the processor was another, here it is {verification.processor()}",
    ]
