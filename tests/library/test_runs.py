"""The commands that list runs and show what differs between them, on records that were made up."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.records.compare import compare
from lockstep.records.run import list_runs
from lockstep.records.runs import format_runs, print_runs
from made_up_runs import History, make_predictions

ALPHA = {"train": {"candidates": {"linear": {"alpha": 1.0}}}}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are as wide as they need to be, whatever runs the tests."""
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """A project in a folder of its repository, as the working directory."""
    made = History(tmp_path, "models/fruit")
    monkeypatch.chdir(made.root)
    return made


def tell(capsys: pytest.CaptureFixture[str], *revisions: str) -> str:
    """What `compare` prints, in words with single blanks between them."""
    compare(revisions, html=False)
    return " ".join(capsys.readouterr().out.split())


def test_runs_are_listed_with_their_figures_and_what_changed_newest_first(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    first = history.commit("Begin", predictions=None)
    history.root.joinpath("notes.md").write_text("no run")
    history.commit("Take notes", day=2)
    second = history.commit("Regularise more", day=3, parameters=ALPHA)
    print_runs()
    header, newer, older = capsys.readouterr().out.splitlines()
    assert header.split() == [
        *("commit", "date", "champion", "log_loss,", "validated", "on", "the", "test"),
        *("message", "what", "changed"),
    ]
    assert newer.split() == [
        *(second[:8], "2026-03-03", "linear", "0.3100", "+-", "0.0200"),
        *("0.3500", "(0.2000", "to", "0.6000)", "Regularise", "more"),
        *("train.candidates.linear.alpha", "0.1", "->", "1.0"),
    ]
    assert older.startswith(first[:8])
    assert older.endswith("Begin            the first")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": {"data/raw/fruit.csv": "0"}}, "data"),
        ({"contract": {"references/schema.yaml": "0"}}, "contract"),
        ({"environment": {"numpy": "2.5.0"}}, "numpy 2.4.0 -> 2.5.0"),
        ({"environment": dict.fromkeys("abcd", "1")}, "4 versions"),
        ({"code": {"train": {"src/owner/models/common.py": "0"}}}, "code of common.py"),
        (
            {
                "code": {
                    stage: {"vendor/lockstep/src/lockstep/core": "0"}
                    for stage in ("ingest", "preprocess", "train", "evaluate")
                }
            },
            "code of the library",
        ),
        (
            {"parameters": {"train": {"candidates": {"svm": {"penalty": 1}}}}},
            "train.candidates.svm.penalty 1 new",
        ),
        (
            {"parameters": {"train": {"candidates": {"svm": {"penalty": 1, "gamma": 2}}}}},
            "train.candidates.svm new",
        ),
        ({"parameters": {"train": {"folds": [1, 2], "x": "y"}, "seed": 2}}, "seed 1 -> 2, "),
        ({"parameters": dict.fromkeys("abcd", 1)}, "4 parameters"),
        ({"metrics": {"accuracy": 0.7}}, "the results alone"),
    ],
)
def test_what_changed_is_told_in_a_few_words(history: History, changes: dict, words: str) -> None:
    history.commit("Before", predictions=None)
    history.commit("After", day=2, **changes)
    table = format_runs(list_runs(history.repository).runs, 10**6).splitlines()
    assert words in table[1].split("After", 1)[1].strip()


def test_a_narrow_screen_gets_no_line_that_is_wider(history: History) -> None:
    history.commit("A message that goes on for longer than any screen is wide " * 3, inputs={})
    history.commit("Change many things", day=2, parameters=ALPHA | {"seed": 10**30})
    runs = list_runs(history.repository).runs
    for width in (80, 100, 160):
        lines = format_runs(runs, width).splitlines()
        assert max(map(len, lines)) <= width
        assert sum(run.name in line for run in runs for line in lines) == 2
        assert sum("Change many things" in line for line in lines) == 1
        assert sum("seed 1 -> 1000" in line for line in lines) == 1
    assert format_runs(runs, 80).splitlines()[2].startswith(" " * 10 + "Change many things")


def test_metrics_are_named_where_runs_were_chosen_by_different_ones(history: History) -> None:
    history.commit("By loss", predictions=None)
    history.commit("By accuracy", day=2, metric={"name": "accuracy", "higher_is_better": True})
    newer, older = format_runs(list_runs(history.repository).runs, 10**6).splitlines()[1:]
    assert "accuracy 0.9000 +- 0.0200  0.8500 (0.7000 to 0.9300)" in newer
    assert "log_loss 0.3100" in older


def test_a_message_cannot_steer_the_terminal(history: History) -> None:
    history.commit("Red \x1b[31m alert", predictions=None)
    assert "\x1b" not in format_runs(list_runs(history.repository).runs, 10**6)


@pytest.mark.parametrize("is_empty", [True, False])
def test_without_a_run_the_commands_that_make_one_are_named(
    history: History, is_empty: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if not is_empty:
        history.commit("No run yet")
    print_runs()
    told = capsys.readouterr().out
    assert re.match(r"runs: no commit holds a run yet.*dvc repro.*git commit.*\n$", told)


def test_a_shallow_clone_says_that_older_runs_are_not_there(
    history: History, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    history.commit("Begin", predictions=None)
    history.commit("Go on", day=2, parameters=ALPHA)
    clone = tmp_path / "clone"
    history.git("clone", "--quiet", "--depth", "1", tmp_path.as_uri(), str(clone))
    monkeypatch.chdir(clone / "models/fruit")
    print_runs()
    printed = capsys.readouterr()
    assert "Go on" in printed.out and "Begin" not in printed.out
    assert printed.out.endswith("not known\n")
    assert "`git fetch --unshallow`" in printed.err


@pytest.mark.parametrize(("broken", "lines"), [(1, 1), (3, 3), (5, 4)])
def test_records_that_cannot_be_read_are_told_beside_the_runs(
    history: History, capsys: pytest.CaptureFixture[str], broken: int, lines: int
) -> None:
    history.paths.record.parent.mkdir(exist_ok=True)
    for number in range(broken):
        history.paths.record.write_text(f"[{number}]")
        last = history.commit("Edit by hand")
    history.commit("Go on", day=2, parameters=ALPHA)
    print_runs()
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert printed.out.endswith("not known\n")
    told = printed.err.splitlines()
    assert len(told) == lines
    assert told[0].startswith(f"runs: {last[:8]}:reports/record.json: not a record")
    assert broken == lines or told[-1] == "runs: 2 more records cannot be read"


def test_where_no_record_can_be_read_that_is_all_that_is_said(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.paths.record.parent.mkdir(exist_ok=True)
    history.paths.record.write_text("{}")
    history.commit("Edit by hand")
    print_runs()
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_record_that_was_brought_back_has_changed_nothing(history: History) -> None:
    history.commit("Begin", predictions=None)
    history.paths.record.unlink()
    history.commit("Take away", day=2)
    history.commit("Bring back", day=3, predictions=None)
    runs = list_runs(history.repository).runs
    _, newer, older = format_runs(runs, 10**6).splitlines()
    assert newer.endswith("Bring back  nothing")
    assert older.endswith("Begin       the first")


def test_a_single_revision_is_compared_with_the_workspace(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = history.commit("Begin", predictions=make_predictions(seed=1))
    history.run(parameters=ALPHA, predictions=make_predictions(seed=2))
    words = tell(capsys, "main")
    assert tell(capsys, "workspace") == words
    assert words.startswith(f"{sha[:8]} 2026-03-01 linear Begin workspace linear as the last run")
    assert f"{sha[:8]} workspace parameters train.candidates.linear.alpha 0.1 1.0 metrics" in words
    assert f"workspace against {sha[:8]} on the 40 test rows that both have, + is better" in words


def test_each_kind_of_difference_has_its_section_with_the_values_of_all(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("One", predictions=None)
    history.commit(
        "Two",
        day=2,
        inputs={"data/raw/more.csv": "12345678abc"},
        contract={"references/schema.yaml": "9"},
    )
    history.commit(
        "Three",
        day=3,
        inputs={"data/raw/more.csv": None},
        parameters=ALPHA,
        environment={"numpy": "2.5.0"},
        code={"train": {"src/owner/models/common.py": "87654321abc"}},
    )
    words = tell(capsys, "HEAD~2", "HEAD~1", "HEAD")
    for part in (
        "parameters train.candidates.linear.alpha 0.1 0.1 1.0 data data/raw/more.csv - 12345678 -",
        "contract references/schema.yaml bbbbbbbb 9 9 environment numpy 2.4.0 2.4.0 2.5.0",
        "code src/owner/models/common.py - - 87654321 metrics",
        "log_loss, validated 0.3100 +- 0.0200 0.3100 +- 0.0200 0.3100 +- 0.0200",
        "accuracy 0.8500 (0.7000 to 0.9300) 0.8500",
        "calibration_error 0.0500 0.0500 0.0500",
    ):
        assert part in words
    assert words.count("against") == 2
    assert "holds no reports/plots/predictions.csv" in words


def test_noise_is_called_noise_and_a_gain_a_gain(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin", predictions=make_predictions(400, skill=1, seed=1))
    noise = make_predictions(400, skill=1, seed=2)
    history.commit("Noise", day=2, predictions=noise, parameters={"seed": 2})
    skill = make_predictions(400, skill=3, seed=1)
    history.commit("Skill", day=3, predictions=skill, parameters={"seed": 1}, inputs={"a": "b"})
    loss = r"log_loss [-+][\d.]+ \([-+][\d.]+ to [-+][\d.]+\) "
    assert re.search(loss + "no more than chance", tell(capsys, "HEAD~2", "HEAD~1"))
    assert re.search(loss + "better", tell(capsys, "HEAD~2", "HEAD"))
    assert re.search(loss + "worse", tell(capsys, "HEAD", "HEAD~2"))


def test_how_sure_a_gain_is_follows_from_the_reference(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin", predictions=make_predictions(400, seed=1))
    predictions = make_predictions(400, seed=2)
    bold = {"evaluate": {"resamples": 200, "confidence": 0.5}}
    history.commit("Bold", day=2, predictions=predictions, parameters=bold)
    words = tell(capsys, "HEAD~1", "HEAD")
    assert "+ is better, with 95% intervals log_loss" in words
    compare(["HEAD~1", "HEAD"], html=True)
    page = history.paths.comparison.read_text(encoding="utf-8")
    assert "95% interval of the gain" in page
    assert "a confidence that is not the same for all: 95%, 50%." in page
    history.git("reset", "--quiet", "--hard", "HEAD~1")
    history.commit("Not bold", day=2, predictions=predictions)
    capsys.readouterr()
    assert words.split("intervals")[1] == tell(capsys, "HEAD~1", "HEAD").split("intervals")[1]


def test_too_few_rows_in_common_are_said(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin", predictions=make_predictions(seed=1).iloc[:1])
    history.commit("One row", day=2, predictions=make_predictions(seed=2), inputs={"a": "b"})
    words = tell(capsys, "HEAD~1", "HEAD")
    assert words.endswith("1 test rows that both have: too few to measure a difference")


def test_of_equal_predictions_that_is_said_instead_of_an_interval(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin", predictions=make_predictions())
    code = {"train": {"src/owner/models/common.py": "0"}}
    history.commit("Rename", day=2, code=code, predictions=make_predictions())
    assert "that both have: both predict the same of each row" in tell(capsys, "HEAD~1", "HEAD")


def test_the_same_run_twice_is_called_so(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin", predictions=make_predictions())
    assert tell(capsys, "HEAD", "main").endswith("nothing differs")
    assert tell(capsys, "HEAD", "workspace").endswith("nothing differs")


def test_other_test_rows_are_told(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.commit("Begin", predictions=make_predictions(40))
    changes = {"test": {"rows": 30, "sha256": "0"}, "metrics": {"test_rows": 30}}
    history.commit("Split anew", day=2, predictions=make_predictions(30, seed=2), **changes)
    words = tell(capsys, "HEAD~1", "HEAD")
    assert "the test rows are not the same (40, 30)" in words
    assert "on the 30 test rows that both have" in words
    assert "what went into them does not differ" in words


def test_runs_of_other_classes_are_compared_but_for_their_rows(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = history.commit("Begin", predictions=make_predictions())
    history.commit("Pears", day=2, classes=["apple", "melon", "pear"], predictions=None)
    assert f"{sha[:8]} predicts something else" in tell(capsys, "HEAD~1", "HEAD")


def test_an_edit_since_the_last_run_is_told(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin", predictions=None)
    write_params(Project(history.root), seed=2)
    compare(["HEAD"], html=False)
    told = capsys.readouterr().err
    assert "compare: workspace has changed since its run" in told
    assert "params.yaml has another `seed`" in told


@pytest.mark.parametrize("revisions", [["HEAD"], ["nowhere"], ["HEAD", "workspace"]])
def test_what_is_no_run_is_told_in_a_line(history: History, revisions: list[str]) -> None:
    history.commit("No run yet")
    with pytest.raises(UserError, match=r"no run at this commit|no such commit"):
        compare(revisions, html=False)


def test_listing_and_comparing_records_alone_import_nothing_heavy(history: History) -> None:
    history.commit("Begin", predictions=None)
    history.commit("Go on", day=2, parameters=ALPHA)
    code = (
        "import sys; from lockstep.records.runs import print_runs; print_runs();"
        "from lockstep.records.compare import compare; compare(['HEAD~1', 'HEAD'], html=False);"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "pyarrow", "pydantic"} & {*done.stdout.split()}


def test_the_page_says_the_same_in_one_file_and_runs_no_script_of_a_message(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.commit("Begin <script>alert(1)</script>", predictions=make_predictions(400, seed=1))
    skill = make_predictions(400, skill=3, seed=1)
    history.commit("Skill", day=2, predictions=skill, parameters=ALPHA)
    compare(["HEAD~1", "HEAD"], html=True)
    assert capsys.readouterr().out.endswith("as a page -> reports/comparison.html\n")
    page = history.paths.comparison.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert re.search(r"is better than [0-9a-f]{8}:</strong> by [\d.]+ in log_loss", page)
    for text in (
        "train.<wbr>candidates.<wbr>linear.<wbr>alpha",
        "<td>1.0</td>",
        "0.2000 to 0.6000",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        (make_predictions(40, seed=1), "workspace predicts the same as"),
        (make_predictions(40, seed=2), "and chance alone may explain that (95% interval"),
        (make_predictions(40, skill=-2, seed=1), "</strong> by "),
        (None, "holds no reports/plots/predictions.csv."),
    ],
)
def test_the_page_says_first_whether_a_run_is_better(
    history: History, predictions: pd.DataFrame | None, words: str
) -> None:
    history.commit("Begin", predictions=make_predictions(40, seed=1))
    history.run(predictions=predictions, parameters=ALPHA)
    compare(["HEAD"], html=True)
    verdict = history.paths.comparison.read_text(encoding="utf-8").split('<p class="short doubt">')
    assert words in verdict[1].split("</p>")[0]


def test_the_page_of_one_run_says_that_nothing_differs(history: History) -> None:
    history.commit("Begin", predictions=None)
    compare(["HEAD"], html=True)
    assert "All are the same run" in history.paths.comparison.read_text(encoding="utf-8")
