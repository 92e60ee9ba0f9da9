"""The record of a run: what it tells, that it is the same for the same run, and its digest."""

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import CONTRACT, enter_copy, make_project, run_stage, run_stages, write_params
from history import append_comment, write_pipeline
from lockstep.core.contract import Contract
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.core.records import digest_source, digest_sources
from lockstep.data.row_names import digest_names, name_rows

RAW = {"raw": "data/raw/fruit.csv", "max_rejected": 0.5}
TRAIN = {"metric": "accuracy", "folds": 3, "candidates": {"baseline": {}, "linear": {}}}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("run"))
    write_pipeline(project)
    write_params(project, train=TRAIN)
    with contextlib.chdir(project.root):
        run_stages()
    return project.root


@pytest.fixture
def done(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of a project whose stages have run, as the working directory."""
    return enter_copy(once, tmp_path, monkeypatch)


def read_record(project: Project) -> dict:
    return json.loads(project.record.read_text(encoding="utf-8"))


def test_it_tells_what_went_in_and_what_came_out(done: Project) -> None:
    record = read_record(done)
    assert record["inputs"] == {"data/raw/fruit.csv": sha256(done.raw / "fruit.csv")}
    assert record["contract"] == {"references/schema.yaml": sha256(done.contract_file)}
    assert record["parameters"] == json.loads(done.params_file.read_text())
    assert record["metrics"] == json.loads(done.metrics.read_text())
    assert record["validation"] == json.loads(done.validation.read_text())["validation"]
    assert record["metric"] == {"name": "accuracy", "higher_is_better": True}
    assert (record["kind"], record["target"]) == ("classification", "fruit")
    assert record["classes"] == ["apple", "melon"]
    assert record["model"]["candidate"] == "linear"
    assert {"python", "numpy", "processor"} <= record["environment"].keys()
    outputs = [path for paths in done.outputs.values() for path in paths if path != done.record]
    files = [file for path in outputs for file in (path, *path.rglob("*")) if file.is_file()]
    assert record["outputs"] == {done.name(file): sha256(file) for file in files}
    model = {done.name(file): sha256(file) for file in done.champion.iterdir()}
    assert record["model"]["files"] == model


def test_it_tells_the_code_of_each_stage(done: Project) -> None:
    code = read_record(done)["code"]
    room = "vendor/lockstep/src/lockstep/reading"
    assert room in code["ingest"]
    assert room not in code["train"]
    assert "src/owner/models/common.py" in code["train"]
    own = {done.name(file) for file in (done.root / "src/owner").rglob("*.py")}
    assert own <= code["evaluate"].keys()
    assert {name for name in own if "/models/" in name} <= code["train"].keys()
    source = done.root / "src/owner/models/common.py"
    assert code["train"]["src/owner/models/common.py"] == digest_source(source.read_bytes())


@pytest.mark.matrix
def test_the_same_run_has_the_same_bytes_elsewhere(done: Project, tmp_path: Path) -> None:
    before = done.record.read_bytes()
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    for name in ("params.yaml", "dvc.yaml", ".dvcignore", "pyproject.toml"):
        shutil.copy(done.root / name, elsewhere)
    for name in ("src", "vendor", "references", "data/raw"):
        shutil.copytree(done.root / name, elsewhere / name)
    with contextlib.chdir(elsewhere):
        run_stages()
    assert Project(elsewhere).record.read_bytes() == before


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (append_comment("src/owner/ingest.py"), "code"),
        (append_comment("vendor/lockstep/src/lockstep/core/paths.py"), "code"),
        (lambda project: write_params(project, data=RAW), "parameters"),
        (append_comment("references/schema.yaml"), "contract"),
    ],
)
def test_another_input_gives_another_record(
    done: Project, edit: Callable[[Project], None], place: str
) -> None:
    before = read_record(done)
    edit(done)
    run_stage("evaluate")
    after = read_record(done)
    assert [key for key in before if before[key] != after[key]] == [place]


@pytest.mark.parametrize("section", ["search", pytest.param("promote", marks=pytest.mark.matrix)])
def test_what_no_stage_reads_is_no_part_of_it(done: Project, section: str) -> None:
    before = done.record.read_bytes()
    write_params(done, **{section: {"trials": 3} if section == "search" else {"margin": 0.1}})
    run_stage("evaluate")
    assert done.record.read_bytes() == before


def test_code_has_one_digest_whatever_its_line_ends_and_the_order_of_its_files() -> None:
    assert digest_source(b"a\r\nb\r\n") == digest_source(b"a\nb\n") != digest_source(b"a\nc\n")
    unix, other = {"a.py": b"1\n", "b.py": b"2\n"}, {"b.py": b"2\r\n", "a.py": b"1\r\n"}
    assert digest_sources(unix) == digest_sources(other)
    assert digest_sources(unix) != digest_sources({"a.py": b"2\n", "b.py": b"1\n"})


def test_test_rows_are_known_by_names_that_tell_nothing_else(done: Project) -> None:
    record, seen = read_record(done), pd.read_csv(done.plots / "predictions.csv")
    test = pd.read_parquet(done.test)
    names = name_rows(test, done.contract)["row"]
    assert seen["row"].tolist() == names.tolist()
    assert record["test"] == {"rows": len(test), "sha256": digest_names(reversed(names.tolist()))}
    assert names.str.fullmatch("[0-9a-f]{16}").all()


def test_a_row_with_an_identifier_keeps_its_name_when_features_change() -> None:
    columns = {"code": {"type": "identifier", "meaning": "a name"}, **CONTRACT["columns"]}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    fruit = {"code": "F1", "weight": 1.0, "seeds": 2, "colour": "red", "fruit": "apple"}
    before, after = pd.DataFrame([fruit]), pd.DataFrame([fruit | {"weight": 2.0}])
    one, other = (name_rows(rows, contract).iloc[0] for rows in (before, after))
    assert one["id"] == other["id"]
    assert one["row"] != other["row"]
    assert "F1" not in one["id"]


def test_subgroups_stand_beside_the_predictions(done: Project) -> None:
    contract = CONTRACT | {"subgroups": ["colour"]}
    done.contract_file.write_text(json.dumps(contract))
    for stage in ("ingest", "preprocess", "train", "evaluate"):
        run_stage(stage)
    seen, test = pd.read_csv(done.plots / "predictions.csv"), pd.read_parquet(done.test)
    assert seen["subgroup_colour"].tolist() == test["colour"].tolist()
