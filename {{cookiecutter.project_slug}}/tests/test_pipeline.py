"""The four stages on made-up rows: what they leave, and the same bytes each time."""

import json

import pandas as pd
import pytest
from lockstep import Model, Project, UserError

from package_name.evaluate import evaluate
from package_name.ingest import ingest
from package_name.preprocess import preprocess
from package_name.train import train

STAGES = (ingest, preprocess, train, evaluate)


def run(project: Project) -> Project:
    for stage in STAGES:
        stage(Project(project.root))
    return project


def outputs(project: Project) -> dict[str, bytes]:
    """The bytes of each file that the stages write."""
    names = ("data/interim", "data/processed", "models", "reports")
    files = [file for name in names for file in (project.root / name).rglob("*") if file.is_file()]
    return {file.relative_to(project.root).as_posix(): file.read_bytes() for file in files}


def test_two_runs_give_the_same_bytes(project: Project) -> None:
    first = outputs(run(project))
    assert len(first) > 15
    second = outputs(run(project))
    assert [name for name in first | second if first.get(name) != second.get(name)] == []


def test_the_champion_is_better_than_the_baseline_on_the_test_rows(project: Project) -> None:
    run(project)
    scores = json.loads(project.metrics.read_text("utf-8"))
    assert scores["log_loss"] < scores["baseline"]["log_loss"]
    leaderboard = pd.read_csv(project.leaderboard)
    assert leaderboard["candidate"].tolist() == ["baseline", "linear", "mlp"]
    champion = Model.load(project.champion, "models/champion")
    assert leaderboard.set_index("candidate")["champion"][champion.candidate]


def test_a_row_that_breaks_the_contract_is_set_aside_with_the_reason(project: Project) -> None:
    raw = project.raw / "fruit.csv"
    rows = pd.read_csv(raw)
    rows.loc[0, "weight"] = 900
    rows.to_csv(raw, index=False)
    ingest(project)
    (rejected,) = project.table(project.rejected).read().to_dict("records")
    assert (rejected["row"], rejected["column"], rejected["value"]) == (1, "weight", "900.0")
    assert len(project.table(project.dataset)) == len(rows) - 1


def test_a_stage_that_fails_leaves_what_was_there(project: Project) -> None:
    before = outputs(run(project))
    raw = project.raw / "fruit.csv"
    raw.write_text(raw.read_text("utf-8").replace(".", "x"), "utf-8")
    with pytest.raises(UserError, match=r"rows break references/schema\.yaml"):
        ingest(project)
    assert outputs(project) == before
