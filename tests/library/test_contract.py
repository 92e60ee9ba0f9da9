"""The contract: typing columns and finding the cells that break a rule."""

import copy
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT
from lockstep.core.contract import Column, Contract, Layout, load_contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.data.conformity import conform, require_columns
from ruamel.yaml import YAML


def changed(column: str, **changes: object) -> dict:
    content = copy.deepcopy(CONTRACT)
    content["columns"][column] |= changes
    return content


def test_a_wide_table_takes_a_further_column_without_a_warning(contract: Contract) -> None:
    columns = {f"weight_{number}": contract.columns["weight"] for number in range(120)}
    table, _ = conform(columns, pd.DataFrame(1.0, [0], [*columns]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table["further"] = 1


def test_rows_that_keep_the_contract_get_its_types(contract: Contract, fruit: pd.DataFrame) -> None:
    table, breaches = conform(contract.columns, fruit.astype("str"))
    assert breaches.empty
    assert table["weight"].dtype == "float64"
    assert table["seeds"].dtype == "Int64"
    assert table["weight"].tolist() == fruit["weight"].tolist()
    assert table["seeds"].tolist() == fruit["seeds"].tolist()
    assert table["colour"].tolist() == fruit["colour"].tolist()


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("weight", "heavy", "a number from 0 to 500 g"),
        ("weight", "-3", "a number from 0 to 500 g"),
        ("weight", "500.5", "a number from 0 to 500 g"),
        ("weight", "inf", "a number from 0 to 500 g"),
        ("weight", None, "a number from 0 to 500 g"),
        ("seeds", "2.5", "a whole number from 0 up"),
        ("seeds", "-1", "a whole number from 0 up"),
        ("colour", "blue", "one of green, red"),
        ("fruit", None, "one of apple, melon"),
    ],
)
def test_a_broken_cell_is_named_by_row_column_value_and_rule(
    contract: Contract, fruit: pd.DataFrame, column: str, value: str | None, rule: str
) -> None:
    raw = fruit.astype("str")
    raw.loc[7, column] = value
    _, breaches = conform(contract.columns, raw)
    assert breaches.to_dict("records") == [
        {"row": 8, "column": column, "value": value or "", "rule": rule}
    ]


def test_a_nullable_column_may_lack_values(contract: Contract, fruit: pd.DataFrame) -> None:
    raw = fruit.astype("str")
    raw.loc[0, "seeds"] = None
    table, breaches = conform(contract.columns, raw)
    assert breaches.empty
    assert table["seeds"].isna().tolist() == [True] + [False] * 59


def test_the_limits_of_a_range_are_allowed(contract: Contract) -> None:
    raw = pd.DataFrame({"weight": ["0", "500"]})
    _, breaches = conform({"weight": contract.columns["weight"]}, raw)
    assert breaches.empty


def test_categories_written_as_numbers_match_cells_written_as_floats() -> None:
    contract = Contract.model_validate(changed("colour", categories=[1, 2]))
    raw = pd.DataFrame({"colour": [1.0, 2.0, np.nan]})
    table, breaches = conform({"colour": contract.columns["colour"]}, raw)
    assert table["colour"].tolist()[:2] == ["1", "2"]
    assert breaches["row"].tolist() == [3]


def test_a_missing_column_is_named_with_those_that_are_there(
    contract: Contract, fruit: pd.DataFrame
) -> None:
    with pytest.raises(UserError) as error:
        require_columns(fruit.drop(columns="seeds"), contract.columns, "fruit.csv")
    assert str(error.value) == (
        "fruit.csv: column 'seeds' is missing; the contract asks for it; "
        "the file has 'weight', 'colour', 'fruit'"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (CONTRACT | {"target": "fruits"}, "target: found 'fruits', which is no column"),
        (changed("fruit", private=True), "target: 'fruit' must not be private: the server keeps"),
        (CONTRACT | {"targets": "fruit"}, "targets: unknown key; did you mean target?"),
        (changed("weight", type="float"), "columns.weight.type: found 'float'"),
        (changed("weight", units="g"), "columns.weight.units: unknown key; did you mean unit?"),
        (changed("colour", categories=[True]), "YAML reads this as true, not as a text; put"),
        (
            CONTRACT | {"images": {"width": 1, "height": 9}},
            "beside images in folders, the target is the only",
        ),
        (changed("weight", type="image", range=None), "a column of type image needs `images`"),
        (CONTRACT | {"group": "farm"}, "group: found 'farm', which is no column"),
        (CONTRACT | {"time": "colour"}, "time: 'colour' must be a datetime or a number"),
        (CONTRACT | {"subgroups": ["weight"]}, "subgroups: 'weight' must be binary, categorical"),
        (CONTRACT | {"part": "colour"}, "part: 'colour' must have the categories train and test"),
        (changed("colour", type="binary", categories=["a"]), "a binary column has two"),
        (changed("colour", type="identifier"), "a column of type identifier has no `categories`"),
        (
            changed("weight", format="%Y"),
            "columns.weight: a column of type numeric has no `format`",
        ),
        (changed("weight", range=[9, 1]), "columns.weight: range starts at 9, above its end 1"),
        (changed("weight", categories=["a"]), "columns.weight: a column of type numeric has no"),
        (changed("colour", categories=None), "columns.colour: a column of type categorical needs"),
        (
            changed("colour", range=[0, 1]),
            "columns.colour: a column of type categorical has no `range`",
        ),
    ],
)
def test_an_impossible_contract_is_told_in_one_line(
    project: Project, content: dict, expected: str
) -> None:
    project.contract_file.write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        load_contract(project, "classification")
    assert str(error.value).startswith("references/schema.yaml: ")
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_target_that_does_not_fit_the_kind_is_told(project: Project) -> None:
    with pytest.raises(UserError, match=r"target 'fruit' is categorical.*kind: regression"):
        load_contract(project, "regression")


def test_images_cannot_stand_for_numbers(project: Project) -> None:
    number = {"fruit": {"type": "numeric", "meaning": "weight"}}
    content = CONTRACT | {"images": {"width": 3, "height": 2}, "columns": number}
    project.contract_file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="images: their folders are classes; a number"):
        load_contract(project, "regression")


def test_images_bring_their_columns() -> None:
    contract = Contract.model_validate(
        CONTRACT
        | {"images": {"width": 3, "height": 2}, "columns": {"fruit": CONTRACT["columns"]["fruit"]}}
    )
    assert list(contract.columns) == ["image", "file", "part", "fruit"]
    assert contract.features == ["image"]
    assert contract.images.shape == (2, 3, 1)


def test_columns_that_only_organise_rows_are_no_features() -> None:
    columns = CONTRACT["columns"] | {
        "farm": {"type": "integer", "meaning": "farm"},
        "label": {"type": "identifier", "meaning": "label"},
        "side": {"type": "categorical", "categories": ["train", "test"], "meaning": "side"},
        "picked": {"type": "datetime", "meaning": "when it was picked"},
    }
    contract = Contract.model_validate(
        CONTRACT | {"columns": columns, "group": "farm", "part": "side", "time": "picked"}
    )
    assert contract.features == ["weight", "seeds", "colour", "picked"]


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        (None, "2026-01-31", "2026-01-31 00:00"),
        (None, "2026-01-31T23:30:00+02:00", "2026-01-31 21:30"),
        ("%d.%m.%Y", "31.01.2026", "2026-01-31 00:00"),
    ],
)
def test_times_are_read_as_they_are_written(form: str | None, cell: str, expected: str) -> None:
    column = Column(type="datetime", meaning="when", format=form)
    table, breaches = conform({"when": column}, pd.DataFrame({"when": [cell, "soon"]}))
    assert table["when"][0] == pd.Timestamp(expected)
    assert breaches["row"].tolist() == [2]
    assert breaches["value"].tolist() == ["soon"]
    assert breaches["rule"][0].startswith("a time written as ")


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ({"thousands": "."}, "layout: thousands and decimal are both '.'"),
        ({"encoding": "utf-9"}, "layout.encoding: found 'utf-9'; no such encoding, try utf-8"),
        ({"delimiter": ";;"}, "layout.delimiter: found ';;'"),
        ({"delimiter": ""}, "layout.delimiter: found ''"),
        ({"quote": "`"}, "layout.quote: found '`', which should be '\"', \"'\" or ''"),
        ({"skip": -1}, "layout.skip: found -1"),
        ({"decimals": ","}, "layout.decimals: unknown key; did you mean decimal?"),
    ],
)
def test_an_impossible_layout_is_told_in_one_line(
    project: Project, layout: dict, expected: str
) -> None:
    project.contract_file.write_text(json.dumps(CONTRACT | {"layout": layout}))
    with pytest.raises(UserError) as error:
        load_contract(project, "classification")
    assert str(error.value).startswith(f"references/schema.yaml: {expected}")
    assert len(str(error.value).splitlines()) == 1


NUMBER = Column(type="numeric", meaning="a number", nullable=True)


@pytest.mark.parametrize(
    ("layout", "cell", "expected"),
    [
        ({}, "1.5", 1.5),
        ({}, "1,5", None),
        ({}, "1,234", None),
        ({"decimal": ","}, "1,5", 1.5),
        ({"decimal": ","}, "-1,5e3", -1500),
        ({"decimal": ","}, ",5", 0.5),
        ({"decimal": ","}, "1.5", None),
        ({"decimal": ",", "thousands": "."}, "1.234.567,5", 1234567.5),
        ({"decimal": ",", "thousands": "."}, "1234", 1234),
        ({"decimal": ",", "thousands": "."}, "12.34", None),
        ({"decimal": ",", "thousands": "."}, "1.2345", None),
        ({"thousands": ","}, "1,234.5", 1234.5),
        ({"thousands": ","}, "12,34", None),
        ({"thousands": ","}, ",123", None),
        ({"thousands": " "}, "1 234", 1234),
        ({"thousands": " "}, "1\u00a0234\u202f567", 1234567),
        ({"thousands": "'"}, "1'234.5", 1234.5),
        ({"thousands": "'"}, "1\u2019234", 1234),
        ({"decimal": ","}, "", None),
        ({"decimal": ","}, "-", None),
        ({"decimal": ","}, ",", None),
        ({"decimal": ","}, "e5", None),
        ({"decimal": ","}, "1_000", None),
    ],
)
def test_numbers_are_read_as_the_layout_says(
    layout: dict, cell: str, expected: float | None
) -> None:
    table, breaches = conform({"x": NUMBER}, pd.DataFrame({"x": [cell]}), Layout(**layout))
    assert table["x"].tolist() == [expected] if expected is not None else table["x"].isna().all()
    assert len(breaches) == (expected is None)


def test_a_number_beyond_all_that_are_kept_is_a_breach_and_no_failure() -> None:
    raw = pd.DataFrame({"x": pd.Series([1, 10**400, -(10**400)], dtype="object")})
    table, breaches = conform({"x": NUMBER}, raw)
    assert table["x"].tolist()[:1] == [1]
    assert breaches["row"].tolist() == [2, 3]


def test_a_layout_leaves_numbers_of_a_typed_file_alone() -> None:
    raw = pd.DataFrame({"x": [1.5, 1000.0], "y": pd.Series([1.5, "1,5"], dtype="object")})
    table, _ = conform({"x": NUMBER, "y": NUMBER}, raw, Layout(decimal=","))
    assert table["x"].tolist() == [1.5, 1000]
    assert table["y"].tolist() == [1.5, 1.5]


@pytest.mark.parametrize(
    ("column", "cells", "rows"),
    [
        (NUMBER.model_copy(update={"missing": ("-999", "?")}), ["1", "-999", "?", "-99"], []),
        (Column(type="numeric", meaning="", missing=("-999",)), ["1", "-999", "-99"], [2]),
        (Column(type="categorical", categories=["a"], meaning="", missing=("?",)), ["a", "?"], [2]),
        (NUMBER.model_copy(update={"missing": ("-999",)}), [1.0, -999.0, -99.0], []),
    ],
)
def test_a_columns_own_markers_stand_for_missing_values(
    column: Column, cells: list, rows: list[int]
) -> None:
    table, breaches = conform({"x": column}, pd.DataFrame({"x": cells}))
    marked = [str(cell).removesuffix(".0") in column.missing for cell in cells]
    assert table["x"].isna().tolist() == marked
    assert breaches["row"].tolist() == rows


def test_a_text_may_be_anything(contract: Contract) -> None:
    column = Column(type="text", meaning="note")
    table, breaches = conform(
        {"note": column}, pd.DataFrame({"note": ["=cmd()", "1.0", 2.0, None]})
    )
    assert table["note"].tolist()[:3] == ["=cmd()", "1.0", "2"]
    assert breaches["row"].tolist() == [4]
    columns = contract.columns | {"note": column}
    with_note = contract.model_copy(update={"columns": columns})
    assert with_note.features == [*contract.features, "note"]
    in_sequences = with_note.model_copy(update={"sequence": "colour"})
    assert "note" not in in_sequences.features


def test_marks_of_a_guess_do_not_change_what_a_column_admits() -> None:
    marked = Column(type="text", meaning="", example=1.5, guessed="sentences", missing=[-1, "?"])
    assert (marked.example, marked.missing) == ("1.5", ("-1", "?"))


@pytest.mark.parametrize("cell", ["now", "today", "1", "-1", "12"])
def test_what_is_no_date_is_no_date_whatever_pandas_thinks(cell: str) -> None:
    column = Column(type="datetime", meaning="when")
    _, breaches = conform({"when": column}, pd.DataFrame({"when": ["2026-01-31", cell]}))
    assert breaches["value"].tolist() == [cell]


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_the_moment_of_reading_is_no_date_in_any_format(dtype: str) -> None:
    column = Column(type="datetime", format="%d/%m/%Y", meaning="when")
    cells = pd.Series(["31/01/2026", "now", "today"], dtype=dtype)
    _, breaches = conform({"when": column}, cells.to_frame("when"))
    assert breaches["value"].tolist() == ["now", "today"]


def test_a_date_is_read_the_same_beside_one_of_nanoseconds() -> None:
    column = Column(type="datetime", meaning="when")
    cells = ["0001-01-01", "2026-01-01T00:00:00.123456789", "2026-01-01T00:00:00.5Z"]
    table, breaches = conform({"when": column}, pd.DataFrame({"when": cells}))
    assert breaches.empty
    assert table["when"].astype("str").tolist() == [
        "0001-01-01 00:00:00.000000",
        "2026-01-01 00:00:00.123456",
        "2026-01-01 00:00:00.500000",
    ]


def test_a_category_with_blanks_around_it_admits_no_cell_however_plain() -> None:
    column = Column(type="categorical", categories=[" a", "b"], meaning="letter")
    for cells, rows in (([" a", "b"], [1]), ([" a", "b", " b"], [1])):
        _, breaches = conform({"x": column}, pd.DataFrame({"x": pd.Series(cells, dtype="str")}))
        assert breaches["row"].tolist() == rows


def test_the_contract_of_a_stage_is_read_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.params
    parsers = []

    def make_parser(**options: object) -> YAML:
        parsers.append(YAML(**options))
        return parsers[-1]

    monkeypatch.setattr("lockstep.core.files.YAML", make_parser)
    assert project.contract.features
    assert len(parsers) == 1


def test_a_contract_that_says_nothing_yet_names_the_command(project: Project) -> None:
    project.contract_file.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(UserError, match="says nothing yet; the command `use FILE --target COL"):
        load_contract(project, "classification")
