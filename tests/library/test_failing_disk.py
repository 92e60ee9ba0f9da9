"""What a full disk, a folder that may not be written and a killed process leave behind."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PARAMS, run_stage, run_stages, write_params
from lockstep.commands import doctor
from lockstep.commands.cli import main
from lockstep.core.errors import exit_status
from lockstep.core.project import Project
from lockstep.modeling import archive, model

PLACES = [(model, "write_json"), (model, "write_joblib"), (archive.CanonicalPickler, "dump")]


@pytest.fixture
def trained(project: Project) -> Iterator[Project]:
    candidates = {"candidates": {"baseline": {}, "linear": {}}}
    write_params(project, train=PARAMS["train"] | candidates)
    run_stages()
    return project


def read_all(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "code",
    [
        errno.ENOSPC,
        *(pytest.param(code, marks=pytest.mark.matrix) for code in (errno.EACCES, errno.EROFS)),
    ],
)
@pytest.mark.parametrize(
    ("place", "name"),
    [PLACES[-1], *(pytest.param(*place, marks=pytest.mark.matrix) for place in PLACES[:-1])],
)
def test_what_train_cannot_write_is_told_and_the_last_good_outputs_stay(
    trained: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: object,
    name: str,
    code: int,
) -> None:
    before = read_all(trained.root)

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(place, name, fail)
    capsys.readouterr()
    assert exit_status(lambda: run_stage("train")) == 1
    assert capsys.readouterr().err == f"error: [Errno {code}] {os.strerror(code)}\n"
    assert read_all(trained.root) == before


@pytest.mark.matrix
def test_a_process_killed_between_two_renames_loses_no_model(trained: Project) -> None:
    before = read_all(trained.root / "models")
    # As `replacing_directory` leaves it, the former one moved away and the new one not in place.
    trained.champion.rename(trained.champion.with_name(".champion.old.tmp"))
    trained.champion.with_name(".champion.tmp").mkdir()
    run_stage("train")
    assert read_all(trained.root / "models") == before


@pytest.fixture
def read_only(trained: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on a disk that may only be read; to root permissions would be no obstacle."""
    usual, usual_path, access = os.open, Path.open, os.access
    root = str(trained.root)

    def refuse(path: object) -> None:
        if str(path).startswith(root):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def open_to_read(path: object, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return usual(path, flags, *arguments, **options)

    def open_path(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if set(mode) & set("wax+"):
            refuse(path)
        return usual_path(path, mode, *arguments, **options)

    monkeypatch.setattr(os, "open", open_to_read)
    monkeypatch.setattr(os, "mkdir", lambda path, *_, **__: refuse(path))
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    monkeypatch.setattr(Path, "open", open_path)
    return trained


def test_a_project_that_may_only_be_read_predicts_and_is_examined(
    read_only: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_all(read_only.root)
    capsys.readouterr()
    rows = str(read_only.raw / "fruit.csv")
    assert main(["predict", rows]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 61
    monkeypatch.setattr(doctor, "_output", lambda *_: None)  # DVC fails there
    assert doctor.check_pipeline(read_only).state == "note"
    for command in (["predict", rows, "-o", "out.csv"], ["use", rows, "--target", "fruit"]):
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert line.endswith("Read-only file system")
    assert read_all(read_only.root) == before
