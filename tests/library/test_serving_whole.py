"""The whole server over HTTP: its engine with processes, and its store in a database."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from lockstep.core.params import ServeParams
from lockstep.core.paths import Paths
from lockstep.serving.engine import Engine
from lockstep.serving.request_store import RequestStore
from made_up_engine import serve_made_up
from stand_ins import make_wheel

SETTINGS = ServeParams(seconds=1, waiting=2)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with run(folder) as (address, _):
            yield address


@contextmanager
def run(folder: Path) -> Iterator[tuple[str, Engine]]:
    """The server's address and its engine, until the block ends."""
    wheels = [str(make_wheel(folder / "dist", version)) for version in ("1.1.0", "1.0.0")]
    store = RequestStore(f"sqlite:///{folder / 'requests.sqlite'}", SETTINGS.keep)
    engine = Engine(Paths(folder), wheels, SETTINGS, store.note_shadow)
    with serve_made_up(SETTINGS, engine, store) as (address, _):
        yield address, engine


def ask(address: str, *rows: dict[str, object], query: str = "") -> httpx.Response:
    return httpx.post(f"{address}/predict{query}", json=[*rows], timeout=20)


def test_rows_and_tensors_are_answered_and_kept(address: str) -> None:
    answer = ask(address, {"x": 1, "who": "Ada"}, {"x": 2}, query="?version=1.0.0").json()
    assert [each["prediction"] for each in answer["predictions"]] == ["1.0.0 1", "1.0.0 2"]
    tensor = {"name": "x", "datatype": "FP64", "shape": [2, 1], "data": [[1], [2]]}
    body = {"id": "tensors", "inputs": [tensor]}
    answer = httpx.post(f"{address}/v2/models/fruit/infer", json=body).json()
    assert answer["outputs"] == [
        {"name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["1.1.0 1", "1.1.0 2"]}
    ]
    end = time.monotonic() + 10
    while time.monotonic() < end:
        kept = httpx.get(f"{address}/requests").json()["requests"]
        if {"tensors"} < {request["request"] for request in kept}:
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"not kept within 10 seconds: {kept}")


def test_openapi_has_the_columns_of_what_is_served(address: str) -> None:
    schemas = httpx.get(f"{address}/openapi.json").json()["components"]["schemas"]
    assert {*schemas["fruit-1.1.0-row"]["properties"]} == {"who", "x"}
    assert "fruit-1.0.0-row" in schemas


def test_more_requests_than_may_be_at_once_are_told_to_come_back(address: str) -> None:
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(address, {"x": 1, "do": 0.4})))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(answer.headers["Retry-After"] for answer in refused)


def test_an_answer_that_takes_too_long_is_given_up(address: str) -> None:
    answer = ask(address, {"x": 1, "do": 5})
    assert (answer.status_code, answer.json()) == (504, {"error": "no answer in 1 s"})


def test_a_process_that_dies_is_told_and_followed_by_another(address: str) -> None:
    answer = ask(address, {"x": 1, "do": "die"}, query="?version=1.0.0")
    assert answer.status_code == 503
    assert answer.json()["error"]
    end = time.monotonic() + 20
    while ask(address, {"x": 1}, query="?version=1.0.0").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_request_under_way_is_answered_when_the_server_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers: list[httpx.Response] = []
    with run(tmp_path) as (address, engine):
        thread = threading.Thread(target=lambda: answers.append(ask(address, {"x": 1, "do": 0.5})))
        thread.start()
        while thread.is_alive() and not engine.open_questions:
            time.sleep(0.01)
    thread.join()
    assert answers[0].status_code == 200
    with pytest.raises(httpx.ConnectError):
        ask(address, {"x": 1})
