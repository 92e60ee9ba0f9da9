"""The same inputs give the same bytes, under any conditions, and a command proves it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, Project, bake
from ruamel.yaml import YAML
from test_pipeline import STAGES, edit, pin_torch, stages_run

ONE_CORE = ["taskset", "-c", "0"]
OTHER_CONDITIONS = {
    "PYTHONHASHSEED": "7",
    "TZ": "Asia/Tokyo",
    "LC_ALL": "C",
    "OMP_NUM_THREADS": "8",
    "PJRT_NPROC": "2",
}


REPORT, RECORD = "reports/index.html", "reports/record.json"
LIBRARY = "vendor/lockstep/src/lockstep"


def changed_files(project: Project) -> list[str]:
    """Files in git that differ from the commit, dvc.lock and with it every output among them."""
    return project.run("git", "diff", "--name-only").split()


def changed_inputs(project: Project) -> dict[str, list[str]]:
    """By stage, what `dvc status` says has changed."""
    status = YAML(typ="safe").load(
        project.run("uv", "run", "--no-sync", "dvc", "status", "--json", "dvc.yaml")
    )
    return {stage.removeprefix("dvc.yaml:"): str(changes) for stage, changes in status.items()}


def clone(project: Project, to: Path) -> Project:
    """A clone with an environment of its own."""
    cloned = project.clone(to)
    cloned.run("uv", "sync", "--frozen")
    return cloned


def test_another_place_processor_locale_time_zone_and_hash_seed_give_the_same_bytes(
    tmp_path: Path, ready: Project
) -> None:
    elsewhere = clone(ready, tmp_path / "another place")
    command = [*ONE_CORE, "uv", "run", "dvc", "repro", "--force"]
    printed = elsewhere.try_run(*command, **OTHER_CONDITIONS)
    assert printed.returncode == 0, printed.stderr
    assert stages_run(printed.stdout) == STAGES
    overruled = "train: reproducibility is strict: OMP_NUM_THREADS=8, PJRT_NPROC=2 is overruled"
    assert overruled in printed.stderr
    assert changed_files(elsewhere) == []


@pytest.mark.matrix
def test_verify_names_the_first_stage_that_differs_and_why(demo: Project) -> None:
    good = demo.run("git", "rev-parse", "HEAD").strip()
    edit(demo / "params.yaml", "  folds: 2", "  folds: 3")
    demo.run("git", "commit", "--quiet", "--all", "--message", "Parameters without results")
    before = snapshot(demo)
    result = demo.try_run("uv", "run", "my-project", "verify")
    demo.run("git", "reset", "--quiet", "--hard", good)
    assert result.returncode == 1
    assert "preprocess  data/processed/train.parquet" in result.stdout
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "train is the first stage whose output differs" in line
    assert "train in params.yaml was" in line
    assert before["files"] == snapshot(demo)["files"] | {
        "params.yaml": before["files"]["params.yaml"]
    }


WRONG_COMMITS = {
    "an output that no stage writes": (
        lambda project: edit(project / f"{LIBRARY}/core/paths.py", '"model_card.md"', '"card.md"')
    ),
    "a frozen stage": (
        lambda project: edit(
            project / "dvc.yaml", "  evaluate:\n", "  evaluate:\n    frozen: true\n"
        )
    ),
    "a lock that lacks stages": (
        lambda project: (project / "dvc.lock").write_text(
            (project / "dvc.lock").read_text().partition("  preprocess:\n")[0]
        )
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize("wrong", WRONG_COMMITS)
def test_verify_takes_nothing_over_from_the_commit(demo: Project, wrong: str) -> None:
    good = demo.run("git", "rev-parse", "HEAD").strip()
    WRONG_COMMITS[wrong](demo)
    demo.run("git", "commit", "--quiet", "--all", "--message", "Wrong")
    result = demo.try_run("uv", "run", "my-project", "verify")
    demo.run("git", "reset", "--quiet", "--hard", good)
    assert result.returncode == 1, result.stdout
    assert "are the same bytes" not in result.stdout


def test_verify_tells_a_revision_it_cannot_rebuild(demo: Project) -> None:
    result = demo.try_run("uv", "run", "my-project", "verify", "--rev", "nope")
    assert result.returncode == 1
    assert "error: nope: no such commit; verify needs one to rebuild\n" in result.stderr


def test_verify_leaves_nothing_behind_when_it_is_ended(tmp_path: Path, demo: Project) -> None:
    before = snapshot(demo)
    command = ["python", "-m", "my_project", "verify"]
    with Background(demo, tmp_path / "log", *command, TMPDIR=str(tmp_path)) as verify:
        verify.wait_for("Running stage 'train'")
        assert list(tmp_path.glob("clone-*")) != []
        (clone,) = tmp_path.glob("clone-*/clone")
        verify.process.terminate()
        verify.finish()
    assert verify.process.returncode == 130
    # Nothing that was started goes on in the clone, where it would write the folder anew.
    processes = Path("/proc").glob("[0-9]*/cwd")
    assert clone not in {cwd.readlink() for cwd in processes if cwd.exists()}
    assert list(tmp_path.glob("clone-*")) == []
    assert snapshot(demo) == before


def test_another_version_of_a_library_reruns_the_stages_that_compute_with_it(
    demo: Project,
) -> None:
    demo.run("uv", "pip", "install", "joblib==1.5.3")
    try:
        changes = changed_inputs(demo)
        assert sorted(changes) == ["evaluate", "train"]
        assert "joblib" in changes["train"]
    finally:
        demo.run("uv", "sync")


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("vendor/lockstep/src/lockstep/docs/copies.py", []),
        ("vendor/lockstep/src/lockstep/reading/texts.py", ["ingest", "evaluate"]),
        ("vendor/lockstep/src/lockstep/modeling/steps.py", ["train", "evaluate"]),
        ("vendor/lockstep/src/lockstep/reporting/curves.py", ["evaluate"]),
        ("src/my_project/preprocess.py", ["preprocess", "evaluate"]),
        ("src/my_project/features.py", ["train", "evaluate"]),
    ],
)
def test_a_change_of_a_room_or_a_file_reruns_what_computes_with_it(
    demo: Project, file: str, stages: list[str]
) -> None:
    with (demo / file).open("a", encoding="utf-8") as source:
        source.write("# a change\n")
    status = json.loads(demo.run("uv", "run", "dvc", "status", "--json", "dvc.yaml"))
    changed = [name for name, found in status.items() if file_or_room(found, file)]
    assert sorted(changed) == sorted(stages)
    assert sorted(status) == sorted(stages)


def file_or_room(found: list, file: str) -> bool:
    """Whether DVC names a file, or a folder that it lies in, among what has changed."""
    names = [name for change in found for name in change.get("changed deps", {})]
    return any(file == name or file.startswith(f"{name}/") for name in names)


def test_another_version_of_a_tool_reruns_nothing(demo: Project) -> None:
    demo.run("uv", "pip", "install", "ruff==0.15.0", "pytest==9.0.1")
    try:
        assert changed_inputs(demo) == {}
    finally:
        demo.run("uv", "sync")


@pytest.mark.matrix
def test_a_file_edited_while_a_stage_runs_is_not_recorded_as_its_input(
    tmp_path: Path, demo: Project
) -> None:
    lock = (demo / "dvc.lock").read_bytes()
    source = demo / "src/my_project/train.py"
    # A network takes long enough for an edit meanwhile.
    edit(demo / "params.yaml", "    linear: {", "    mlp: {max_epochs: 5}\n    linear: {")
    with Background(demo, tmp_path / "log", "dvc", "repro") as running:
        running.wait_for("train: baseline")
        edit(source, "Stage 3:", "Third stage:")
        printed = running.finish()
    assert running.process.returncode != 0
    assert "error: train: src/my_project/train.py changed while the stage ran;" in printed
    assert (demo / "dvc.lock").read_bytes() == lock
    assert stages_run(demo.run("uv", "run", "dvc", "repro"))[0] == "train"


def test_a_stage_that_is_killed_runs_again_to_the_same_bytes(tmp_path: Path, demo: Project) -> None:
    kill_and_repeat(demo, tmp_path / "log", "train", moment=0.5)
    assert changed_files(demo) == []


@pytest.mark.matrix
@pytest.mark.parametrize("moment", [tenth / 10 for tenth in range(10)])
@pytest.mark.parametrize("stage", STAGES)
def test_killing_a_stage_at_any_moment_changes_nothing(
    tmp_path: Path, demo: Project, stage: str, moment: float
) -> None:
    kill_and_repeat(demo, tmp_path / "log", stage, moment)
    assert changed_files(demo) == []


@pytest.mark.matrix
def test_of_two_runs_at_once_one_is_refused_and_the_other_gives_the_same_bytes(
    tmp_path: Path, reproduced: Project
) -> None:
    with Background(reproduced, tmp_path / "log", "dvc", "repro", "--force") as first:
        first.wait_for("Running stage 'train'")
        second = reproduced.try_run("uv", "run", "dvc", "repro", "--force")
        printed = first.finish()
    assert first.process.returncode == 0, printed
    # While a stage runs, DVC holds what it reads and writes, and tells the second run so.
    assert second.returncode != 0
    assert "is busy, it is being blocked by" in second.stderr
    assert changed_files(reproduced) == []


def test_fast_says_what_it_does_not_promise(demo: Project) -> None:
    edit(demo / "params.yaml", "reproducibility: strict", "reproducibility: fast")
    printed = demo.try_run("uv", "run", "python", "-m", "my_project", "ingest")
    assert printed.returncode == 0
    note = "ingest: reproducibility is fast: another run gives close results, not the same bytes\n"
    assert printed.stderr == note


@pytest.mark.matrix
@pytest.mark.parametrize(
    "dataset",
    [
        *("iris", "diabetes", "digits", "flights", "vowels", "phrases", "weather", "visits"),
        *("storms", "paintings", "wines"),
    ],
)
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_every_backend_gives_the_same_bytes_under_other_conditions(
    tmp_path: Path, backend: str, dataset: str
) -> None:
    project = bake(tmp_path / "one", keras_backend=backend, dataset=dataset)
    pin_torch(project)
    project.run("uv", "run", "dvc", "repro")
    project.commit()
    project.run("uv", "run", "dvc", "repro", "--force")
    assert changed_files(project) == []
    elsewhere = clone(project, tmp_path / "two")
    elsewhere.run(*ONE_CORE, "uv", "run", "dvc", "repro", "--force", **OTHER_CONDITIONS)
    assert changed_files(elsewhere) == []


@pytest.mark.matrix
@pytest.mark.parametrize(
    "candidate", ["linear", "knn", "svm", "tree", "forest", "boosting", "mlp", "wide_and_deep"]
)
def test_every_champion_has_the_same_bytes_under_other_conditions(
    tmp_path: Path, candidate: str
) -> None:
    project = bake(tmp_path / "one", dataset="diabetes")
    params = project / "params.yaml"
    others = re.compile(rf"^    (?!baseline|{candidate})\w+: \{{.*\}}\n", flags=re.MULTILINE)
    params.write_text(others.sub("", params.read_text(encoding="utf-8")), encoding="utf-8")
    project.run("uv", "run", "dvc", "repro")
    assert f'"candidate": "{candidate}"' in (project / "models/champion/model.json").read_text()
    project.commit()
    elsewhere = clone(project, tmp_path / "two")
    elsewhere.run(*ONE_CORE, "uv", "run", "dvc", "repro", "--force", **OTHER_CONDITIONS)
    assert changed_files(elsewhere) == []


@pytest.mark.matrix
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_another_python_gives_the_same_outputs(
    tmp_path: Path, reproduced: Project, version: str
) -> None:
    reproduced.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    other = Project(tmp_path / "clone")
    other.run("uv", "run", "--frozen", "--python", version, "dvc", "repro")
    assert changed_files(other) == ["dvc.lock", "environment.yaml", REPORT, RECORD]
    # The report and the record say on which Python it was made.
    mine, theirs = ((one / REPORT).read_text(encoding="utf-8") for one in (reproduced, other))
    assert f"\npython {version}," in theirs
    assert theirs.replace(f"\npython {version},", "\npython 3.11,") == mine
    before, after = (YAML(typ="safe").load(one / "dvc.lock") for one in (reproduced, other))
    for lock in (before, after):
        for stage in lock["stages"].values():
            del stage["params"]["environment.yaml"]
            stage["outs"] = [out for out in stage["outs"] if out["path"] not in (REPORT, RECORD)]
    assert before == after


def snapshot(project: Project) -> dict[str, object]:
    """What verify must leave alone: the tree, DVC's cache and git's references."""
    ignored = {".venv", ".git", "__pycache__", "tmp"}
    files = {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in project.root.rglob("*")
        if path.is_file() and not ignored & set(path.relative_to(project.root).parts)
    }
    return {
        "files": files,
        "references": project.run("git", "for-each-ref"),
        "head": project.run("git", "rev-parse", "HEAD"),
        "status": project.run("git", "status", "--porcelain"),
    }


class Background:
    """A command of the project's environment that runs while the test goes on."""

    def __init__(self, project: Project, log: Path, *command: str, **environment: str) -> None:
        program, *arguments = command
        folder = project / ".venv/bin"
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        self.log = log
        with log.open("w") as printed:
            self.process = subprocess.Popen(
                [folder / program, *arguments],
                cwd=project.root,
                env=ENVIRONMENT | {"PATH": path, "PYTHONUNBUFFERED": "1"} | environment,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_for(self, text: str) -> None:
        """Go on when the command has printed `text`."""
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)

    def finish(self) -> str:
        """Wait for the end; returns all that was printed."""
        self.process.wait()
        return self.log.read_text()


def kill_and_repeat(project: Project, log: Path, stage: str, moment: float) -> None:
    """Kill DVC and the stage when that share of the stage is over, then run DVC undisturbed."""
    command = ["dvc", "repro", "--force", "--single-item", stage]
    with Background(project, log, *command) as undisturbed:
        undisturbed.wait_for("> python -m")
        start = time.monotonic()
        undisturbed.wait_for("train: champion" if stage == "train" else f"{stage}: ")
        length = time.monotonic() - start
    with Background(project, log, *command) as running:
        running.wait_for("> python -m")
        time.sleep(moment * length)
        assert running.process.poll() is None
    project.run("uv", "run", "dvc", "repro")
    assert "Data and pipelines are up to date." in project.run(
        "uv", "run", "dvc", "status", "dvc.yaml"
    )
