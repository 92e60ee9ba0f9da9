"""What the server says of itself in OpenAPI, and whether it keeps to that whatever comes."""

import schemathesis
from hypothesis import HealthCheck, settings
from lockstep.core.params import ServeParams
from lockstep.serving.app import make_app
from lockstep.serving.openapi import make_openapi
from made_up_engine import MadeUpEngine, MadeUpStore
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.types import Receive, Scope, Send

APP = make_app(MadeUpEngine(), MadeUpStore(), ServeParams(max_rows=100), None)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """The application by its own name; schemathesis calls it `testserver`."""
    names = [(name, text) for name, text in scope.get("headers", []) if name != b"host"]
    await APP({**scope, "headers": [*names, (b"host", b"localhost")]}, receive, send)


BEYOND = [positive_data_acceptance, negative_data_rejection]
"""A schema does not say all of a contract, and one broken row does not refuse those beside it."""
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", answer)


def test_the_schema_of_a_row_is_its_contract() -> None:
    schemas = SCHEMA.raw_schema["components"]["schemas"]
    row = schemas["fruit-1.1.0-row"]
    assert row["required"] == ["weight", "colour", "sort"]
    assert row["properties"]["weight"] == {
        "type": "number",
        "description": "weight, in g",
        "minimum": 0,
        "maximum": 500,
    }
    assert row["properties"]["seeds"]["type"] == ["integer", "null"]
    assert row["properties"]["colour"]["enum"] == ["green", "red"]
    assert "enum" not in row["properties"]["sort"]
    answer = schemas["fruit-1.1.0-answer"]
    assert answer["required"] == ["prediction", "probability_apple", "probability_melon"]


def test_the_schema_of_a_tensor_is_its_column() -> None:
    schemas = SCHEMA.raw_schema["components"]["schemas"]
    weight = schemas["fruit-1.1.0-tensor"]["anyOf"][0]
    assert weight["description"] == "weight, in g"
    assert weight["properties"]["name"] == {"const": "weight"}
    assert weight["properties"]["datatype"]["examples"] == ["FP64"]
    (image,) = schemas["digits-1.1.0-tensor"]["anyOf"]
    assert image["properties"]["shape"]["prefixItems"][1:] == [
        {"const": 2},
        {"const": 3},
        {"const": 1},
    ]


def test_images_are_asked_for_as_files_only() -> None:
    assert "digits-1.1.0-row" not in SCHEMA.raw_schema["components"]["schemas"]
    kinds = {"application/json", "text/csv", "application/vnd.apache.parquet"}
    for model, expected in (("digits", {"image/png", "image/jpeg"}), ("fruit", kinds)):
        versions = [version for version in MadeUpEngine().versions if version.model == model]
        document = make_openapi(APP, versions)
        assert {*document["paths"]["/predict"]["post"]["requestBody"]["content"]} == expected


@SCHEMA.parametrize()
@settings(
    max_examples=settings().max_examples // 3,
    database=None,
    suppress_health_check=[*HealthCheck],
)
def test_the_server_keeps_to_what_it_says(case: schemathesis.Case) -> None:
    case.call_and_validate(excluded_checks=BEYOND)
