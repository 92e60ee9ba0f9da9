"""The Open Inference Protocol, asked by a client that others have written."""

import asyncio
import struct
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from lockstep.core.params import ServeParams
from lockstep.serving import tensors
from lockstep.serving.bodies import LARGE, handle_body
from lockstep.serving.errors import Unusable
from lockstep.serving.tensors import read_tensors
from made_up_engine import ROW, MadeUpEngine, MadeUpStore, serve_made_up
from starlette.exceptions import HTTPException
from tritonclient.utils import InferenceServerException

N_ROWS = 3
TYPES = {"weight": "FP64", "seeds": "INT64", "colour": "BYTES", "picked": "BYTES", "sort": "BYTES"}
ENGINE, STORE = MadeUpEngine(), MadeUpStore()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_made_up(ServeParams(max_rows=100), ENGINE, STORE) as (address, _):
        yield address


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address.removeprefix("http://")) as client:
        yield client


def make_inputs(*, is_binary: bool, **others: list[Any]) -> list[triton.InferInput]:
    inputs = []
    for name, datatype in TYPES.items():
        values = others.get(name, [ROW[name]] * N_ROWS)
        dtype = {"FP64": "float64", "INT64": "int64", "BYTES": "object"}[datatype]
        tensor = triton.InferInput(name, [len(values)], datatype)
        tensor.set_data_from_numpy(np.array(values, dtype=dtype), binary_data=is_binary)
        inputs.append(tensor)
    return inputs


def test_the_client_finds_the_server_and_its_models(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("fruit")
    assert client.is_model_ready("fruit", "1.0.0")
    assert not client.is_model_ready("vegetables")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata("fruit", "v1.0.0")
    assert metadata["versions"] == ["1.1.0", "1.0.0"]
    assert {each["name"]: each["datatype"] for each in metadata["inputs"]} == TYPES
    outputs = {each["name"]: each["datatype"] for each in metadata["outputs"]}
    assert outputs == {
        "prediction": "BYTES",
        "probability_apple": "FP64",
        "probability_melon": "FP64",
    }


@pytest.mark.parametrize("is_binary", [False, True])
def test_tensors_are_answered_as_rows_are(
    client: triton.InferenceServerClient, is_binary: bool
) -> None:
    weights = [0.1, 1 / 3, 400.0]
    inputs = make_inputs(is_binary=is_binary, weight=weights)
    names = ("prediction", "probability_melon")
    wishes = [triton.InferRequestedOutput(name, binary_data=is_binary) for name in names]
    result = client.infer("fruit", inputs, outputs=wishes, request_id="order-8")
    response = result.get_response()
    assert (response["id"], response["model_version"]) == ("order-8", "1.1.0")
    predictions = [
        text if isinstance(text, str) else text.decode() for text in result.as_numpy("prediction")
    ]
    assert predictions == ["apple", "apple", "melon"]
    assert result.as_numpy("probability_melon").tolist() == [weight / 500 for weight in weights]
    assert result.as_numpy("probability_apple") is None
    assert [entry.request for entry in STORE.entries[-N_ROWS:]] == ["order-8"] * N_ROWS


def test_all_outputs_come_where_none_is_asked_for(client: triton.InferenceServerClient) -> None:
    result = client.infer("fruit", make_inputs(is_binary=True), model_version="1.0.0")
    response = result.get_response()
    assert response["model_version"] == "1.0.0"
    names = [output["name"] for output in response["outputs"]]
    assert names == ["prediction", "probability_apple", "probability_melon"]
    assert result.as_numpy("probability_apple").tolist() == [1 - 3.5 / 500] * N_ROWS


def test_a_number_that_is_none_is_a_missing_value(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="row 1, weight: expected a number from 0"):
        client.infer("fruit", make_inputs(is_binary=True, weight=[1.0, float("nan"), 2.0]))
    assert [row["weight"] for row in ENGINE.questions[-1][0].rows] == [1.0, None, 2.0]


def test_a_request_that_is_refused_for_one_row_is_kept_as_refused(
    client: triton.InferenceServerClient,
) -> None:
    with pytest.raises(InferenceServerException, match="row 1, weight: "):
        client.infer("fruit", make_inputs(is_binary=True, weight=[1.0, 700.0, 2.0]))
    assert [entry.status for entry in STORE.entries[-N_ROWS:]] == [422] * N_ROWS


def test_what_no_version_has_is_refused_before_it_is_asked(address: str) -> None:
    count = len(ENGINE.questions)
    for outputs in ([{"name": "colour"}], [{"name": ["colour"]}], [1], {"name": "prediction"}):
        body = {"inputs": [tensor()], "outputs": outputs}
        answer = httpx.post(f"{address}/v2/models/fruit/infer", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("outputs: ")
    assert len(ENGINE.questions) == count


def test_the_id_in_the_body_is_that_of_the_answer(address: str) -> None:
    url, headers = f"{address}/v2/models/fruit/infer", {"X-Request-Id": "order-9"}
    for names, expected in (({"id": "order-8"}, "order-8"), ({}, "order-9")):
        answer = httpx.post(url, json={"inputs": [tensor()], **names}, headers=headers)
        assert answer.headers["X-Request-Id"] == expected
        assert ENGINE.questions[-1][1]["request"] == expected


def test_columns_that_no_contract_has_are_left_out(address: str) -> None:
    inputs = [tensor(), tensor(name="taste"), tensor(name="seeds", datatype="UINT8")]
    httpx.post(f"{address}/v2/models/fruit/infer", json={"inputs": inputs})
    assert ENGINE.questions[-1][0].rows == ({"weight": 1.0, "seeds": 1.0},)
    assert ENGINE.questions[-1][0].size > 100  # bytes of JSON
    httpx.post(f"{address}/v2/models/fruit/infer", json={"inputs": [tensor(name="taste")]})
    assert ENGINE.questions[-1][0].rows == ({},)


def test_a_shadow_cannot_be_asked() -> None:
    engine = MadeUpEngine()
    engine.versions[1].is_shadow, engine.versions[1].is_live = True, False
    with serve_made_up(ServeParams(), engine, MadeUpStore()) as (address, _):
        for path in ("", "/ready"):
            assert httpx.get(f"{address}/v2/models/fruit/versions/1.0.0{path}").status_code == 404
        assert httpx.get(f"{address}/v2/models/fruit").json()["versions"] == ["1.1.0"]
        assert "Rows of fruit 1.0.0" not in httpx.get(f"{address}/docs").text
        document = httpx.get(f"{address}/openapi.json").json()
        assert "fruit-1.0.0-row" not in document["components"]["schemas"]
        names = [version["version"] for version in httpx.get(f"{address}/models").json()]
        assert "1.0.0" in names
        assert httpx.get(f"{address}/models/fruit/versions/1.0.0").json()["is_live"] is False


def test_what_the_model_does_not_have_is_refused(client: triton.InferenceServerClient) -> None:
    wishes = [triton.InferRequestedOutput("colour")]
    with pytest.raises(InferenceServerException, match="outputs: some of prediction, "):
        client.infer("fruit", make_inputs(is_binary=False), outputs=wishes)
    with pytest.raises(InferenceServerException, match="no such version"):
        client.infer("fruit", make_inputs(is_binary=False), model_version="9")


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 2, 3, 1)])
def test_images_are_tensors_of_pixels(
    client: triton.InferenceServerClient, shape: tuple[int, ...]
) -> None:
    pixels = np.arange(12, dtype="uint8").reshape(shape)
    tensor = triton.InferInput("image", list(shape), "UINT8")
    tensor.set_data_from_numpy(pixels)
    result = client.infer("digits", [tensor])
    assert result.as_numpy("prediction").tolist() == [b"1", b"1"]
    pictures = [question.body for question, _ in ENGINE.questions[-2:]]
    assert pictures == [b"P5 3 2 255\n" + bytes(range(start, start + 6)) for start in (0, 6)]


def tensor(**others: Any) -> dict[str, Any]:
    return {"name": "weight", "datatype": "FP64", "shape": [1], "data": [1.0]} | others


def image(**others: Any) -> dict[str, Any]:
    return tensor(name="image", datatype="UINT8") | others


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (None, "inputs: a list of tensors was expected"),
        ([], "inputs: a list of tensors was expected"),
        ([1], "inputs.0: name, datatype and shape were expected"),
        ([tensor(datatype="FP7")], "inputs.weight: datatype 'FP7': one of BYTES, "),
        ([tensor(data=None)], "inputs.weight: data: a list of values was expected"),
        ([tensor(data=[{}])], "inputs.weight: data: texts, numbers or null were expected"),
        ([tensor(shape=[2])], "inputs.weight: 1 values are not of the shape [2]"),
        ([tensor(shape=[-1])], "inputs.weight: shape [-1]: at most 4 numbers above 0 were"),
        ([tensor(shape=[])], "inputs.weight: shape []: at most 4 numbers above 0 were"),
        ([tensor(shape=[True])], "inputs.weight: shape [True]: at most 4 numbers above 0 were"),
        ([tensor(shape=[1] * 999)], "inputs.weight: shape [1, 1, 1, "),
        ([tensor(shape=[1, 2], data=[1, 2])], "inputs.weight: shape [1, 2]; a value for each row"),
        ([tensor(), tensor()], "inputs: two tensors have one name"),
        (
            [tensor(), tensor(name="seeds", shape=[2], data=[1, 2])],
            "inputs.seeds: shape [2]; a value for each row was expected, [1] or [1, 1]",
        ),
        ([tensor(parameters={"binary_data_size": "8"})], "inputs.weight: binary_data_size: "),
        ([tensor(shape=[101], data=[1] * 101)], "101 rows; at most 100 were expected"),
        ([tensor(shape=[1, 1, 2], data=[1, 2])], "inputs.weight: datatype 'FP64': UINT8 was"),
        ([image(shape=[1, 1, 2], data=[1, 256])], "inputs.image: whole numbers from 0 to 255"),
        ([image(shape=[1, 1, 2], data=[1, 0.5])], "inputs.image: whole numbers from 0 to 255"),
        ([image(shape=[1, 1, 1, 2], data=[1, 2])], "inputs: a single tensor of images"),
    ],
)
def test_tensors_that_are_none_are_refused_in_a_line(
    address: str, inputs: object, reason: str
) -> None:
    answer = httpx.post(f"{address}/v2/models/fruit/infer", json={"inputs": inputs})
    assert answer.status_code in (413, 422)
    assert answer.json()["error"].startswith(reason)


@pytest.mark.parametrize(
    ("datatype", "shape", "content", "reason"),
    [
        ("FP64", 1, b"1234", "inputs.weight: its bytes are no 1 FP64"),
        ("BYTES", 1, struct.pack("<I", 9) + b"short", "inputs.weight: its bytes are no 1 BYTES"),
        ("BYTES", 1, struct.pack("<I", 1) + b"\xff", "inputs.weight: its bytes are no 1 BYTES"),
        ("BYTES", 1, b"\x01", "inputs.weight: its bytes are no 1 BYTES"),
        ("BYTES", 1, struct.pack("<II", 0, 0), "inputs.weight: its bytes are no 1 BYTES"),
        ("FP64", 2, b"12345678", "inputs.weight: its bytes are no 2 FP64"),
        ("UINT8", 2, b"1", "inputs.weight: 1 values are not of the shape [2]"),
    ],
)
def test_bytes_that_are_no_tensor_are_refused_in_a_line(
    address: str, datatype: str, shape: int, content: bytes, reason: str
) -> None:
    size = len(content)
    head = (
        f'{{"inputs": [{{"name": "weight", "datatype": "{datatype}", "shape": [{shape}], '
        f'"parameters": {{"binary_data_size": {size}}}}}]}}'
    ).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    url = f"{address}/v2/models/fruit/infer"
    answer = httpx.post(url, content=head + content, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(reason)
    for length in ("-1", "x", str(len(head) + size + 1), "²"):
        encoded = {"Inference-Header-Content-Length": length.encode()}
        assert httpx.post(url, content=head + content, headers=encoded).status_code == 422
    cut = httpx.post(url, content=head + content[:-1], headers=headers)
    assert cut.json()["error"].startswith(f"inputs.weight: {size} bytes were expected")


@pytest.mark.parametrize(
    ("shape", "datatype", "status"),
    [
        ([101], "BYTES", 413),
        ([101, 1, 1], "UINT8", 413),
        ([2, 50], "BYTES", 422),
        ([2, 50], "FP64", 422),
        ([2, 1, 1], "FP32", 422),
    ],
)
def test_nothing_is_unpacked_of_a_tensor_that_is_too_large(
    shape: list[int], datatype: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "_unpack", None)
    inputs = [tensor(shape=shape, datatype=datatype, parameters={"binary_data_size": 8})]
    del inputs[0]["data"]
    with pytest.raises((HTTPException, Unusable)) as refusal:
        read_tensors(inputs, b"12345678", 100)
    error = refusal.value
    assert (error.status if isinstance(error, Unusable) else error.status_code) == status


def test_a_large_body_is_read_while_others_are_answered() -> None:
    async def find_thread(size: int) -> int:
        return await handle_body(b" " * size, lambda _: threading.get_ident())

    assert asyncio.run(find_thread(LARGE)) != threading.get_ident()
    assert asyncio.run(find_thread(LARGE - 1)) == threading.get_ident()


def test_bytes_that_belong_to_no_tensor_are_refused(address: str) -> None:
    body = triton.InferenceServerClient.generate_request_body(make_inputs(is_binary=True))
    content, length = body
    headers = {"Inference-Header-Content-Length": str(length)}
    url = f"{address}/v2/models/fruit/infer"
    assert httpx.post(url, content=content, headers=headers).status_code == 200
    answer = httpx.post(url, content=content + b"x", headers=headers)
    assert answer.status_code == 422
    assert "bytes behind the JSON" in answer.json()["error"]
