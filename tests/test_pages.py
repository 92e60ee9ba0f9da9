"""The notebooks, the documentation and the report, as a person runs, opens and reads them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from browsing import DESK, PHONE, Visit, in_a_browser
from conftest import OFFLINE, Project, bake
from playwright.sync_api import Browser
from ruamel.yaml import YAML
from test_pipeline import edit
from test_use import customers, quicken, write
from test_use_kinds import images_with_a_table, several_labels, stars

NOTEBOOKS = [
    *("1.0-yn-data-exploration", "2.0-yn-model-review", "3.0-yn-new-rows"),
    "4.0-yn-run-comparison",
]
MADE_BY_SPHINX = {"genindex.html", "py-modindex.html", "search.html"}
slow = pytest.mark.matrix


@dataclass
class Published:
    """A project whose notebooks and documentation were made, and what the commands printed."""

    project: Project
    dataset: str
    printed: dict[str, str]

    @property
    def html(self) -> Path:
        return self.project / "docs/_build/html"

    def page(self, name: str) -> str:
        return (self.html / name).read_text(encoding="utf-8")

    def notebook(self, name: str) -> str:
        return (self.project / f"reports/notebooks/{name}.ipynb").read_text(encoding="utf-8")


def with_results(reproduced: Project, folder: Path, dataset: str) -> Project:
    """A project of that data set whose pipeline has run."""
    if dataset == "iris":
        project = reproduced.copy(folder / "my-project")
        project.run("uv", "sync", **OFFLINE)
        return project
    make_own = OWN.get(dataset)
    project = reproduced.equip(bake(folder, dataset="none" if make_own else dataset))
    project.run("uv", "sync")
    if make_own:
        project.run("uv", "run", "my-project", "use", *make_own(folder))
        quicken(project)
    project.run("uv", "run", "dvc", "repro", **OFFLINE)
    project.commit()
    return project


def leaving_customers(folder: Path) -> list[str]:
    return [str(write(customers(400), folder / "customers.csv")), "--target", "churned"]


OWN = {
    "customers": leaving_customers,
    "labels": several_labels,
    "stars": stars,
    "melons": images_with_a_table,
}
FURTHER = (
    *("diabetes", "digits", "flights", "vowels", "phrases", "weather", "visits", "storms"),
    *("paintings", "wines", *OWN),
)


@pytest.fixture(
    scope="module",
    params=["iris", *(pytest.param(name, marks=slow) for name in FURTHER)],
)
def published(
    request: pytest.FixtureRequest, reproduced: Project, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    folder = tmp_path_factory.mktemp(f"published-{request.param}")
    project = with_results(reproduced, folder, request.param)
    # A fresh machine has these in no cache yet; what follows must do without the network.
    project.run("uv", "sync", "--group", "notebooks", "--group", "docs")
    printed = {name: project.run("make", name, **OFFLINE) for name in ("notebooks", "docs")}
    return Published(project, request.param, printed)


def test_make_notebooks_runs_each_and_keeps_what_it_shows(published: Published) -> None:
    for name in NOTEBOOKS:
        assert (
            f"> python -m lockstep.docs.notebooks notebooks/{name}.ipynb"
            in (published.printed["notebooks"])
        )
        cells = json.loads(published.notebook(name))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert {output["output_type"] for output in outputs} <= {
            *("stream", "execute_result", "display_data")
        }
        has_pictures = any("image/png" in output.get("data", {}) for output in outputs)
        # How a prediction depends on a number is drawn where there is one.
        has_texts_alone = published.dataset in ("phrases", "paintings")
        assert has_pictures == (not has_texts_alone or name != NOTEBOOKS[2])
        told = [output for output in outputs if output.get("name") == "stderr"]
        assert not told, "a notebook warns"
        for cell in cells:
            shown = [output.get("data", {}) for output in cell.get("outputs", [])]
            if any("image/png" in data for data in shown):
                assert cell["metadata"]["mystnb"]["image"]["alt"]


SAID = {
    "iris": [
        (0, r"Iris flowers of three species: \d+ rows for training, 4 features"),
        (1, r"predicted wrong: \d+ of \d+ rows"),
        (2, "predicts species from sepal_length, sepal_width"),
        (3, "1 run, 1 of them committed"),
    ],
    "diabetes": [(1, "the champion is .+, by rmse"), (2, "a number|a whole number")],
    "digits": [
        (1, r"predicted wrong: \d+ of \d+ rows"),
        (2, "an image that is not of 8x8 pixels"),
    ],
    "phrases": [
        (0, r"\d+ rows for training, 1 feature"),
        (0, "the commonest words of phrase"),
        (1, "the words that matter most"),
        (2, "predicts language from phrase"),
    ],
    "weather": [(0, "there is none: nothing tells what is looked for"), (1, "oddness")],
    "visits": [(1, "by poisson_deviance")],
    "paintings": [(0, "labels with"), (1, "labels predicted wrong"), (2, "probability_ocean")],
    "storms": [(1, "by rank_probability_score"), (2, "predicts strength from date")],
    "wines": [(1, "below are those that are of theirs least clearly"), (2, "clarity")],
    "flights": [(0, r"\d+ rows for training"), (1, "by mase")],
    "vowels": [(0, r"sequences for training, \d+ numbers"), (1, r"predicted wrong: \d+ of \d+")],
    "labels": [
        (0, r"labels with \| between them, of long, old"),
        (1, r"labels predicted wrong: \d+, in \d+ rows"),
        (2, "probability_old"),
    ],
    "stars": [(0, "one of 1, 2, 3, 4, 5"), (1, "by rank_probability_score")],
    "melons": [(0, r"\d+ rows for training, 2 features"), (2, "not of 16x16 pixels")],
    "customers": [(0, r"\d+ rows for training, 4 features"), (2, "a whole number from 0 to 160")],
}


def test_a_notebook_speaks_of_the_kind_of_problem_there_is(published: Published) -> None:
    for number, said in SAID[published.dataset]:
        assert re.search(said, published.notebook(NOTEBOOKS[number])), said


@pytest.mark.matrix
def test_notebooks_run_again_only_when_something_changed_and_give_the_same_bytes(
    published: Published,
) -> None:
    project = published.project
    before = {name: published.notebook(name) for name in NOTEBOOKS}
    again = project.run("make", "notebooks")
    assert again.count("Stage 'notebooks/dvc.yaml:") == len(NOTEBOOKS)
    assert "Running stage" not in again
    # Of the package, the record of a run would be another, which a notebook shows.
    room = project / "vendor/lockstep/src/lockstep/docs"
    edit(room / "notebooks.py", "Run a notebook from its top", "Run a notebook from top")
    again = project.run("make", "notebooks")
    assert again.count("Running stage 'notebooks/dvc.yaml:") == len(NOTEBOOKS)
    assert {name: published.notebook(name) for name in NOTEBOOKS} == before
    project.run("git", "checkout", "--quiet", "vendor")
    assert "Running stage" not in project.run("uv", "run", "dvc", "repro")


def test_a_failing_cell_fails_make_notebooks_with_its_line_and_error(published: Published) -> None:
    project = published.project
    path = project / f"notebooks/{NOTEBOOKS[0]}.ipynb"
    edit(path, "project = Project.find()", "project = Project.fined()")
    failed = project.try_run("make", "notebooks")
    project.run("git", "checkout", "--quiet", "notebooks")
    assert failed.returncode != 0
    assert (
        f"error: notebooks/{NOTEBOOKS[0]}.ipynb, cell 2, line 16, `project = Project.fined()`: "
        "AttributeError: type object 'Project' has no attribute 'fined'\n"
    ) in failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr


def read_primary(project: Project) -> str:
    """The metric that picks the champion."""
    params = YAML(typ="safe").load(project / "params.yaml")
    return str(params["train"]["metric"])


def test_make_docs_tells_what_the_project_is_and_found(published: Published) -> None:
    assert "build succeeded" in published.printed["docs"]
    metrics = json.loads((published.project / "reports/metrics.json").read_text(encoding="utf-8"))
    primary = read_primary(published.project)
    results = published.page("results.html")
    assert f"{metrics[primary]:.4f}" in results
    commit = published.project.run("git", "rev-parse", "--short", "HEAD").strip()
    assert commit in results
    for figure in (published.project / "reports/figures").iterdir():
        assert f"{figure.name}" in results
    history = published.page("history.html")
    assert f'class="code">{commit}' in history
    assert f"{metrics[primary]:.4f} ({metrics['intervals'][primary][0]:.4f} to " in history
    assert "reads what" in published.page("pipeline.html")
    assert "split.test_fraction" in published.page("parameters.html")
    assert "What this project pins" in published.page("decisions/index.html")
    assert "Nothing has been computed yet" not in results
    assert "What any model must beat" in published.page("api/my_project.models.common.html")


def test_the_drawing_of_the_pipeline_is_that_of_dvc(published: Published) -> None:
    dot = published.project.run("uv", "run", "dvc", "dag", "--dot")
    pairs = re.findall(r'^"(\w+)" -> "(\w+)";$', dot, flags=re.MULTILINE)
    (told,) = re.findall('role="img" aria-label="([^"]+)"', published.page("pipeline.html"))
    assert sorted(told.split("; ")) == sorted(
        f"{reader} reads what {writer} writes" for writer, reader in pairs
    )
    assert len(pairs) > 3


@in_a_browser
def test_every_page_of_the_docs_is_reached_and_opens_from_disk_on_a_phone(
    published: Published, browser: Browser
) -> None:
    visit = Visit(browser, PHONE)
    waiting, seen = [published.html / "index.html"], set()
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".html" or "_downloads" in path.parts:
            continue
        seen.add(path)
        visit.open(path)
        visit.look()
        waiting += visit.links()
    pages = {
        path
        for path in published.html.rglob("*.html")
        if path.name not in MADE_BY_SPHINX and "_downloads" not in path.parts
    }
    assert pages - seen == set()
    assert visit.wrong == []
    assert all(url.startswith(("file:", "data:")) for url in visit.asked)


@in_a_browser
@pytest.mark.parametrize(
    ("width", "scheme"), [(PHONE, "dark"), pytest.param(DESK, "light", marks=slow)]
)
def test_the_docs_hinder_nobody(
    published: Published, browser: Browser, width: int, scheme: str
) -> None:
    visit = Visit(browser, width, scheme)
    paths = [
        path for path in published.html.rglob("*.html") if not {"_downloads", "api"} & {*path.parts}
    ]
    paths.append(published.html / "api/my_project.train.html")
    for path in paths:
        visit.open(path)
        visit.inspect()
    assert len(paths) > 12
    assert visit.wrong == []


@in_a_browser
def test_search_finds_a_function(published: Published, browser: Browser) -> None:
    visit = Visit(browser, DESK)
    visit.open(published.html / "index.html")
    visit.page.fill("input[name=q]", "perceptron")
    visit.page.press("input[name=q]", "Enter")
    first = visit.page.locator("#search-results li a").first
    assert first.get_attribute("href").endswith(
        "my_project.models.common.html#my_project.models.common.perceptron"
    )
    assert visit.wrong == []


def visit_alone(page: Path, browser: Browser, width: int, scheme: str) -> Visit:
    """A page that asks for no other file, and in which nothing is wrong."""
    visit = Visit(browser, width, scheme)
    visit.open(page)
    visit.look()
    visit.inspect()
    assert [url for url in visit.asked if not url.startswith("data:")] == [page.as_uri()]
    assert visit.wrong == []
    return visit


@in_a_browser
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_the_report_opens_from_disk_alone_and_hinders_nobody(
    published: Published, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    alone = Path(shutil.copy(published.project / "reports/index.html", tmp_path))
    visit = visit_alone(alone, browser, width, scheme)
    assert visit.page.locator("img").count() >= 5


@pytest.fixture(scope="module")
def comparison(published: Published) -> Path:
    """A page that compares the committed run with one that was made up."""
    project = published.project
    path, table = project / "reports/record.json", project / "reports/plots/predictions.csv"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["parameters"] |= {"seed": 1, "a": {"very_long_name": {"of_a_parameter": [1, 2] * 20}}}
    record["metrics"][read_primary(project)] = 0.01
    path.write_text(json.dumps(record), encoding="utf-8")
    table.write_text(table.read_text(encoding="utf-8").replace("0.9", "0.99"), encoding="utf-8")
    told = project.run("uv", "run", "my-project", "compare", "HEAD", "--html", **OFFLINE)
    project.run("git", "checkout", "--quiet", "reports")
    assert told.endswith("compare: the same as a page -> reports/comparison.html\n")
    return project / "reports/comparison.html"


@in_a_browser
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_a_comparison_opens_from_disk_alone_and_hinders_nobody(
    comparison: Path, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    alone = Path(shutil.copy(comparison, tmp_path))
    visit = visit_alone(alone, browser, width, scheme)
    metrics = json.loads((comparison.parent / "metrics.json").read_text(encoding="utf-8"))
    # One of each figure with an interval, and one of what the runs differ by.
    intervals = [ends for ends in metrics["intervals"].values() if ends is not None]
    assert visit.page.locator("svg.chart").count() > len(intervals) > 0


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drawing_of_the_history_is_in_the_colours_of_the_page(
    published: Published, browser: Browser, scheme: str
) -> None:
    visit = Visit(browser, PHONE, scheme)
    visit.open(published.html / "history.html")
    colours = visit.page.evaluate(
        "['article p', '.history text', '.history circle.tested'].map(name =>"
        " getComputedStyle(document.querySelector(name))).map((style, place) =>"
        " place ? style.fill : style.color)"
    )
    assert colours[0] == colours[1]
    assert colours[2] == {"light": "rgb(31, 95, 153)", "dark": "rgb(125, 184, 238)"}[scheme]
    drawing = visit.page.locator("svg.history").bounding_box()
    assert drawing["width"] <= PHONE


@in_a_browser
def test_the_report_is_dark_on_a_dark_screen_and_light_on_paper(
    published: Published, browser: Browser
) -> None:
    visit = Visit(browser, DESK, "dark")
    visit.open(published.project / "reports/index.html")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert visit.page.evaluate(background) == "rgb(20, 23, 27)"
    visit.page.emulate_media(media="print")
    assert visit.page.evaluate(background) == "rgb(255, 255, 255)"
