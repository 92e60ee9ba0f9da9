"""New rows: what the command and the model in Python read, refuse and write."""

import contextlib
import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import (
    CONTRACT,
    LIBRARY,
    TEMPLATE,
    StubPipeline,
    make_fruit,
    make_project,
    run_stage,
    write_params,
)
from lockstep import Contract, Model
from lockstep.commands.cli import main
from lockstep.core.errors import UserError
from lockstep.core.project import Project

HERE = Path(__file__).parent
IDENTIFIER = {"type": "identifier", "meaning": "whose it is"}
OUTPUTS = ["prediction", "probability_apple", "probability_melon", "reason"]
NUMBERED = ["crate", *OUTPUTS]


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with a champion, whose fruit come in crates; not to be changed."""
    project = make_project(tmp_path_factory.mktemp("trained"))
    columns = {"crate": IDENTIFIER} | CONTRACT["columns"]
    layout = {"decimal": ",", "delimiter": ";"}
    contract = CONTRACT | {"columns": columns, "layout": layout, "missing": ["", "?"]}
    project.contract_file.write_text(json.dumps(contract))
    number_crates(make_fruit()).to_csv(project.raw / "fruit.csv", sep=";", decimal=",", index=False)
    candidates = {"baseline": {}, "linear": {}}
    write_params(project, train={"metric": "accuracy", "folds": 2, "candidates": candidates})
    shutil.copyfile(TEMPLATE / "dvc.yaml", project.root / "dvc.yaml")
    with contextlib.chdir(project.root):
        for stage in ("ingest", "preprocess", "train"):
            run_stage(stage)
    return project.root


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of that project, as the working directory, with rows to predict in new.csv."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    write_rows(number_crates(make_fruit(9)))
    return Project(tmp_path)


def number_crates(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(crate=[f"c{place}" for place in range(len(rows))])


def write_rows(rows: pd.DataFrame) -> None:
    texts = rows.map(lambda cell: str(cell).replace(".", ",") if isinstance(cell, float) else cell)
    texts.to_csv("new.csv", sep=";", index=False)


def predict(*arguments: str) -> tuple[int, str, str]:
    """The exit status of `predict`, and what it prints to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["predict", *arguments])
    return status, out.getvalue(), err.getvalue()


@pytest.mark.usefixtures("trained")
def test_the_identifiers_that_a_file_has_come_first() -> None:
    status, out, _ = predict("new.csv")
    table = pd.read_csv(io.StringIO(out))
    assert status == 0
    assert [*table] == NUMBERED
    assert table["crate"].tolist() == [f"c{place}" for place in range(9)]
    write_rows(make_fruit(9).drop(columns="fruit"))
    status, out, _ = predict("new.csv")
    assert status == 0
    assert [*pd.read_csv(io.StringIO(out))] == OUTPUTS


@pytest.mark.usefixtures("trained")
def test_each_row_that_breaks_the_contract_says_why() -> None:
    rows = number_crates(make_fruit(9)).astype("object")
    rows.loc[2, ["weight", "colour"]] = ["heavy", "blue"]
    rows.loc[5, "weight"] = None
    write_rows(rows)
    status, out, err = predict("new.csv")
    table = pd.read_csv(io.StringIO(out), index_col="crate")
    assert status == 1
    weight, colour = "expected a number from 0 to 500 g", "expected one of green, red"
    first = f"weight is 'heavy', {weight}; colour is 'blue', {colour}"
    reasons = table["reason"].dropna().to_dict()
    assert reasons == {"c2": first, "c5": f"weight is missing, {weight}"}
    assert table["prediction"].notna().equals(table["reason"].isna())
    assert err == f"error: new.csv: no prediction for 2 of 9 rows; first: row 3, {first}\n"


@pytest.mark.usefixtures("trained")
def test_a_long_cell_is_told_by_its_beginning() -> None:
    write_rows(make_fruit(2).assign(weight=["x" * 100_000, 1]))
    _, out, err = predict("new.csv")
    assert len(out) + len(err) < 1000


@pytest.mark.parametrize("as_it_came", [True, False])
@pytest.mark.usefixtures("trained")
def test_the_model_in_python_gives_what_the_command_writes(as_it_came: bool) -> None:
    rows = number_crates(make_fruit(9)).astype("object")
    rows.loc[2, "colour"], rows.loc[3, "seeds"], rows.loc[4, "colour"] = "blue", "?", " red "
    write_rows(rows)
    _, out, _ = predict("new.csv")
    frame = pd.read_csv("new.csv", sep=";", dtype="str") if as_it_came else rows
    table = Model.load("models/champion").predict(frame)
    # How many rows are multiplied at once shows in the last digit.
    expected = pd.read_csv(io.StringIO(out))
    assert table["reason"].notna().tolist() == [place == 2 for place in range(9)]
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-12)


def test_predictions_have_the_index_of_their_rows(trained: Project) -> None:
    rows = number_crates(make_fruit(9)).set_index(pd.Index([*"abcdefghi"]))[::2]
    rows.loc["c", "colour"] = "blue"
    table = Model.load(trained.champion).predict(rows)
    assert table.index.tolist() == [*"acegi"]
    assert table["reason"].notna().tolist() == [False, True, False, False, False]
    assert table.drop(index="c").notna().sum().drop("reason").eq(4).all()


@pytest.mark.parametrize("kind", ["none", "all broken"])
@pytest.mark.usefixtures("trained")
def test_a_table_without_a_row_to_predict_has_the_same_columns(kind: str) -> None:
    rows = number_crates(make_fruit(3)).assign(colour="blue")
    table = Model.load("models/champion").predict(rows.head(0) if kind == "none" else rows)
    assert [*table] == NUMBERED
    assert table["prediction"].isna().all()
    assert len(table) == (0 if kind == "none" else 3)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows.drop(columns="seeds"), "the table: column 'seeds' is missing; "),
        (lambda rows: rows[["seeds", *rows]], "the table: the column name 'seeds' stands there tw"),
    ],
)
@pytest.mark.usefixtures("trained")
def test_a_table_that_is_no_such_table_is_told(change, expected: str) -> None:
    with pytest.raises(UserError) as error:
        Model.load("models/champion").predict(change(make_fruit(3)))
    assert str(error.value).startswith(expected)


@pytest.mark.usefixtures("trained")
def test_an_identifier_called_like_a_prediction_gives_way_to_it() -> None:
    model = Model.load("models/champion")
    columns = {"prediction": IDENTIFIER, "reason": IDENTIFIER} | CONTRACT["columns"]
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    twin = dataclasses.replace(model, contract=contract)
    assert [*twin.predict(make_fruit(3).assign(prediction="x", reason="y"))] == OUTPUTS


@pytest.mark.parametrize(
    "folder",
    [
        "elsewhere",
        *(pytest.param(name, marks=pytest.mark.matrix) for name in (".", "notebooks")),
    ],
)
def test_the_model_is_loaded_by_a_process_that_is_started_anywhere(
    trained: Project, tmp_path_factory: pytest.TempPathFactory, folder: str
) -> None:
    code = (
        "import sys; import lockstep; import conftest; import pandas as pd;"
        "print(lockstep.Model.load(sys.argv[1]).predict(pd.read_parquet(sys.argv[2])).shape)"
    )
    here = tmp_path_factory.mktemp("away") if folder == "elsewhere" else trained.root / folder
    here.mkdir(exist_ok=True)
    place = str(trained.champion) if folder == "elsewhere" else "models/champion"
    done = subprocess.run(
        [sys.executable, "-c", code, place, str(trained.test)],
        cwd=here,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [HERE, LIBRARY.parent]))},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout == f"({len(pd.read_parquet(trained.test))}, 5)\n"


@pytest.mark.usefixtures("trained")
def test_a_model_that_is_not_there_is_told_with_where_it_was_looked_for() -> None:
    with pytest.raises(UserError, match="models/other: not a complete saved model"):
        Model.load("models/other")


# Standard input


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch):
    """What puts bytes into standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def test_standard_input_is_read_like_a_file(trained: Project, pipe) -> None:
    expected = predict("new.csv")
    pipe(Path("new.csv").read_bytes())
    assert predict("-") == expected
    pipe(Path(trained.test).read_bytes())
    assert predict("-") == predict(str(trained.test))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "standard input: the file is empty"),
        (b"weight;seeds\n1;1\n", "standard input: column 'colour' is missing"),
        (b"weight;seeds;colour\n1;1;blue\n", "standard input: no prediction for 1 of 1 rows"),
    ],
)
@pytest.mark.usefixtures("trained")
def test_messages_call_it_standard_input(pipe, content: bytes, expected: str) -> None:
    pipe(content)
    status, _, err = predict("-")
    assert status == 1
    assert err.startswith(f"error: {expected}")


@pytest.mark.usefixtures("trained")
def test_nobody_has_to_type_rows_into_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    status, _, err = predict("-")
    assert status == 1
    assert err.startswith("error: -: nothing is piped into standard input")


# Where predictions are written


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("new.csv", "new.csv: the file to predict from; name another to write"),
        ("data/raw/out.csv", "data/raw/out.csv: the pipeline reads or writes there"),
        ("models/champion/out.csv", "the pipeline reads or writes there"),
        ("reports/plots/predictions.csv", "the pipeline reads or writes there"),
        (".git/config", "the pipeline reads or writes there"),
        ("params.yaml", "params.yaml: the project's, and no predictions; name another file"),
        ("./models/../dvc.yaml", "the project's, and no predictions; name another file"),
        ("notes.md", "notes.md: the project's, and no predictions; name another file"),
        ("models", "models: a folder; name a file to write"),
        ("", ".: a folder; name a file to write"),
        ("dvc.yaml/out.csv", "dvc.yaml: "),
    ],
)
def test_predict_loses_nothing_that_stands_at_its_output(
    trained: Project, output: str, expected: str
) -> None:
    (trained.root / "notes.md").write_text("prediction, reason")
    before = contents(trained)
    status, _, err = predict("new.csv", "-o", output)
    assert status == 1
    assert expected in err
    assert contents(trained) == before


def contents(project: Project) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}


def test_predictions_take_the_place_of_earlier_ones(trained: Project) -> None:
    (trained.root / "empty.csv").touch()
    for _ in range(2):
        for name in ("out.csv", "empty.csv", "reports/later.csv"):
            assert predict("new.csv", "-o", name)[0] == 0
            assert [*pd.read_csv(name)] == NUMBERED


@pytest.mark.usefixtures("trained")
def test_outside_of_the_project_a_file_is_overwritten(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    out = tmp_path_factory.mktemp("away") / "out.csv"
    out.write_text("what was there")
    assert predict("new.csv", "-o", str(out))[0] == 0
    assert len(pd.read_csv(out)) == 9


# Images


def test_an_image_in_python_is_the_bytes_of_its_pixels() -> None:
    contract = CONTRACT | {
        "target": "kind",
        "images": {"width": 3, "height": 2},
        "columns": {"kind": {"type": "binary", "categories": ["no", "yes"], "meaning": "kind"}},
    }
    pipeline = StubPipeline(
        classes_=np.array(["no", "yes"], dtype=object),
        predict_proba=lambda X: np.tile([0.25, 0.75], (len(X), 1)),
    )
    model = Model(pipeline, "", "classification", Contract.model_validate(contract))
    frame = pd.DataFrame({"file": ["a", "b", "c"], "image": [bytes(6), bytes(7), None]})
    table = model.predict(frame)
    assert table["file"].tolist() == ["a", "b", "c"]
    assert table["prediction"].fillna("-").tolist() == ["yes", "-", "-"]
    assert table["reason"].dropna().tolist() == [
        "bytes, expected the 6 bytes of 3x2 pixels",
        "NoneType, expected the 6 bytes of 3x2 pixels",
    ]
