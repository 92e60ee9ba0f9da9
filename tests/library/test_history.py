"""Runs in git's history: read, listed, told apart, and held against what their commits hold."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import make_project, write_params
from history import append_comment, commit_run, run_git, write_pipeline
from lockstep.core.errors import UserError
from lockstep.core.files import sha256, sha256_of_all
from lockstep.core.paths import Paths
from lockstep.core.project import Project
from lockstep.core.records import digest_source, digest_sources
from lockstep.records.agreement import find_disagreements
from lockstep.records.changes import ABSENT, Change, find_changes
from lockstep.records.repository import Repository
from lockstep.records.run import Run, list_runs, read_run

KNN = {"candidate": "knn", "files": {}, "postprocessing": {}}
ROOM = "vendor/lockstep/src/lockstep/data"


def write_record(project: Project, **changes: object) -> dict:
    """A record of the project as it is, without having run anything."""
    room = project.root / ROOM
    files = {file.relative_to(room).as_posix(): file.read_bytes() for file in room.rglob("*.py")}
    model = project.root / "src/owner/models/common.py"
    record = {
        "record": 1,
        "kind": "classification",
        "target": "ripeness",
        "classes": ["ripe", "unripe"],
        "inputs": {project.name(file): sha256(file) for file in project.raw.glob("*.csv")},
        "contract": {"references/schema.yaml": digest_source(project.contract_file.read_bytes())},
        "parameters": json.loads(project.params_file.read_text()),
        "code": {
            "preprocess": {ROOM: digest_sources(files)},
            "train": {"src/owner/models/common.py": digest_source(model.read_bytes())},
        },
        "environment": {"python": "3.11", "numpy": "2.4.6", "processor": "x86_64"},
        "model": {"candidate": "linear", "files": {}, "postprocessing": {}},
        "metric": {"name": "accuracy", "higher_is_better": True},
        "validation": {"accuracy": 0.9, "standard_error": 0.01},
        "metrics": {
            "test_rows": 40,
            "accuracy": 0.8,
            "intervals": {"accuracy": [0.7, 0.9]},
            "baseline": {"accuracy": 0.5, "intervals": {"accuracy": None}},
            "gain": {"accuracy": None},
            "subgroups": [],
        },
        "test": {"rows": 40, "sha256": "0"},
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
    newest, oldest = list_runs(Repository(project)).runs
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
    write_record(project, model=KNN)
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
    assert [run.candidate for run in list_runs(repository).runs] == ["linear"]
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
    (run,) = list_runs(Repository(project)).runs
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
            lambda project: write_record(project, record=0),
            "HEAD",
            ":reports/record.json: written in form 0, and this version reads form 1; an older",
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


GONE = object()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(((part,), GONE) for part in ("contract", "inputs", "environment", "test", "outputs")),
        (("kind",), "guessing"),
        (("classes",), [1]),
        (("inputs", "data/raw/two\nlines.csv"), "0"),
        (("inputs", "/data/fruit.csv"), "0"),
        (("outputs", "reports/../../fruit.csv"), "0"),
        (("contract",), {}),
        (("parameters",), []),
        (("parameters", "train"), None),
        (("parameters", "data", "raw"), "/data"),
        (("code",), {"a": 1}),
        (("environment", "processor"), GONE),
        (("model", "candidate"), None),
        (("model", "postprocessing"), {"threshold": "half"}),
        (("metric", "higher_is_better"), "no"),
        (("validation", "accuracy"), "x"),
        (("validation", "standard_error"), [0.1]),
        (("metrics", "accuracy"), "x"),
        (("metrics", "accuracy"), True),
        (("metrics", "accuracy"), 10**400),
        (("metrics", "intervals"), [1]),
        (("metrics", "intervals", "accuracy"), [1]),
        (("metrics", "intervals", "accuracy"), [0.1, None]),
        (("metrics", "baseline", "accuracy"), "x"),
        (("metrics", "gain"), GONE),
        (("metrics", "subgroups"), [{"column": "colour", "value": "red"}]),
        (("metrics", "prediction_intervals"), {"coverage": 0.9}),
        (("test", "rows"), 1.5),
    ],
)
def test_a_record_that_was_edited_is_told_with_the_part_that_is_wrong(
    project: Project, place: tuple[str, ...], value: object
) -> None:
    record = part = json.loads(project.record.read_text())
    for key in place[:-1]:
        part = part[key]
    part.pop(place[-1], None)
    if value is not GONE:
        part[place[-1]] = value
    project.record.write_text(json.dumps(record))
    expected = rf"not a record that `evaluate` has written \(see `{place[0]}` in it\)"
    commit_run(project)
    with pytest.raises(UserError, match=expected):
        read_run(Repository(project), "HEAD")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[" * 100_000, '"', "\xff"])
def test_what_is_no_json_is_no_record(project: Project, text: str) -> None:
    record = project.record.read_text().replace("0.8", text)
    project.record.write_text(record, encoding="latin-1")
    commit_run(project)
    with pytest.raises(UserError, match="not a record that `evaluate` has written"):
        read_run(Repository(project), "HEAD")


def test_commits_whose_record_cannot_be_read_are_left_out_and_told(project: Project) -> None:
    commit_run(project, "One")
    write_record(project, record=2)
    second = commit_run(project, "Two")
    project.record.write_text("{}")
    third = commit_run(project, "Three")
    write_record(project, model=KNN)
    commit_run(project, "Four")
    runs, flaws, is_whole = list_runs(Repository(project))
    assert is_whole
    assert [run.commit.subject for run in runs] == ["Four", "One"]
    assert [flaw.split(":")[0] for flaw in flaws] == [third[:8], second[:8]]
    assert "not a record" in flaws[0] and "written in form 2" in flaws[1]


def test_whether_the_oldest_run_was_the_first_is_not_known_below_a_record_that_cannot_be_read(
    project: Project,
) -> None:
    write_record(project, record=0)
    commit_run(project, "One")
    write_record(project)
    commit_run(project, "Two")
    assert not list_runs(Repository(project)).is_whole


def test_a_folder_without_git_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    with pytest.raises(UserError, match="git rev-parse: fatal: not a git repository"):
        Repository(project)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="git is not installed"):
        Repository(project)


def test_a_shallow_clone_says_that_it_lacks_a_commit(project: Project, tmp_path: Path) -> None:
    first = commit_run(project)
    write_record(project, model=KNN)
    commit_run(project)
    source = f"file://{project.root}"
    run_git(tmp_path, "clone", "--quiet", "--depth=1", source, "shallow")
    repository = Repository(Paths(tmp_path / "shallow"))
    assert repository.is_shallow
    assert [run.candidate for run in list_runs(repository).runs] == ["knn"]
    with pytest.raises(UserError, match="this clone is shallow, `git fetch --unshallow --tags`"):
        read_run(repository, first)


def make_run(project: Project, **changes: object) -> Run:
    return Run(None, "", write_record(project, **changes))


def test_what_differs_between_runs_has_the_names_that_users_give_it(project: Project) -> None:
    before = make_run(project)
    train = {"metric": "accuracy", "folds": 5, "candidates": {"linear": {"alpha": 2.0}}}
    parameters = {**before.record["parameters"], "train": train}
    code = {
        "train": {"src/owner/models/common.py": "other"},
        "evaluate": {"src/owner/more.py": "new"},
    }
    after = make_run(
        project,
        inputs={"data/raw/fruit.csv": "2"},
        parameters=parameters,
        code=code,
        environment={**before.record["environment"], "python": "3.12"},
    )
    changes = find_changes(before, after)
    assert [(change.kind, change.name) for change in changes] == [
        ("data", "data/raw/fruit.csv"),
        ("parameters", "train.folds"),
        ("parameters", "train.candidates.baseline"),
        ("parameters", "train.candidates.mlp.max_epochs"),
        ("parameters", "train.candidates.linear.alpha"),
        ("code", ROOM),
        ("code", "src/owner/models/common.py"),
        ("code", "src/owner/more.py"),
        ("environment", "python"),
    ]
    assert Change("parameters", "train.folds", 3, 5) in changes
    assert Change("parameters", "train.candidates.linear.alpha", ABSENT, 2.0) in changes
    assert find_changes(before, before) == []


STALE = ["dvc.lock is not of the run that wrote reports/record.json"]


def replace(project: Project, name: str, before: str, after: str) -> None:
    text = (project.root / name).read_text(encoding="utf-8")
    assert before in text
    (project.root / name).write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (break_nothing, []),
        (append_comment("README.md"), []),
        (append_comment("src/owner/models/common.py"), ["src/owner/models/common.py is another"]),
        (append_comment(f"{ROOM}/split.py"), [f"{ROOM} is another"]),
        (lambda project: shutil.rmtree(project.root / ROOM), [f"{ROOM} is another"]),
        (append_comment("references/schema.yaml"), ["references/schema.yaml is another"]),
        (lambda project: write_params(project, seed=3), ["params.yaml has another `seed`"]),
        (lambda project: write_params(project, promote={"margin": 1}), []),
        (
            lambda project: project.record.write_text(project.record.read_text() + "\n"),
            STALE,
        ),
        *(
            (lambda project, text=text: (project.root / "dvc.lock").write_text(text), STALE)
            for text in ("stages: [", "stages:", "[]", "stages: {evaluate: {outs: 3}}")
        ),
        (
            lambda project: (project.root / "dvc.lock").write_text(
                "stages: {train: 1, evaluate: {outs: [1, {path: [reports]}]}}"
            ),
            STALE,
        ),
        (append_comment("data/raw/fruit.csv"), ["data/raw/fruit.csv is another"]),
        (append_comment("data/raw/more.csv"), []),
        (append_comment("src/owner/more.py"), []),
        (
            lambda project: replace(project, "dvc.yaml", "-m owner.train", "-m owner.evaluate"),
            ["dvc.yaml has another `cmd` of train"],
        ),
        (
            lambda project: replace(project, "dvc.yaml", "-m owner.train", "-m ${package}.train"),
            [],
        ),
        (lambda project: replace(project, "dvc.yaml", "stages:", "steps:"), []),
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
        (append_comment("src/owner/models/common.py"), ["src/owner/models/common.py is another"]),
        (append_comment(f"{ROOM}/split.py"), [f"{ROOM} is another"]),
        (append_comment("data/raw/fruit.csv"), ["data/raw/fruit.csv is another"]),
        (lambda project: shutil.rmtree(project.raw), []),
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


@pytest.mark.parametrize("revision", ["HEAD", "workspace"])
def test_raw_files_and_folders_that_came_or_changed_are_known(
    project: Project, revision: str
) -> None:
    folder = project.raw / "photos"
    (folder / "a").mkdir(parents=True)
    for name in ("a/1.png", "a-1.png", "b.png", "README.md", ".DS_Store"):
        (folder / name).write_text(name)
    (project.raw / "README.md").touch()
    (project.raw / "fruit.csv").unlink()
    write_params(project, data={"raw": "data/raw", "max_rejected": 0.01})
    digest = sha256_of_all([folder / "a/1.png", folder / "a-1.png", folder / "b.png"])
    write_record(project, inputs={"data/raw/photos": digest})
    commit_run(project)
    repository = Repository(project)
    assert find_disagreements(repository, read_run(repository, revision)) == []
    (folder / "b.png").write_text("another")
    (project.raw / "more.zip").touch()
    commit_run(project)
    assert find_disagreements(repository, read_run(repository, revision)) == [
        "data/raw/photos is another",
        "data/raw/more.zip is new",
    ]


def test_raw_data_that_dvc_keeps_are_left_to_verify(project: Project) -> None:
    (project.raw / "fruit.csv").rename(project.root / "kept.csv")
    (project.raw / "fruit.csv.dvc").write_text("outs: []")
    write_record(project, inputs={"data/raw/fruit.csv": "0"})
    commit_run(project)
    repository = Repository(project)
    assert find_disagreements(repository, read_run(repository, "HEAD")) == []


def test_a_raw_file_that_git_knows_by_a_pointer_or_a_link_is_no_other(project: Project) -> None:
    raw = project.raw / "fruit.csv"
    digest = sha256(raw)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 99\n"
    raw.write_text(pointer, newline="\n")
    write_record(project, inputs={"data/raw/fruit.csv": digest})
    commit_run(project)
    repository = Repository(project)
    assert find_disagreements(repository, read_run(repository, "HEAD")) == []
    raw.write_text(pointer.replace(digest, "0" * 64), newline="\n")
    commit_run(project)
    assert find_disagreements(repository, read_run(repository, "HEAD")) == [
        "data/raw/fruit.csv is another"
    ]
    raw.unlink()
    raw.symlink_to("elsewhere.csv")
    commit_run(project)
    assert find_disagreements(repository, read_run(repository, "HEAD")) == []


@pytest.mark.parametrize("revision", ["HEAD", "workspace"])
def test_new_code_is_known_where_the_whole_package_was_recorded(
    project: Project, revision: str
) -> None:
    package = project.root / "src/owner"
    files = {project.name(file): file for file in package.rglob("*.py")}
    code = {name: digest_source(file.read_bytes()) for name, file in files.items()}
    write_record(project, code={"evaluate": code})
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__/more.pyc").touch()
    commit_run(project)
    repository = Repository(project)
    assert find_disagreements(repository, read_run(repository, revision)) == []
    (package / "more.py").touch()
    commit_run(project)
    assert find_disagreements(repository, read_run(repository, revision)) == [
        "src/owner/more.py is new"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("name", ["fruit*", ":fruit"])
def test_edits_are_known_in_a_folder_whose_name_is_a_pattern_to_git(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "file").touch()
    run_git(tmp_path, "init", "--quiet")
    run_git(tmp_path, "add", "--all")
    run_git(tmp_path, "commit", "--quiet", "--message", "All")
    (tmp_path / "fruits").mkdir()
    (tmp_path / "fruits/new").touch()
    repository = Repository(Paths(folder))
    assert not repository.is_dirty
    (folder / "file").write_text("edited")
    assert repository.is_dirty
