"""A server whose model takes sequences asks for points, and says what each answer is of."""

from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.serving.docs_page import _list_rows
from lockstep.serving.inference_protocol import list_inputs
from lockstep.serving.openapi import describe_answer, describe_row
from made_up_engine import MadeUpVersion
from made_up_sequences import CONTRACT

EXAMPLES = frame_contract(Contract.model_validate(CONTRACT))
VERSION = MadeUpVersion(
    model="swings",
    contract=EXAMPLES.model_dump(mode="json", exclude_none=True),
    kind="classification",
    features=["swing", "second", "angle", "speed", "weight"],
    classes=["once", "often"],
)


def test_a_row_is_a_point_which_names_its_sequence() -> None:
    row = describe_row(VERSION)
    assert row["required"] == ["swing", "second", "speed", "weight"]
    assert row["properties"]["angle"]["type"] == ["number", "null"]
    assert "signal" not in row["properties"]


def test_an_answer_names_the_sequence_that_it_is_of() -> None:
    answer = describe_answer(VERSION)
    assert answer["required"] == ["swing", "prediction", "probability_once", "probability_often"]
    assert [*answer["properties"]] == answer["required"]


def test_the_inference_protocol_takes_a_tensor_for_each_column_of_points() -> None:
    inputs = {one["name"]: one["datatype"] for one in list_inputs(VERSION)}
    assert inputs == {"swing": "BYTES"} | dict.fromkeys(
        ("second", "angle", "speed", "weight"), "FP64"
    )


def test_the_page_of_routes_says_which_points_are_a_sequence() -> None:
    page = "".join(_list_rows([VERSION]))
    assert "those with one swing are a sequence, and get one answer" in page
    assert "<td>speed</td>" in page
