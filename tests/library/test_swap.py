"""Taking data in as a whole or not at all: after a kill, from any journal, and one at a time."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import make_project
from lockstep.adopting import swap
from lockstep.commands import cli
from lockstep.commands.doctor import examine
from lockstep.commands.startup import before_dvc
from lockstep.core.errors import UserError
from lockstep.core.files import write_text
from lockstep.core.project import Project

PENDING = (
    "error: .use.tmp/journal.json: a `use` has not finished taking data in; "
    "`uv run python -m owner use` finishes it\n"
)
CANDIDATES = Path("src", "owner", "models", "tables.py")
FINISHED = "use: finished what an interrupted run had begun\nnext: uv run dvc repro\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that lies in a folder with something precious beside it."""
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "precious.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(root)
    project = make_project(root)
    write_text("former", project.root / CANDIDATES)
    return project


def snapshot(project: Project) -> dict[str, bytes]:
    """Every file of the project and of the folder around it, but for the lock."""
    files = [path for path in project.root.parent.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files if path.name != "use.lock"}


def stage(data: Path, *, is_folder: bool) -> None:
    """Lay out new data, a file or a folder of two."""
    write_text("new", data / "new" / "1.csv" if is_folder else data / "new")
    write_text("md5: 5\n", data / "new.dvc")


def commit(project: Project) -> None:
    settings = [project.raw / ".gitignore", project.contract_file, project.params_file]
    texts = {path: f"new {path.name}\n" for path in settings}
    former = ["fruit.csv", "fruit.csv.dvc"]
    swap.commit(project, ["new", "new.dvc"], texts, former, ["tables.py"])


def adopt(project: Project, *, is_folder: bool = False) -> None:
    with swap.lock(project), swap.staging_folder(project) as data:
        stage(data, is_folder=is_folder)
        commit(project)


def stop_after(function: Callable[..., object], left: Iterator[bool]) -> Callable[..., object]:
    """`function`, until a number of calls of it and others have been made; then all is over."""

    def call(*arguments: object, **options: object) -> object:
        if not next(left, False):
            raise SystemExit
        return function(*arguments, **options)

    return call


def interrupt(
    project: Project, monkeypatch: pytest.MonkeyPatch, steps: int, *, is_folder: bool = False
) -> None:
    """Kill the command when it has decided and made so many steps of the exchange."""

    def resume(paths: Project) -> bool:
        left = iter([True] * steps)
        monkeypatch.setattr(Path, "replace", stop_after(Path.replace, left))
        monkeypatch.setattr(Path, "unlink", stop_after(Path.unlink, left))
        monkeypatch.setattr(shutil, "rmtree", stop_after(shutil.rmtree, left))
        return usual(paths)

    usual = swap.resume
    with monkeypatch.context() as monkeypatch, pytest.raises(SystemExit):
        monkeypatch.setattr(swap, "resume", resume)
        adopt(project, is_folder=is_folder)


@pytest.mark.parametrize("is_folder", [False, True])
@pytest.mark.parametrize("steps", range(11))
def test_a_kill_at_any_point_is_finished_by_whoever_comes_next(
    project: Project, monkeypatch: pytest.MonkeyPatch, steps: int, is_folder: bool
) -> None:
    for former in (project.raw / "new" / "0.csv", project.raw / "fruit.csv.dvc"):
        write_text("former", former)
    twin = Project(project.root.parent / "twin")
    shutil.copytree(project.root, twin.root)
    adopt(twin, is_folder=is_folder)
    interrupt(project, monkeypatch, steps, is_folder=is_folder)
    # Three files and a folder go, five things come, the journal goes, and last where they were.
    assert project.journal.exists() == (steps < 10)
    assert swap.resume(project) == (steps < 10)
    with swap.staging_folder(project):
        pass
    assert contents(project) == contents(twin)
    assert (project.raw / "new").is_dir() == is_folder
    assert not (project.raw / "fruit.csv").exists()
    assert not (project.root / CANDIDATES).exists()


def contents(project: Project) -> dict[str, bytes]:
    files = filter(Path.is_file, project.root.rglob("*"))
    return {path.relative_to(project.root).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("steps", [0, 2, 3, 4])
def test_what_was_staged_and_is_lost_is_told_and_nothing_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    interrupt(project, monkeypatch, steps)
    (project.staging / "settings" / "schema.yaml").unlink()
    before = snapshot(project)
    with pytest.raises(UserError, match=r"^\.use\.tmp/settings/schema\.yaml: neither there nor in"):
        swap.resume(project)
    assert snapshot(project) == before


STAMP = [1, 1]
EMPTY: dict[str, Any] = {"data": {}, "settings": {}, "removed": [], "idle": []}
FOREIGN: list[Any] = [
    {"moves": {}, "removed": ["../../precious.csv"]},
    *(EMPTY | {"removed": [name]} for name in ("../../../precious.csv", "..", "", ".", "a/b")),
    *(EMPTY | {"removed": names} for names in (["a\0b"], [5], 7, {"a": 1}, "fruit.csv")),
    *(EMPTY | {"idle": names} for names in (["own.py"], ["../tables.py"], [5], 7, "tables.py")),
    EMPTY | {"data": {"../../../precious.csv": STAMP}, "removed": ["fruit.csv"]},
    EMPTY | {"data": {"new": 3}, "removed": ["fruit.csv"]},
    EMPTY | {"data": {"new": STAMP}, "settings": {"dvc.yaml": STAMP}, "removed": ["fruit.csv"]},
    EMPTY | {"data": ["new"], "removed": ["fruit.csv"]},
    EMPTY | {"removed": ["fruit.csv"], "more": []},
    {"data": {}, "settings": {}, "removed": ["fruit.csv"]},
    *([], None, "fruit.csv", {}),
]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_journal_of_another_shape_is_refused_whole(project: Project, content: object) -> None:
    (project.staging / "data").mkdir(parents=True)
    (project.staging / "data" / "new").write_text("new")
    project.journal.write_text(json.dumps(content))
    before = snapshot(project)
    with pytest.raises(
        UserError, match=r"^\.use\.tmp/journal\.json: not what `use` writes, so not"
    ):
        swap.resume(project)
    assert snapshot(project) == before


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 10_000])
def test_a_journal_that_is_none_is_refused(project: Project, text: bytes) -> None:
    project.staging.mkdir()
    project.journal.write_bytes(text)
    before = snapshot(project)
    with pytest.raises(UserError, match="not what `use` writes"):
        swap.resume(project)
    assert snapshot(project) == before


@pytest.mark.skipif(os.name != "posix", reason="links take rights on Windows")
@pytest.mark.parametrize(
    "name", ["data/raw", "references", "src/owner/models", ".use.tmp", ".use.tmp/data"]
)
def test_a_link_that_leads_out_of_the_project_is_not_followed(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    interrupt(project, monkeypatch, 0)
    folder, elsewhere = project.root / name, project.root.parent / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = snapshot(project)
    with pytest.raises(UserError, match="a link that leads out of the project, so nothing was"):
        swap.resume(project)
    assert snapshot(project) == before


@pytest.mark.skipif(os.name != "posix", reason="links take rights on Windows")
def test_of_a_link_in_the_data_only_the_link_goes(project: Project) -> None:
    elsewhere = project.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1.csv").write_text("precious")
    (project.raw / "fruit.csv").unlink()
    for name in ("fruit.csv", "new"):
        (project.raw / name).symlink_to(elsewhere)
    adopt(project)
    assert (elsewhere / "1.csv").read_text() == "precious"
    assert (project.raw / "new").read_text() == "new"
    assert not (project.raw / "fruit.csv").exists()


HOLD = """
import sys, time
from pathlib import Path
from lockstep.adopting import swap
from lockstep.core.paths import Paths
with swap.lock(Paths(Path.cwd())):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def another(project: Project) -> Iterator[None]:
    """Another process that takes data into the project, and is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, cwd=project.root
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.kill()


def test_one_at_a_time_takes_data_in(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(project)
    with another(project):
        assert cli.main(["use", "data/raw/fruit.csv", "--target", "fruit"]) == 1
    assert capsys.readouterr() == (
        "",
        "error: another `use` is at work in this project; wait until it has ended\n",
    )
    assert snapshot(project) == before
    assert cli.main(["use"]) == 1
    assert "name a file, a folder or an address" in capsys.readouterr().err


def test_dvc_finishes_what_was_interrupted_but_not_what_is_under_way(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(project, monkeypatch, 3)
    with another(project):
        before_dvc()
    assert project.journal.exists()
    before_dvc()
    assert not project.staging.exists()
    assert (project.raw / "new").read_text() == "new"


def test_dvc_starts_in_spite_of_a_foreign_journal(project: Project) -> None:
    project.staging.mkdir()
    project.journal.write_text("[]")
    (project.root / "dvc.yaml").write_text("stages: {}\n")
    before_dvc()
    assert project.environment_file.exists()
    assert project.journal.exists()


def test_stages_and_the_doctor_name_what_was_interrupted_and_what_finishes_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt(project, monkeypatch, 4)
    before = snapshot(project)
    for stage in ("ingest", "preprocess", "train", "evaluate"):
        assert cli.main([stage]) == 1
        assert capsys.readouterr() == ("", PENDING)
    with pytest.raises(UserError, match="to mend: use"):
        examine()
    assert capsys.readouterr().out == PENDING.replace("error: ", "wrong  use        ")
    assert snapshot(project) == before
    assert cli.main(["use"]) == 0
    assert capsys.readouterr() == (FINISHED, "")
    examine(["use"])
    assert capsys.readouterr().out == "ok     use        no data are halfway taken in\n"


def test_the_command_that_finishes_is_the_projects_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(project, monkeypatch, 0)
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('[project.scripts]\nmy-fruit = "lockstep.commands.cli:main"\n')
    with pytest.raises(UserError, match=r"`uv run my-fruit use` finishes it$"):
        project.require_settled()


LINES = "".join(f'  File "dvc/{number}.py", line 1, in run\n' for number in range(60))
TRACEBACK = f"Traceback (most recent call last):\n{LINES}KeyError: 'no such thing'\n"


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (TRACEBACK, "dvc add: KeyError: 'no such thing'"),
        (f"ERROR: unexpected error - 'x'\n{TRACEBACK}", "dvc add: unexpected error - 'x'"),
        ("WARNING: old\nERROR: a\n  long one\n\nHaving any troubles?", "dvc add: a long one"),
        ("ERROR: at http://me:pw@host/a?sig=1", "dvc add: at http://***@host/a?***"),
        ("ERROR: " + "a" * 2000, f"dvc add: {'a' * 300}..."),
        ("", "dvc add: failed"),
    ],
)
def test_what_dvc_says_of_its_failure_is_a_short_line(
    monkeypatch: pytest.MonkeyPatch, errors: str, expected: str
) -> None:
    done = subprocess.CompletedProcess([], 1, "", errors)
    monkeypatch.setattr(swap, "run_program", lambda *_: done)
    with pytest.raises(UserError) as caught:
        swap.run_dvc(Path(), "add")
    assert str(caught.value) == expected
