"""What is sent of the server's page; `tests/test_serving_page.py` opens it in a browser."""

import re
from collections.abc import Iterator

import httpx
import pytest
from lockstep.core.params import ServeParams
from lockstep.serving.page import FOLDER, render_card
from made_up_engine import MadeUpEngine, MadeUpStore, serve_made_up

FILES = sorted(FOLDER.iterdir())
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
CARD = """# Model card: <b>linear</b> for `fruit`

**It is better than the baseline.**

| metric | linear |
| --- | --- |
| log\\_loss | 0.5 |

## Figures

![A picture.](figures/importance.png)

## Limits

- <script>alert(1)</script> [a link](javascript:alert(1)) ![another](http://example.com/a.png)
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    engine = MadeUpEngine()
    engine.versions[0].card = CARD
    with serve_made_up(ServeParams(), engine, MadeUpStore()) as (address, _):
        yield address


def test_the_page_may_load_nothing_from_elsewhere(address: str) -> None:
    answer = httpx.get(f"{address}/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert {*re.findall(r"https?://[^\"'` )]+", text)} <= {"http://www.w3.org/2000/svg"}


def test_each_file_of_the_page_is_served_and_no_other(address: str) -> None:
    page = httpx.get(f"{address}/").text
    for file in FILES:
        route = "/" if file.name == "index.html" else f"/page/{file.name}"
        answer = httpx.get(f"{address}{route}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"] == f"{TYPES[file.suffix]}; charset=utf-8"
    for path in re.findall(r'(?:src|href)="(page/[^"]+)"', page):
        assert httpx.get(f"{address}/{path}").status_code == 200
    for path in ("page/", "page/..%2Fpage.py", "page/%2e%2e/page.py", "page/index.html"):
        assert httpx.get(f"{address}/{path}").status_code == 404


def test_a_card_is_a_part_of_the_page_without_its_pictures(address: str) -> None:
    answer = httpx.get(f"{address}/models/fruit/versions/v1.1.0/card")
    assert answer.text == render_card(CARD)
    assert answer.text.startswith(
        "<h3>Model card: &lt;b&gt;linear&lt;/b&gt; for <code>fruit</code>"
    )
    assert "<p><strong>It is better than the baseline.</strong></p>" in answer.text
    assert "<td>log_loss</td>" in answer.text
    assert "<h4>Limits</h4>" in answer.text
    assert "Figures" not in answer.text
    assert httpx.get(f"{address}/models/fruit/versions/9/card").status_code == 404


def test_nothing_in_a_card_is_run_or_loaded() -> None:
    card = render_card(CARD)
    assert "&lt;script&gt;" in card
    assert not re.search(r"<script|<img|href=\"javascript", card)
