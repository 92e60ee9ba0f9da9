"""The doctor: what it finds, and what it says would mend it."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import PARAMS, write_params
from lockstep.commands import doctor
from lockstep.commands.sums import SUMS, sum_files
from lockstep.core import devices
from lockstep.core.errors import UserError
from lockstep.core.programs import run_program
from lockstep.core.project import Project

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
    run_program(command, project.root).check_returncode()


def init_dvc(project: Project) -> None:
    """Start git and DVC in the project."""
    run(project, "git", "init", "--quiet")
    run(project, sys.executable, "-m", "dvc", "init", "--quiet")


@pytest.mark.parametrize(
    ("allowed", "state", "message"),
    [
        (">=3.11", "note", f"in {sys.prefix}; `uv run` takes the project's own, in .venv"),
        (">=3.99", "wrong", "but pyproject.toml asks for >=3.99; `uv sync` fetches one"),
    ],
)
def test_another_python_is_told(project: Project, allowed: str, state: str, message: str) -> None:
    (project.root / "pyproject.toml").write_text(PYPROJECT.format(allowed))
    finding = doctor.check_python(project)
    assert finding.state == state
    assert finding.message.endswith(message)


def test_the_projects_own_python_is_right(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "pyproject.toml").write_text(PYPROJECT.format(">=3.11"))
    monkeypatch.setattr(sys, "prefix", str(project.root / ".venv"))
    assert doctor.check_python(project).state == "ok"


def test_a_missing_uv_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_uv(project).state == "ok"
    monkeypatch.setenv("PATH", str(project.raw))
    assert doctor.check_uv(project) == doctor.wrong("not found; `pip install uv` gets it")


def test_a_lock_that_does_not_fit_is_told(project: Project) -> None:
    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(PYPROJECT.format(">=3.11"))
    assert doctor.check_lock(project).message.startswith("uv.lock is not there yet")
    run(project, "uv", "lock", "--offline")
    assert doctor.check_lock(project).state == "ok"
    pyproject.write_text(PYPROJECT.format(">=3.11").replace('"1"', '"2"'))
    assert doctor.check_lock(project).state == "wrong"
    assert "`uv lock` renews it" in doctor.check_lock(project).message
    (project.root / "uv.lock").write_text("<<<<<<< HEAD\n")
    assert "cannot be read; `git checkout HEAD -- uv.lock`" in doctor.check_lock(project).message


def test_a_lock_is_not_called_wrong_where_uv_is_missing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "uv.lock").touch()
    monkeypatch.setenv("PATH", str(project.raw))
    assert doctor.check_lock(project) == doctor.note("uv.lock cannot be looked at without uv")


def test_a_repository_that_git_does_not_take_is_no_reason_to_make_one(project: Project) -> None:
    (project.root / ".git").write_text("gitdir: nowhere")
    assert doctor.check_git(project) == doctor.wrong(
        "git does not take this for its repository; `git status` says why"
    )


def test_git_is_asked_for_a_repository_and_a_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.check_git(project).state == "wrong"
    assert "`git init` makes it one" in doctor.check_git(project).message
    run(project, "git", "init", "--quiet")
    assert doctor.check_git(project).message.startswith("nothing is committed yet")
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", "State")
    assert doctor.check_git(project).state == "ok"
    (project.root / "uv.lock").touch()
    expected = "not in git, though they make results repeatable: uv.lock"
    assert doctor.check_git(project) == doctor.note(expected)
    monkeypatch.setenv("PATH", str(project.raw))
    assert doctor.check_git(project) == doctor.wrong("not found; install it, then `git init`")


def test_missing_hooks_are_a_note(project: Project) -> None:
    run(project, "git", "init", "--quiet", "--template=")
    assert doctor.check_hooks(project).state == "note"
    assert "`uv run pre-commit install`" in doctor.check_hooks(project).message
    hook = project.root / ".git/hooks/pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\n")
    assert doctor.check_hooks(project).message.startswith("another hook is there")
    hook.write_text("#!/bin/sh\nexec pre-commit\n")
    hook.chmod(0o755)
    assert doctor.check_hooks(project).state == "ok"


@pytest.mark.skipif(os.name == "nt", reason="Windows runs what it can read")
def test_a_hook_that_git_passes_over_is_told(project: Project) -> None:
    run(project, "git", "init", "--quiet", "--template=")
    hook = project.root / ".git/hooks/pre-commit"
    hook.parent.mkdir()
    hook.write_text("exec pre-commit\n")
    hook.chmod(0o644)
    assert doctor.check_hooks(project).state == "wrong"


def test_a_project_on_one_machine_only_is_noted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_dvc(project)
    assert doctor.check_remote(project).state == "note"
    address = str(project.root / ("long" * 40))
    run(project, sys.executable, "-m", "dvc", "remote", "add", "store", address)
    assert "`uv run dvc remote default NAME`" in doctor.check_remote(project).message
    run(project, sys.executable, "-m", "dvc", "remote", "default", "store")
    told = f"store: {address} is not there; `uv run dvc push` makes it where it may"
    assert doctor.check_remote(project) == doctor.note(told)
    Path(address).mkdir()
    assert doctor.check_remote(project) == doctor.ok("store: a folder that may be written")
    run(project, sys.executable, "-m", "dvc", "config", "core.remote", "nowhere")
    assert doctor.check_remote(project).message == "nowhere is the default; there are only store"
    monkeypatch.setattr(doctor, "_output", lambda *_: None)
    assert doctor.check_remote(project).state == "wrong"


def test_the_backend_is_told_with_what_it_computes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = project.params.keras_backend
    monkeypatch.setattr(doctor, "_output", lambda *_: None)
    assert doctor.check_keras(project) == doctor.ok(f"{backend} on the CPU")
    monkeypatch.setattr(doctor, "_output", lambda *_: "GPU 0: some")
    told = doctor.check_keras(project)
    assert told.state == "note"
    assert "`device: gpu` below `train`" in told.message
    write_params(project, train=PARAMS["train"] | {"device": "gpu"})
    monkeypatch.setattr(devices, "count_gpus", lambda _: 1)
    assert doctor.check_keras(project) == doctor.ok(f"{backend} on the GPU")


def test_a_mistake_in_the_settings_is_not_one_of_the_backend(project: Project) -> None:
    project.params_file.write_text("kind: [")
    with pytest.raises(UserError, match=r"^params\.yaml"):
        doctor.check_keras(project)


def test_data_that_are_elsewhere_or_nowhere_are_told(project: Project) -> None:
    assert doctor.check_data(project) == doctor.ok("data/raw/fruit.csv")
    (project.raw / "fruit.csv").unlink()
    assert doctor.check_data(project).message.startswith(
        "data/raw/fruit.csv: not there, though params.yaml"
    )
    (project.raw / "fruit.csv.dvc").touch()
    assert doctor.check_data(project) == doctor.wrong(
        "data/raw/fruit.csv: not here; `uv run dvc pull` fetches what DVC keeps"
    )


def flip_byte(path: Path) -> None:
    """Damage a file as a disk does, without a new time or size."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cached(project: Project, md5: str) -> Path:
    return project.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


@pytest.fixture
def kept(project: Project) -> dict[str, Path]:
    """What DVC keeps of a project that it has run, as files of its cache."""
    init_dvc(project)
    write = "from pathlib import Path; Path('made').mkdir(); "
    write += "Path('made/a').write_text('one'); Path('made/b').write_text('two')"
    stage = {"cmd": f'{sys.executable} -c "{write}"', "outs": ["made"]}
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": {"make": stage}}))
    run(project, sys.executable, "-m", "dvc", "repro")
    run(project, sys.executable, "-m", "dvc", "add", "data/raw/fruit.csv")
    sources = {name: project.root / name for name in ("made/a", "made/b")}
    sources["data/raw/fruit.csv"] = project.raw / "fruit.csv"
    digests = {name: hashlib.md5(path.read_bytes()) for name, path in sources.items()}
    files = {name: cached(project, digest.hexdigest()) for name, digest in digests.items()}
    (files["made"],) = (project.root / ".dvc/cache").rglob("*.dir")
    return files


RAW = "data/raw/fruit.csv"


@pytest.mark.parametrize(
    ("name", "owner"), [("made/a", "make"), ("made", "make"), (RAW, f"{RAW}.dvc")]
)
def test_a_damaged_file_in_the_cache_is_told_and_mended_by_what_is_said(
    project: Project, kept: dict[str, Path], name: str, owner: str
) -> None:
    assert doctor.check_cache(project).state == "ok"
    before = kept[name].read_bytes()
    flip_byte(kept[name])
    file = kept[name].relative_to(project.root)
    assert doctor.check_cache(project) == doctor.wrong(
        f"{name}: damaged in DVC's cache; delete {file}, then `uv run dvc commit {owner}`"
    )
    kept[name].unlink()
    run(project, sys.executable, "-m", "dvc", "commit", owner)
    assert kept[name].read_bytes() == before
    assert doctor.check_cache(project).state == "ok"


def test_damage_that_was_given_out_is_told_with_what_makes_all_of_it_again(
    project: Project, kept: dict[str, Path]
) -> None:
    path = project.root / "made/a"
    flip_byte(kept["made/a"])
    path.unlink()
    run(project, sys.executable, "-m", "dvc", "checkout")
    assert path.read_text() != "one"
    assert doctor.check_pipeline(project).state == "ok"  # DVC does not see it
    file = kept["made/a"].relative_to(project.root)
    assert doctor.check_cache(project) == doctor.wrong(
        f"made/a: damaged in DVC's cache; delete {file}, {Path('made/a')}, "
        "then `uv run dvc repro --force`"
    )
    kept["made/a"].unlink()
    path.unlink()
    run(project, sys.executable, "-m", "dvc", "repro", "--force")
    assert path.read_text() == kept["made/a"].read_text() == "one"
    assert doctor.check_cache(project).state == "ok"


def test_damaged_raw_data_are_fetched_again(project: Project, kept: dict[str, Path]) -> None:
    run(project, sys.executable, "-m", "dvc", "remote", "add", "-d", "store", "store")
    run(project, sys.executable, "-m", "dvc", "push")
    before = kept[RAW].read_bytes()
    flip_byte(kept[RAW])
    (project.root / RAW).unlink()
    finding = doctor.check_cache(project)
    assert finding.message.endswith(f", then `uv run dvc pull {RAW}.dvc`")
    kept[RAW].unlink()
    run(project, sys.executable, "-m", "dvc", "pull", f"{RAW}.dvc")
    assert (project.root / RAW).read_bytes() == kept[RAW].read_bytes() == before


def test_a_cache_without_dvc_is_not_looked_at(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_output", lambda *_: None)
    assert doctor.check_cache(project).message.startswith("DVC does not run here;")


def test_results_that_are_out_of_date_are_told(project: Project) -> None:
    assert doctor.check_pipeline(project).state == "wrong"
    init_dvc(project)
    stage = {"cmd": "exit", "deps": ["params.yaml"]}
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": {"look": stage}}))
    assert doctor.check_pipeline(project).message.startswith("nothing has run yet")
    run(project, sys.executable, "-m", "dvc", "commit", "--force")
    assert doctor.check_pipeline(project).state == "ok"
    project.params_file.write_text(project.params_file.read_text() + "\n")
    expected = "out of date: look; `uv run dvc repro` runs them"
    assert doctor.check_pipeline(project) == doctor.wrong(expected)


def test_results_that_are_kept_elsewhere_are_not_out_of_date(project: Project) -> None:
    init_dvc(project)
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
    assert doctor.check_pipeline(project).message.startswith(
        "results are not here; `uv run dvc pull`"
    )
    made.write_text("another")
    assert doctor.check_pipeline(project).message.startswith("out of date: show;")
    made.unlink()
    code.unlink()
    assert doctor.check_pipeline(project).message.startswith("out of date: look;")
    code.touch()
    project.params_file.write_text(project.params_file.read_text() + "\n")
    assert doctor.check_pipeline(project).message.startswith("out of date: look;")
    stages["stages"]["show"]["cmd"] = "echo"
    (project.root / "dvc.yaml").write_text(json.dumps(stages))
    assert doctor.check_pipeline(project).message.startswith("out of date: look, show;")


def test_a_bundled_library_that_was_edited_is_noted(project: Project) -> None:
    assert doctor.check_library(project).message.endswith(", not bundled")
    folder = project.root / "vendor/lockstep"
    (folder / "src").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.0.0+bundled"\n')
    (folder / "src/a.py").write_text("a = 1\n")
    assert doctor.check_library(project).state == "note"
    assert "it has no SHA256SUMS" in doctor.check_library(project).message
    sums = "".join(f"{digest}  {name}\n" for name, digest in sum_files(folder).items())
    (folder / SUMS).write_text(sums)
    assert doctor.check_library(project) == doctor.ok("lockstep-core 1.0.0+bundled, as it came")
    (folder / "src/__pycache__").mkdir()
    (folder / "src/__pycache__/a.pyc").touch()
    (folder / ".ruff_cache").mkdir()
    (folder / ".ruff_cache/x").touch()
    assert doctor.check_library(project).state == "ok"
    (folder / "src/a.py").write_text("a = 2\n")
    (folder / "src/b.py").touch()
    assert doctor.check_library(project) == doctor.note(
        "vendor/lockstep was edited: 2 files (src/a.py, src/b.py); an update may conflict with that"
    )


def write_own(project: Project, files: dict[str, str]) -> None:
    """Write files below the project's root."""
    for name, content in files.items():
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_a_project_without_leftovers_is_right(project: Project) -> None:
    names = ("__init__.py", "models/common.py", "modeling/__pycache__/metrics.cpython-311.pyc")
    write_own(project, {f"src/owner/{name}": "" for name in names})
    assert doctor.check_leftovers(project).state == "ok"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["modeling/mine.py"], "src/owner/modeling is"),
        (["errors.py"], "src/owner/errors.py is"),
        (["data/files/a.py", "config.py"], "src/owner/data, src/owner/config.py are"),
    ],
)
def test_what_is_left_from_before_the_library_is_told(
    project: Project, names: list[str], said: str
) -> None:
    write_own(project, {f"src/owner/{name}": "" for name in names})
    # In a project of later these are its owner's.
    assert doctor.check_leftovers(project).state == "ok"
    write_own(project, {"src/owner/reproducibility/stage.py": ""})
    run(project, "git", "init", "--quiet")
    run(project, "git", "add", "src/owner/reproducibility")
    run(project, "git", "commit", "--quiet", "--message", "Generated")
    (project.root / "src/owner/reproducibility/stage.py").unlink()
    assert doctor.check_leftovers(project) == doctor.wrong(
        f"{said} from before the library: `python vendor/lockstep/migrate.py` brings over what is "
        "yours and names the rest"
    )


def test_every_check_is_printed_and_what_is_wrong_is_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistaken(project: Project) -> doctor.Finding:
        return doctor.ok(project.params.kind)

    checks = {"one": lambda _: doctor.note("could be better"), "params": mistaken}
    monkeypatch.setattr(doctor, "CHECKS", checks)
    doctor.examine()
    assert capsys.readouterr().out.splitlines() == [
        "note   one        could be better",
        "ok     params     classification",
    ]
    checks["one"] = lambda _: 1 / 0
    with pytest.raises(UserError, match="to mend: one"):
        doctor.examine()
    assert "wrong  one        ZeroDivisionError: division by zero" in capsys.readouterr().out
    checks["one"] = lambda _: doctor.note("could be better")
    write_params(project, kind="guess")
    with pytest.raises(UserError, match="to mend: params; the lines above say how"):
        doctor.examine()
    assert capsys.readouterr().out.splitlines()[1].startswith("wrong  params     params.yaml: kind")
    doctor.examine(["one"])
    assert capsys.readouterr().out == "note   one        could be better\n"
    with pytest.raises(UserError, match="doctor: --only params1: did you mean params"):
        doctor.examine(["params1"])
