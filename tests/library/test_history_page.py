"""The documentation's page of the history: what it draws of runs, and of versions in stages."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import make_project
from lockstep.core.paths import Paths
from lockstep.docs.history import history_page
from made_up_runs import History

ALPHA = {"train": {"candidates": {"linear": {"alpha": 1.0}}}}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def tag(history: History, name: str, commit: str, day: int, text: str = "{}") -> None:
    """A tag at noon, so after that day's commit."""
    date = f"2026-03-{day:02}T13:00:00+00:00"
    message = ("--message", "Somebody did it", "--message", text)
    history.git("tag", "--annotate", *message, name, commit, GIT_COMMITTER_DATE=date)


def draw(history: History) -> ElementTree.Element:
    """The drawing, which is well-formed."""
    (text,) = re.findall(r"<svg.*</svg>", history_page(history.paths), flags=re.DOTALL)
    return ElementTree.fromstring(text)


def find_texts(drawing: ElementTree.Element) -> list[tuple[str, float]]:
    """Each text and how far down it stands."""
    return [(one.text or "", float(one.get("y", 0))) for one in drawing.iter("text")]


def find_marks(drawing: ElementTree.Element) -> list[float]:
    return sorted({float(one.get("cx", 0)) for one in drawing.iter("circle") if is_mark(one)})


def is_mark(circle: ElementTree.Element) -> bool:
    return circle.get("class") == "mark"


def test_each_run_has_a_row_the_newest_on_top_and_a_line_in_the_table(history: History) -> None:
    shas = [
        history.commit("One", predictions=None),
        history.commit("Two", day=2, parameters=ALPHA),
        history.commit("Three", day=3, inputs={"data/raw/fruit.csv": "0"}),
    ]
    rows = [text for text, _ in find_texts(draw(history)) if re.fullmatch("[0-9a-f]{8}", text)]
    assert rows == [sha[:8] for sha in reversed(shas)]
    page = history_page(history.paths)
    assert (
        f"| `{shas[1][:8]}` | 2026-03-02 | Two | linear | 0.3100 ± 0.0200 "
        "| 0.3500 (0.2000 to 0.6000) | train.candidates.linear.alpha 0.1 -\\> 1.0 |"
    ) in page
    assert "the first |" in page and "## Stages" not in page


@pytest.mark.parametrize(
    ("changes", "letter"),
    [
        ({"parameters": ALPHA}, "P"),
        ({"inputs": {"data/raw/fruit.csv": "0"}}, "D"),
        ({"contract": {"references/schema.yaml": "0"}}, "D"),
        ({"code": {"train": {"src/owner/models/common.py": "0"}}}, "C"),
        ({"environment": {"numpy": "2.5.0"}}, "E"),
    ],
)
def test_a_mark_stands_below_the_letter_of_what_has_changed(
    history: History, changes: dict, letter: str
) -> None:
    history.commit("One", predictions=None)
    history.commit("Two", day=2, **changes)
    drawing = draw(history)
    letters = {one.text: float(one.get("x", 0)) for one in drawing.iter("text")}
    assert find_marks(drawing) == [letters[letter]]


def test_a_worse_figure_stands_on_its_side_of_the_axis(history: History) -> None:
    history.commit("One", predictions=None)
    worse = {"log_loss": 0.55, "intervals": {"log_loss": [0.4, 0.8]}}
    history.commit("Two", day=2, metrics=worse, parameters=ALPHA)
    points = [one for one in draw(history).iter("circle") if one.get("class") == "tested"]
    second, first = (float(one.get("cx", 0)) for one in points)
    assert second > first


def test_a_run_that_failed_badly_is_an_arrow_and_leaves_room_to_the_others(
    history: History,
) -> None:
    for day in range(1, 9):
        figures = {"log_loss": 0.3 + 0.01 * day, "intervals": {"log_loss": [0.25, 0.45]}}
        history.commit(f"Good {day}", day=day, metrics=figures)
    failed = {"log_loss": 30.0, "intervals": {"log_loss": [20.0, 40.0]}}
    history.commit("Bad", day=9, metrics=failed)
    drawing = draw(history)
    bad, *good = (
        float(one.get("cx", 0)) for one in drawing.iter("circle") if one.get("class") == "tested"
    )
    assert max(good) - min(good) > 15
    assert bad > max(good)
    arrows = [one.get("d", "") for one in drawing.iter("path") if one.get("class") == "tested"]
    assert sum(arrow.count("L") == 2 for arrow in arrows) == 2


def test_another_metric_gets_another_axis_and_is_told(history: History) -> None:
    history.commit("One", predictions=None)
    history.commit("Two", day=2, parameters=ALPHA)
    history.commit("Three", day=3, metric={"name": "accuracy", "higher_is_better": True})
    drawing = draw(history)
    hints = [text for text, _ in find_texts(drawing) if "better" in text]
    assert hints == ["higher is better →", "← lower is better"]
    ways = [one.get("d", "") for one in drawing.iter("path") if one.get("class") == "trend tested"]
    assert [way.count("L") for way in ways] == [0, 1]
    assert "The metric was another one at times." in history_page(history.paths)


def test_what_is_not_defined_has_no_point_and_interrupts_the_line(history: History) -> None:
    history.commit("One", predictions=None)
    history.commit("Two", day=2, parameters=ALPHA)
    undefined = {"log_loss": None, "intervals": {"log_loss": None}}
    record = history.record
    history.commit("Three", day=3, metrics=undefined, inputs={"a": "b"})
    history.record = record
    history.commit("Four", day=4, inputs={"c": "d"})
    drawing = draw(history)
    points = [one for one in drawing.iter("circle") if one.get("class") == "tested"]
    assert len(points) == 3
    (way,) = [
        one.get("d", "") for one in drawing.iter("path") if one.get("class") == "trend tested"
    ]
    assert (way.count("M"), way.count("L")) == (2, 1)
    assert "| undefined |" in history_page(history.paths)


def test_versions_stand_in_their_stages_from_when_to_when(history: History) -> None:
    first = history.commit("One", predictions=None)
    tag(history, "champion@v1.0.0", first, 1)
    tag(history, "champion#production#1", first, 2, '{"action": "promote"}')
    second = history.commit("Two", day=4, parameters=ALPHA)
    tag(history, "champion@v1.1.0", second, 4)
    tag(history, "champion#production#2", second, 6, '{"action": "promote"}')
    third = history.commit("Three", day=8, inputs={"a": "b"})
    tag(history, "champion#production#3", first, 9, '{"action": "rollback"}')
    drawing = draw(history)
    places = dict(find_texts(drawing))
    down = [third[:8], "v1.1.0 in production (promote)", second[:8], first[:8]]
    assert [*map(places.get, down)] == sorted(map(places.get, down))
    assert places["v1.0.0 in production (rollback)"] < places[third[:8]]
    bars = [
        (group.findtext("title", ""), float(bar.get("y", 0)), float(bar.get("height", 0)))
        for group in drawing.iter("g")
        for bar in group.iter("rect")
        if bar.get("class") == "lane"
    ]
    assert [about[:20] for about, *_ in bars] == [
        f"{version} in production"[:20] for version in ("v1.0.0", "v1.1.0", "v1.0.0")
    ]
    for (_, upper, height), (_, lower, _) in pairwise(bars):
        assert upper + height < lower < upper + height + 5
    page = history_page(history.paths)
    assert f"| `{second[:8]}` v1.1.0 |" in page
    lines = [line.split(" | ") for line in page.splitlines() if " | production | " in line]
    assert [(line[2], line[3]) for line in lines] == [
        ("v1.0.0", "rollback"),
        ("v1.1.0", "promote"),
        ("v1.0.0", "promote"),
    ]


def test_a_stage_that_is_left_has_no_bar_from_then_on(history: History) -> None:
    sha = history.commit("One", predictions=None)
    tag(history, "champion@v1.0.0", sha, 1)
    tag(history, "champion#staging#1", sha, 2)
    tag(history, "champion#staging!#2", sha, 3)
    drawing = draw(history)
    assert sum(one.get("class") == "lane" for one in drawing.iter("rect")) == 1
    assert "nothing in staging (unassign)" in dict(find_texts(drawing))


def test_a_message_is_text_in_the_drawing_and_in_the_table(history: History) -> None:
    odd = 'Say <b>"x"</b> & `a` | [b](c) {role}`d` ```'
    history.commit(odd, predictions=None)
    assert odd in draw(history).findtext("g/title", "")
    assert '| Say \\<b\\>"x"\\</b\\> \\& \\`a\\` \\| \\[b\\](c) \\{role\\}' in history_page(
        history.paths
    )


def test_without_runs_or_git_there_is_a_sentence(
    history: History, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No commit holds a run yet. After `uv run dvc repro`" in history_page(history.paths)
    history.commit("No run yet")
    assert "No commit holds a run yet." in history_page(history.paths)
    alone = make_project(tmp_path_factory.mktemp("alone"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(alone.root.parent))
    assert "There is no history to tell: git" in history_page(Paths(alone.root))


def test_runs_that_cannot_be_read_are_left_out_with_a_note(history: History) -> None:
    history.paths.record.parent.mkdir(exist_ok=True)
    history.paths.record.write_text("{}")
    history.commit("Edit by hand")
    page = history_page(history.paths)
    assert "since 1 of their records cannot be read." in page
    assert "No commit holds a run yet" not in page
    sha = history.commit("Go on", day=2, predictions=None)
    page = history_page(history.paths)
    assert "since 1 of their records cannot be read." in page
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{sha[:8]}`")]
    assert row.endswith("| not known |")


def test_a_folder_that_tags_cannot_name_has_a_history_without_stages(tmp_path: Path) -> None:
    history = History(tmp_path, "my fruit~")
    sha = history.commit("One", predictions=None)
    page = history_page(history.paths)
    assert "Versions and stages are not known: " in page
    assert f"| `{sha[:8]}` | 2026-03-01 | One |" in page
