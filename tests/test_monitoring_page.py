"""The page of what is watched in a real browser: as a file, and as a server shows it live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import DESK, PHONE, Visit, in_a_browser
from conftest import Project
from library.made_up_monitoring import CONTENTS, SCRIPT
from playwright.sync_api import Browser, Page, Route, expect
from test_serving_page import POLICY, STATIC, TYPES

ADDRESS = "http://models.test/below/monitoring"
PAUSE = 31_000
"""Milliseconds after which a live page has asked again."""
RENDER = """
import json, pathlib, sys
from lockstep.monitoring.page import render_page
for file in pathlib.Path(sys.argv[1]).glob("*.json"):
    content = json.loads(file.read_text(encoding="utf-8"))
    for live in (False, True):
        page = render_page(content, live=live)
        file.with_suffix(".live" if live else ".html").write_text(page, encoding="utf-8")
"""


@pytest.fixture(scope="module")
def pages(ready: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of each content, `.html` as a file and `.live` as the server sends it."""
    folder = tmp_path_factory.mktemp("pages")
    for name, make in CONTENTS.items():
        (folder / f"{name}.json").write_text(json.dumps(make()), encoding="utf-8")
    ready.run("uv", "run", "--no-sync", "python", "-c", RENDER, str(folder))
    return folder


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    visit = Visit(browser, DESK)
    yield visit
    visit.page.close()


class MadeUpServer:
    """Sends a live page, below a folder as behind a balancer."""

    def __init__(self, pages: Path, name: str) -> None:
        self.pages, self.name = pages, name
        self.is_away = False

    def attach(self, page: Page) -> None:
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        if self.is_away:
            route.abort()
            return
        path = urlsplit(route.request.url).path
        is_page = path == "/below/monitoring"
        file = self.pages / f"{self.name}.live" if is_page else STATIC / Path(path).name
        kind = "text/html" if is_page else TYPES[file.suffix]
        headers = {"Content-Security-Policy": POLICY, "Content-Type": kind}
        route.fulfill(body=file.read_bytes(), headers=headers)


def open_live(visit: Visit, server: MadeUpServer) -> Page:
    server.attach(visit.page)
    visit.page.clock.install()
    visit.open(ADDRESS)
    return visit.page


@in_a_browser
@pytest.mark.parametrize("name", ["three", "well", "nothing"])
def test_whether_all_is_well_and_since_when_is_in_sight_at_once(
    name: str, pages: Path, browser: Browser
) -> None:
    visit = Visit(browser, PHONE, "dark")
    visit.open(pages / f"{name}.html")
    said = visit.page.locator(".said")
    expect(said).to_be_in_viewport(ratio=1)
    expect(said).to_have_text(
        {
            "three": "An alarm stands since 2026-11-16",
            "well": "All is well",
            "nothing": "Nobody can say yet",
        }[name]
    )
    assert visit.page.title().startswith("Alarm: ") == (name == "three")
    if name == "three":
        expect(visit.page.get_by_text("age: 0.31 spreads higher")).to_be_in_viewport(ratio=1)
    visit.page.close()


@in_a_browser
def test_a_column_opens_to_its_shares_in_training_beside_those_of_the_windows(
    visit: Visit, pages: Path
) -> None:
    visit.open(pages / "three.html")
    columns = visit.page.locator("details.column")
    names = columns.locator(".name").all_inner_texts()
    assert names == ["age", "heating", "prediction score"], "the one that moved most is first"
    assert columns.first.locator(".since").inner_text().split() == ["alarm", "since", "2026-11-16"]
    table = columns.first.get_by_role("table")
    expect(table).to_be_hidden()
    columns.first.locator("summary").click()
    lowest = table.locator("tbody tr").first
    assert lowest.locator("th, td").all_inner_texts()[:3] == ["below 18.5", "6.2%", "1.3%"]
    reference, window = (
        lowest.locator(f".pair .{name}").bounding_box()["width"] for name in ("reference", "window")
    )
    assert window / reference == pytest.approx(1.3 / 6.25, abs=0.02)
    bars = columns.first.locator("summary .bars path").evaluate_all(
        "paths => paths.map(path => [path.getAttribute('class'), path.getBBox().x])"
    )
    begin = {name: round(x) for name, x in bars}
    assert begin == {"fine": 0, "moved": 19, "alarm": 20, "floor": 0}
    assert visit.wrong == []


@in_a_browser
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_pages_fit_and_hinder_nobody(
    width: int, scheme: str, pages: Path, browser: Browser
) -> None:
    for name in ("everything", "before", "nothing"):
        visit = Visit(browser, width, scheme)
        visit.open(pages / f"{name}.html")
        for summary in visit.page.locator(".column:visible > summary").all()[:2]:
            summary.click()
        visit.look()
        if name == "everything":
            visit.inspect()
        assert visit.wrong == []
        assert visit.asked == [(pages / f"{name}.html").as_uri()], "it needs no other file"
        visit.page.close()


@in_a_browser
def test_a_script_in_a_row_is_text(visit: Visit, pages: Path) -> None:
    page = open_live(visit, MadeUpServer(pages, "everything"))
    column = page.locator("details.column", has_text=SCRIPT).first
    column.locator("summary").click()
    expect(column.get_by_role("rowheader", name=SCRIPT)).to_be_visible()
    expect(column.locator("code", has_text=SCRIPT)).to_be_visible()
    assert page.title() == "Alarm: houses, watched"
    visit.look()
    assert all(url.startswith((ADDRESS, "http://models.test/below/page/")) for url in visit.asked)
    assert visit.wrong == []


@in_a_browser
def test_of_300_columns_the_first_are_in_sight_and_none_is_lost(visit: Visit, pages: Path) -> None:
    visit.open(pages / "many.html")
    columns = visit.page.locator("details.column")
    assert columns.count() == 300
    assert columns.filter(visible=True).count() == 20
    visit.page.get_by_text("280 more columns, which moved less").click()
    columns.last.locator("summary").click()
    expect(columns.last.get_by_role("table")).to_be_visible()
    visit.look()
    assert visit.wrong == []


@in_a_browser
def test_news_close_nothing_that_is_open(visit: Visit, pages: Path) -> None:
    server = MadeUpServer(pages, "well")
    page = open_live(visit, server)
    column = page.locator("details.column", has_text="heating")
    column.locator("summary").focus()
    page.keyboard.press("Enter")
    server.name = "three"
    page.clock.run_for(PAUSE)
    expect(page.locator(".said")).to_have_text("An alarm stands since 2026-11-16")
    assert page.title() == "Alarm: houses, watched"
    expect(column.get_by_role("table")).to_be_visible()
    expect(column.locator("summary")).to_be_focused()
    expect(page.locator("details.column", has_text="age").get_by_role("table")).to_be_hidden()
    page.keyboard.press("Enter")
    page.clock.run_for(PAUSE)
    expect(column.get_by_role("table")).to_be_hidden()
    assert visit.wrong == []


@in_a_browser
def test_a_server_that_is_away_is_told_and_what_it_said_last_stays(
    visit: Visit, pages: Path
) -> None:
    server = MadeUpServer(pages, "three")
    page = open_live(visit, server)
    server.is_away = True
    page.clock.run_for(PAUSE)
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be asked at present")
    expect(page.locator(".said")).to_have_text("An alarm stands since 2026-11-16")
    server.is_away = False
    page.clock.run_for(PAUSE)
    expect(page.locator("#trouble")).to_be_hidden()


@in_a_browser
def test_a_file_shows_all_without_a_script(browser: Browser, pages: Path) -> None:
    visit = Visit(browser, DESK, java_script_enabled=False)
    visit.open(pages / "everything.html")
    visit.page.locator("details.column summary").first.click()
    expect(visit.page.locator("details.column").first.get_by_role("table")).to_be_visible()
    visit.page.close()
