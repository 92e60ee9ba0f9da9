"""The page of the server in a real browser, over answers that are made up and a real server's."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import DESK, PHONE, Visit, in_a_browser
from conftest import ENVIRONMENT, OFFLINE, TEMPLATE, Project
from playwright.sync_api import Browser, Page, Route, expect
from test_pipeline import edit

STATIC = TEMPLATE / "{{cookiecutter.project_slug}}/vendor/lockstep/src/lockstep/serving/static"
ADDRESS = "http://models.test/below/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
PRICES = {
    "title": "Prices of houses",
    "target": "price",
    "group": "owner",
    "columns": {
        "id": {"type": "identifier", "meaning": "name of the house"},
        "owner": {"type": "categorical", "categories": ["a"], "meaning": "who sells it"},
        "area": {
            "type": "numeric",
            "unit": "m2",
            "range": [10, 1000],
            "seen": [30.5, 250],
            "meaning": "living area",
        },
        "rooms": {"type": "integer", "range": [1, None], "example": "4", "meaning": "rooms"},
        "heating": {
            "type": "categorical",
            "categories": ["gas", "wood"],
            "nullable": True,
            "meaning": "how it is heated",
        },
        "town": {
            "type": "categorical",
            "categories": ["Ulm"],
            "open": True,
            "meaning": "where it stands",
        },
        "sold": {"type": "datetime", "example": "2026-01-31", "meaning": "day of the sale"},
        "notes": {"type": "text", "meaning": "what the agent says"},
        "price": {"type": "numeric", "unit": "1000 EUR", "seen": [50, 900], "meaning": "the price"},
    },
}
DIGITS = {
    "title": "Digits",
    "target": "digit",
    "part": "part",
    "images": {"width": 8, "height": 8},
    "columns": {
        "image": {"type": "image", "meaning": "the image"},
        "part": {"type": "categorical", "categories": ["train", "test"], "meaning": "side"},
        "digit": {"type": "categorical", "categories": ["0", "1", "2"], "meaning": "the digit"},
    },
}
FIGURES = {"rmse": 71.1179, "r2": 0.1642, "auc": None}
METRICS = {
    "test_rows": 112,
    **FIGURES,
    "intervals": {"rmse": [61.0084, 82.9028], "r2": [-0.1505, 0.3928], "auc": None},
    "baseline": {**FIGURES, "intervals": {"rmse": [70.7907, 85.5001], "r2": [0, 0], "auc": None}},
    "gain": {"rmse": [11.3252, 28.7877], "r2": [-0.1, 0.3928], "auc": None},
    "prediction_intervals": {"coverage": 0.8482},
}
CARD = """<h3>Model card</h3>
<p><strong>The champion is better than the baseline.</strong></p>
<h4>Limits</h4><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>
"""


def version(name: str = "1.0.0", **other: Any) -> dict[str, Any]:
    """One as the server lists it; `contract` is only told of each by itself."""
    usual = {
        "model": "houses",
        "version": name,
        "run": name[0] * 64,
        "stages": [],
        "state": "ready",
        "is_default": False,
        "share": 0.0,
        "is_shadow": False,
        "kind": "regression",
        "features": ["area", "rooms", "heating", "town", "notes"],
        "classes": [],
        "memory": 200 * 2**20,
        "waiting": 0,
        "contract": PRICES,
        "metrics": METRICS,
        "card": CARD,
    }
    return usual | other


def images(**other: Any) -> dict[str, Any]:
    usual = {"kind": "classification", "features": ["image"], "contract": DIGITS}
    return version("0.1.0", model="digits", **usual, **other)


def kept(**other: Any) -> dict[str, Any]:
    """A request as the server tells of it."""
    usual = {
        "request": "r-1",
        "time": "2026-03-01T12:00:00Z",
        "model": "houses",
        "version": "1.0.0",
        "run": "1" * 64,
        "role": "answer",
        "status": 200,
        "rows": 1,
        "content": {"area": 77.5, "rooms": 2, "heating": None, "town": "Bonn"},
        "answer": {"prediction": 301.26, "prediction_low": 199.2, "prediction_high": 403.2},
        "seconds": 0.0123,
        "outcome": None,
        "outcome_time": None,
    }
    return usual | other


class MadeUpServer:
    """Answers the page in place of a server, below a folder as behind a balancer."""

    def __init__(self, *versions: dict[str, Any]) -> None:
        self.versions = [*versions]
        self.kept: dict[str, Any] = {"requests": [], "dropped": 0, "failure": None}
        self.answers: list[dict[str, Any]] = [kept()["answer"]]
        self.refusal: tuple[int, str] | None = None
        self.is_away = False
        self.queue: list[Route] | None = None
        self.posts: list[tuple[str, dict[str, list[str]], str, bytes]] = []

    def attach(self, page: Page) -> None:
        page.route("**/*", self._answer)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What /predict was asked as JSON."""
        return [json.loads(body) for path, _, _, body in self.posts if path == "predict"]

    def _answer(self, route: Route) -> None:
        request = route.request
        address = urlsplit(request.url)
        path = address.path.removeprefix("/below/")
        if self.is_away or not request.url.startswith(ADDRESS):
            route.abort()
        elif request.method == "POST":
            kind = request.headers["content-type"]
            body = request.post_data_buffer or b""
            self.posts.append((path, parse_qs(address.query), kind, body))
            if self.queue is None:
                self._post(route, path)
            else:
                self.queue.append(route)
        elif path == "models":
            hidden = ("contract", "metrics", "card")
            route.fulfill(
                json=[{k: v for k, v in one.items() if k not in hidden} for one in self.versions]
            )
        elif path == "requests":
            route.fulfill(json=self.kept)
        elif found := re.fullmatch(r"models/(\w+)/versions/([\d.]+)(/card)?", path):
            (one,) = (each for each in self.versions if each["version"] == found[2])
            if found[3]:
                route.fulfill(body=one["card"], content_type="text/html")
            else:
                route.fulfill(json=one)
        else:
            file = STATIC / (path.removeprefix("page/") or "index.html")
            headers = {"Content-Security-Policy": POLICY, "Content-Type": TYPES[file.suffix]}
            route.fulfill(body=file.read_bytes(), headers=headers)

    def let_go(self) -> None:
        """Answer the first question of the queue."""
        route = self.queue.pop(0)
        with route.request.frame.page.expect_response(route.request.url):
            self._post(route, "predict")

    def _post(self, route: Route, path: str) -> None:
        if path == "outcomes":
            route.fulfill(json={"known": 1, "unknown": 0})
        elif self.refusal:
            route.fulfill(status=self.refusal[0], json={"error": self.refusal[1]})
        else:
            reply = {"request": "r-7", "model": "houses", "version": "1.0.0", "run": "1" * 64}
            is_refused = all("errors" in answer for answer in self.answers)
            content = reply | {"predictions": self.answers}
            route.fulfill(status=422 if is_refused else 200, json=content)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    visit = Visit(browser, DESK)
    yield visit
    visit.page.close()


def open_page(visit: Visit, server: MadeUpServer) -> Page:
    server.attach(visit.page)
    visit.page.clock.install()
    visit.open(ADDRESS)
    for part in ("#quality table", "#requests > *"):
        expect(visit.page.locator(part).first).to_be_visible()
    return visit.page


def look_again(page: Page) -> None:
    page.clock.run_for(6000)


@in_a_browser
def test_the_form_is_what_the_contract_says(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True))
    page = open_page(visit, server)
    fields = page.locator(".fields > .field")
    names = fields.locator("label").all_inner_texts()
    assert names == ["area", "rooms", "heating", "town", "notes", ""]
    assert page.locator(".unused label").all_text_contents() == ["sold"]
    assert page.get_by_label("area").input_value() == "140"
    assert fields.first.inner_text().split("\n") == ["area", "m2", "living area; 10 to 1000"]
    assert page.get_by_label("heating").locator("option").all_inner_texts() == [
        *("missing", "gas", "wood")
    ]
    page.get_by_label("area").fill("77.5")
    page.get_by_label("rooms").fill("two")
    page.get_by_label("heating").select_option("missing")
    page.get_by_label("town").fill(" Bonn ")
    page.get_by_label("notes").fill("Schön, \n\nhell 😀\n")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_have_text("301.3 1000 EUR")
    row = {"area": 77.5, "rooms": "two", "heating": None, "town": "Bonn", "sold": "2026-01-31"}
    assert server.rows == [row | {"notes": "Schön, \n\nhell 😀"}]
    assert server.posts[0][1] == {"model": ["houses"], "version": ["1.0.0"]}
    assert visit.wrong == []


@in_a_browser
def test_other_values_are_such_as_the_contract_allows(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True))
    page = open_page(visit, server)
    for _ in range(5):
        page.get_by_role("button", name="Other values").click()
        page.get_by_role("button", name="Predict").click()
        expect(page.locator(".said")).to_be_visible()
    assert len({row["area"] for row in server.rows}) > 1
    for row in server.rows:
        assert 30.5 <= row["area"] <= 250
        assert row["heating"] in {"gas", "wood"}
        assert row["rooms"] == 4
    assert visit.wrong == []


@in_a_browser
def test_a_number_is_shown_with_its_interval_and_how_often_such_ones_held(visit: Visit) -> None:
    page = open_page(visit, MadeUpServer(version(is_default=True)))
    page.get_by_role("button", name="Predict").click()
    answer = page.locator("#answer")
    expect(answer).to_contain_text("between 199.2 and 403.2; such intervals held 84.8% of the test")
    expect(answer).to_contain_text("houses 1.0.0")
    expect(answer).to_contain_text("r-7")
    track, between, point = (part.bounding_box() for part in page.locator(".scale div").all())
    for box, ends in ((between, (199.2, 403.2)), (point, (301.26, 301.26))):
        middle = (box["x"] + box["width"] / 2 - track["x"]) / track["width"]
        assert middle == pytest.approx((sum(ends) / 2 - 50) / 850, abs=0.01)
    page.get_by_text("The same from a shell").click()
    expect(answer).to_contain_text(f"curl '{ADDRESS}predict?model=houses&version=1.0.0' --json '")
    assert visit.wrong == []


@in_a_browser
def test_an_answer_is_brought_into_sight(visit: Visit) -> None:
    page = open_page(visit, MadeUpServer(version(is_default=True)))
    page.set_viewport_size({"width": PHONE, "height": 300})
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_be_in_viewport()
    assert visit.wrong == []


@in_a_browser
def test_what_breaks_the_contract_is_told_beside_its_field(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True))
    server.answers = [{"errors": [{"column": "area", "value": -1, "reason": "expected a number"}]}]
    page = open_page(visit, server)
    area = page.get_by_label("area")
    area.fill("-1")
    area.press("Enter")
    expect(page.locator("#answer")).to_contain_text("area: expected a number")
    expect(area).to_have_attribute("aria-invalid", "true")
    expect(area).to_have_accessible_description("living area; 10 to 1000 expected a number")
    area.fill("1")
    expect(area).not_to_have_attribute("aria-invalid", "true")
    server.answers, server.refusal = [], (503, "too many requests are under way")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer")).to_contain_text("too many requests are under way")
    expect(page.get_by_role("button", name="Predict")).to_be_enabled()


@in_a_browser
def test_an_answer_that_comes_late_is_not_shown_as_that_of_another_version(visit: Visit) -> None:
    versions = [version(is_default=True), version("1.1.0"), images()]
    server = MadeUpServer(*versions)
    server.queue = []
    page = open_page(visit, server)
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("radio", name="houses 1.1.0").check()
    expect(page.locator("#purpose")).to_contain_text("houses 1.1.0")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer")).to_have_text("Asking…")
    server.answers = [{"prediction": 7}]
    server.let_go()
    server.answers = [{"prediction": 8}]
    server.let_go()
    expect(page.locator(".said")).to_have_text("8 1000 EUR")
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("radio", name="digits").check()
    expect(page.locator("#purpose")).to_contain_text("digits 0.1.0")
    server.let_go()
    expect(page.locator("#answer")).to_contain_text("what digit is for the image")
    assert visit.wrong == []


@in_a_browser
def test_an_outcome_is_not_told_before_it_is_chosen(visit: Visit) -> None:
    heating = PRICES | {"target": "heating"}
    server = MadeUpServer(version(is_default=True, kind="classification", contract=heating))
    server.answers = [{"prediction": "wood", "probability_gas": 0.25, "probability_wood": 0.75}]
    page = open_page(visit, server)
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("button", name="Tell").click()
    expect(page.locator("#answer")).to_contain_text("choose what it was")
    page.get_by_label("What it was in truth").select_option("gas")
    page.get_by_role("button", name="Tell").click()
    expect(page.locator("#answer")).to_contain_text("Kept beside the answer.")
    outcomes = [json.loads(body) for path, _, _, body in server.posts if path == "outcomes"]
    assert outcomes == [[{"request": "r-7", "row": 0, "outcome": "gas"}]]
    assert visit.wrong == []


@in_a_browser
def test_several_labels_are_listed_and_any_of_them_can_become_true(visit: Visit) -> None:
    names = ["gas", "wood", "sun"]
    labels = {"type": "labels", "categories": names, "separator": "|", "meaning": "heated by"}
    contract = PRICES | {"target": "by", "columns": PRICES["columns"] | {"by": labels}}
    server = MadeUpServer(version(is_default=True, kind="multilabel", contract=contract))
    answer = {"prediction": ["gas", "sun"]} | {f"probability_{name}": 0.5 for name in names}
    server.answers = [answer]
    server.kept["requests"] = [kept(answer=answer), kept(answer=answer | {"prediction": []})]
    page = open_page(visit, server)
    rows = page.locator("#requests tbody tr")
    expect(rows.nth(0)).to_contain_text("gas, sun")
    expect(rows.nth(1)).to_contain_text("none")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer .said")).to_have_text("gas, sun")
    expect(page.locator("#answer .chosen")).to_have_count(2)
    for chosen in (["gas", "wood"], []):
        page.get_by_label("What it was in truth").select_option(chosen)
        page.get_by_role("button", name="Tell").click()
        expect(page.locator("#answer")).to_contain_text("Kept beside the answer.")
    outcomes = [json.loads(body) for path, _, _, body in server.posts if path == "outcomes"]
    assert [one["outcome"] for [one] in outcomes] == [["gas", "wood"], []]
    assert visit.wrong == []


@in_a_browser
def test_a_shadow_cannot_be_asked(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True), version("1.2.0", is_shadow=True))
    page = open_page(visit, server)
    page.get_by_role("radio", name="houses 1.2.0").check()
    expect(page.locator("#answer")).to_contain_text("A version in the shadow cannot be asked")
    expect(page.get_by_role("button", name="Predict")).to_be_disabled()
    expect(page.get_by_label("area")).to_be_disabled()
    page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["area"], "rows.csv"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }"""
    )
    server.versions[1]["is_shadow"] = False
    look_again(page)
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_be_visible()
    assert len(server.posts) == 1
    assert visit.wrong == []


@in_a_browser
def test_an_image_is_dropped_seen_and_answered(visit: Visit) -> None:
    server = MadeUpServer(images(is_default=True))
    shares = {"probability_0": 0.0004, "probability_1": 0.0996, "probability_2": 0.9}
    server.answers = [{"prediction": "2", **shares}]
    page = open_page(visit, server)
    expect(page.locator("#answer")).to_contain_text("what digit is for the image.")
    # A PNG of one pixel.
    content = (
        "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
        "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
    )
    data = page.evaluate_handle(
        """hex => {
            const bytes = Uint8Array.from(hex.match(/../g), byte => parseInt(byte, 16));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "two.PNG", { type: "image/png" }));
            return data;
        }""",
        content,
    )
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": data})
    expect(page.locator(".said")).to_have_text("2")
    ((path, _, kind, body),) = server.posts
    assert (path, kind, body) == ("predict", "image/png", bytes.fromhex(content))
    chances = page.locator(".chances").inner_text().split("\n")
    assert chances == ["2", "90.0%", "1", "10.0%", "0", "<0.1%"]
    assert page.locator(".preview").evaluate("image => image.naturalWidth") == 1
    assert visit.wrong == []


@in_a_browser
def test_a_row_with_an_image_is_not_offered_without_it(visit: Visit) -> None:
    size = {"type": "numeric", "meaning": "the size", "seen": [1, 9]}
    contract = DIGITS | {"columns": DIGITS["columns"] | {"size": size}}
    server = MadeUpServer(images(is_default=True) | {"contract": contract})
    server.versions[0]["features"] = ["image", "size"]
    server.kept["requests"] = [kept(content={"size": 3, "brightness": 0.5})]
    page = open_page(visit, server)
    expect(page.locator("#answer")).to_contain_text("digit is for the image and the values on the")
    request = page.locator("#requests tbody tr")
    expect(request).to_contain_text("size 3, brightness 0.5")
    assert request.get_by_role("button").count() == 0
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_be_visible()
    assert page.get_by_text("The same from a shell").count() == 0
    assert visit.wrong == []


@in_a_browser
def test_a_file_of_rows_is_answered_as_a_table_to_save(visit: Visit, tmp_path: Path) -> None:
    server = MadeUpServer(version(is_default=True))
    error = {"column": "area", "value": "x", "reason": 'expected "a number", or none'}
    rows = [{"id": f"house, {place}", "prediction": place / 8} for place in range(150)]
    server.answers = [*rows[:1], {"errors": [error]}, *rows[2:]]
    page = open_page(visit, server)
    file = tmp_path / "rows.csv"
    file.write_text("area\n1\n", encoding="utf-8")
    page.locator("input[type=file]").set_input_files(file)
    answer = page.locator("#answer")
    expect(answer).to_contain_text("149 of 150 rows of rows.csv are predicted")
    expect(answer).to_contain_text("and 50 more rows")
    assert server.posts[0][2:] == ("text/csv", b"area\n1\n")
    assert answer.locator("tbody tr").count() == 100
    assert answer.locator("tbody tr").nth(1).inner_text().startswith("2\tarea: expected")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").split("\n")
    assert lines[:3] == [
        "id,prediction,reason",
        '"house, 0",0,',
        ',,"area: expected ""a number"", or none"',
    ]
    assert len(lines) == 152
    page.locator("input[type=file]").set_input_files(TEMPLATE / "README.md")
    expect(answer).to_contain_text("README.md: the server reads no such file")
    assert visit.wrong == []
    server.answers = [{"errors": [error]}] * 12
    page.locator("input[type=file]").set_input_files(file)
    expect(answer).to_contain_text("0 of 12 rows of rows.csv are predicted")
    assert answer.locator("tbody tr").last.inner_text().startswith("12\tarea: expected")


@in_a_browser
def test_each_version_says_what_it_is_for_and_can_be_chosen_by_keys(visit: Visit) -> None:
    server = MadeUpServer(
        version("1.0.0", is_default=True, stages=["production"]),
        version("1.1.0", share=0.1, stages=["staging"]),
        version("1.2.0", is_shadow=True, state="starting", memory=None),
        version("1.3.0", state="broken"),
    )
    page = open_page(visit, server)
    texts = [one.inner_text().split() for one in page.locator(".version").all()]
    assert [" ".join(text) for text in texts] == [
        "houses 1.0.0 ready production default run 111111111111, 200 MiB",
        "houses 1.1.0 ready staging canary, 10% run 111111111111, 200 MiB",
        "houses 1.2.0 starting in the shadow run 111111111111",
        "houses 1.3.0 broken run 111111111111, 200 MiB",
    ]
    page.get_by_label("area").fill("99")
    page.get_by_role("radio", name="houses 1.0.0").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#purpose")).to_contain_text("houses 1.1.0 predicts price: the price")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_be_visible()
    assert server.posts[0][1]["version"] == ["1.1.0"]
    assert server.rows[0]["area"] == 99
    assert visit.wrong == []


@in_a_browser
def test_a_promotion_is_seen_without_loading_the_page_again(visit: Visit) -> None:
    server = MadeUpServer(version("1.0.0", is_default=True))
    page = open_page(visit, server)
    page.get_by_label("area").fill("99")
    server.versions = [version("1.1.0", is_default=True, stages=["production"])]
    look_again(page)
    expect(page.locator("#purpose")).to_contain_text("houses 1.1.0 predicts")
    expect(page.get_by_label("area")).to_have_value("99")
    assert page.get_by_role("radio").count() == 1
    other = PRICES | {"title": "Prices of flats"}
    server.versions = [version("1.1.0", is_default=True, run="f" * 64, contract=other)]
    look_again(page)
    expect(page.locator("#title")).to_have_text("Prices of flats")
    assert visit.wrong == []


@in_a_browser
def test_a_server_that_is_away_is_told_and_found_again(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True))
    page = open_page(visit, server)
    server.is_away = True
    look_again(page)
    expect(page.get_by_role("alert")).to_have_text(
        "the server does not answer; the page tries again."
    )
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer")).to_contain_text("the server does not answer")
    server.is_away = False
    look_again(page)
    expect(page.get_by_role("alert")).to_be_hidden()


@in_a_browser
def test_a_server_that_is_silent_is_asked_again_one_question_at_a_time(visit: Visit) -> None:
    page, silent = visit.page, []
    server = MadeUpServer(version(is_default=True))
    server.attach(page)
    page.route("**/requests?*", lambda route: silent.append(route))
    page.clock.install()
    with page.expect_request("**/requests?*"):
        visit.open(ADDRESS)
    page.clock.run_for(9000)
    assert len(silent) == 1
    page.clock.run_for(2000)
    expect(page.get_by_role("alert")).to_contain_text("the server does not answer")
    page.unroute("**/requests?*")
    look_again(page)
    expect(page.locator("#requests")).to_have_text("None yet.")
    expect(page.get_by_role("alert")).to_be_hidden()


@in_a_browser
def test_the_lines_of_an_interval_are_beyond_its_point(visit: Visit) -> None:
    narrow = METRICS | {"intervals": {"rmse": [71.1, 71.13]}}
    page = open_page(visit, MadeUpServer(version(is_default=True, metrics=narrow)))
    line, point = (page.locator(f".chart {tag}").first.bounding_box() for tag in ("path", "circle"))
    assert line["y"] < point["y"]
    assert line["y"] + line["height"] > point["y"] + point["height"]


@in_a_browser
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_long_cells_and_many_reasons_fit(browser: Browser, width: int) -> None:
    reason = {"column": "area", "value": "9" * 400, "reason": "expected a number from 10 to 1000"}
    refusal = {"errors": [reason] * 10}
    server = MadeUpServer(version(is_default=True))
    server.kept["requests"] = [
        kept(content={"area": "9" * 400, "town": "b" * 400}, outcome="c" * 400),
        kept(content={"area": "9" * 400}, answer=refusal, status=422),
        kept(answer={"prediction": "d" * 400}, model="e" * 60),
    ]
    visit = Visit(browser, width)
    page = open_page(visit, server)
    line = page.locator("#requests tbody tr").first
    expect(line).to_contain_text(f"area {'9' * 40}…, town {'b' * 40}…")
    assert line.locator(".row").get_attribute("title") == f"area {'9' * 400}, town {'b' * 400}"
    expect(page.locator("#requests tbody tr").nth(1)).to_contain_text("1000; and 7 more")
    server.answers = [kept()["answer"], refusal]
    page.locator("input[type=file]").set_input_files(
        {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"area\n1\n"}
    )
    expect(page.locator("#answer tbody tr").last).to_contain_text("1000; and 7 more")
    box = page.locator("#answer .scroll")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    visit.look()
    page.close()
    assert visit.wrong == []


@in_a_browser
def test_metrics_and_card_are_those_of_the_version(visit: Visit) -> None:
    page = open_page(visit, MadeUpServer(version(is_default=True)))
    quality = page.locator("#quality")
    expect(quality).to_contain_text("The champion is better than the baseline.")
    rows = [row.inner_text().split() for row in quality.locator("tbody tr").all()]
    assert rows == [
        "rmse 71.12 61.01 to 82.90 71.12 70.79 to 85.50 11.33 to 28.79".split(),
        "r2 0.1642 -0.1505 to 0.3928 0.1642 0.0000 to 0.0000 -0.1000 to 0.3928".split(),
    ]  # and none of `auc`, which is not known of either
    expect(quality).to_contain_text("better by")
    expect(quality).to_contain_text('"Better by" is such an interval too; below zero is worse.')
    expect(page.locator("#card h4")).to_be_hidden()
    page.get_by_text("Model card").click()
    expect(page.locator("#card h4")).to_be_visible()
    assert visit.wrong == []


@in_a_browser
def test_last_requests_can_be_tried_again_and_told_what_became_true(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True))
    server.kept["requests"] = [
        kept(),
        kept(role="shadow", version="1.1.0", rows=12, outcome=250),
        kept(content={}, status=422, answer={"errors": [{"column": "a", "reason": "b"}]}),
        kept(model="others", content={"weight": 3}),
        kept(content={"level": 3}, answer={"shop": "A", "step": 2, "prediction": 4}),
    ]
    page = open_page(visit, server)
    first, shadow, broken, elsewhere, forecast = page.locator("#requests tbody tr").all()
    expect(first).to_contain_text("area 77.50, rooms 2, heating missing, town Bonn")
    expect(first).to_contain_text("301.3 (199.2 to 403.2)")
    expect(shadow).to_contain_text("in the shadow")
    expect(shadow).to_contain_text("the first of 12 rows")
    expect(shadow.locator("[data-name=truth]")).to_have_text("250")
    expect(broken).to_contain_text("not kept")
    expect(broken).to_contain_text("a: b")
    expect(elsewhere).to_contain_text("weight 3")
    expect(forecast).to_contain_text("shop A, step 2, level 3")
    assert elsewhere.get_by_role("button").count() == 0
    assert broken.get_by_role("button").count() == 0
    first.get_by_role("button").click()
    expect(page.get_by_label("town")).to_have_value("Bonn")
    page.get_by_role("button", name="Predict").click()
    page.get_by_label("What it was in truth").fill("much")
    page.get_by_role("button", name="Tell").click()
    expect(page.locator("#answer")).to_contain_text("a number was expected")
    page.get_by_label("What it was in truth").fill("250")
    page.get_by_role("button", name="Tell").click()
    expect(page.locator("#answer")).to_contain_text("Kept beside the answer.")
    assert json.loads(server.posts[-1][3]) == [{"request": "r-7", "row": 0, "outcome": 250}]
    assert visit.wrong == []


@in_a_browser
def test_it_is_told_when_requests_cannot_be_kept(visit: Visit) -> None:
    server = MadeUpServer(version(is_default=True))
    server.kept |= {"dropped": 12, "failure": "database or disk is full"}
    page = open_page(visit, server)
    requests = page.locator("#requests")
    expect(requests).to_contain_text(
        "Requests cannot be kept at present: database or disk is full. Answers go on."
    )
    expect(requests).to_contain_text("12 rows were answered and could not be kept")
    assert visit.wrong == []


@in_a_browser
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_the_page_hinders_nobody(browser: Browser, width: int, scheme: str) -> None:
    server = MadeUpServer(
        version("1.0.0", is_default=True, stages=["production"]),
        version("1.1.0", share=0.1, stages=["staging"], state="starting"),
        version("1.2.0", is_shadow=True, state="broken"),
        images(),
    )
    server.kept |= {"dropped": 1, "failure": "full", "requests": [kept(), kept(status=422)]}
    visit = Visit(browser, width, scheme)
    page = open_page(visit, server)
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    visit.look()
    visit.inspect()
    server.answers = [{"id": "a" * 40, **kept()["answer"]} for _ in range(120)]
    page.locator("input[type=file]").set_input_files(
        {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"area\n1\n"}
    )
    expect(page.locator("#answer table")).to_be_visible()
    visit.look()
    visit.inspect()
    page.get_by_role("radio", name="digits").check()
    expect(page.locator(".drop.large")).to_be_visible()
    visit.look()
    assert all(url.startswith((ADDRESS, "data:", "blob:")) for url in visit.asked)
    assert visit.wrong == []


@dataclass
class Server:
    """A real one, of a project in which a feature is private."""

    project: Project
    address: str
    token: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def server(ready: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = ready.copy(tmp_path_factory.mktemp("served") / "my-project")
    edit(
        project / "references/schema.yaml",
        "meaning: width of a petal",
        "meaning: width of a petal\n    private: true",
    )
    project.run("uv", "sync", "--extra", "serve")
    project.run("uv", "run", "--no-sync", "dvc", "repro", **OFFLINE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["uv", "run", "--no-sync", "my-project", "serve"]
    token = project.run(*command, "--new-token", "tester").strip()
    command += ["--port", str(port)]
    with subprocess.Popen(
        command, cwd=project.root, env=ENVIRONMENT | OFFLINE, stderr=subprocess.PIPE, text=True
    ) as process:
        lines = iter(process.stderr.readline, "")
        assert any(line == f"serve: http://127.0.0.1:{port}\n" for line in lines)
        yield Server(project, f"http://127.0.0.1:{port}/", token, process)
        process.terminate()


@in_a_browser
@pytest.mark.matrix
def test_a_real_server_answers_the_page_and_keeps_nothing_that_is_private(
    server: Server, browser: Browser
) -> None:
    credentials = {"username": "anybody", "password": server.token}
    visit = Visit(browser, DESK, http_credentials=credentials)
    page = visit.page
    with page.expect_response(server.address) as response:
        visit.open(server.address)
    assert response.value.headers["content-security-policy"] == POLICY
    expect(page.get_by_role("radio", name="my-project 0.1.0")).to_be_checked()
    expect(page.get_by_label("petal_length")).to_have_value("4.5")
    page.get_by_label("petal_length").fill("4.875")
    page.get_by_label("petal_width").fill("1.625")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".said")).to_have_text(re.compile("setosa|versicolor|virginica"))
    assert page.locator(".chances dt").count() == 3
    page.get_by_label("What it was in truth").select_option("virginica")
    page.get_by_role("button", name="Tell").click()
    expect(page.locator("#answer")).to_contain_text("Kept beside the answer.")
    line = page.locator("#requests tbody tr")
    expect(line.locator("[data-name=truth]")).to_have_text("virginica")
    expect(line).to_contain_text("petal_length 4.875")
    expect(line).not_to_contain_text("petal_width")
    page.get_by_text("Model card").click()
    expect(page.locator("#card")).to_contain_text("It knows these three species only")
    visit.look()
    visit.inspect()
    assert all(url.startswith((server.address, "data:")) for url in visit.asked)
    assert visit.wrong == []
    server.stop()
    kept = [path.read_bytes() for path in (server.project / ".serve").glob("requests*")]
    assert any(b"4.875" in content for content in kept)
    assert not any(b"petal_width" in content or b"1.625" in content for content in kept)
