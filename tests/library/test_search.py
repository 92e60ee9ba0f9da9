"""The search for better options: the same trials each time, whatever comes between."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, make_fruit, make_params, make_project, run_stage, write_params
from lockstep.core import workers
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.core.table import as_csv, write_parquet
from lockstep.modeling.candidates import candidate
from lockstep.modeling.metrics import Metric, primary_metric
from lockstep.modeling.problem import Problem
from lockstep.searching import search as module
from lockstep.searching.batch import try_batch
from lockstep.searching.contender import Proposal
from lockstep.searching.evaluation import Request
from lockstep.searching.journal import Figures, Journal
from lockstep.searching.search import Progress, Search, forget_search, lock_search, search
from lockstep.searching.trials import Trial, find_best, tabulate
from owner import models  # noqa: F401 - it registers the candidates
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier

JOURNAL = Path(".dvc", "tmp", "tune", "journal.jsonl")
OWN = Path(sys.modules["owner"].__path__[0])
TRIALS = 12
TRAIN = PARAMS["train"] | {
    "metric": "log_loss",
    "candidates": {
        "baseline": {},
        "linear": {},
        "knn": {"weights": "distance"},
        "mlp": {"hidden_units": [4], "max_epochs": 10},
    },
}
SEARCH = {
    "trials": TRIALS,
    "space": {
        "linear": {"alpha": {"low": 0.001, "high": 100.0, "log": True}},
        "knn": {"neighbours": {"low": 1, "high": 60}},
        "mlp": {"learning_rate": {"low": 0.001, "high": 1.0, "log": True}},
    },
}


def make_searched(root: Path, **settings: Any) -> Project:
    """A project that has train rows, a space to search, and no test rows."""
    root.mkdir(exist_ok=True)
    project = make_project(root)
    write_params(project, train=TRAIN, search=SEARCH | settings)
    write_parquet(make_fruit(), project.train)
    return project


def run(
    project: Project,
    *names: str,
    minutes: float | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Search:
    return search(Project(project.root), names, minutes=minutes, report=report)


def as_text(found: Search, count: int | None = None) -> str:
    """What trials.csv says of the first trials."""
    return as_csv(tabulate(found.trials[:count], found.metric))


def select(found: Search, name: str) -> list[Trial]:
    return [trial for trial in found.trials if trial.candidate == name]


class Whole(NamedTuple):
    """An uninterrupted search, and the project that has its journal."""

    root: Path
    found: Search
    progress: list[Progress]

    def copy(self, folder: Path) -> Project:
        shutil.copytree(self.root, folder, dirs_exist_ok=True)
        return Project(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    project = make_searched(tmp_path_factory.mktemp("whole"))
    progress: list[Progress] = []
    return Whole(project.root, run(project, report=progress.append), progress)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The candidates that are fitted, not known from the journal, and all their options."""
    added: list[tuple[str, dict[str, Any]]] = []
    usual = Journal.add

    def add(journal: Journal, *arguments: Any) -> None:
        added.append(arguments[:2])
        usual(journal, *arguments)

    monkeypatch.setattr(Journal, "add", add)
    return added


@pytest.mark.matrix
def test_each_candidate_begins_with_its_options_and_has_its_trials(whole: Whole) -> None:
    found = whole.found
    assert [trial.number for trial in found.trials] == [*range(3 * TRIALS)]
    assert (found.batches, found.is_cut, found.metric.name) == (3 * 3, False, "log_loss")
    for name, options in {
        "linear": {"alpha": 1.0},
        "knn": {"neighbours": 15},
        "mlp": {"learning_rate": 0.01},
    }.items():
        trials = select(found, name)
        assert [trial.batch for trial in trials] == [0, *[1] * 8, *[2] * 3]
        assert trials[0].options == options
        assert len({str(trial.options) for trial in trials}) == TRIALS


@pytest.mark.matrix
def test_options_that_a_candidate_cannot_learn_with_fail_and_the_search_goes_on(
    whole: Whole,
) -> None:
    trials = select(whole.found, "knn")
    for trial in trials:
        has_failed = trial.options["neighbours"] > 40  # rows that a fold learns from
        assert trial.state == ("failed" if has_failed else "complete")
        assert trial.reason.startswith("it cannot learn from these rows: Expect") == has_failed
        assert np.isnan(trial.mean) == has_failed
    assert {trial.state for trial in trials} == {"failed", "complete"}


def test_networks_are_dropped_in_rounds_from_which_the_best_third_goes_on(whole: Whole) -> None:
    networks = select(whole.found, "mlp")
    for batch, epochs in ((0, [10]), (1, [2] * 5 + [4] * 2 + [10]), (2, [2] * 2 + [10])):
        trials = [trial for trial in networks if trial.batch == batch]
        assert sorted(trial.epochs for trial in trials) == epochs
        assert all((trial.state == "complete") == (trial.epochs == 10) for trial in trials)
    others = [trial for trial in whole.found.trials if trial.candidate != "mlp"]
    assert {(trial.epochs, trial.state == "dropped") for trial in others} == {(None, False)}


class Figurer:
    """What stands for trying networks: a figure by the number of the trial and its epochs."""

    def __init__(self, metric: Metric, figures: dict[tuple[int, int], float]) -> None:
        self.metric, self.figures = metric, figures

    def prepare(self, label: str, candidate: str, options: dict, share: int) -> Request:
        return Request(label, candidate, options, None, epochs=9 // share)

    def evaluate(self, requests: list[Request]) -> Iterator[Figures]:
        for request in requests:
            number = int(request.label.rpartition(" ")[2])
            mean = self.figures[number, request.epochs]
            yield Figures(mean, 0.1, "" if mean == mean else "no number")


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_of_a_round_go_on_and_a_tie_goes_to_the_earlier(sign: int) -> None:
    metric = replace(primary_metric(make_params()), higher_is_better=sign == 1)
    first = dict(enumerate([0.1, 0.9, 0.3, np.nan, 0.9, 0.2, 0.9, 0.9]))
    figures = {(number, 1): sign * figure for number, figure in first.items()}
    figures |= {(1, 3): sign * 0.4, (4, 3): np.nan, (6, 3): sign * 0.5, (6, 9): sign * 0.45}
    proposals = [Proposal(number, 1, "mlp", {}, {}) for number in first]
    trials = [trial for trial in try_batch(Figurer(metric, figures), proposals) if trial]
    assert {trial.number: (trial.state, trial.epochs) for trial in trials} == {
        **dict.fromkeys([0, 2, 5, 7], ("dropped", 1)),
        **{3: ("failed", 1), 4: ("failed", 3), 1: ("dropped", 3), 6: ("complete", 9)},
    }
    assert len(trials) == 8


def test_the_search_finds_better_options(whole: Whole) -> None:
    for name in ("linear", "mlp"):
        trials = select(whole.found, name)
        assert find_best(trials, whole.found.metric).mean < trials[0].mean / 2


def test_the_best_line_is_that_of_the_leaderboard_with_its_options(
    whole: Whole, project: Project
) -> None:
    candidates, best = {**TRAIN["candidates"]}, {}
    for name in SEARCH["space"]:
        best[name] = find_best(select(whole.found, name), whole.found.metric)
        candidates[name] = candidates[name] | best[name].options
    write_params(project, train=TRAIN | {"candidates": candidates})
    write_parquet(make_fruit(), project.train)
    run_stage("train")
    leaderboard = pd.read_csv(project.leaderboard).set_index("candidate")
    table = tabulate(whole.found.trials, whole.found.metric).set_index("trial")
    for name, trial in best.items():
        for key in ("log_loss_mean", "standard_error"):
            assert leaderboard.loc[name, key] == table.loc[trial.number, key]


def test_progress_counts_the_trials_and_tells_the_best_and_the_time_left(whole: Whole) -> None:
    counts = [progress.trials for progress in whole.progress]
    assert counts == sorted(counts)
    assert {*counts} == {*range(1, 3 * TRIALS + 1)}
    assert {progress.of for progress in whole.progress} == {3 * TRIALS}
    assert whole.progress[-1].best == find_best(whole.found.trials, whole.found.metric)
    assert whole.progress[0].seconds_left is None
    assert whole.progress[-1].seconds_left == 0


def test_what_the_journal_knows_is_not_tried_again_until_it_is_forgotten(
    whole: Whole, tmp_path: Path, fits: list[tuple[str, dict[str, Any]]]
) -> None:
    project = whole.copy(tmp_path)
    assert as_text(run(project)) == as_text(whole.found)
    assert fits == []
    assert run(project, "linear").trials == tuple(select(run(project, "linear"), "linear"))
    forget_search(project)
    run(project, "linear")
    assert [name for name, _ in fits] == ["linear"] * TRIALS


@pytest.mark.parametrize(
    "change",
    ["rows", *(pytest.param(what, marks=pytest.mark.matrix) for what in ("setting", "code"))],
)
def test_what_was_found_for_another_state_of_the_project_is_not_taken(
    whole: Whole,
    tmp_path: Path,
    fits: list[tuple[str, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    project = whole.copy(tmp_path)
    if change == "rows":
        write_parquet(make_fruit().head(59), project.train)
    elif change == "setting":
        write_params(project, seed=2)
    else:
        own = shutil.copytree(OWN, tmp_path / "own")
        (own / "metrics.py").write_text("# another text\n")
        monkeypatch.setattr(sys.modules["owner.train"], "__file__", str(own / "train.py"))
    run(project, "linear")
    assert [name for name, _ in fits] == ["linear"] * TRIALS
    assert capsys.readouterr().err == (
        "tune: data, settings, code or versions have changed since .dvc/tmp/tune/journal.jsonl was "
        "written; the search begins anew\n"
    )


@pytest.mark.parametrize("mistake", [{"metric": "rmse"}, {"decision": "log_loss"}, {"folds": 61}])
def test_a_mistake_in_the_settings_costs_nothing_that_was_found(
    whole: Whole, tmp_path: Path, mistake: dict[str, Any]
) -> None:
    project = whole.copy(tmp_path)
    write_params(project, train=TRAIN | mistake)
    with pytest.raises(UserError):
        run(project, "linear")
    assert (project.root / JOURNAL).read_bytes() == (whole.root / JOURNAL).read_bytes()


def test_other_candidates_and_another_space_are_no_other_state(
    whole: Whole, tmp_path: Path, fits: list[tuple[str, dict[str, Any]]]
) -> None:
    project = whole.copy(tmp_path)
    candidates = {**TRAIN["candidates"], "tree": {}}
    space = {**SEARCH["space"], "tree": {"max_depth": [1, 2]}}
    write_params(project, train=TRAIN | {"candidates": candidates}, search={"space": space})
    run(project, "tree")
    write_params(project, search=SEARCH | {"space": space})
    run(project, "linear", "tree")
    assert {name for name, _ in fits} == {"tree"}


class Clock:
    """A second passes with each look at it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


def test_the_time_cuts_at_a_batch_and_the_trials_before_are_those_of_the_whole_search(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, counts = whole.copy(tmp_path), []
    for seconds in (1, 2, 5, 15, 30, 45, 60):
        monkeypatch.setattr(module, "monotonic", Clock())
        progress: list[Progress] = []
        found = run(project, minutes=seconds / 60, report=progress.append)
        assert as_text(found) == as_text(whole.found, len(found.trials))
        batches = Counter((trial.candidate, trial.batch) for trial in found.trials)
        assert all(batches[key] == (1, 8, 3)[key[1]] for key in batches)
        assert (found.batches, found.is_cut) == (len(batches), len(found.trials) < 3 * TRIALS)
        assert progress[0].seconds_left == seconds - 1
        counts.append(len(found.trials))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (1, 3 * TRIALS)
    assert len({*counts}) > 4


def test_a_batch_that_ends_as_the_time_is_up_is_whole(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = whole.copy(tmp_path)
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)

    def report(progress: Progress) -> None:
        if progress.trials == 3:  # each candidate's first batch is a single trial
            clock.seconds = 100.0

    found = run(project, minutes=1, report=report)
    assert (found.batches, len(found.trials), found.is_cut) == (3, 3, True)


def test_a_search_that_was_cut_goes_on_where_it_was(
    whole: Whole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fits: list[tuple[str, dict[str, Any]]],
) -> None:
    project = make_searched(tmp_path)
    monkeypatch.setattr(module, "monotonic", Clock())
    assert run(project, minutes=20 / 60).is_cut
    monkeypatch.setattr(module, "monotonic", Clock())
    assert as_text(run(project)) == as_text(whole.found)
    assert len(fits) == len((whole.root / JOURNAL).read_text().splitlines()) - 1


SCRIPT = """
import sys
from pathlib import Path

import conftest
from lockstep.core.project import Project
from lockstep.searching.search import search

print("begins", flush=True)
project = Project(Path(sys.argv[1]))
search(project, (), minutes=None, report=lambda one: print(one.trials, flush=True))
"""


@pytest.mark.matrix
def test_a_search_that_was_killed_goes_on_to_the_same_trials(whole: Whole, tmp_path: Path) -> None:
    project = make_searched(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(project.root)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    with process:
        for line in process.stdout:
            if line == "17\n":
                process.kill()
    lines = (project.root / JOURNAL).read_bytes()
    assert (whole.root / JOURNAL).read_bytes().startswith(lines)
    assert 17 < len(lines.splitlines()) < 3 * TRIALS
    assert as_text(run(project)) == as_text(whole.found)
    assert (project.root / JOURNAL).read_bytes() == (whole.root / JOURNAL).read_bytes()


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(
    ("names", "counts"),
    [
        (("linear", "knn"), "12"),
        pytest.param(("linear", "knn"), "124", marks=pytest.mark.matrix),
        pytest.param(("mlp",), "124", marks=pytest.mark.matrix),
    ],
)
def test_the_trials_are_the_same_bytes_for_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], counts: str
) -> None:
    monkeypatch.setattr(workers, "WORTHWHILE", 0)
    outputs = set()
    for count in counts:
        monkeypatch.setenv(workers.VARIABLE, count)
        project = make_searched(tmp_path / count, trials=5)
        found = run(project, *names)
        assert (workers._pool is None) == (count == "1")
        workers.end_workers()
        outputs.add((as_text(found), (project.root / JOURNAL).read_bytes()))
    assert len(outputs) == 1


def test_a_grid_is_gone_through_and_the_present_options_are_not_tried_twice(
    tmp_path: Path,
) -> None:
    space = {
        "linear": {"alpha": {"low": 0.001, "high": 1.0, "log": True}},
        "knn": {"neighbours": [1, 2], "weights": ["uniform", "distance"]},
    }
    project = make_searched(tmp_path, method="grid", space=space)
    found = run(project)
    assert sorted(trial.options["alpha"] for trial in select(found, "linear")) == [
        *(0.001, 0.01, 0.1, 1.0)
    ]
    assert sorted(str(trial.options) for trial in select(found, "knn")) == [
        str({"neighbours": neighbours, "weights": weights})
        for neighbours in (1, 15, 2)
        for weights in ("distance", "uniform")
        if neighbours < 15 or weights == "distance"
    ]
    write_params(project, search=SEARCH | {"method": "grid", "space": space, "trials": 3})
    assert Counter(trial.candidate for trial in run(project).trials) == {"linear": 3, "knn": 3}


def test_a_candidate_ends_when_there_is_nothing_new_to_try(tmp_path: Path) -> None:
    project = make_searched(tmp_path, space={"knn": {"neighbours": [1, 2, 15]}})
    found = run(project)
    assert sorted(trial.options["neighbours"] for trial in found.trials) == [1, 2, 15]
    assert not found.is_cut
    assert found.batches == 2


def test_options_outside_the_space_stay_and_new_ones_are_added(
    tmp_path: Path, fits: list[tuple[str, dict[str, Any]]]
) -> None:
    trials = run(make_searched(tmp_path, trials=3), "knn").trials
    assert [options for _, options in fits] == [
        {"weights": "distance"},
        *({"weights": "distance", **trial.options} for trial in trials[1:]),
    ]
    assert all([*trial.options] == ["neighbours"] for trial in trials)


@pytest.mark.usefixtures("own_candidates")
def test_a_candidate_of_the_owners_is_searched_too(tmp_path: Path) -> None:
    @candidate
    def constant(_: Problem, *, share: float, extra: str = "") -> BaseEstimator:
        if share > 0.8:
            raise UserError(f"{extra} shares above 0.8 are\nnone")
        return DummyClassifier(strategy="prior")

    train = TRAIN | {"candidates": {"baseline": {}, "constant": {"share": 0.5, "extra": "odd"}}}
    project = make_searched(tmp_path, space={"constant": {"share": {"low": 0.0, "high": 0.7}}})
    write_params(project, train=train)
    found = run(project)
    assert {trial.state for trial in found.trials} == {"complete"}
    write_params(project, search={"space": {"constant": {"share": {"low": 0.0, "high": 0.9}}}})
    with pytest.raises(UserError) as error:
        run(project)
    assert str(error.value) == (
        "params.yaml: search.space.constant.share.high: odd shares above 0.8 are"
    )


@pytest.mark.usefixtures("own_candidates")
@pytest.mark.matrix
def test_a_network_within_another_estimator_is_halved_by_its_option(tmp_path: Path) -> None:
    @candidate
    def wrapped(_: Problem, *, max_epochs: int = 9, share: float = 0.5) -> BaseEstimator:
        return DummyClassifier(strategy="prior", constant=[max_epochs, share])

    project = make_searched(tmp_path, space={"wrapped": {"share": {"low": 0.0, "high": 1.0}}})
    write_params(project, train=TRAIN | {"candidates": {"baseline": {}, "wrapped": {}}})
    trials = run(project).trials
    assert sorted(trial.epochs for trial in trials) == [1] * 7 + [3] * 2 + [9] * 3


@pytest.mark.usefixtures("own_candidates")
def test_options_that_are_refused_only_together_fail(tmp_path: Path) -> None:
    @candidate
    def picky(_: Problem, *, a: int = 0, b: int = 0) -> BaseEstimator:
        if a == b == 1:
            raise UserError("params.yaml: train.candidates.picky: not both\nof them")
        return DummyClassifier(strategy="prior")

    train = TRAIN | {"candidates": {"baseline": {}, "picky": {}}}
    project = make_searched(tmp_path, space={"picky": {"a": [0, 1], "b": [0, 1]}}, method="grid")
    write_params(project, train=train)
    reasons = {str(trial.options): trial.reason for trial in run(project).trials}
    assert reasons.pop("{'a': 1, 'b': 1}") == "not both; of them"
    assert {*reasons.values()} == {""}


def test_without_optuna_it_is_told_how_to_install_it_and_a_grid_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_searched(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError) as error:
        run(project)
    assert str(error.value) == (
        "tune: it needs optuna, which is not installed; `uv add --dev optuna` installs it"
    )
    write_params(project, search=SEARCH | {"method": "grid", "trials": 2})
    assert len(run(project, "linear").trials) == 2


def test_without_train_rows_it_is_told_what_makes_them(tmp_path: Path) -> None:
    project = make_searched(tmp_path)
    project.train.unlink()
    with pytest.raises(UserError, match=r"^data/processed/train\.parquet: not there yet; `dvc re"):
        run(project)


def test_a_mistake_in_the_space_is_told_before_anything_runs(
    tmp_path: Path, fits: list[tuple[str, dict[str, Any]]]
) -> None:
    space = {**SEARCH["space"], "mlp": {"dropout": {"low": 0.0, "high": 1.5}}}
    project = make_searched(tmp_path, space=space)
    with pytest.raises(UserError, match=r"search\.space\.mlp\.dropout\.high: found 1\.5, which"):
        run(project)
    assert fits == []


LOCKED = """
import sys
from pathlib import Path

from lockstep.core.paths import Paths
from lockstep.searching.search import lock_search

with lock_search(Paths(Path(sys.argv[1]))):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.matrix
def test_two_do_not_search_at_the_same_time(tmp_path: Path) -> None:
    project = Project(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match=r"^another `tune` is at work in this project; wait"):
            lock_search(project).__enter__()
        process.kill()
    with lock_search(project):
        pass


def test_the_table_has_a_column_for_each_option_and_reads_back_equal() -> None:
    metric = PARAMS["train"]["metric"]
    trials = [
        Trial(0, 0, "linear", {"alpha": 0.1}, "complete", 0.1 + 0.2, 1e-9),
        Trial(1, 0, "mlp", {"units": [4, 4], "epochs": None}, "dropped", 0.5, 0.1, 3),
        Trial(2, 1, "linear", {"alpha": 1e-05}, "failed", np.nan, np.nan, None, "why, so"),
    ]
    text = as_csv(tabulate(trials, primary_metric(make_params())))
    assert text == (
        f"trial,batch,candidate,state,{metric}_mean,standard_error,epochs,alpha,units,"
        "option epochs,reason\n"
        "0,0,linear,complete,0.30000000000000004,1e-09,,0.1,,,\n"
        '1,0,mlp,dropped,0.5,0.1,3,,"[4, 4]",null,\n'
        '2,1,linear,failed,,,,1e-05,,,"why, so"\n'
    )
    header = tabulate([], primary_metric(make_params()))
    assert [*header] == [
        *("trial", "batch", "candidate", "state", f"{metric}_mean", "standard_error", "epochs"),
        "reason",
    ]


def test_an_option_of_any_type_stands_in_the_table() -> None:
    trial = Trial(0, 0, "own", {"since": date(2020, 1, 2)}, "complete", 0.1, 0.1)
    table = tabulate([trial], primary_metric(make_params()))
    assert table["since"].tolist() == ['"2020-01-02"']


def test_the_best_trial_is_a_complete_one_and_a_tie_goes_to_the_earlier() -> None:
    def make(number: int, mean: float, state: str = "complete") -> Trial:
        return Trial(number, 0, "linear", {}, state, mean, 0.1)

    trials = [make(0, 0.3), make(1, 0.2 * 1.5), make(2, 0.9, "dropped"), make(3, np.nan, "failed")]
    metric = primary_metric(make_params())
    assert find_best(trials, metric).number == 0
    assert find_best([*trials, make(4, 0.4)], metric).number == 4
    assert find_best(trials[2:], metric) is None
