"""Test rows that came after the present model: those that it has learnt from are none."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, make_fruit, make_project, run_stages, write_params
from history import commit_run, write_pipeline
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.records.pairs import Pair
from lockstep.records.repository import Repository
from lockstep.records.run import read_run
from lockstep.registry import later_rows
from made_up_sequences import CONTRACT as SWINGS

COLUMNS = {
    "picked": {"type": "integer", "meaning": "the day"},
    "tree": {"type": "identifier", "meaning": "where it grew"},
    "side": {"type": "binary", "categories": ["train", "test"], "meaning": "the side"},
}


class Orchard:
    """A project whose runs are committed, with what DVC would keep of them."""

    def __init__(self, project: Project, kept: Path) -> None:
        self.project, self.kept = project, kept

    def run(self, rows: pd.DataFrame, by: str) -> str:
        """Learn from these rows, split in this way; the commit."""
        role = {"time": "picked", "group": "tree", "part": "side"}[by]
        columns = CONTRACT["columns"] | {role: COLUMNS[role]}
        others = [name for name in COLUMNS if name != role]
        contract = CONTRACT | {by: role, "columns": columns, "drop": others}
        self.project.contract_file.write_text(json.dumps(contract), encoding="utf-8")
        rule = "row" if by == "part" else by
        write_params(self.project, split={"by": rule, "test_fraction": 0.25})
        rows.to_csv(self.project.raw / "fruit.csv", index=False)
        run_stages()
        commit = commit_run(self.project)
        for path in (self.project.champion, self.project.train, self.project.test):
            copy = self.kept / commit / self.project.name(path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
        return commit

    def fetch(self, _: Repository, commit: str, name: str, to: Path) -> None:
        source = self.kept / commit / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, to)

    def pair(self, *commits: str) -> Pair:
        repository = Repository(self.project)
        return later_rows.pair_with_later_rows(
            repository, *(read_run(repository, commit) for commit in commits)
        )


@pytest.fixture
def orchard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Orchard:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-config"))
    root = tmp_path / "orchard"
    root.mkdir()
    monkeypatch.chdir(root)
    project = make_project(root)
    write_pipeline(project)
    train = {"metric": "accuracy", "folds": 2, "candidates": {"baseline": {}, "linear": {}}}
    write_params(project, train=train)
    orchard = Orchard(project, tmp_path / "kept")
    monkeypatch.setattr(later_rows, "fetch_output", orchard.fetch)
    return orchard


def make_rows() -> pd.DataFrame:
    """Sixty fruit of sixty days and twenty trees, of which the last fifteen are a given test."""
    days = np.arange(60)
    sides = np.where(days < 45, "train", "test")
    trees = [f"tree {day % 20}" for day in days]
    return make_fruit().assign(picked=100 + days, tree=trees, side=sides)


@pytest.mark.matrix
def test_a_border_in_time_that_moves_back_makes_no_learnt_row_a_test_row(orchard: Orchard) -> None:
    rows = make_rows()
    present = orchard.run(rows, "time")  # tested from day 145 on
    early = make_fruit(110)[60:].assign(picked=range(50, 100), tree="-", side="-")
    late = make_fruit(120)[110:].assign(picked=range(160, 170), tree="-", side="-")
    after = orchard.run(pd.concat([rows, early, late]), "time")
    pair = orchard.pair(present, after)
    assert (len(pair), pair.unseen) == (15 + 10, 10)
    # Read as another type, equal rows are not known again.
    contract = orchard.project.contract_file
    contract.write_text(contract.read_text().replace('"integer"', '"numeric"'))
    with pytest.raises(UserError, match="the rows were split otherwise"):
        orchard.pair(present, commit_run(orchard.project))


@pytest.mark.matrix
def test_what_is_given_as_a_test_row_now_was_a_train_row_before(orchard: Orchard) -> None:
    rows = make_rows()
    present = orchard.run(rows, "part")
    more = make_fruit(20).assign(seeds=99, picked=0, tree="-", side="test")
    again = rows.assign(side=["test"] * 10 + [*rows["side"][10:]])
    after = orchard.run(pd.concat([again, more]), "part")
    pair = orchard.pair(present, after)
    assert (len(pair), pair.unseen) == (15 + 20, 20)
    train, test = map(orchard.project.name, (orchard.project.train, orchard.project.test))
    rows = pd.read_parquet(orchard.kept / after / test)
    rows[rows["seeds"] == 99].to_parquet(orchard.kept / after / test)
    with pytest.raises(UserError, match="no test row is in common by which to see whether"):
        orchard.pair(present, after)
    shutil.copy(orchard.kept / present / train, orchard.kept / after / test)
    with pytest.raises(UserError, match="it has learnt from all of them"):
        orchard.pair(present, after)


@pytest.mark.matrix
def test_groups_stay_on_their_sides_though_a_row_equals_one_of_another_group(
    orchard: Orchard,
) -> None:
    rows = make_rows()
    present = orchard.run(rows, "group")
    twins = rows.assign(tree="new " + rows["tree"])
    after = orchard.run(pd.concat([rows, twins]), "group")
    pair = orchard.pair(present, after)
    assert len(pair) == len(pd.read_parquet(orchard.project.test))
    assert pair.unseen


@pytest.mark.parametrize(
    "changes",
    [{"length": 20}, {"sequence": "pendulum", "group": None}, {"weight": {"constant": False}}],
)
def test_signals_of_other_points_are_not_known_again(
    changes: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {name: column | changes.get(name, {}) for name, column in SWINGS["columns"].items()}
    words = {key: value for key, value in changes.items() if key not in columns}
    contracts = {
        "before": Contract.model_validate(SWINGS),
        "after": Contract.model_validate(SWINGS | {"columns": columns} | words),
    }
    monkeypatch.setattr(later_rows, "read_contract", lambda _, commit: contracts[commit])
    before, after = (
        SimpleNamespace(commit=SimpleNamespace(sha=sha), record={"parameters": {"seed": 1}})
        for sha in contracts
    )
    later_rows._require_same_rule(None, before, before)
    with pytest.raises(UserError, match="the rows were split otherwise"):
        later_rows._require_same_rule(None, before, after)
