"""Whether callers of a model can call another one and change nothing."""

from copy import deepcopy
from typing import Any

import pandas as pd
import pytest
from conftest import CONTRACT, make_fruit
from lockstep.core.contract import Contract
from lockstep.data.conformity import conform
from lockstep.registry.compatibility import find_breaks
from made_up_sequences import CONTRACT as SWINGS


def make_contract(columns: dict[str, Any] | None = None, **changes: Any) -> Contract:
    """The contract of the fruit; None takes a column away."""
    content = deepcopy(CONTRACT) | changes
    for name, change in (columns or {}).items():
        if change is None:
            del content["columns"][name]
        else:
            content["columns"][name] = content["columns"].get(name, {"meaning": name}) | change
    return Contract.model_validate(content)


SIZE = {"size": {"type": "numeric"}}
NAME = {"size": {"type": "identifier"}}
OPEN = {"colour": {"open": True}}
PEAR = {"fruit": {"categories": ["apple", "melon", "pear"]}}
TURNED = {"fruit": {"categories": ["melon", "apple"]}}
DATE = {"picked": {"type": "datetime"}}
GERMAN = {"picked": {"type": "datetime", "format": "%d.%m.%Y"}}


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, SIZE, "size must be sent"),
        (NAME, SIZE, "size must be sent"),
        ({}, {"weight": {"type": "integer"}}, "weight is integer, not numeric"),
        ({}, {"weight": {"unit": "kg"}}, "weight is in kg, not in g"),
        ({}, {"weight": {"range": [1, 500]}}, "weight must be at least 1"),
        ({"weight": {"range": None}}, {}, "weight must be at least 0"),
        ({}, {"weight": {"range": [0, 400]}}, "weight must be at most 400"),
        ({}, {"seeds": {"nullable": False}}, "seeds must not be missing"),
        ({"seeds": {"missing": ["?"]}}, {}, "seeds is no longer missing where it says '?'"),
        ({}, {"colour": {"categories": ["red"]}}, "colour must not be 'green'"),
        (OPEN, {}, "colour must be one of 'green', 'red'"),
        ({}, {"colour": {"type": "integer", "categories": None}}, "colour is integer, not cat"),
        (DATE, GERMAN, "picked is written as %d.%m.%Y"),
        ({}, PEAR, "the classes are 'apple', 'melon', 'pear', not 'apple', 'melon'"),
        ({}, TURNED, "the classes are 'melon', 'apple', not 'apple', 'melon'"),
    ],
)
def test_what_callers_must_change_is_told(before: dict, after: dict, change: str) -> None:
    first, *others = find_breaks(make_contract(before), make_contract(after))
    assert first.startswith(change)
    assert len(others) <= 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"seeds": None}),
        (SIZE, NAME),
        ({}, {"seeds": {"type": "numeric", "range": None}}),
        ({}, {"weight": {"range": [-1, None]}}),
        ({}, {"weight": {"nullable": True, "missing": ["none"]}}),
        ({}, {"colour": {"categories": ["blue", "green", "red"]}}),
        ({}, OPEN),
        ({}, {"colour": {"type": "ordered"}}),
        ({"weight": {"unit": None}}, {}),
    ],
)
def test_what_asks_for_no_more_is_compatible_and_takes_the_same_rows(
    before: dict, after: dict
) -> None:
    contracts = make_contract(before), make_contract(after)
    assert find_breaks(*contracts) == []
    rows = make_fruit().astype("str").assign(size="1")
    rows.loc[0, "seeds"] = ""
    breaches = [
        conform(contract.features_only(), rows, contract.layout, contract.missing)[1]
        for contract in contracts
    ]
    assert [len(breach) for breach in breaches] == [0, 0]


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        ({"target": "colour"}, "colour is predicted, not fruit"),
        ({"layout": {"decimal": ","}}, "files are read with decimal ',', not '.'"),
    ],
)
def test_another_target_or_another_way_to_write_files_is_told(changes: dict, change: str) -> None:
    assert change in find_breaks(make_contract(), make_contract(**changes))


def test_a_number_instead_of_a_class_is_told() -> None:
    number = {"fruit": {"type": "numeric", "categories": None}}
    found = find_breaks(make_contract(), make_contract(number))
    assert found == ["the kind of problem is regression, not classification"]


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        (
            {"sequence": "pendulum", "group": None},
            "it predicts sequences of the points that share a 'pendulum', not sequences of the "
            "points that share a 'swing'",
        ),
        (
            {"sequence": None, "length": None},
            "it predicts rows, not sequences of the points that share a 'swing'",
        ),
        ({"time": "tick"}, "points are in the order of 'tick', not of 'second'"),
        ({"constant": "angle"}, "angle must be the same at all points of a sequence"),
    ],
)
def test_sequences_of_other_points_are_told(changes: dict, change: str) -> None:
    columns = deepcopy(SWINGS["columns"])
    if "time" in changes:
        columns["tick"] = columns.pop("second")
    columns["angle"]["constant"] = changes.pop("constant", "") == "angle"
    content = SWINGS | {"columns": columns} | changes
    after = {key: value for key, value in content.items() if value is not None}
    breaks = find_breaks(Contract.model_validate(SWINGS), Contract.model_validate(after))
    assert change in breaks


def test_rows_that_are_refused_now_are_rows_that_break_the_contract() -> None:
    after = make_contract({"colour": {"categories": ["red"]}})
    rows = pd.DataFrame({"weight": ["1"], "seeds": ["1"], "colour": ["green"]})
    assert len(conform(after.features_only(), rows)[1]) == 1
    assert find_breaks(make_contract(), after)
