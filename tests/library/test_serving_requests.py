"""What the server has kept, as it is asked for over HTTP, and what became true of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lockstep.core.params import KeepParams, ServeParams
from lockstep.serving import request_store
from lockstep.serving.request_database import describe
from lockstep.serving.request_store import RequestStore
from made_up_engine import ROW, MadeUpEngine, MadeUpStore, serve_made_up
from sqlalchemy.exc import TimeoutError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "requests.sqlite"


@pytest.fixture
def client(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(request_store, "PATIENCE", 0.5)
    store = RequestStore(f"sqlite:///{database}", KeepParams())
    engine = MadeUpEngine()
    with (
        serve_made_up(ServeParams(max_rows=3), engine, store) as (address, _),
        httpx.Client(base_url=address) as client,
    ):
        yield client


def test_what_was_answered_is_told_once_it_is_written(client: httpx.Client) -> None:
    rows = [ROW, ROW | {"weight": -1}]
    answer = client.post("/predict", json=rows, headers={"X-Request-Id": "order-8"}).json()
    assert answer["request"] == "order-8"
    outcomes = [
        {"request": "order-8", "outcome": "melon"},
        {"request": "order-8", "row": 1, "outcome": "apple"},
        {"request": "order-9", "outcome": 1.5},
    ]
    assert client.post("/outcomes", json=outcomes).json() == {"known": 2, "unknown": 1}
    told = client.get("/requests").json()
    assert (told["dropped"], told["failure"]) == (0, None)
    (line,) = told["requests"]
    assert (line["request"], line["version"], line["rows"]) == ("order-8", "1.1.0", 2)
    assert (line["status"], line["content"]) == (200, ROW)
    assert line["answer"] == answer["predictions"][0]
    assert line["outcome"] == "melon"
    assert line["time"].endswith("Z")
    client.post("/predict", json=ROW)
    assert client.post("/outcomes", json=outcomes[:1]).json() == {"known": 1, "unknown": 0}
    assert len(client.get("/requests").json()["requests"]) == 2
    assert len(client.get("/requests?last=1").json()["requests"]) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("[]", "a list was expected: [{"),
        ('{"request": "a", "outcome": 1}', "a list was expected: [{"),
        ("[" + ", ".join(['{"request": "a", "outcome": 1}'] * 4) + "]", "4 outcomes; at most 3"),
        ("[", "no JSON: "),
        ("[1]", "outcome 0: found something else; expected [{"),
        ('[{"outcome": 1}]', "outcome 0: request: the id of a request, "),
        ('[{"request": "", "outcome": 1}]', "outcome 0: request: the id of a request, "),
        (
            '[{"request": "a"}]',
            "outcome 0: outcome: a text, a number, true or false, or a list of labels was expected",
        ),
        ('[{"request": "a", "outcome": 1e999}]', "outcome 0: outcome: a text, a number, "),
        ('[{"request": "a", "outcome": [1]}]', "outcome 0: outcome: a text, a number, "),
        ('[{"request": "a", "row": -1, "outcome": 1}]', "outcome 0: row: the place of a row in"),
        ('[{"request": "a", "row": 4294967296, "outcome": 1}]', "outcome 0: row: the place of "),
        (
            '[{"request": "a", "outcome": 1}, {"request": "a", "outcome": 1, "when": 2}]',
            "outcome 1: when: nothing but request, row, outcome was expected",
        ),
    ],
)
def test_outcomes_of_another_form_are_refused_in_a_line(
    client: httpx.Client, body: str, reason: str
) -> None:
    answer = client.post("/outcomes", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (413, 422)
    assert answer.json()["error"].startswith(reason)


def test_outcomes_without_a_type_are_refused(client: httpx.Client) -> None:
    answer = client.post("/outcomes", content=b'[{"request": "a", "outcome": 1}]')
    assert answer.status_code == 415
    assert answer.json()["error"] == "content type '': one of application/json was expected"


def test_the_outcome_of_a_number_is_a_number() -> None:
    engine = MadeUpEngine()
    for version in engine.versions:
        version.kind = "regression"
    with serve_made_up(ServeParams(), engine, MadeUpStore()) as (address, _):
        for outcome, status in (("no number", 422), (True, 422), (1.5, 200)):
            body = [{"request": "a", "outcome": outcome}]
            assert httpx.post(f"{address}/outcomes", json=body).status_code == status


def test_clusters_have_no_outcomes() -> None:
    engine = MadeUpEngine()
    for version in engine.versions:
        version.kind = "clustering"
    with serve_made_up(ServeParams(), engine, MadeUpStore()) as (address, _):
        answer = httpx.post(f"{address}/outcomes", json=[{"request": "a", "outcome": "1"}])
    assert answer.status_code == 422
    assert "clusters, which the models find, never come true" in answer.json()["error"]


def test_nobody_on_the_way_keeps_what_was_asked(client: httpx.Client) -> None:
    assert client.get("/requests").headers["Cache-Control"] == "no-store"


def test_a_database_without_a_free_connection_is_told_in_a_line() -> None:
    reason = "QueuePool limit of size 5 overflow 10 reached, connection timed out"
    assert describe(TimeoutError(reason)) == "all connections to it have been busy for 30 s"


def test_an_unreachable_database_is_told_and_predictions_go_on(
    client: httpx.Client, database: Path
) -> None:
    client.get("/requests")
    for file in database.parent.iterdir():
        file.unlink()
    database.mkdir()
    answer = client.get("/requests")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["error"].startswith("the database of the requests does not answer: ")
    assert client.post("/predict", json=ROW).status_code == 200
