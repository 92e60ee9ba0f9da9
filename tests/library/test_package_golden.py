"""Made-up rows keep their contract and show what it allows."""

import json
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from conftest import CONTRACT
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.contract import IMAGE, Contract
from lockstep.data.new_rows import parse_rows
from lockstep.packaging.golden import make_rows
from lockstep.standalone.golden import make_frame


def make_contract(columns: dict[str, dict[str, Any]], **keys: object) -> Contract:
    content = deepcopy(CONTRACT) | keys
    target = content["columns"]["fruit"]
    columns = {name: {"meaning": "m", **column} for name, column in columns.items()}
    return Contract.model_validate(content | {"columns": {**columns, "fruit": target}})


def make(contract: Contract, seed: int = 1) -> list[dict[str, Any]]:
    return make_rows(contract, np.random.default_rng(seed))


def find_reasons(contract: Contract, rows: list[dict[str, Any]]) -> list[str]:
    # As they come out of the file.
    rows = json.loads(json.dumps(rows, allow_nan=False))
    return parse_rows(make_frame(rows, contract), contract, "rows").reasons.dropna().tolist()


LOW, HIGH = (st.none() | st.integers(low, low + 1000).map(float) for low in (-1000, 0))
NUMBERS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["numeric", "integer"]),
        "nullable": st.booleans(),
        "range": st.tuples(LOW, HIGH),
        "seen": st.none() | st.tuples(st.integers(-2000, 0), st.integers(0, 2000)),
    }
)
TEXTS = st.fixed_dictionaries(
    {
        "type": st.just("categorical"),
        "nullable": st.booleans(),
        "open": st.booleans(),
        "categories": st.lists(
            st.sampled_from(["a", "b", "1", "unknown", "unknown?", "é"]), min_size=1, unique=True
        ),
    }
)
TIMES = st.fixed_dictionaries(
    {"type": st.just("datetime"), "format": st.sampled_from([None, "%d.%m.%Y", "%Y", "%y/%m/%d"])}
)


@given(st.dictionaries(st.sampled_from("abcd"), NUMBERS | TEXTS | TIMES, min_size=1))
def test_made_up_rows_keep_any_contract(columns: dict[str, dict[str, Any]]) -> None:
    contract = make_contract(columns, missing=["", "unknown??"])
    rows = make(contract)
    assert find_reasons(contract, rows) == []
    assert rows == make(contract)
    for name, column in contract.features_only().items():
        values = [row[name] for row in rows]
        assert (None in values) == column.nullable
        assert {*(column.categories or [])} <= {*values}
        others = {*values} - {*(column.categories or [])} - {None}
        assert column.categories is None or len(others) == column.open


def test_the_ends_of_a_range_and_of_what_was_seen_are_among_them() -> None:
    column = {"type": "numeric", "range": [0, 50], "seen": [10, 20]}
    values = [row["a"] for row in make(make_contract({"a": column}))]
    assert {0.0, 10.0, 20.0, 50.0} < {*values}
    assert all(10 <= value <= 20 for value in values if value not in (0.0, 50.0))


def test_a_column_of_many_categories_has_a_row_for_each() -> None:
    names = [f"level {number}" for number in range(100)]
    contract = make_contract({"a": {"type": "categorical", "categories": names}})
    assert sorted(row["a"] for row in make(contract)) == sorted(names)


@pytest.mark.parametrize("colour", [False, True])
def test_made_up_images_have_the_pixels_that_a_model_takes(colour: bool) -> None:
    images = {"width": 4, "height": 3, "colour": colour}
    contract = make_contract({}, images=images)
    rows = make(contract)
    assert find_reasons(contract, rows) == []
    assert len({row[IMAGE] for row in rows}) == len(rows) > 3
