"""Names, cells and texts with script or markup in them stay text wherever they are shown."""

import json
from html import escape
from html.parser import HTMLParser

import pytest
from conftest import CONTRACT, PARAMS, drawing, make_fruit, run_stages, write_params
from lockstep.core.project import Project
from lockstep.docs.dictionary import dictionary_page
from lockstep.reporting.markdown import code
from markdown_it import MarkdownIt

HARM = r"""$\frac{$"><script>alert(1)</script>{{7*7}}`|"""
TEXT = HARM + """<img src=x onerror="alert(1)"></style></title>[a](javascript:alert(1))"""
TEXT += "{raw}`html <script>alert(2)</script>` ```{eval-rst} ![b](data:c)"
FILE = "data/raw/<img src=x onerror=alert(1)>{{1}}`|`.csv"


class Harmless(HTMLParser):
    """Fails at what runs or refers to something."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "object", "embed", "base", "form")
        for name, value in attrs:
            assert not name.startswith("on")
            assert not (value or "").strip().lower().startswith("javascript:")
            assert tag != "img" or name != "src" or value.startswith("data:image/png;base64,")


def harm_fruit(project: Project) -> None:
    """Give each name and text of the made-up project the harm."""
    columns = json.loads(json.dumps(CONTRACT["columns"]))
    for column in columns.values():
        column["meaning"] = TEXT
        column["categories"] = [f"{HARM}{each}" for each in column.get("categories", [])] or None
    columns["weight"]["unit"] = HARM
    texts = {key: f"{TEXT}{key}" for key in ("title", "source", "licence")}
    contract = CONTRACT | texts | {"not_for": [TEXT], "target": f"{HARM}fruit"}
    contract["columns"] = {f"{HARM}{name}": column for name, column in columns.items()}
    contract["subgroups"] = [f"{HARM}colour"]
    project.contract_file.write_text(json.dumps(contract))
    (project.root / PARAMS["data"]["raw"]).unlink()
    rows = make_fruit(120)
    for name in ("colour", "fruit"):
        rows[name] = HARM + rows[name]
    rows.add_prefix(HARM).to_csv(project.root / FILE, index=False)
    candidates = {"candidates": {"baseline": {}, "linear": {}, "tree": {}}}
    data = {"raw": FILE, "max_rejected": 0.1}
    write_params(project, data=data, train=PARAMS["train"] | candidates)


@pytest.mark.skipif("sys.platform == 'win32'", reason="no file of Windows has such a name")
def test_script_in_a_projects_texts_is_text_in_the_report_and_the_pages(project: Project) -> None:
    harm_fruit(project)
    with drawing():
        run_stages()
    page = project.report.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    Harmless(convert_charrefs=True).feed(page)
    # As Sphinx' reader begins: it passes HTML on. The card's own pictures become links.
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table").disable("image")
    for text in (dictionary_page(project), project.model_card.read_text(encoding="utf-8")):
        page = markdown.render(text)
        assert escape(TEXT) in page
        Harmless(convert_charrefs=True).feed(page)


@pytest.mark.parametrize(
    ("text", "written"),
    [("a", "`a`"), ("a`b", "`` a`b ``"), ("a``b", "``` a``b ```"), ("```", "```` ``` ````")],
)
def test_backquotes_in_a_text_do_not_end_its_code(text: str, written: str) -> None:
    assert code(text) == written
