"""What a full disk, a folder that may not be written and a killed process leave behind."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PARAMS, run_stage, run_stages, write_params
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


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize(("place", "name"), PLACES)
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


def test_a_process_killed_between_two_renames_loses_no_model(trained: Project) -> None:
    before = read_all(trained.root / "models")
    # As `replacing_directory` leaves it, the former one moved away and the new one not in place.
    trained.champion.rename(trained.champion.with_name(".champion.old.tmp"))
    trained.champion.with_name(".champion.tmp").mkdir()
    run_stage("train")
    assert read_all(trained.root / "models") == before
