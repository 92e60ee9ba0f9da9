"""What the server has kept, as it is asked for over HTTP, and what became true of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lockstep.core.params import KeepParams, ServeParams
from lockstep.serving import request_store
from lockstep.serving.request_store import RequestStore
from made_up_engine import ROW, MadeUpEngine, serve_made_up


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
        ([], "at least 1 item"),
        ([{"request": "a", "outcome": 1}] * 4, "at most 3 items"),
        ([{"outcome": 1}], "0.request: Field required"),
        ([{"request": "a"}], "0.outcome: Field required"),
        ([{"request": "a", "row": -1, "outcome": 1}], "0.row: Input should be greater"),
        ([{"request": "a", "row": 2**40, "outcome": 1}], "0.row: Input should be less"),
        ([{"request": "a", "outcome": [1]}], "0.outcome"),
        ([{"request": "a", "outcome": 1, "when": 2}], "0.when: Extra inputs are not permitted"),
        ({"request": "a", "outcome": 1}, "valid list"),
    ],
)
def test_outcomes_of_another_form_are_refused(
    client: httpx.Client, body: object, reason: str
) -> None:
    answer = client.post("/outcomes", json=body)
    assert answer.status_code == 422
    assert reason in answer.json()["error"]


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
