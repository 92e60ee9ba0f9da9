"""The command `tune`: what it tells of a search, writes about it, and takes over from it."""

from dataclasses import replace
from html.parser import HTMLParser
from math import nan
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from conftest import CONTRACT, PARAMS, drawing
from lockstep.commands.cli import main
from lockstep.core.errors import UserError
from lockstep.core.params import Domain, Space
from lockstep.core.project import Project
from lockstep.core.table import as_csv
from lockstep.modeling.metrics import METRICS
from lockstep.searching import tune as module
from lockstep.searching.figures import View, slices
from lockstep.searching.gallery import draw_pictures
from lockstep.searching.importance import FEWEST_TRIALS, measure_importance
from lockstep.searching.search import Progress, Search
from lockstep.searching.trials import Trial, tabulate
from lockstep.searching.tune import tune

LOG_LOSS, ACCURACY = (
    next(metric for metric in METRICS["classification"] if metric.name == name)
    for name in ("log_loss", "accuracy")
)
SETTINGS = """\
seed: 1
kind: classification
reproducibility: strict
keras_backend: BACKEND
data: {raw: data/raw/fruit.csv, max_rejected: 0.01}
split: {test_fraction: 0.25}
train:
  metric: log_loss
  folds: 3
  # Simplest first.
  candidates:
    baseline: {}
    linear: {alpha: 1e-1}  # as in the paper
    knn:
    forest: # later

    mlp: {max_epochs: 3}
evaluate: {resamples: 20, confidence: 0.95}
search:
  trials: 4
  space:
    linear: {alpha: {low: 0.001, high: 100.0, log: true}}
    knn: {neighbours: {low: 1, high: 40}, weights: [uniform, distance]}
    mlp:
      hidden_units: {low: 8, high: 64, log: true, length: [1, 3]}
      dropout: {low: 0.0, high: 0.5}
""".replace("BACKEND", PARAMS["keras_backend"])
KNN, MLP = {"neighbours": 15, "weights": "uniform"}, {"hidden_units": [32], "dropout": 0.0}
TRIALS = (
    Trial(0, 0, "linear", {"alpha": 0.1}, "complete", 0.5, 0.02),
    Trial(1, 0, "knn", KNN, "complete", 0.4, 0.03),
    Trial(2, 0, "mlp", MLP, "complete", 0.45, 0.04, 3),
    Trial(3, 1, "linear", {"alpha": 0.032}, "complete", 0.41, 0.01),
    Trial(4, 1, "linear", {"alpha": 90.0}, "complete", 40.0, 9.0),
    Trial(5, 1, "knn", KNN | {"neighbours": 40}, "failed", nan, nan, None, "too few <rows>"),
    Trial(6, 1, "mlp", {"hidden_units": [64] * 3, "dropout": 0.25}, "complete", 0.3, 0.01, 3),
    Trial(7, 1, "mlp", {"hidden_units": [8], "dropout": 0.5}, "dropped", 0.6, 0.02, 1),
)
FOUND = Search(TRIALS, LOG_LOSS, 6, False, 90.0)
NOTHING = replace(FOUND, trials=TRIALS[:3])


class Engine:
    """What stands for the search: it has found this, and counts what it is told to forget."""

    def __init__(self) -> None:
        self.found = FOUND
        self.forgotten = 0
        self.asked: list[tuple] = []

    def search(
        self, project: Project, names: list[str], *, minutes: float | None, report
    ) -> Search:
        self.asked.append((project.params.train.candidates["linear"], names, minutes))
        report(Progress(1, 8, TRIALS[0], 5.0, 200.0))
        return self.found

    def forget(self, _: Project) -> None:
        self.forgotten += 1


@pytest.fixture
def engine(project: Project, monkeypatch: pytest.MonkeyPatch) -> Engine:
    project.params_file.write_text(SETTINGS)
    engine = Engine()
    monkeypatch.setattr(module, "search", engine.search)
    monkeypatch.setattr(module, "forget_search", engine.forget)
    monkeypatch.setattr(module, "draw_pictures", lambda *_: {})  # they take a second
    return engine


@pytest.fixture
def pictures(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """After the fixture `engine`: pictures are drawn."""
    monkeypatch.setattr(module, "draw_pictures", draw_pictures)


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("engine")
def test_it_tells_what_was_tried_what_got_better_and_what_comes_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tune([], None, dry_run=False)
    assert capsys.readouterr() == (
        "tune: 8 trials of 3 candidates in 6 batches\n"
        "tune: 1 network was dropped early; 1 trial failed, "
        "the first is trial 5 of knn: too few <rows>\n"
        "candidate  log_loss before   after             options\n"
        "linear     0.5000 +- 0.0200  0.4100 +- 0.0100  alpha: 0.1 -> 0.032\n"
        "knn        0.4000 +- 0.0300  no better\n"
        "mlp        0.4500 +- 0.0400  0.3000 +- 0.0100  hidden_units: [32] -> [64, 64, 64]\n"
        "                                               dropout: 0.0 -> 0.25\n"
        "tune: every trial -> reports/trials.csv\n"
        "tune: all of it as a page to read -> reports/search/index.html\n"
        "tune: the best options of linear, mlp -> params.yaml\n"
        "next: uv run dvc repro\n",
        "",
    )


def test_the_owners_file_has_the_best_options_and_is_otherwise_as_it_was(
    project: Project, engine: Engine
) -> None:
    tune(["linear", "mlp"], 5.0, dry_run=False)
    assert project.params_file.read_text() == SETTINGS.replace("1e-1", "0.032").replace(
        "{max_epochs: 3}", "{max_epochs: 3, hidden_units: [64, 64, 64], dropout: 0.25}"
    )
    assert engine.asked == [({"alpha": 0.1}, ["linear", "mlp"], 5.0)]
    assert engine.forgotten == 1


def test_a_candidate_with_nothing_behind_it_gets_its_options(
    project: Project, engine: Engine
) -> None:
    better = replace(TRIALS[1], number=8, options=KNN | {"weights": "distance"}, mean=0.1)
    engine.found = replace(FOUND, trials=(*TRIALS, better))
    tune([], None, dry_run=False)
    assert (
        "\n    knn: {weights: distance}\n    forest: # later\n" in project.params_file.read_text()
    )


def test_a_dry_run_shows_all_and_leaves_the_settings_and_the_journal(
    project: Project, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    tune([], None, dry_run=True)
    assert project.params_file.read_text() == SETTINGS
    assert engine.forgotten == 0
    assert (project.search / "index.html").exists()
    assert capsys.readouterr().out.endswith(
        "tune: params.yaml would get the options of linear, mlp, and stays as it is (--dry-run)\n"
        "next: the same without --dry-run, which repeats nothing that was tried\n"
    )


def test_where_nothing_is_better_that_is_said(
    project: Project, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.found = NOTHING
    tune([], None, dry_run=False)
    assert project.params_file.read_text() == SETTINGS
    said = "tune: nothing is better than the options in params.yaml, which stays as it is\n"
    assert capsys.readouterr().out.endswith(said)
    page = (project.search / "index.html").read_text(encoding="utf-8")
    assert "Nothing that was tried is better than what params.yaml has." in page


@pytest.mark.usefixtures("engine")
def test_every_trial_stands_in_the_table(project: Project) -> None:
    tune([], None, dry_run=False)
    assert project.trials.read_text() == as_csv(tabulate(TRIALS, LOG_LOSS))


@pytest.mark.parametrize("step", ["write_csv", "draw_pictures", "render_page", "edit_yaml"])
def test_what_is_interrupted_is_whole_and_can_be_done_again(
    project: Project, engine: Engine, step: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            tune([], None, dry_run=False)
    assert project.params_file.read_text() == SETTINGS
    assert engine.forgotten == 0
    assert project.search.exists() == (step == "edit_yaml")
    assert not [*project.reports.glob(".*")]
    tune([], None, dry_run=False)
    assert engine.asked[0] == engine.asked[1]
    assert "alpha: 0.032" in project.params_file.read_text()


def test_who_interrupts_the_search_is_told_that_it_can_go_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> Search:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "search", interrupt)
    assert main(["tune"]) == 130
    assert capsys.readouterr().err == (
        "\ntune: what was tried is kept; the same command goes on from it\n\ninterrupted\n"
    )
    assert engine.forgotten == 0


def test_settings_that_were_edited_meanwhile_are_left_alone(
    project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(*arguments: object, **options: object) -> Search:
        project.params_file.write_text(f"{SETTINGS}# mine\n")
        return engine.search(*arguments, **options)

    monkeypatch.setattr(module, "search", edit)
    with pytest.raises(UserError, match=r"^params\.yaml: edited while the search ran, and left as"):
        tune([], None, dry_run=False)
    assert project.params_file.read_text() == f"{SETTINGS}# mine\n"
    assert (project.search / "index.html").exists()


def test_a_search_that_was_cut_says_so_and_can_go_on(
    project: Project, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.found = replace(FOUND, is_cut=True)
    tune([], 1.0, dry_run=False)
    said = "tune: the time was up after 8 trials of 3 candidates in 6 batches\n"
    assert capsys.readouterr().out.startswith(said)
    assert engine.forgotten == 0
    assert "The time was up" in (project.search / "index.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("engine")
def test_candidates_that_were_not_reached_are_named(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.found = replace(FOUND, trials=TRIALS[:1], batches=1, is_cut=True)
    tune([], 1.0, dry_run=False)
    assert "tune: no time for knn, mlp\n" in capsys.readouterr().out


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
def test_minutes_that_cannot_be_are_told(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["tune", f"--minutes={minutes}"])
    assert end.value.code == 2
    assert f"--minutes: found '{minutes}'; a number above 0 was exp" in capsys.readouterr().err


@pytest.mark.usefixtures("pictures")
@pytest.mark.matrix
def test_the_same_search_gives_the_same_bytes_whatever_the_user_has_set(
    project: Project, engine: Engine
) -> None:
    with drawing():
        tune([], None, dry_run=True)
    once = read_all(project.search)
    engine.found = replace(FOUND, seconds=1.0)
    with drawing(), mpl.rc_context({"savefig.facecolor": "red", "font.size": 30}):
        tune([], None, dry_run=True)
    assert read_all(project.search) == once
    assert {*once} == {
        *("index.html", "history.png"),
        *("slices_linear.png", "slices_knn.png", "slices_mlp.png"),
    }


VOID = ("meta", "link", "img", "line", "circle", "br")


class Page(HTMLParser):
    """Fails where an element does not end as it should; keeps attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.usefixtures("pictures")
def test_the_page_is_one_file_and_takes_no_text_for_markup(project: Project) -> None:
    odd = 'Say "x" <script>alert(1)</script> {{ 1 }} &amp;'
    contract = project.contract_file.read_text().replace(CONTRACT["title"], odd.replace('"', '\\"'))
    project.contract_file.write_text(contract)
    tune([], None, dry_run=False)
    text = (project.search / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert all(address.startswith("data:") for address in page.addresses)
    assert "url(" not in text
    assert "<script" not in text
    said = " ".join(page.text.split())
    for sentence in (
        f"{odd}: the search",
        "2 of 3 candidates are better with other options, 2 of them by more than a standard error.",
        "The best is mlp (log_loss 0.3000 ± 0.0100); before it was knn (0.4000 ± 0.0300).",
        "8 trials of 3 candidates in 6 batches",
        "1 network was dropped early; 1 trial failed",
        "the first is trial 5 of knn: too few <rows>",
        "The test rows were not touched",
        "alpha: 0.1 → 0.032",
    ):
        assert sentence in said


def test_one_of_a_kind_is_told_as_one(project: Project, engine: Engine) -> None:
    engine.found = replace(FOUND, trials=TRIALS[:1], batches=1)
    tune([], None, dry_run=False)
    said = Page((project.search / "index.html").read_text(encoding="utf-8")).text
    assert "1 trial of 1 candidate in 1 batch, each" in " ".join(said.split())


def test_figures_of_which_more_is_better_are_shown_as_such(
    project: Project, engine: Engine
) -> None:
    project.params_file.write_text(SETTINGS.replace("log_loss", "accuracy"))
    engine.found = replace(FOUND, metric=ACCURACY)
    tune([], None, dry_run=False)
    said = Page((project.search / "index.html").read_text(encoding="utf-8")).text
    assert "The best is linear (accuracy 40.0000" in said
    assert "alpha: 90.0" in project.params_file.read_text()


def test_a_few_terrible_trials_do_not_flatten_the_others() -> None:
    figures = [0.30, 0.31, 0.33, 0.34, 0.36, 12.0, nan]
    trials = [replace(TRIALS[0], mean=figure) for figure in figures]
    view = View.of(trials, LOG_LOSS)
    assert 0.2 < view.low < 0.3 < 0.36 < view.high < 0.5
    assert [view.clip(figure) for figure in (0.31, 12.0, nan)] == [0.31, view.high, view.high]
    view = View.of([replace(trial, mean=-trial.mean) for trial in trials], ACCURACY)
    assert (view.worst, view.clip(-12.0)) == (view.low, view.low)
    assert view.high < 0


SPACE: Space = {
    "alpha": Domain(low=0.001, high=10.0, log=True),
    "shift": Domain(low=0.0, high=1.0),
}


@pytest.mark.parametrize(("alpha", "names"), [(99.0, []), (1.0, ["before the search", "best"])])
def test_a_legend_has_what_is_drawn(alpha: float, names: list[str]) -> None:
    trial = replace(TRIALS[0], options={"alpha": alpha})
    (legend,) = slices([trial], {"alpha": SPACE["alpha"]}, LOG_LOSS).legends
    assert [text.get_text() for text in legend.get_texts()] == names


def make_trials(count: int) -> list[Trial]:
    """Trials of which only `alpha` matters; the worst half is dropped."""
    rng = np.random.default_rng(1)
    alphas, shifts = 10 ** rng.uniform(-3, 1, count), rng.uniform(0, 1, count)
    return [
        Trial(
            number,
            1,
            "linear",
            {"alpha": float(alpha), "shift": float(shift)},
            "dropped" if alpha > 0.1 else "complete",
            float(alpha),
            0.1,
            1 if alpha > 0.1 else 9,
        )
        for number, (alpha, shift) in enumerate(zip(alphas, shifts, strict=True))
    ]


def test_the_option_that_decides_has_the_larger_share() -> None:
    shares = measure_importance(make_trials(40), SPACE, LOG_LOSS)
    assert [*shares] == ["alpha", "shift"]
    assert shares["alpha"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_of_few_trials_or_a_single_option_no_share_is_told() -> None:
    trials = make_trials(FEWEST_TRIALS)
    assert measure_importance(trials[1:], SPACE, LOG_LOSS) is None
    assert measure_importance(trials, {"alpha": SPACE["alpha"]}, LOG_LOSS) is None
    assert measure_importance(trials, SPACE, LOG_LOSS) is not None


def test_a_project_is_searched_from_the_command_line(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.params_file.write_text(SETTINGS)
    for stage in ("ingest", "preprocess"):
        assert main([stage]) == 0
    assert main(["tune", "linear"]) == 0
    assert "tune: 4 trials of 1 candidate in 2 batches\n" in capsys.readouterr().out
    assert len(project.trials.read_text().splitlines()) == 5
