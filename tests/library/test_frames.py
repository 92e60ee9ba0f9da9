"""Runs as data frames, as a notebook has them, on records that were made up."""

from pathlib import Path

import pytest
from lockstep import tabulate_changes, tabulate_gains, tabulate_runs
from made_up_runs import History, make_predictions

ALPHA = {"train": {"candidates": {"linear": {"alpha": 1.0}}}}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def test_runs_are_rows_the_workspace_first_unless_it_was_committed(history: History) -> None:
    first = history.commit("Begin", predictions=None)
    second = history.commit("Regularise", day=2, parameters=ALPHA)
    runs = tabulate_runs(history.paths)
    assert runs.index.tolist() == [second[:8], first[:8]]
    assert runs["changed"].tolist() == ["train.candidates.linear.alpha 0.1 -> 1.0", ""]
    newest = runs.iloc[0]
    assert newest[["date", "message", "champion", "metric"]].tolist() == [
        *("2026-03-02", "Regularise", "linear", "log_loss")
    ]
    figures = ["validated", "standard_error", "tested", "low", "high"]
    assert newest[figures].tolist() == [0.31, 0.02, 0.35, 0.2, 0.6]
    history.run(environment={"numpy": "3.0"})
    runs = tabulate_runs(history.paths)
    assert runs.index.tolist() == ["workspace", second[:8], first[:8]]
    assert runs.loc["workspace", ["message", "changed"]].tolist() == ["", "numpy 2.4.0 -> 3.0"]


def test_without_any_run_there_is_no_row_and_without_a_commit_the_workspace(
    history: History,
) -> None:
    runs = tabulate_runs(history.paths)
    assert runs.empty and "tested" in runs
    history.run(metrics={"log_loss": None, "intervals": {"log_loss": None}})
    runs = tabulate_runs(history.paths)
    assert runs.index.tolist() == ["workspace"]
    assert runs[["tested", "low"]].isna().all(axis=None)


def test_runs_whose_record_cannot_be_read_are_no_rows(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.paths.record.parent.mkdir(exist_ok=True)
    history.paths.record.write_text("{}")
    broken = history.commit("Edit by hand")
    sha = history.commit("Go on", day=2, predictions=None)
    assert tabulate_runs(history.paths).index.tolist() == [sha[:8]]
    assert f"runs: {broken[:8]}:reports/record.json: not a record" in capsys.readouterr().err


def test_changes_have_a_column_for_each_run(history: History) -> None:
    first = history.commit("Begin", predictions=None)
    history.run(parameters=ALPHA, inputs={"data/raw/fruit.csv": "0123456789"})
    changes = tabulate_changes(history.paths, "HEAD", "workspace")
    assert changes.columns.tolist() == [first[:8], "workspace"]
    alpha = changes.loc[("parameters", "train.candidates.linear.alpha")]
    assert alpha.tolist() == ["0.1", "1.0"]
    assert changes.loc[("data", "data/raw/fruit.csv")].tolist() == ["a" * 8, "01234567"]
    assert tabulate_changes(history.paths, "HEAD", "HEAD").empty


def test_gains_are_over_the_first_run_and_for_each_other_one(history: History) -> None:
    history.commit("Begin", predictions=make_predictions(200, seed=1))
    better = make_predictions(200, skill=3, seed=1)
    second = history.commit("Better", day=2, predictions=better, parameters=ALPHA)
    history.run(predictions=None, parameters={"seed": 2})
    gains = tabulate_gains(history.paths, "HEAD~1", "HEAD", "workspace")
    assert {*gains.index.get_level_values("run")} == {second[:8]}
    gain = gains.loc[(second[:8], "log_loss")]
    assert 0 < gain["low"] < gain["gain"] < gain["high"]
    assert (gain["rows"], gain["verdict"]) == (200, "better")
    assert tabulate_gains(history.paths, "HEAD", "workspace").empty
