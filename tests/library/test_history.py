"""Runs in git's history: read, listed, told apart, and held against what their commits hold."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import make_project, write_params
from history import commit_run, run_git, write_pipeline
from lockstep.core.errors import UserError
from lockstep.core.paths import Paths
from lockstep.core.project import Project
from lockstep.core.records import digest_source, digest_sources
from lockstep.records.agreement import find_disagreements
from lockstep.records.changes import ABSENT, Change, find_changes
from lockstep.records.repository import Repository
from lockstep.records.run import Run, list_runs, read_run

ROOM = "vendor/lockstep/src/lockstep/data"


def write_record(project: Project, **changes: object) -> dict:
    """A record of the project as it is, without having run anything."""
    room = project.root / ROOM
    files = {file.relative_to(room).as_posix(): file.read_bytes() for file in room.rglob("*.py")}
    model = project.root / "src/owner/models.py"
    record = {
        "record": 1,
        "inputs": {"data/raw/fruit.csv": "1"},
        "contract": {"references/schema.yaml": digest_source(project.contract_file.read_bytes())},
        "parameters": json.loads(project.params_file.read_text()),
        "code": {
            "preprocess": {ROOM: digest_sources(files)},
            "train": {"src/owner/models.py": digest_source(model.read_bytes())},
        },
        "environment": {"python": "3.11", "numpy": "2.4.6"},
        "model": {"candidate": "linear", "files": {}},
        "metric": {"name": "accuracy", "higher_is_better": True},
        "validation": {"accuracy": 0.9, "standard_error": 0.01},
        "metrics": {"accuracy": 0.8, "intervals": {"accuracy": [0.7, 0.9]}},
        "outputs": {},
    }
    record |= changes
    project.record.parent.mkdir(exist_ok=True)
    project.record.write_text(json.dumps(record))
    return record


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project")
    write_pipeline(project)
    write_record(project)
    monkeypatch.chdir(project.root)
    return project


def test_commits_that_bring_a_run_are_listed_the_newest_first(project: Project) -> None:
    first = commit_run(project, "One")
    run_git(project.root, "commit", "--quiet", "--allow-empty", "--message", "No run")
    write_record(project, validation={"accuracy": 0.95, "standard_error": None})
    second = commit_run(project, "Two")
    newest, oldest = list_runs(Repository(project))
    assert (newest.commit.sha, oldest.commit.sha) == (second, first)
    assert (newest.commit.subject, newest.commit.author) == ("Two", "Ada")
    assert newest.name == second[:8]
    assert (newest.candidate, newest.metric) == ("linear", "accuracy")
    assert newest.higher_is_better
    assert (newest.validated.value, oldest.validated.value) == (0.95, 0.9)
    assert oldest.validated.standard_error == 0.01
    assert oldest.tested == (0.8, None, (0.7, 0.9))
    assert newest.id != oldest.id


@pytest.mark.parametrize("name", ["HEAD", "HEAD~0", "main", "v1", "annotated"])
def test_a_run_is_found_by_whatever_git_calls_its_commit(project: Project, name: str) -> None:
    commit = commit_run(project)
    run_git(project.root, "branch", "--move", "main")
    run_git(project.root, "tag", "v1")
    run_git(project.root, "tag", "--annotate", "annotated", "--message", "A tag")
    assert read_run(Repository(project), name).commit.sha == commit


def test_the_workspace_has_the_run_of_the_files_as_they_are(project: Project) -> None:
    commit_run(project)
    write_record(project, model={"candidate": "knn"})
    repository = Repository(project)
    assert read_run(repository, "workspace").candidate == "knn"
    assert read_run(repository, "HEAD").candidate == "linear"
    assert read_run(repository, "workspace").name == "workspace"


def test_a_project_in_a_folder_of_its_repository_has_its_own_runs(project: Project) -> None:
    run_git(project.root.parent, "init", "--quiet")
    (project.root.parent / "reports").mkdir()
    (project.root.parent / "reports/record.json").write_text("{}")
    run_git(project.root.parent, "add", "--all")
    run_git(project.root.parent, "commit", "--quiet", "--message", "All")
    repository = Repository(project)
    assert repository.prefix == "project/"
    assert [run.candidate for run in list_runs(repository)] == ["linear"]
    assert not repository.is_dirty
    (project.root.parent / "other.txt").touch()
    assert not repository.is_dirty
    (project.root / "new.txt").touch()
    assert repository.is_dirty


def test_the_user_s_settings_of_git_change_nothing(project: Project) -> None:
    commit = commit_run(project, "Größe\u2028und  mehr")
    settings = {"log.showSignature": "true", "log.date": "raw", "color.ui": "always"}
    for key, value in settings.items():
        run_git(project.root, "config", key, value)
    (run,) = list_runs(Repository(project))
    assert run.commit.sha == commit
    assert run.commit.subject.startswith("Größe")


def break_nothing(_: Project) -> None: ...


@pytest.mark.parametrize(
    ("prepare", "revision", "expected"),
    [
        (break_nothing, "nope", "nope: no such commit, branch or tag"),
        (break_nothing, "--all", "--all: no such commit, branch or tag"),
        (
            lambda project: run_git(project.root, "rm", "--quiet", "reports/record.json"),
            "HEAD",
            "HEAD: no run at this commit: it holds no reports/record.json, which `dvc repro` makes",
        ),
        (
            lambda project: project.record.write_text("{"),
            "HEAD",
            ":reports/record.json: not a record that `evaluate` has written; `dvc repro` writes",
        ),
        (
            lambda project: project.record.write_text("[1]"),
            "HEAD",
            ":reports/record.json: not a record that `evaluate` has written",
        ),
        (
            lambda project: write_record(project, record=2),
            "HEAD",
            ":reports/record.json: written in form 2, and this version reads form 1",
        ),
        (
            lambda project: project.record.unlink(),
            "workspace",
            "reports/record.json: not there yet; `dvc repro` makes it",
        ),
    ],
)
def test_what_is_no_run_is_told(
    project: Project, prepare: Callable[[Project], None], revision: str, expected: str
) -> None:
    commit_run(project)
    prepare(project)
    run_git(project.root, "commit", "--quiet", "--all", "--allow-empty", "--message", "Another")
    with pytest.raises(UserError) as error:
        read_run(Repository(project), revision)
    assert expected in str(error.value)


def test_a_folder_without_git_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    with pytest.raises(UserError, match="git rev-parse: fatal: not a git repository"):
        Repository(project)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="git is not installed"):
        Repository(project)


def test_a_shallow_clone_says_that_it_lacks_a_commit(project: Project, tmp_path: Path) -> None:
    first = commit_run(project)
    write_record(project, model={"candidate": "knn"})
    commit_run(project)
    source = f"file://{project.root}"
    run_git(tmp_path, "clone", "--quiet", "--depth=1", source, "shallow")
    repository = Repository(Paths(tmp_path / "shallow"))
    assert repository.is_shallow
    assert [run.candidate for run in list_runs(repository)] == ["knn"]
    with pytest.raises(UserError, match="this clone is shallow, `git fetch --unshallow --tags`"):
        read_run(repository, first)


def make_run(project: Project, **changes: object) -> Run:
    return Run(None, "", write_record(project, **changes))


def test_what_differs_between_runs_has_the_names_that_users_give_it(project: Project) -> None:
    before = make_run(project)
    train = {"metric": "accuracy", "folds": 5, "candidates": {"linear": {"alpha": 2.0}}}
    parameters = {**before.record["parameters"], "train": train}
    code = {"train": {"src/owner/models.py": "other"}, "evaluate": {"src/owner/more.py": "new"}}
    after = make_run(
        project,
        inputs={"data/raw/fruit.csv": "2"},
        parameters=parameters,
        code=code,
        environment={"python": "3.12", "numpy": "2.4.6"},
    )
    changes = find_changes(before, after)
    assert [(change.kind, change.name) for change in changes] == [
        ("data", "data/raw/fruit.csv"),
        ("parameters", "train.folds"),
        ("parameters", "train.candidates.baseline"),
        ("parameters", "train.candidates.mlp.max_epochs"),
        ("parameters", "train.candidates.linear.alpha"),
        ("code", ROOM),
        ("code", "src/owner/models.py"),
        ("code", "src/owner/more.py"),
        ("environment", "python"),
    ]
    assert Change("parameters", "train.folds", 3, 5) in changes
    assert Change("parameters", "train.candidates.linear.alpha", ABSENT, 2.0) in changes
    assert find_changes(before, before) == []


def edit(name: str) -> Callable[[Project], None]:
    def append(project: Project) -> None:
        with (project.root / name).open("a", encoding="utf-8") as file:
            file.write("\n# a change\n")

    return append


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (break_nothing, []),
        (edit("README.md"), []),
        (edit("src/owner/models.py"), ["src/owner/models.py is another"]),
        (edit(f"{ROOM}/split.py"), [f"{ROOM} is another"]),
        (lambda project: shutil.rmtree(project.root / ROOM), [f"{ROOM} is another"]),
        (edit("references/schema.yaml"), ["references/schema.yaml is another"]),
        (lambda project: write_params(project, seed=3), ["params.yaml has another `seed`"]),
        (lambda project: write_params(project, promote={"margin": 1}), []),
        (
            lambda project: project.record.write_text(project.record.read_text() + "\n"),
            ["dvc.lock is not of the run that wrote reports/record.json"],
        ),
        (
            lambda project: (project.root / "dvc.lock").write_text("stages: ["),
            ["dvc.lock is not of the run that wrote reports/record.json"],
        ),
    ],
)
def test_a_commit_that_is_not_what_its_record_tells_is_known(
    project: Project, change: Callable[[Project], None], expected: list[str]
) -> None:
    commit_run(project)
    change(project)
    run_git(project.root, "add", "--all")
    run_git(project.root, "commit", "--quiet", "--allow-empty", "--message", "By hand")
    repository = Repository(project)
    assert find_disagreements(repository, read_run(repository, "HEAD")) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (break_nothing, []),
        (edit("src/owner/models.py"), ["src/owner/models.py is another"]),
        (edit(f"{ROOM}/split.py"), [f"{ROOM} is another"]),
        (lambda project: write_params(project, seed=3), ["params.yaml has another `seed`"]),
    ],
)
def test_an_edit_that_was_not_run_yet_is_known_of_the_workspace(
    project: Project, change: Callable[[Project], None], expected: list[str]
) -> None:
    commit_run(project)
    change(project)
    repository = Repository(project)
    assert find_disagreements(repository, read_run(repository, "workspace")) == expected


def test_an_output_in_git_that_was_edited_is_known(project: Project) -> None:
    card = project.model_card
    card.write_text("A card\n")
    write_record(project, outputs={"reports/model_card.md": "0", "models/champion/model.json": "1"})
    commit_run(project)
    repository = Repository(project)
    (line,) = find_disagreements(repository, read_run(repository, "HEAD"))
    assert line == "reports/model_card.md is another"
