"""The record of a commit in the forms that other programs read, held against what these demand."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
import rocrate
from conftest import TEMPLATE, make_project, run_stages, write_params
from google.protobuf.json_format import Parse, ParseDict
from history import commit_run, run_git, write_pipeline
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from lockstep.commands.cli import main
from lockstep.core.files import sha256
from lockstep.core.project import Project
from rocrate.rocrate import ROCrate
from rocrate_validator.models import Severity
from rocrate_validator.services import validate

RAW = "data/raw/früchte & more.csv"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
ABOUT = """
[project]
name = "fruit"
description = "Apples and melons"
license = "MIT"
scripts = { fruit = "lockstep.commands.cli:main" }
"""


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("run"))
    write_pipeline(project)
    (project.raw / "fruit.csv").rename(project.root / RAW)
    candidates = {"baseline": {}, "linear": {}}
    write_params(
        project,
        data={"raw": RAW, "max_rejected": 0.01},
        train={"metric": "accuracy", "folds": 3, "candidates": candidates},
    )
    with (project.root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(ABOUT)
    for name in ("LICENSE", "README.md", "uv.lock"):
        (project.root / name).write_text(name)
    with contextlib.chdir(project.root):
        run_stages()
    commit_run(project, "Größer")
    return project.root


@pytest.fixture
def done(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of a project whose run is committed, as the working directory."""
    shutil.copytree(once, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `record` prints in a form."""

    def run(form: str, *arguments: str) -> str:
        assert main(["record", *arguments, "--as", form]) == 0
        return capsys.readouterr().out

    return run


def alter(project: Project, change: Callable[[dict], None]) -> None:
    """Commit another record."""
    record = json.loads(project.record.read_text(encoding="utf-8"))
    change(record)
    project.record.write_text(json.dumps(record))
    commit_run(project)


def test_json_has_the_record_and_whose_it_is(done: Project, export: Callable[..., str]) -> None:
    told = json.loads(export("json"))
    assert told["id"] == sha256(done.record)
    record = json.loads(done.record.read_text(encoding="utf-8"))
    assert {key: told[key] for key in record} == record
    commit = told["commit"]
    assert commit["sha"] == run_git(done.root, "rev-parse", "HEAD")
    assert (commit["author"], commit["subject"]) == ("Ada", "Größer")
    assert commit["date"] == run_git(done.root, "log", "-1", "--format=%cI")
    assert told["locks"] == {name: sha256(done.root / name) for name in ("dvc.lock", "uv.lock")}


@pytest.mark.parametrize("form", ["json", "slsa", "ro-crate"])
def test_a_commit_is_told_the_same_wherever_and_whenever(
    done: Project, export: Callable[..., str], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = export(form)
    assert export(form) == before
    run_git(done.root, "clone", "--quiet", ".", "../elsewhere")
    for name in ("params.yaml", "pyproject.toml", "reports/record.json"):
        (done.root / name).write_text('{"tool": 1}')
    commit_run(done)
    done.record.write_text("changed again")
    assert export(form, "HEAD~1") == before
    monkeypatch.chdir(done.root.parent / "elsewhere")
    assert export(form) == before


def test_slsa_is_a_statement_of_provenance(done: Project, export: Callable[..., str]) -> None:
    message = Parse(export("slsa"), StatementMessage())
    statement = Statement.copy_from_pb(message)
    statement.validate()
    assert message.predicate_type == "https://slsa.dev/provenance/v1"
    told = json.loads(export("slsa"))
    provenance = ParseDict(told["predicate"], Provenance())
    build = provenance.build_definition
    for descriptor in (*build.resolved_dependencies, *provenance.run_details.byproducts):
        ResourceDescriptor.copy_from_pb(descriptor).validate()
    assert build.build_type
    assert provenance.run_details.builder.id
    assert provenance.run_details.metadata.invocation_id == sha256(done.record)
    parameters = told["predicate"]["buildDefinition"]["externalParameters"]["parameters"]
    assert parameters == json.loads(done.params_file.read_text())


def test_slsa_names_all_that_came_out_and_all_that_went_in(
    done: Project, export: Callable[..., str]
) -> None:
    told = json.loads(export("slsa"))
    outputs = {each["name"]: each["digest"]["sha256"] for each in told["subject"]}
    assert "models/champion/model.json" in outputs
    build = told["predicate"]["buildDefinition"]
    dependencies = {each["name"]: each["digest"] for each in build["resolvedDependencies"]}
    assert dependencies.pop("commit") == {"gitCommit": run_git(done.root, "rev-parse", "HEAD")}
    assert {RAW, "references/schema.yaml", "src/owner/models/common.py", "uv.lock"} < {
        *dependencies
    }
    for name, digest in {**outputs, **dependencies}.items():
        path = done.root / name
        if path.is_file():
            assert digest in (sha256(path), {"sha256": sha256(path)}), name
        else:
            assert digest == {"sha256Tree": sum_folder(path)}


def sum_folder(folder: Path) -> str:
    """As sha256sum and sort would do it."""
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.py"))
    lines = [f"{sha256(folder / name)}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one page that the validator fetches, the words of version 1.1, is at hand."""
    source = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
    words = json.loads(source.read_text(encoding="utf-8"))["@context"]
    # That is a later version; these words have other addresses there.
    for word in ("ComputationalWorkflow", "FormalParameter"):
        words[word] = f"https://bioschemas.org/{word}"

    def send(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        if request.url != CONTEXT:
            raise requests.ConnectionError(request.url)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, CONTEXT, request
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = json.dumps({"@context": words}).encode()
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


def find_issues(folder: Path, severity: Severity = Severity.REQUIRED) -> set[str]:
    """What the published validator says of a crate, by the profile and those that it is made of."""
    result = validate(
        {
            "rocrate_uri": str(folder),
            "profile_identifier": "workflow-run-crate-0.5",
            "requirement_severity": severity,
            "no_cache": True,
        }
    )
    assert len(result.executed_checks) > 50
    return {issue.message for issue in result.get_issues(severity)}


def write_crate(project: Project, text: str) -> dict[str, dict]:
    """Write it to where it belongs; its entities."""
    (project.root / "ro-crate-metadata.json").write_text(text, encoding="utf-8")
    entities = json.loads(text)["@graph"]
    by_name = {entity["@id"]: entity for entity in entities}
    assert len(by_name) == len(entities)
    return by_name


@pytest.mark.usefixtures("no_network")
def test_a_crate_is_a_workflow_run_crate(done: Project, export: Callable[..., str]) -> None:
    write_crate(done, export("ro-crate"))
    assert find_issues(done.root) == set()
    # What nobody knows, or what the record does not tell.
    unknown = ("affiliation", "publisher", "endTime", "have a url", "Bioschemas", "absolute URI")
    for advice in find_issues(done.root, Severity.RECOMMENDED):
        assert any(word in advice for word in unknown), advice
    assert ROCrate(str(done.root)).mainEntity.id == "dvc.yaml"


@pytest.mark.matrix
@pytest.mark.usefixtures("no_network")
def test_the_validator_would_have_told_of_a_mistake(
    done: Project, export: Callable[..., str]
) -> None:
    write_crate(done, export("ro-crate").replace('"instrument"', '"about"'))
    assert "The Action MUST have an instrument" in " ".join(find_issues(done.root))


def test_all_that_a_crate_lists_is_there(done: Project, export: Callable[..., str]) -> None:
    entities = write_crate(done, export("ro-crate"))
    parts = [part["@id"] for part in entities["./"]["hasPart"]]
    for part in parts:
        path = done.root / unquote(part)
        assert path.is_dir() if part.endswith("/") else path.is_file(), part
        assert entities[part].get("sha256") in (None, sha256(path) if path.is_file() else None)
    record = json.loads(done.record.read_text(encoding="utf-8"))
    assert {*record["outputs"], RAW, "uv.lock", "LICENSE"} < {unquote(part) for part in parts}
    assert "vendor/lockstep/src/lockstep/core/" in parts


def test_a_crate_tells_what_a_run_was_made_of(done: Project, export: Callable[..., str]) -> None:
    entities = write_crate(done, export("ro-crate"))
    action, root = entities["#run"], entities["./"]
    assert action["identifier"] == sha256(done.record)
    record = json.loads(done.record.read_text(encoding="utf-8"))
    results = {each["@id"] for each in action["result"]}
    assert {*record["outputs"], "#metrics/accuracy"} < results
    assert entities["#metrics/accuracy"]["value"] == record["metrics"]["accuracy"]
    objects = {unquote(each["@id"]) for each in action["object"]}
    assert {RAW, "params.yaml", "#parameters/train.folds", "#environment/processor"} < objects
    assert entities["#parameters/train.folds"]["value"] == 3
    software = {each["@id"] for each in entities["dvc.yaml"]["softwareRequirements"]}
    assert f"pkg:pypi/numpy@{record['environment']['numpy']}" in software
    assert not [name for name in software if name.endswith("@none")]
    assert (root["name"], root["description"]) == ("fruit", "Apples and melons")
    assert root["version"] == run_git(done.root, "rev-parse", "HEAD")
    (data,) = (each for name, each in entities.items() if unquote(name) == RAW)
    assert (data["license"], root["license"]) == ("none", {"@id": "LICENSE"})


def test_a_folder_of_data_that_dvc_keeps_is_one(done: Project, export: Callable[..., str]) -> None:
    def add_images(record: dict) -> None:
        record["inputs"] = dict.fromkeys(["data/raw/images", "data/raw/all/one.csv"], "a" * 64)

    for name, digest in {"images": "0123.dir", "all": "4567.dir"}.items():
        text = f"outs:\n- md5: {digest}\n  path: {name}\n"
        (done.raw / f"{name}.dvc").write_text(text)
    alter(done, add_images)
    entities = write_crate(done, export("ro-crate"))
    assert entities["data/raw/images/"]["@type"] == "Dataset"
    assert entities["data/raw/all/one.csv"]["@type"] == "File"
    dependencies = json.loads(export("slsa"))["predicate"]["buildDefinition"]
    digests = {each["name"]: each["digest"] for each in dependencies["resolvedDependencies"]}
    assert digests["data/raw/images"] == {"sha256Tree": "a" * 64}
    assert digests["data/raw/all/one.csv"] == {"sha256": "a" * 64}


@pytest.mark.matrix
@pytest.mark.usefixtures("no_network")
def test_what_a_commit_does_not_hold_is_in_no_crate(
    done: Project, export: Callable[..., str]
) -> None:
    for name in ("LICENSE", "uv.lock", "src/owner/metrics.py", RAW):
        (done.root / name).unlink()
    commit_run(done)
    entities = write_crate(done, export("ro-crate"))
    assert not {"LICENSE", "uv.lock", "src/owner/metrics.py"} & {*entities}
    assert RAW not in map(unquote, entities)
    assert entities["./"]["license"] == "MIT"
    assert find_issues(done.root) == set()


def test_a_project_in_a_folder_of_its_repository_is_told_by_its_own_names(
    done: Project, export: Callable[..., str]
) -> None:
    before = export("slsa"), write_crate(done, export("ro-crate"))
    shutil.rmtree(done.root / ".git")
    run_git(done.root.parent, "init", "--quiet")
    run_git(done.root.parent, "add", "--all")
    run_git(done.root.parent, "commit", "--quiet", "--message", "All")
    subjects = [json.loads(text)["subject"] for text in (before[0], export("slsa"))]
    assert subjects[0] == subjects[1]
    assert {*write_crate(done, export("ro-crate"))} == {*before[1]}


@pytest.fixture
def tracked(done: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list]]:
    """What the project's database answers to a question."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def ask(question: str) -> list:
        with contextlib.closing(sqlite3.connect(done.root / "mlflow.db")) as database:
            return database.execute(question).fetchall()

    return ask


@pytest.mark.matrix
def test_mlflow_gets_a_run_once(
    done: Project, export: Callable[..., str], tracked: Callable[..., list]
) -> None:
    def name_oddly(record: dict) -> None:
        names = {"a/b (cm)": ["impute"], "Größe": ["impute"]}
        record["parameters"]["features"] = {"columns": names}
        record["parameters"]["many"] = {f"p{number}": number for number in range(120)}

    alter(done, name_oddly)
    line = export("mlflow")
    assert "is in mlflow.db" in line
    assert "ui --backend-store-uri sqlite:///mlflow.db" in line
    tables = ("runs", "metrics", "params", "tags", "inputs")
    before = [tracked(f"select * from {table}") for table in tables]
    with contextlib.chdir(done.raw):
        assert export("mlflow") == line
    assert not (done.raw / "mlflow.db").exists()
    assert before == [tracked(f"select * from {table}") for table in tables]
    record = json.loads(done.record.read_text(encoding="utf-8"))
    ((status, experiment),) = tracked(
        "select status, experiments.name from runs join experiments using (experiment_id)"
    )
    assert (status, experiment) == ("FINISHED", "fruit")
    tags = dict(tracked("select key, value from tags"))
    assert tags["lockstep.run"] == sha256(done.record)
    assert tags["mlflow.source.git.commit"] == run_git(done.root, "rev-parse", "HEAD")
    metrics = dict(tracked("select key, value from latest_metrics"))
    assert metrics["test/accuracy"] == record["metrics"]["accuracy"]
    low, high = record["metrics"]["intervals"]["accuracy"]
    assert (metrics["test/accuracy.low"], metrics["test/accuracy.high"]) == (low, high)
    assert metrics["validation/accuracy"] == record["validation"]["accuracy"]
    params = dict(tracked("select key, value from params"))
    assert params["train.folds"] == "3"
    assert params["features.columns.a-2f-b -28-cm-29-"] == '["impute"]'
    assert params["features.columns.Größe"] == '["impute"]'
    assert params["many.p119"] == "119"
    assert params["environment.numpy"] == record["environment"]["numpy"]
    assert tracked("select name from datasets") == [(RAW,)]
    assert not (done.root / "mlruns").exists()


def test_git_ignores_what_mlflow_writes() -> None:
    ignored = (TEMPLATE / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/mlflow.db*", "/mlruns/"} < {*ignored}


@pytest.mark.parametrize("address", ["runs", "sqlite:///README.md", "nonsense://place"])
@pytest.mark.matrix
def test_where_mlflow_cannot_write_is_told_in_a_line(
    done: Project,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    before = {path: path.read_bytes() for path in done.root.iterdir() if path.is_file()}
    assert main(["record", "--as", "mlflow"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: record: MLflow cannot enter the run at MLFLOW_TRACKING_URI: ")
    assert before == {path: path.read_bytes() for path in done.root.iterdir() if path.is_file()}


@pytest.mark.usefixtures("done")
def test_without_mlflow_a_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert main(["record", "--as", "mlflow"]) == 1
    expected = "MLflow is not installed; `uv run --extra mlflow fruit record --as mlflow` brings it"
    assert capsys.readouterr().err == f"error: {expected}\n"


@pytest.mark.matrix
def test_mlflow_calls_nobody(done: Project) -> None:
    code = """
import socket

def refuse(*address, **_):
    calls.append(address)
    raise OSError("no network")

calls = []
socket.socket.connect = socket.getaddrinfo = refuse
from lockstep.commands.cli import main
assert main(["record", "--as", "mlflow"]) == 0
assert not calls, calls
"""
    # What it takes for a sign that nobody is at work; it is silent then anyway.
    signs = ("PYTEST", "CI", "GITHUB", "MLFLOW", "DO_NOT_TRACK")
    quiet = {key: value for key, value in os.environ.items() if not key.startswith(signs)}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=quiet, capture_output=True, text=True, cwd=done.root)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("form", ["json", "slsa", "ro-crate", "mlflow"])
@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("v9", "v9: no such commit, branch or tag"),
        ("HEAD~1", "HEAD~1: no such commit, branch or tag"),
        ("workspace", "workspace: no commit yet: commit it first, or see reports/record.json"),
    ],
)
def test_what_is_no_commit_is_told_in_a_line(
    form: str, revision: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", revision, "--as", form]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"error: {expected}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "HEAD: no run at this commit: it holds no reports/record.json"),
        ("{", ":reports/record.json: not a record that `evaluate` has written"),
        ('{"record": 1}', ":reports/record.json: not a record that `evaluate` has written"),
    ],
)
def test_a_commit_without_a_record_is_told_in_a_line(
    done: Project, text: str | None, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done.record.write_text(text or "")
    commit_run(done)
    if text is None:
        run_git(done.root, "rm", "--quiet", "reports/record.json")
        run_git(done.root, "commit", "--quiet", "--message", "No run")
    assert main(["record"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert expected in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("name", ["pyproject.toml", "references/schema.yaml"])
def test_a_file_that_cannot_be_read_is_told_in_a_line(
    done: Project, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (done.root / name).write_text("{[")
    commit = commit_run(done)
    assert main(["record", "--as", "ro-crate"]) == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {commit[:8]}:{name}: not valid")


def test_a_record_that_is_not_of_its_commit_is_said_to_be(
    done: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record"]) == 0
    assert capsys.readouterr().err == ""
    write_params(done, seed=2)
    commit = commit_run(done)
    assert main(["record"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["commit"]["sha"] == commit
    assert told.err == (
        f"record: {commit[:8]} was committed without running the pipeline anew: "
        "params.yaml has another `seed`\n"
    )
