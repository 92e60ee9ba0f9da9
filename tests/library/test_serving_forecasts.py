"""A server of a forecasting model takes rows of series, and says so in each of its documents."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lockstep.core.params import ServeParams
from lockstep.serving.deployment import STANDING
from lockstep.serving.errors import Unusable
from lockstep.serving.messages import Question, Reply
from lockstep.standalone.answers import Answerer, Query
from made_up_engine import MadeUpEngine, MadeUpStore, MadeUpVersion, serve_made_up
from made_up_forecaster import HORIZON, make_history, make_model

MODEL = make_model()
PREDICTION = ["prediction", "prediction_low", "prediction_high"]


class SalesEngine(MadeUpEngine):
    """Forecasts as a worker does, in this process."""

    def __init__(self) -> None:
        super().__init__()
        contract = MODEL.contract.model_dump(mode="json", exclude_none=True)
        self.versions = [
            MadeUpVersion(
                model="sales",
                contract=contract,
                kind="forecasting",
                features=MODEL.inputs,
                classes=[],
            )
        ]

    async def predict(self, question: Question, **_: str | None) -> Reply:
        """Answer as a worker does."""
        query = Query(question.form, [*question.rows], question.body)
        [raw] = Answerer(MODEL, resize=False).answer([query], ["price", *STANDING], 1000)
        if "fault" in raw:
            raise Unusable(raw["fault"])
        return Reply("sales", "1.1.0", "ab" * 32, raw["answers"], raw["rows"], 0.01)


STORE = MadeUpStore()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serve_made_up(ServeParams(), SalesEngine(), STORE) as (address, _):
        yield httpx.Client(base_url=address)


def make_rows(**options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(make_history(**options).to_json(orient="records"))
    return rows


def make_tensors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    types = {"shop": "BYTES", "day": "BYTES", "price": "FP64", "sales": "FP64", "visitors": "INT64"}
    return [
        {"name": name, "datatype": types[name], "shape": [len(rows)], "data": cells}
        for name in types
        for cells in [[row[name] for row in rows]]
    ]


def test_rows_of_series_are_continued(client: httpx.Client) -> None:
    STORE.entries.clear()
    content = client.post("/predict", json={"rows": make_rows()}).json()
    assert len(content["predictions"]) == 2 * HORIZON
    first = content["predictions"][0]
    assert [*first] == ["shop", "day", "step", *PREDICTION]
    assert first["day"] == "2026-03-02"
    assert len(STORE.entries) == 2 * HORIZON
    assert {*STORE.entries[0].content} == {"price", "level", "spread", "gaps"}
    body = make_history().to_csv(index=False)
    by_file = client.post("/predict", content=body, headers={"Content-Type": "text/csv"}).json()
    assert by_file["predictions"] == content["predictions"]


def test_the_schema_tells_of_rows_of_series_and_of_times_to_come(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    row, answer = schemas["sales-1.1.0-row"], schemas["sales-1.1.0-answer"]
    # What is only known of the past may be missing in a row of a time to come.
    assert row["required"] == ["shop", "day", "price"]
    assert row["properties"]["sales"]["type"] == ["number", "null"]
    assert answer["required"] == ["shop", "day", "step", "prediction"]
    assert {*answer["properties"]} == {"shop", "day", "step", *PREDICTION}


def test_the_page_of_routes_tells_the_columns_of_history(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assert "series so far" in page
    assert all(f"<td>{name}</td>" in page for name in ("shop", "day", "price", "sales"))
    assert "spread" not in page


def test_the_inference_protocol_has_columns_of_history_and_of_forecasts(
    client: httpx.Client,
) -> None:
    metadata = client.get("/v2/models/sales").json()
    assert {one["name"] for one in metadata["inputs"]} == {*MODEL.inputs}
    outputs = {one["name"]: one["datatype"] for one in metadata["outputs"]}
    assert outputs == {
        **{"shop": "BYTES", "day": "BYTES", "step": "INT64"},
        **dict.fromkeys(PREDICTION, "FP64"),
    }
    rows = make_rows(future=0)
    for row in rows[-HORIZON:]:
        row["visitors"] = 7
    rows += [
        {"shop": shop, "day": f"2026-03-0{day}", "price": 2.5, "visitors": None, "sales": None}
        for shop in "ab"
        for day in (2, 3, 4)
    ]
    content = client.post("/v2/models/sales/infer", json={"inputs": make_tensors(rows)}).json()
    tensors = {one["name"]: one for one in content["outputs"]}
    assert tensors["step"]["data"] == [1, 2, 3] * 2
    assert tensors["day"]["data"][0] == "2026-03-02"
    assert tensors["prediction"]["shape"] == [2 * HORIZON]


def test_the_inference_protocol_refuses_a_series_that_cannot_be_continued(
    client: httpx.Client,
) -> None:
    answer = client.post("/v2/models/sales/infer", json={"inputs": make_tensors(make_rows(days=2))})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("shop a, day 2026-01-03, step 1, sales: expected ")
