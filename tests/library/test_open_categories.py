"""Columns of many texts, of which another delivery holds others: a contract's `open: true`."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, make_fruit, make_params, run_stage, write_params
from lockstep.adopting import sampling
from lockstep.adopting.contract_text import format_contract
from lockstep.adopting.inference import guess, guess_target
from lockstep.adopting.understanding import understand
from lockstep.adopting.wishes import Wishes
from lockstep.commands.cli import main
from lockstep.core.contract import Column, Contract, Layout
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.data.conformity import conform
from lockstep.modeling.features import make_features
from owner import features, models  # noqa: F401 - they register steps and candidates
from pydantic import ValidationError

CITY = {"type": "categorical", "categories": ["Ulm", "Bonn"], "open": True, "meaning": "where"}
KNOWN = [*["Ulm", "Bonn"] * 20, *["Jena"] * 2]


def make_contract(**city: object) -> Contract:
    columns = {"city": CITY | city, "fruit": CONTRACT["columns"]["fruit"]}
    return Contract.model_validate(CONTRACT | {"columns": columns, "missing": ["", "?"]})


def make_cells(cells: list) -> pd.Series:
    return pd.Series(cells, name="city", dtype="str")


def names(count: int, of: int) -> list[str]:
    """So many texts, of which so many differ."""
    return [f"town {'abcdefgh'[place % 8]}{place % of}" for place in range(count)]


def test_any_text_keeps_the_contract_of_an_open_column() -> None:
    columns = make_contract().features_only()
    frame = pd.DataFrame({"city": make_cells(["Ulm", " Ulm ", "Rome", " ? ", None])})
    table, breaches = conform(columns, frame, missing=("", "?"))
    assert table["city"].fillna("-").tolist() == ["Ulm", "Ulm", "Rome", "-", "-"]
    assert breaches[["row", "rule"]].to_numpy().tolist() == [
        [4, "a text such as Ulm, Bonn"],
        [5, "a text such as Ulm, Bonn"],
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"city": CITY | {"type": "binary"}}, "a column of type binary is never `open`"),
        ({"city": {"type": "text", "open": True, "meaning": ""}}, "of type text is never `open`"),
        (
            {"fruit": CONTRACT["columns"]["fruit"] | {"open": True}},
            "target: 'fruit' must not be open: all its values are told apart",
        ),
    ],
)
def test_what_cannot_be_open_is_told(columns: dict, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Contract.model_validate(CONTRACT | {"columns": CONTRACT["columns"] | columns})


@pytest.mark.parametrize(
    ("steps", "candidate", "expected"),
    [
        (["one_hot"], "linear", [0, 0, 0]),
        ([{"one_hot": 0.1}], "linear", [0, 0, 1]),
        (["target_encode"], "linear", [20 / 42]),
        (["ordinal", {"impute": -7}], "linear", [-7]),
        (["one_hot"], "wide_and_deep", [-1]),
    ],
)
def test_an_unknown_value_goes_through_the_rule_of_its_step(
    steps: list, candidate: str, expected: list[float]
) -> None:
    recipe = make_params(features={"categorical": steps})
    learnt = pd.DataFrame({"city": make_cells(KNOWN)})
    y = np.array(["melon", "apple"] * 20 + ["apple", "apple"], dtype=object)
    transformer = make_features(candidate, recipe, make_contract()).fit(learnt, y)
    unknown = transformer.transform(pd.DataFrame({"city": make_cells(["Rome"])}))
    np.testing.assert_allclose(unknown[0], expected)


def test_what_is_unknown_needs_a_step_that_fills_it() -> None:
    recipe = make_params(features={"categorical": ["ordinal"]})
    with pytest.raises(UserError, match="'city' may be unknown; add the step impute"):
        make_features("linear", recipe, make_contract())


def test_use_opens_a_column_of_many_values_and_says_so() -> None:
    many, few = (guess(make_cells(names(600, count)), Layout()) for count in (72, 48))
    assert many.column.open
    assert many.doubts == [
        "72 categories are many",
        "other values are no breach, but unknown: `open: true`",
    ]
    assert not few.column.open


def test_the_classes_of_a_target_are_never_open() -> None:
    target = guess_target(make_cells(names(600, 72)), Layout(), None).column
    assert (len(target.categories), target.open) == (72, False)


def test_of_a_large_table_every_value_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pd.DataFrame({"city": names(900, 72), "y": ["no", "yes", "no"] * 300})
    rows.loc[[100, 333, 800], "city"] = ["Rome", "Oslo", "Kiel"]
    rows.to_csv(tmp_path / "a.csv", index=False)
    monkeypatch.setattr(sampling, "MOST_CELLS", 600)
    result = understand([tmp_path / "a.csv"], "a.csv", "a test", Wishes(target="y"))
    city = result.contract.columns["city"]
    assert city.open
    assert {*city.categories} == {*rows["city"]}


@pytest.fixture
def open_project(project: Project) -> Project:
    """A project whose fruit come from cities, one of which the contract does not list."""
    columns = {"city": CITY} | CONTRACT["columns"]
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns}))
    rows = make_fruit().assign(city=["Ulm", "Bonn", "Ulm", "Jena", "Bonn"] * 12)
    rows.to_csv(project.raw / "fruit.csv", index=False)
    write_params(project, train={"folds": 2, "candidates": {"baseline": {}, "linear": {}}})
    return project


@pytest.mark.usefixtures("open_project")
def test_a_value_that_nobody_has_seen_does_not_stop_anything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_stage("ingest")
    assert "'city' has drifted: 12 rows are beyond its `categories`" in capsys.readouterr().out
    for stage in ("preprocess", "train"):
        run_stage(stage)
    make_fruit(3).assign(city=["Rome", "Ulm", ""]).to_csv("new.csv", index=False)
    capsys.readouterr()
    assert main(["predict", "new.csv"]) == 1
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["prediction"].notna().tolist() == [True, True, False]
    assert table["reason"].dropna().tolist() == [
        "city is missing, expected a text such as Ulm, Bonn"
    ]


def test_a_contract_that_is_written_says_what_is_open() -> None:
    text = format_contract(make_contract())
    assert "    open: true\n" in text
    assert "open" not in format_contract(make_contract(open=False)).partition("columns:")[2]
    assert Column.model_validate(CITY).rule() == "a text such as Ulm, Bonn"
