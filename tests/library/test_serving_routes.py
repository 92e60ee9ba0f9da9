"""What the server answers over HTTP, asked of an engine without processes."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi.testclient import TestClient
from lockstep.commands.cli import main
from lockstep.core.params import ServeParams
from lockstep.core.project import Project
from lockstep.serving.app import make_app
from lockstep.serving.errors import Broken, Busy, Late
from lockstep.serving.tokens import read_tokens
from made_up_engine import ROW, MadeUpEngine, MadeUpMonitoring, MadeUpStore

SETTINGS = ServeParams(max_rows=10, max_megabytes=1)
LOCAL = "http://localhost:8000"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def engine() -> MadeUpEngine:
    return MadeUpEngine()


@pytest.fixture
def store() -> MadeUpStore:
    return MadeUpStore()


@pytest.fixture
def client(engine: MadeUpEngine, store: MadeUpStore) -> Iterator[TestClient]:
    app = make_app(engine, store, MadeUpMonitoring(), SETTINGS, None)
    with TestClient(app, LOCAL, raise_server_exceptions=False) as client:
        yield client


def send(client: TestClient, body: str | bytes, kind: str = "application/json") -> httpx.Response:
    return client.post("/predict", content=body, headers={"Content-Type": kind})


@pytest.mark.parametrize("form", [ROW, [ROW], {"rows": [ROW]}])
def test_a_row_is_answered_by_the_version_that_stands_first(
    client: TestClient, store: MadeUpStore, form: object
) -> None:
    answer = client.post("/predict", json=form)
    assert answer.status_code == 200
    content = answer.json()
    assert (content["model"], content["version"]) == ("fruit", "1.1.0")
    (prediction,) = content["predictions"]
    assert prediction == {
        "prediction": "apple",
        "probability_apple": 1 - 3.5 / 500,
        "probability_melon": 3.5 / 500,
    }
    (entry,) = store.entries
    assert (entry.request, entry.role, entry.status, entry.content) == (
        content["request"],
        "answer",
        200,
        ROW,
    )


def test_numbers_come_and_go_to_the_last_bit(client: TestClient) -> None:
    weights = [0.1, 1 / 3, 5e-324, 123.45678901234567, 499.99999999999994]
    rows = [{**ROW, "weight": weight} for weight in weights]
    answers = client.post("/predict", json=rows).json()["predictions"]
    assert [answer["probability_melon"] for answer in answers] == [w / 500 for w in weights]


def test_a_row_that_breaks_the_contract_has_its_reasons_beside_the_answers_of_others(
    client: TestClient, store: MadeUpStore
) -> None:
    broken = {**ROW, "weight": 700, "colour": "blue"}
    answer = client.post("/predict", json=[broken, ROW])
    assert answer.status_code == 200
    errors = answer.json()["predictions"][0]["errors"]
    assert [(error["column"], error["reason"]) for error in errors] == [
        ("weight", "expected a number from 0 to 500 g"),
        ("colour", "expected one of green, red"),
    ]
    assert [entry.status for entry in store.entries] == [422, 200]
    answer = client.post("/predict", json=[broken])
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("no row keeps the contract")
    assert len(answer.json()["predictions"]) == 1


def test_csv_is_passed_on_as_it_is(client: TestClient, engine: MadeUpEngine) -> None:
    text = "weight,seeds,colour,picked,sort\n3.5,2,red,2026-01-31,b\n"
    assert send(client, text, "text/csv; charset=utf-8").json()["predictions"][0]["prediction"]
    ((question, _),) = engine.questions
    assert (question.form, question.body) == ("csv", text.encode())
    assert question.size == len(text)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("application/vnd.apache.parquet", "parquet"),
        ("image/png", "image"),
        ("image/jpeg", "image"),
    ],
)
def test_files_of_other_kinds_are_passed_on_too(
    client: TestClient, engine: MadeUpEngine, kind: str, form: str
) -> None:
    assert send(client, b"no such file", kind).status_code == 422
    assert engine.questions[0][0].form == form


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty"),
        (b'{"weight": 1', "no JSON: EOF while parsing"),
        (b'{"weight": NaN}', "no JSON: .* write null for a missing value"),
        (b'{"weight": Infinity}', "no JSON"),
        (b"[" * 100_000, "no JSON: recursion limit exceeded"),
        (b"\xff\xfe", "no JSON"),
        (b'{"sort": "\\ud800"}', "no JSON"),
        (b'{"weight": ' + b"1" * 5000 + b"}", "no JSON: number out of range"),
        (b"[]", "no rows"),
        (b"{}", None),
        (b'{"rows": []}', "no rows"),
        (b'{"rows": [{}], "version": "1"}', "version: nothing was expected beside `rows`"),
        (b"3", "found int; rows were expected"),
        (b"null", "found NoneType; rows were expected"),
        (b"[[1, 2]]", "row 0: found list"),
        (b'[{"sort": "b"}, 1]', "row 1: found int"),
        (b'{"sort": ["b"]}', "row 0, column sort: a text, a number or null was expected"),
        (b'{"sort": {"a": 1}}', "row 0, column sort"),
    ],
)
def test_a_body_that_is_no_rows_is_refused_in_a_line(
    client: TestClient, body: bytes, reason: str | None
) -> None:
    answer = send(client, body)
    assert answer.status_code == 422
    assert "\n" not in answer.json()["error"]
    assert re.search(reason or "no row keeps the contract", answer.json()["error"])


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1e999", "a number from 0 to 500 g"),
        ("-1e999", "a number from 0 to 500 g"),
        ("1" + "0" * 400, "a number from 0 to 500 g"),
        ("1e308", "a number from 0 to 500 g"),
        ('"heavy"', "a number from 0 to 500 g"),
        ('"\\u0000"', "a number from 0 to 500 g"),
        ("null", "a number from 0 to 500 g"),
    ],
)
def test_a_number_that_is_none_is_refused_with_its_column(
    client: TestClient, cell: str, reason: str
) -> None:
    row = json.dumps({**ROW, "weight": "CELL"}).replace('"CELL"', cell)
    answer = send(client, row)
    assert answer.status_code == 422
    (error,) = answer.json()["predictions"][0]["errors"]
    assert (error["column"], error["reason"]) == ("weight", f"expected {reason}")


def test_ten_thousand_columns_are_no_more_than_those_of_the_contract(client: TestClient) -> None:
    row = {f"column {number}": number for number in range(10_000)} | ROW
    assert client.post("/predict", json=row).status_code == 200


def test_more_rows_than_may_be_are_refused(client: TestClient, engine: MadeUpEngine) -> None:
    answer = client.post("/predict", json=[ROW] * 11)
    assert answer.status_code == 413
    assert answer.json() == {"error": "11 rows; at most 10 were expected at once"}
    assert not engine.questions


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_body_is_refused(client: TestClient, kind: str) -> None:
    answer = send(client, json.dumps(ROW), kind)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_a_compressed_body_is_refused(client: TestClient) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    assert client.post("/predict", content=b"{}", headers=headers).status_code == 415


def test_a_request_names_what_is_to_answer(client: TestClient, engine: MadeUpEngine) -> None:
    query = "/predict?model=fruit&version=v1.0.0"
    answer = client.post(query, json=ROW, headers={"X-Key": "somebody"})
    assert answer.json()["version"] == "1.0.0"
    ((question, target),) = engine.questions
    assert question.size > 10 * len(ROW)  # bytes of JSON
    assert (target["model"], target["version"], target["key"]) == ("fruit", "v1.0.0", "somebody")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("verison=1.0.0", 422),
        ("version=1.0.0&stage=production", 422),
        ("version=1.0.0&version=1.1.0", 422),
        ("version=9", 404),
        ("model=vegetables", 404),
    ],
)
def test_a_request_that_names_what_is_not_there_is_refused(
    client: TestClient, query: str, status: int
) -> None:
    answer = client.post(f"/predict?{query}", json=ROW)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_request_keeps_the_id_that_it_came_with(client: TestClient) -> None:
    answer = client.post("/predict", json=ROW, headers={"X-Request-Id": "order-7"})
    assert answer.json()["request"] == answer.headers["X-Request-Id"] == "order-7"
    assert client.get("/models").headers["X-Request-Id"] != "order-7"
    for name in ("", "no name", "x" * 129):
        refused = client.post("/predict", json=ROW, headers={"X-Request-Id": name})
        assert refused.status_code == 422


@pytest.mark.parametrize(
    ("failure", "status", "wait"),
    [(Busy("full", 1), 503, "1"), (Broken("dead"), 503, None), (Late("too slow"), 504, None)],
)
def test_what_the_engine_cannot_do_is_told_with_its_status(
    client: TestClient, engine: MadeUpEngine, failure: Exception, status: int, wait: str | None
) -> None:
    engine.failure = failure
    answer = client.post("/predict", json=ROW)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, wait)
    assert answer.json() == {"error": str(failure)}


def test_a_failure_of_the_server_itself_tells_nothing_of_its_inside(
    client: TestClient, engine: MadeUpEngine
) -> None:
    engine.failure = RuntimeError("/a/path of the server")
    answer = client.post("/predict", json=ROW)
    assert answer.status_code == 500
    assert answer.json() == {"error": "the server has failed; its log has the reason"}


def test_what_is_served_is_listed_and_described(client: TestClient) -> None:
    first = client.get("/models").json()[0]
    assert (first["model"], first["version"], first["stages"]) == ("fruit", "1.1.0", ["production"])
    assert "contract" not in first
    described = client.get("/models/fruit/versions/v1.1.0").json()
    assert described["contract"]["columns"]["weight"]["unit"] == "g"
    assert described["card"] == "# Fruit\n"
    answer = client.get("/models/fruit/versions/2.0.0")
    assert answer.status_code == 404
    assert answer.json() == {"error": "fruit '2.0.0': no such version; served: 1.1.0, 1.0.0"}


def test_the_server_is_ready_while_what_answers_by_default_is(
    client: TestClient, engine: MadeUpEngine
) -> None:
    engine.versions[1].state = "broken"
    assert client.get("/health/ready").status_code == 200
    engine.versions[0].state = "starting"
    for path in ("/health/ready", "/v2/health/ready", "/v2/models/fruit/ready"):
        assert client.get(path).status_code == 503
    assert "fruit 1.1.0 is starting" in client.get("/health/ready").json()["error"]
    assert client.get("/health/live").status_code == 200


def test_prometheus_reads_requests_rows_and_versions(client: TestClient) -> None:
    client.post("/predict", json=[ROW, {**ROW, "weight": 700}])
    client.post("/nothing")
    lines = client.get("/metrics").text.splitlines()
    assert 'lockstep_requests_total{route="/predict",status="200"} 1.0' in lines
    assert 'lockstep_requests_total{route="none",status="404"} 1.0' in lines
    for result in ("predicted", "refused"):
        labels = f'model="fruit",result="{result}",version="1.1.0"'
        assert f"lockstep_rows_total{{{labels}}} 1.0" in lines
    assert any(line.startswith("lockstep_version_ready{") for line in lines)
    assert "lockstep_entries_dropped_total 0.0" in lines
    labels = 'model="fruit",role="answer",version="1.0.0"'
    assert f"lockstep_version_alarms{{{labels}}} 2.0" in lines


def test_prometheus_reads_when_the_requests_were_last_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gauge = re.compile(r"^lockstep_monitoring_read_timestamp_seconds (.+)$", re.MULTILINE)
    (seconds,) = gauge.findall(client.get("/metrics").text)
    assert datetime.fromtimestamp(float(seconds), UTC) == MadeUpMonitoring.read_time
    monkeypatch.setattr(MadeUpMonitoring, "read_time", None)
    assert not gauge.findall(client.get("/metrics").text), "nobody has read them yet"


def test_what_is_watched_is_shown_as_a_page_that_loads_nothing_from_elsewhere(
    client: TestClient,
) -> None:
    page, report = client.get("/monitoring"), client.get("/monitoring.json")
    assert page.text == "<p>All is fine.</p>"
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (report.json(), report.headers["Content-Type"]) == ({}, "application/json")


def test_what_is_watched_is_sent_again_only_if_it_has_changed(client: TestClient) -> None:
    first = client.get("/monitoring")
    again = client.get("/monitoring", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/monitoring", headers={"If-None-Match": '"of before"'})
    assert (other.status_code, other.text) == (200, first.text)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("GET", "/predict")])
def test_what_is_not_there_is_told_in_the_same_form(
    client: TestClient, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code in (404, 405)
    assert {*answer.json()} == {"error"}


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1@x", ""])
def test_by_another_name_nobody_is_answered_without_tokens(client: TestClient, host: str) -> None:
    for path in ("/requests", "/metrics", "/monitoring", "/"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert answer.json()["error"].startswith(f"Host {host!r}: localhost, 127.0.0.1 or [::1] ")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:80"])
def test_by_the_names_of_this_machine_all_are(client: TestClient, host: str) -> None:
    own = {"Host": host, "Origin": f"http://{host.lower()}", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/predict", json=ROW, headers=own).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/outcomes", "/v2/models/fruit/infer"])
def test_a_page_of_another_server_can_send_nothing(
    client: TestClient, store: MadeUpStore, path: str, headers: dict[str, str]
) -> None:
    answer = client.post(path, json=ROW, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("a page of another server has sent this")
    assert not store.entries


@pytest.fixture
def token(project: Project, capsys: pytest.CaptureFixture[str]) -> str:
    assert Project.find().root == project.root
    assert main(["serve", "--new-token", "ann"]) == 0
    return capsys.readouterr().out.strip()


@pytest.fixture
def guarded(project: Project, token: str) -> Iterator[TestClient]:
    assert token
    app = make_app(
        MadeUpEngine(), MadeUpStore(), MadeUpMonitoring(), SETTINGS, read_tokens(project)
    )
    with TestClient(app) as client:
        yield client


def test_with_tokens_only_those_who_have_one_are_answered(guarded: TestClient, token: str) -> None:
    assert guarded.get("/models").status_code == 401
    assert "Basic" in guarded.get("/models").headers["WWW-Authenticate"]
    assert guarded.get("/health/ready").status_code == 200
    assert guarded.get("/models", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert guarded.get("/models", auth=("anybody", token)).status_code == 200


def test_with_a_token_the_server_has_any_name_but_no_page_of_another(
    guarded: TestClient, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Host": "models.example"}
    assert guarded.get("/models", headers=headers).status_code == 200
    for origin, status in (("https://models.example", 200), ("https://evil.example", 403)):
        answer = guarded.post("/predict", json=ROW, headers=headers | {"Origin": origin})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "Bearer",
        "Bearer wrong",
        "Basic ???",
        "Basic " + base64.b64encode(b"\xff").decode(),
        "Digest {token}",
        "{token}",
        "Bearer {token}x",
    ],
)
def test_without_the_right_token_nobody_is(guarded: TestClient, token: str, wrong: str) -> None:
    headers = {"Authorization": wrong.format(token=token)}
    assert guarded.get("/models", headers=headers).status_code == 401


def test_the_project_keeps_no_token_and_forgets_what_is_taken_out(
    project: Project, guarded: TestClient, token: str
) -> None:
    file = project.root / ".serve" / "tokens.json"
    assert token not in file.read_text(encoding="utf-8")
    file.write_text("{}", encoding="utf-8")
    headers = {"Authorization": f"Bearer {token}"}
    assert guarded.get("/models", headers=headers).status_code == 401


def test_while_the_tokens_cannot_be_read_nobody_is_answered(
    project: Project, guarded: TestClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = project.root / ".serve" / "tokens.json"
    whole = file.read_text(encoding="utf-8")
    headers = {"Authorization": f"Bearer {token}"}
    file.write_text(whole[:-5], encoding="utf-8")
    for _ in range(3):
        assert guarded.get("/models", headers=headers).status_code == 401
    lines = [line for line in caplog.messages if "nobody is answered until it is mended" in line]
    assert len(lines) == 1
    file.write_text(whole, encoding="utf-8")
    assert guarded.get("/models", headers=headers).status_code == 200


def test_the_first_token_tells_that_a_server_has_to_be_started_again(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.root
    errors = []
    for name in ("ann", "bob"):
        main(["serve", "--new-token", name])
        errors.append(capsys.readouterr().err)
    assert "a server that runs already asks for tokens once it is started again" in errors[0]
    assert errors[1] == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ann", "ann has a token; take its line out"), ("a b", "found 'a b'; a name of letters")],
)
@pytest.mark.usefixtures("token")
def test_a_token_is_made_for_a_name_once(
    name: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--new-token", name]) == 1
    assert expected in capsys.readouterr().err


def test_a_file_of_tokens_that_is_none_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.root / ".serve" / "tokens.json"
    file.parent.mkdir()
    file.write_text('{"ann": "secret"}', encoding="utf-8")
    assert main(["serve", "--new-token", "bob"]) == 1
    assert "names with the SHA-256 of their tokens were expected" in capsys.readouterr().err


def test_a_page_tells_what_can_be_asked_without_help_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h3><code>POST /v2/models/{model}/infer</code></h3>" in answer.text
    assert "<td>weight</td><td>weight, in g</td><td>number from 0 to 500</td>" in answer.text
    assert "<td>seeds</td><td>seeds</td><td>integer from 0, may be missing</td>" in answer.text
    assert not re.search("https?://", answer.text)
    assert "<script" not in answer.text


def test_a_span_says_which_version_has_answered(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    processors = pytest.importorskip("opentelemetry.sdk.trace.export")
    spans, provider = export.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(processors.SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    client.post("/predict", json=ROW, headers={"traceparent": parent})
    attributes = {}
    for span in spans.get_finished_spans():
        assert f"{span.context.trace_id:032x}" == "1" * 32
        attributes |= span.attributes
    assert attributes["http.route"] == "/predict"
    assert (attributes["lockstep.model"], attributes["lockstep.rows"]) == ("fruit", 1)
