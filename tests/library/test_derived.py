"""Features made of several columns are the same wherever a model learns or predicts."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, make_params, make_project, run_stage, write_params
from lockstep.commands.cli import main
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling import derived as room
from lockstep.modeling.derived import derived
from lockstep.modeling.features import count_categories, make_features
from lockstep.modeling.model import Model
from lockstep.modeling.train_rows import TrainRows
from owner import features, models  # noqa: F401 - they register steps and candidates
from sklearn.base import TransformerMixin

TIMES = {name: {"type": "datetime", "meaning": name} for name in ("picked", "sold")}
WITH_TIMES = CONTRACT | {"columns": CONTRACT["columns"] | TIMES}
NOTHING = dict.fromkeys(["numeric", "binary", "categorical", "ordered", "datetime"], "drop")


@derived("weight", "seeds")
def weight_per_seed(rows: pd.DataFrame) -> pd.Series:
    return rows["weight"] / rows["seeds"]


@derived("sold", "picked")
def days_on_sale(rows: pd.DataFrame) -> pd.Series:
    """How long it lay in the shop."""
    return (rows["sold"] - rows["picked"]) / pd.Timedelta(days=1)


@derived("weight", type="ordered", categories=["light", "heavy"])
def size(rows: pd.DataFrame) -> np.ndarray:
    return np.select([rows["weight"] > 900, rows["weight"] > 275], ["odd", "heavy"], "light")


@derived("picked", type="datetime")
def next_day(rows: pd.DataFrame) -> pd.Series:
    return rows["picked"] + pd.Timedelta(days=1)


def make_rows(count: int = 120) -> pd.DataFrame:
    """Only how long they were on sale tells apples from melons."""
    rng = np.random.default_rng(0)
    picked = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, count), "D")
    is_melon = rng.random(count) < 0.5
    days = np.where(is_melon, rng.integers(12, 20, count), rng.integers(0, 8, count))
    return pd.DataFrame(
        {
            "weight": rng.uniform(100, 450, count).round(1),
            "seeds": pd.array(rng.integers(0, 9, count), dtype="Int64"),
            "colour": rng.choice(["green", "red"], count),
            "picked": picked,
            "sold": picked + pd.to_timedelta(days, "D"),
            "fruit": np.where(is_melon, "melon", "apple"),
        }
    )


ROWS = make_rows(6).assign(
    weight=[100.0, 200, 300, 400, 1000, 90], seeds=pd.array([2, 0, 3, None, 4, 5], dtype="Int64")
)


def transformer(
    recipe: dict, *names: str, contract: dict = WITH_TIMES, candidate: str = "linear"
) -> TransformerMixin:
    """The features of a recipe with some that are derived; groups it does not name are dropped."""
    params = make_params(features=NOTHING | {"derived": names} | recipe)
    return make_features(candidate, params, Contract.model_validate(contract))


def transform(recipe: dict, *names: str) -> np.ndarray:
    return transformer(recipe, *names).fit_transform(ROWS)


def test_it_has_the_steps_of_its_group_or_of_its_own_and_a_division_by_zero_is_missing() -> None:
    columns = {"weight": "drop", "seeds": "drop"}
    X = transform({"numeric": ["impute"], "columns": columns}, "weight_per_seed")
    assert X[:, 0].tolist() == [50, 75, 100, 75, 250, 18]
    own = {"columns": {"weight_per_seed": [{"impute": -1}]}}
    assert transform(own, "weight_per_seed")[:, 0].tolist() == [50, -1, 100, -1, 250, 18]
    marked = {"columns": {"weight_per_seed": ["indicate_missing", "impute"]}}
    assert transform(marked, "weight_per_seed")[:, 1].tolist() == [0, 1, 0, 1, 0, 0]


def test_it_can_be_categories_of_which_others_are_missing() -> None:
    X = transform({"ordered": ["ordinal", {"impute": -1}]}, "size")
    assert X[:, 0].tolist() == [0, 0, 1, 1, -1, 0]
    embedded = transformer({"ordered": ["ordinal", "impute"]}, "size", candidate="wide_and_deep")
    assert embedded.fit_transform(ROWS)[:, 0].tolist() == [0, 0, 1, 1, -1, 0]
    recipe = make_params(features={"derived": ["size"]}).features
    assert count_categories(Contract.model_validate(CONTRACT), recipe) == (2, 2)


def test_it_can_be_a_difference_of_times_or_a_time() -> None:
    recipe = {"numeric": ["impute"], "datetime": ["elapsed", "impute"]}
    recipe |= {"columns": dict.fromkeys(["weight", "seeds", "picked", "sold"], "drop")}
    X = transform(recipe, "days_on_sale", "next_day")
    days = (ROWS["sold"] - ROWS["picked"]).dt.days
    since_2000 = (ROWS["picked"] - pd.Timestamp("2000-01-01")).dt.days
    assert X.tolist() == np.column_stack([days, since_2000 + 1]).tolist()


RECIPE = {
    "derived": ["days_on_sale", "weight_per_seed", "size"],
    "datetime": "drop",
    "columns": dict.fromkeys(["weight", "seeds", "colour"], "drop"),
}


def make_trained(root: Path, **train: object) -> Project:
    """A project whose champion learns from derived features alone, up to the stage train."""
    project = make_project(root)
    project.contract_file.write_text(json.dumps(WITH_TIMES))
    make_rows().to_csv(project.raw / "fruit.csv", index=False)
    settings = {"metric": "accuracy", "folds": 2}
    write_params(project, features=RECIPE, train=settings | train)
    with contextlib.chdir(root):
        for stage in ("ingest", "preprocess", "train"):
            run_stage(stage)
    return project


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Not to be changed."""
    candidates = {"baseline": {}, "linear": {}}
    project = make_trained(tmp_path_factory.mktemp("trained"), candidates=candidates)
    with contextlib.chdir(project.root):
        run_stage("evaluate")
    return project


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One whose champion is a network that learns from a file; not to be changed."""
    candidates = {"baseline": {}, "mlp": {"max_epochs": 40, "learning_rate": 0.03}}
    settings = {"candidates": candidates, "max_rows_in_memory": 60}
    return make_trained(tmp_path_factory.mktemp("streamed"), **settings)


@pytest.mark.parametrize("name", ["trained", pytest.param("streamed", marks=pytest.mark.matrix)])
def test_it_is_learnt_from_in_folds_and_in_all_rows(
    name: str, request: pytest.FixtureRequest
) -> None:
    project = request.getfixturevalue(name)
    leaderboard = pd.read_csv(project.leaderboard).set_index("candidate")
    assert leaderboard["accuracy_mean"].iloc[1] > 0.9 > leaderboard["accuracy_mean"].iloc[0]
    rows = TrainRows.load(project)
    assert rows.is_whole == (name == "trained")
    learnt = "on all rows" if rows.is_whole else f"on a sample of {len(rows.table)}"
    assert leaderboard["learnt"].iloc[0] == learnt
    champion = Model.load(project.champion, "models/champion")
    assert champion.candidate == leaderboard.index[1]
    test = pd.read_parquet(project.test)
    assert (champion.predict(test)["prediction"] == test["fruit"]).mean() > 0.9


def test_a_model_needs_the_columns_that_derived_features_read(trained: Project) -> None:
    champion = Model.load(trained.champion, "models/champion")
    assert champion.features == ["weight", "seeds", "picked", "sold"]
    importance = pd.read_csv(trained.plots / "importance.csv").set_index("feature")["loss"]
    assert {*importance.index} == {*champion.features}
    assert importance[["picked", "sold"]].min() > importance[["weight", "seeds"]].max()


def test_the_command_line_predicts_from_the_columns_that_it_reads(
    trained: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(trained.root)
    rows = pd.read_parquet(trained.test)
    rows.drop(columns="fruit").to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv")]) == 0
    expected = Model.load(trained.champion, "models/champion").predict(rows)
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "out.csv"), expected, check_dtype=False, rtol=1e-12
    )


ELSEWHERE = """
import conftest, sys
import pandas as pd
import test_derived
from lockstep import Model, Project
project = Project.find()
champion = Model.load(project.champion, "models/champion")
champion.predict(pd.read_parquet(project.test)).to_csv(sys.argv[1], index=False)
conftest.run_stage("train")
"""


@pytest.mark.parametrize("name", ["trained", "streamed"])
@pytest.mark.matrix
def test_another_process_predicts_alike_and_trains_the_same_bytes(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    project = request.getfixturevalue(name)
    files = [path for path in sorted(project.champion.rglob("*")) if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    rows = pd.read_parquet(project.test)
    expected = Model.load(project.champion, "models/champion").predict(rows)
    # Texts have other hashes there, by which sets of them are ordered.
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "predictions.csv")],
        cwd=project.root,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "predictions.csv"), expected, check_dtype=False, rtol=1e-12
    )
    assert {path: path.read_bytes() for path in files} == before


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgets afterwards which features a test has registered."""
    monkeypatch.setattr(room, "DERIVED", {**room.DERIVED})


def tell(*names: str, recipe: dict | None = None, contract: dict = WITH_TIMES) -> str:
    """The mistake, in a line."""
    with pytest.raises(UserError) as error:
        transformer(recipe or {"numeric": ["impute"]}, *names, contract=contract).fit(ROWS)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_name_that_is_none_is_told() -> None:
    assert tell("weight_per_sead").startswith(
        "params.yaml: features.derived: no function weight_per_sead marked @derived; "
        "did you mean weight_per_seed? allowed: "
    )
    assert tell("weight_per_seed", recipe={"columns": {"days_on_sale": ["impute"]}}).startswith(
        "params.yaml: features.columns.days_on_sale: no feature of references/schema.yaml; "
    )


@pytest.mark.usefixtures("own")
def test_a_name_that_is_a_columns_is_told() -> None:
    @derived("weight")
    def colour(rows: pd.DataFrame) -> pd.Series:
        return rows["weight"]

    assert tell("colour") == (
        "params.yaml: features.derived: colour is a column of references/schema.yaml; rename it"
    )


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("column", ["fruit", "wait"])
def test_a_column_that_is_no_feature_is_told(column: str) -> None:
    @derived(column)
    def copy(rows: pd.DataFrame) -> pd.Series:
        return rows[column]

    assert tell("copy").startswith(
        f"params.yaml: features.derived: copy reads '{column}', which is no feature of "
        "references/schema.yaml; "
    )


def test_images_have_no_derived_features() -> None:
    columns = {"fruit": CONTRACT["columns"]["fruit"]}
    images = CONTRACT | {"images": {"width": 2, "height": 1}, "columns": columns}
    assert "weight_per_seed reads 'weight', which is no feature" in tell(
        "weight_per_seed", contract=images
    )


@pytest.mark.usefixtures("own")
def test_a_column_that_is_read_without_being_named_is_told() -> None:
    @derived("weight")
    def peek(rows: pd.DataFrame) -> pd.Series:
        return rows["weight"] / rows["seeds"]

    assert tell("peek") == (
        "features.py: peek reads 'seeds'; its line `@derived(...)` names weight only"
    )


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(("value", "shape"), [(1.0, "()"), ([1.0, 2.0], "(2,)")])
def test_too_few_values_are_told(value: object, shape: str) -> None:
    @derived("weight")
    def short(_: pd.DataFrame) -> object:
        return value

    assert tell("short") == (
        f"features.py: short returns {shape} values for 6 rows; one for each row was expected"
    )


@pytest.mark.usefixtures("own")
def test_a_difference_of_times_without_a_unit_is_told() -> None:
    @derived("sold", "picked")
    def on_sale(rows: pd.DataFrame) -> pd.Series:
        return rows["sold"] - rows["picked"]

    assert tell("on_sale") == (
        "features.py: a difference of times is no number; divide it by a unit, such as "
        'pd.Timedelta("1 day")'
    )


def test_a_list_is_asked_for(project: Project) -> None:
    write_params(project, features={"derived": "weight_per_seed"})
    with pytest.raises(UserError) as error:
        _ = project.params
    assert str(error.value) == (
        "params.yaml: features.derived: found 'weight_per_seed', which should be a list"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"type": "text"}, "a derived feature cannot be of type text"),
        ({"type": "image"}, "a derived feature cannot be of type image"),
        ({"type": "categorical"}, "categories"),
        ({"type": "binary", "categories": ["a"]}, "categories"),
        ({"categories": ["a", "b"]}, "categories"),
    ],
)
def test_a_type_and_categories_that_do_not_go_together_are_refused(
    options: dict, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        derived("weight", **options)(lambda rows: rows["weight"])
    assert "<lambda>" not in room.DERIVED
