"""What the server says of answers where rows are looked at without a target."""

from types import SimpleNamespace
from typing import Any

import pytest
from lockstep.serving.inference_protocol import _list_outputs
from lockstep.serving.openapi import describe_answer


@pytest.mark.parametrize(
    ("kind", "classes", "names"),
    [
        ("anomalies", ["normal", "anomaly"], ["prediction", "oddness", "because"]),
        ("clustering", [], ["prediction", "clarity"]),
    ],
)
def test_an_answer_has_what_the_model_gives_and_no_probabilities(
    kind: str, classes: list[str], names: list[str]
) -> None:
    version: Any = SimpleNamespace(kind=kind, classes=classes, contract={"columns": {}})
    assert [*_list_outputs(version)] == names
    schema = describe_answer(version)
    assert [*schema["properties"]] == names
    assert {*schema["required"]} == {*names} - {"because"}  # of an anomaly only
