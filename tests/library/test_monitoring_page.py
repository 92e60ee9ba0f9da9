"""What the monitoring page tells; `tests/test_monitoring_page.py` opens it in a browser."""

import re
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lockstep.monitoring import charts
from lockstep.monitoring.page import MOST_COLUMNS, render_page
from lockstep.monitoring.windows import LATEST_WINDOWS
from lockstep.monitoring.wording import format_effect, format_seconds, format_share, name_places
from lockstep.serving.errors import Busy
from lockstep.serving.monitoring_process import Shown
from lockstep.serving.monitoring_route import make_monitoring_routes
from lockstep.serving.page import HEADERS
from made_up_engine import MadeUpMonitoring
from made_up_monitoring import CONTENTS, SCRIPT, made_up, make_too_few

AXIS = charts.Axis(0, 1)


class Texts(HTMLParser):
    """All texts of a page, and the names of its elements and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("live", [False, True])
def test_the_same_content_gives_the_same_page(live: bool) -> None:
    everything = CONTENTS["everything"]
    assert render_page(everything(), live=live) == render_page(everything(), live=live)


@pytest.mark.parametrize("live", [False, True])
def test_what_rows_have_is_text_and_no_markup(live: bool) -> None:
    page = Texts(render_page(CONTENTS["everything"](), live=live))
    assert sum(SCRIPT in text for text in page.texts) >= 3, "a column, a category and a line"
    assert ("script" in page.tags) == live, "its own, which a folder does not need"
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]


def test_of_a_live_page_styles_and_script_are_files_of_the_server() -> None:
    page = render_page(made_up(), live=True)
    assert "<style" not in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == [
        *("page/page.css", "page/monitoring.css", "page/monitoring.js", "data:,"),
        *("./", "monitoring.json", "metrics"),
    ]
    assert re.findall(r'(?:src|href)="([^"]+)"', render_page(made_up(), live=False)) == ["data:,"]


def test_who_comes_before_anything_is_known_is_told_to_wait_and_asks_again() -> None:
    class Starting(MadeUpMonitoring):
        async def tell(self, seconds: float = 10.0) -> Shown:
            assert seconds <= 1, "nobody looks at an empty page for longer"
            raise Busy("the requests are being read <now>", 5)

    app = FastAPI()
    app.include_router(make_monitoring_routes(Starting()))
    answer = TestClient(app).get("/monitoring")
    assert answer.status_code == 503
    assert "The requests are being read &lt;now&gt;. " in answer.text
    assert '<meta http-equiv="refresh" content="2">' in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_it_says_first_whether_all_is_well() -> None:
    said = {
        name: re.search('<p class="said">(.+?)</p>', render_page(make(), live=True))[1]
        for name, make in CONTENTS.items()
        if name != "many"
    }
    assert re.sub("<.+?>", "", said["three"]) == "An alarm stands since 2026-11-16"
    assert said["well"] == "All is well"
    assert said["nothing"] == said["before"] == "Nobody can say yet"


def test_dates_of_a_line_are_marked_and_the_rest_is_text() -> None:
    content = made_up(1, lines=["age: higher, <b> since 2026-11-16"], notes=["from 2026-11-17 on"])
    page = render_page(content, live=True)
    assert "<li>age: higher, &lt;b&gt; since <time>2026-11-16</time></li>" in page
    assert "from <time>2026-11-17</time> on" in page


def test_beside_a_doubt_it_does_not_say_that_all_is_well() -> None:
    content = CONTENTS["well"]() | {"has_doubt": True}
    assert "No alarm stands, but there is a doubt</p>" in render_page(content, live=True)
    assert "Something moved, once so far</p>" in render_page(
        content | {"has_news": True}, live=True
    )


def test_no_column_that_moved_is_folded_away() -> None:
    content = made_up(60)
    page = render_page(content, live=True)
    assert f"{60 - MOST_COLUMNS} more columns" in page
    column = content["versions"][0]["columns"][40]
    column["state"] = "moved"
    assert "19 more columns" in render_page(content, live=True)


def test_of_many_windows_the_last_ones_are_drawn() -> None:
    content = made_up(windows=LATEST_WINDOWS + 8)
    page = render_page(content, live=True)
    assert "8 earlier ones are not drawn" in page
    names = [window["name"] for window in content["versions"][0]["windows"]]
    assert names[8] in page
    assert names[0] not in page
    assert f'viewBox="0 0 {LATEST_WINDOWS} 100"' in page


def test_a_column_that_cannot_be_judged_tells_why_and_shows_what_came() -> None:
    content = made_up(1, windows=2)
    column = content["versions"][0]["columns"][0]
    why = "age: 40 rows are too few to judge"
    column["windows"] = [make_too_few(part) | {"lines": [why]} for part in column["windows"]]
    column |= {"state": "too few", "movement": 0.0}
    page = render_page(content, live=True)
    assert f"<li>{why}</li>" in page
    assert "judged last" not in page
    assert len(re.findall(r"<td>\d+\.\d%</td>", page)) == 2 * 17


def test_of_files_no_latency_is_told() -> None:
    content = made_up(1, source="files")
    for window in content["versions"][0]["windows"]:
        window |= {"median_seconds": None, "p99_seconds": None}
    page = render_page(content, live=False)
    assert "rows refused" in page
    assert "latency" not in page


def test_a_metric_may_have_no_interval_or_not_be_defined() -> None:
    content = made_up(1, windows=3)
    quality = content["versions"][0]["quality"]
    metric = quality["metrics"]["rmse"]
    metric["windows"][1]["estimate"] |= {"figure": 77.5, "low": None, "high": None}
    quality["labels"] = [{"rows": 400, "lag_days": None}] * 3
    page = render_page(content, live=True)
    assert "Outcomes of 1,200 rows are known" in page
    metric["expected"] = None
    metric["windows"] = [{"estimate": None, "realised": None}] * 3
    assert render_page(content, live=True).count("not known") == 3


def test_figures_of_metrics_say_of_which_window_they_are() -> None:
    content = made_up(1, windows=3)
    windows = content["versions"][0]["quality"]["metrics"]["rmse"]["windows"]
    windows[1:] = [{"estimate": windows[2]["estimate"], "realised": None}] * 2
    row = re.search('<th scope="row">rmse.+?</tr>', render_page(content, live=True))[0]
    names = [window["name"] for window in content["versions"][0]["windows"]]
    assert re.findall(r"<small>(20.+?)</small></td>", row) == [names[2], names[0]]


def test_what_a_shadow_has_passed_is_not_called_the_whole_gate() -> None:
    page = render_page(CONTENTS["everything"](), live=True)
    assert "It passes the part of the gate that looks at rows with outcomes." in page


def test_too_few_rows_stretch_no_axis() -> None:
    content = made_up(1, windows=3)
    version = content["versions"][0]
    version["windows"][1]["state"] = "too few"
    before = render_page(content, live=True)
    version["quality"]["metrics"]["rmse"]["windows"][1]["estimate"]["high"] = 1e6
    axis = re.compile('<div class="axis.+?</div>')
    assert axis.findall(render_page(content, live=True)) == axis.findall(before) != []


def test_what_was_expected_is_three_lines_through_all_windows() -> None:
    page = render_page(made_up(1, windows=3), live=True)
    lines = re.findall('<path class="expected (.+?)" d="M0 (.+?)H3"/>', page)
    assert [name for name, _ in sorted(lines, key=lambda line: -float(line[1]))] == [
        "low",
        "figure",
        "high",
    ]


def test_shares_are_told_of_intervals_and_categories() -> None:
    shares = {"shares": [0.25] * 4}
    number = {"type": "number", "reference": {"edges": [1.0, 1.0, 2.5], **shares}}
    assert name_places(number) == ["below 1", "1", "1 to 2.5", "above 2.5"]
    level = {"type": "level", "reference": {"categories": ["a", "b", "c"], **shares}}
    assert name_places(level) == ["a", "b", "c", "any other"]
    close = {"type": "number", "reference": {"edges": [1000.001, 1000.002, 123456.0], **shares}}
    assert name_places(close)[1] == "1000.001 to 1000.002"
    nothing = {"type": "number", "reference": {"edges": [], "shares": [0.0]}}
    assert name_places(nothing) == ["any"]


def test_what_is_nearly_none_or_all_is_not_called_so() -> None:
    shares = [0, 0.0004, 0.5, 0.9996, 1]
    assert [*map(format_share, shares)] == ["0.0%", "<0.1%", "50.0%", ">99.9%", "100.0%"]
    assert [*map(format_effect, [0, 6e-14, 0.0113, 1.2345])] == ["0", "<0.0001", "0.0113", "1.23"]
    assert [*map(format_seconds, [0.0042, 0.042, 4.2])] == ["4.2 ms", "42 ms", "4.2 s"]


def test_bars_are_as_high_as_their_numbers() -> None:
    bars = charts.draw_bars(AXIS, [0.5, None, 1, 2, 0], ["fine", "fine", "alarm", "alarm", "fine"])
    assert bars == {
        "fine": "M0.1 100V50h0.8V100zM4.1 100V97h0.8V100z",
        "alarm": "M2.1 100V0h0.8V100zM3.1 100V0h0.8V100z",
    }
    assert charts.draw_bars(AXIS, [0], ["gap"]) == {"gap": "M0.5 0V100"}


def test_lines_are_interrupted_where_nothing_is_known() -> None:
    assert charts.draw_line(AXIS, [1, 0.5, None, 0]) == "M0.5 0L1.5 50M3.5 100"
    assert charts.draw_points(AXIS, [1, None, 0]) == "M0.5 0h0M2.5 100h0"
    assert charts.draw_area(AXIS, [1, None, 0.5]) == "M0 100V0h1V100h1V50h1V100z"
    assert charts.draw_band(AXIS, [0, None], [0.5, None]) == "M0 50h1V100h-1z"
    assert charts.draw_whiskers(AXIS, [0, None], [0.5, None]) == "M0.5 100V50"


def test_an_axis_holds_all_its_numbers() -> None:
    for numbers in ([], [None], [0.0], [3.0, None, 3.0], [-1.0, 5.0]):
        known = [number for number in numbers if number is not None]
        axis = charts.Axis.around(numbers)
        assert all(0 < axis.place(number) < charts.HEIGHT for number in known)
        assert charts.Axis.from_zero(numbers).high > 0
