"""A folder of files, each of which is a sequence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, make_project, run_stage, run_stages
from lockstep.adopting.contract_text import format_contract
from lockstep.adopting.inventory import list_files
from lockstep.adopting.understanding import Understanding, understand
from lockstep.adopting.wishes import Wishes
from lockstep.core.contract import Contract, Files
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.core.validation import load
from lockstep.modeling.model import Model
from lockstep.monitoring.batches import Subject
from lockstep.monitoring.file_source import read_files
from lockstep.standalone.predict import predict_file
from owner import features  # noqa: F401 - the recipe names the steps in it


def write_moves(folder: Path, count: int = 12) -> Path:
    """Walks and runs, each in a file in the folder of its class; a run is wilder."""
    rng = np.random.default_rng(0)
    for number in range(count):
        for gait, size in (("walk", 1), ("run", 5)):
            path = folder / gait / f"{number:02}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            numbers = size * rng.normal(size=(8 + number % 3, 2))
            pd.DataFrame(numbers.round(2), columns=["x", "y"]).to_csv(path, index=False)
    return folder


def use(folder: Path, **words: object) -> Understanding:
    wishes = Wishes(**{"target": "gait", "sequence": "file"} | words)
    return understand(list_files(folder), folder.name, "here", wishes, folder)


@pytest.fixture
def moves(tmp_path: Path) -> Path:
    return write_moves(tmp_path / "moves")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of two folders of moves, the second one delivered later, that has run."""
    project = make_project(tmp_path_factory.mktemp("moves"))
    (project.raw / "fruit.csv").unlink()
    told = use(write_moves(project.raw / "moves"))
    write_moves(project.raw / "later", 3)
    project.contract_file.write_text(format_contract(told.contract))
    train = {"metric": "accuracy", "folds": 2, "candidates": {"baseline": {}, "linear": {}}}
    data = {"raw": "data/raw", "max_rejected": 0.01}
    project.params_file.write_text(json.dumps(PARAMS | {"train": train, "data": data}))
    for name in ("params", "contract", "examples"):
        vars(project).pop(name, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        run_stages()
    return project


def test_the_name_of_a_file_its_folder_and_the_order_of_its_rows_are_columns(moves: Path) -> None:
    told = use(moves)
    contract = told.contract
    assert contract.layout.files == Files(name="file", folder="gait", row="row")
    assert (contract.sequence, contract.target, contract.time) == ("file", "gait", "row")
    assert (contract.channels, contract.classes) == (["x", "y"], ["run", "walk"])
    assert "24 sequences of 8 to 10 points" in told.notes
    first = told.table.iloc[0]
    assert (first["file"], first["gait"], first["row"]) == ("moves/run/00.csv", "run", 1)
    assert contract.columns["row"].range is None


def test_the_contract_says_so_in_its_file(learnt: Project) -> None:
    contract = load(Contract, learnt.contract_file, "references/schema.yaml")
    assert contract.layout.files == Files(name="file", folder="gait", row="row")


def test_a_target_and_a_time_that_the_files_have_are_theirs(tmp_path: Path) -> None:
    for number in range(30):
        rows = pd.DataFrame({"second": np.arange(5) / 2, "x": np.arange(5.0) * number})
        rows.assign(load=number / 7).to_csv(tmp_path / f"{number}.csv", index=False)
    contract = use(tmp_path, target="load", time="second").contract
    assert contract.layout.files == Files(name="file")
    assert (contract.kind, contract.time, contract.channels) == ("regression", "second", ["x"])


def test_without_a_name_the_folders_are_called_class(moves: Path) -> None:
    assert use(moves, target=None).contract.target == "class"


def test_folders_of_a_split_are_told(tmp_path: Path) -> None:
    write_moves(tmp_path / "moves" / "train")
    write_moves(tmp_path / "moves" / "test")
    told = use(tmp_path / "moves")
    assert told.contract.classes == ["run", "walk"]
    doubt = "which side of the split test and train are on is drawn anew"
    assert told.doubts[None][0] == doubt


def break_columns(moves: Path) -> None:
    (moves / "run/05.csv").write_text("x,z\n1,2\n")


def empty(moves: Path) -> None:
    (moves / "run/05.csv").write_text("")


def leave_names(moves: Path) -> None:
    (moves / "run/05.csv").write_text("x,y\n")


def add_stray(moves: Path) -> None:
    (moves / "notes.csv").write_text("x,y\n1,2\n")


def keep_one_folder(moves: Path) -> None:
    for file in (moves / "run").iterdir():
        file.rename(moves / file.name)
    for file in (moves / "walk").iterdir():
        file.unlink()


def number_rows(moves: Path) -> None:
    for file in list_files(moves):
        pd.read_csv(file).assign(row=1).to_csv(file, index=False)


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (break_columns, "moves/run/05.csv: its columns are not those of run/00.csv: 'y' is in"),
        (empty, "moves/run/05.csv: the file is empty"),
        (leave_names, "moves/run/05.csv: no rows; only the column names are there"),
        (add_stray, "moves/notes.csv: lies in no folder of a class, as other files do"),
        (keep_one_folder, "moves: the files have no column 'gait', and all lie in one folder"),
        (
            number_rows,
            "moves/run/00.csv: its column 'row' is called like what stands outside of it",
        ),
    ],
)
def test_what_is_wrong_with_a_file_or_the_folders_is_told(
    moves: Path, spoil: object, line: str
) -> None:
    assert callable(spoil)
    spoil(moves)
    with pytest.raises(UserError) as refused:
        use(moves)
    assert str(refused.value).startswith(line)


def test_who_names_no_column_learns_that_files_may_be_sequences(moves: Path) -> None:
    with pytest.raises(
        UserError, match=r"if each file is a sequence, .* by --sequence file; if each is a text"
    ):
        use(moves, sequence=None)


def test_the_stages_learn_from_all_folders_that_lie_in_data_raw(learnt: Project) -> None:
    report = json.loads(learnt.ingest_report.read_text())
    counts = {name: file["rows"] for name, file in report["files"].items()}
    assert counts == {"data/raw/later": 2 * (8 + 9 + 10), "data/raw/moves": 2 * 4 * (8 + 9 + 10)}
    examples = pd.concat([learnt.table(path).read() for path in (learnt.train, learnt.test)])
    assert len(examples) == 2 * (12 + 3)
    assert "later/run/02.csv" in {*examples["file"]}
    assert json.loads(learnt.metrics.read_text())["accuracy"] > 0.9


def test_a_row_that_breaks_the_contract_is_told_by_its_file(
    learnt: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = Project(shutil.copytree(learnt.root, tmp_path / "project"))
    file = project.raw / "moves/walk/04.csv"
    file.write_text(file.read_text().replace("\n", "\nfast,1\n", 2))
    monkeypatch.chdir(project.root)
    run_stage("ingest")
    assert "2 of 218 rows; moves/walk/04.csv, row 1, x is 'fast'" in capsys.readouterr().out
    rejected = project.table(project.rejected).read()
    assert list(rejected["file"]) == ["moves/walk/04.csv"] * 2
    assert list(rejected["row"]) == [1, 3]


def test_a_folder_is_predicted_file_by_file_and_a_file_alone(
    learnt: Project, moves: Path, tmp_path: Path
) -> None:
    model, output = Model.load(learnt.champion), tmp_path / "answers.csv"
    predict_file(model, moves, output, resize=False)
    answers = pd.read_csv(output)
    assert list(answers["file"][[0, 12]]) == ["moves/run/00.csv", "moves/walk/00.csv"]
    is_right = answers["prediction"] == answers["file"].str.split("/").str[1]
    assert is_right.mean() > 0.9
    predict_file(model, moves / "walk/03.csv", output, resize=False)
    alone = pd.read_csv(output)
    assert list(alone["file"]) == ["03.csv"]
    columns = ["probability_run", "probability_walk"]
    assert (alone[columns].to_numpy() == answers.loc[[15], columns].to_numpy()).all()


def test_a_folder_is_watched_with_its_classes_and_a_file_without(
    learnt: Project, moves: Path
) -> None:
    model, subject = Model.load(learnt.champion), Subject("moves", "1", "run", "answer")
    (batch,) = read_files([moves], subject, model, None, resize=False)
    assert list(batch.outcomes[[0, 12]]) == ["run", "walk"]
    (alone,) = read_files([moves / "walk/03.csv"], subject, model, None, resize=False)
    assert list(alone.outcomes) == [None]
