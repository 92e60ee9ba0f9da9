"""What the server says of itself in OpenAPI, and whether it keeps to that whatever comes."""

from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from lockstep.core.params import ServeParams
from lockstep.core.paths import Paths
from lockstep.serving.app import make_app
from lockstep.serving.engine import Engine
from lockstep.serving.openapi import make_openapi
from lockstep.serving.request_store import RequestStore
from made_up_engine import MadeUpEngine, MadeUpMonitoring, MadeUpStore, serve_made_up
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.types import Receive, Scope, Send
from test_serving_models import train

APP = make_app(MadeUpEngine(), MadeUpStore(), MadeUpMonitoring(), ServeParams(max_rows=100), None)


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


def test_images_are_asked_for_as_files_or_in_rows_as_base64() -> None:
    row = SCHEMA.raw_schema["components"]["schemas"]["digits-1.1.0-row"]
    assert row["properties"]["image"]["contentEncoding"] == "base64"
    kinds = {"application/json", "text/csv", "application/vnd.apache.parquet"}
    files = {"application/json", "image/png", "image/jpeg"}
    for model, expected in (("digits", files), ("fruit", kinds)):
        versions = [version for version in MadeUpEngine().versions if version.model == model]
        document = make_openapi(APP, versions)
        assert {*document["paths"]["/predict"]["post"]["requestBody"]["content"]} == expected


SOME = settings(
    max_examples=settings().max_examples // 3,
    database=None,
    suppress_health_check=[*HealthCheck],
)


@SCHEMA.parametrize()
@SOME
def test_the_server_keeps_to_what_it_says(case: schemathesis.Case) -> None:
    case.call_and_validate(excluded_checks=BEYOND)


@pytest.mark.matrix
def test_the_server_of_a_champion_keeps_to_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, wheel = train(tmp_path, "linear")
    params = ServeParams()
    store = RequestStore(f"sqlite:///{tmp_path}/requests.sqlite", params.keep)
    engine = Engine(Paths(tmp_path), [wheel], params, store.note_shadow)
    with serve_made_up(params, engine, store) as (address, _):
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        for operation in schema.get_all_operations():

            @SOME
            @given(case=operation.ok().as_strategy())
            def check(case: schemathesis.Case) -> None:
                case.call_and_validate(excluded_checks=BEYOND)

            check()
        assert httpx.get(f"{address}/health/ready").status_code == 200
