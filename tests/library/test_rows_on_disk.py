"""Learning from more train rows than fit into memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import make_fruit, make_params, run_stage, write_params
from lockstep.core import table
from lockstep.core.contract import Contract
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.core.table import Table, write_parquet
from lockstep.data.folds import make_filter
from lockstep.data.sample import sample_rows
from lockstep.modeling import rows_on_disk
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.examples import Examples, Stream
from lockstep.modeling.networks import NetworkClassifier, NetworkRegressor
from lockstep.modeling.problem import make_problem
from lockstep.modeling.rows_on_disk import NumbersOnDisk, fit_on_table, learns_in_batches
from lockstep.modeling.train_rows import TrainRows
from lockstep.modeling.training import StreamedBatches
from owner.models.common import perceptron
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROWS_IN_GROUP", 100)
    monkeypatch.setattr(rows_on_disk, "ROWS_IN_BLOCK", 16)
    monkeypatch.setattr(rows_on_disk, "BLOCKS_MIXED", 3)


@pytest.fixture
def stored(tmp_path: Path) -> Table:
    """1000 fruits, melons at the end, each with its number."""
    frame = make_fruit(1000).sort_values("fruit", ignore_index=True)
    frame["fruit"] = frame["fruit"].astype("str")
    write_parquet(frame.assign(number=np.arange(1000)), tmp_path / "fruit.parquet")
    return Table(tmp_path / "fruit.parquet", "fruit.parquet")


class Watcher(BaseEstimator):
    """Keeps what it is given to learn from, in two orders, and watches the last five rows."""

    def hold_out(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(len(y) - 5), np.arange(len(y) - 5, len(y))

    def fit_batches(
        self, rows: NumbersOnDisk, learn: NumbersOnDisk, X: np.ndarray, y: np.ndarray
    ) -> None:
        assert (len(X), len(y)) == (5, 5)
        for name, part in (("all", rows), ("learnt", learn)):
            targets = np.concatenate(list(part.targets()))
            epochs = [list(part.shuffle(np.random.default_rng(seed))) for seed in (1, 2)]
            vars(self)[name] = (len(part), targets, epochs)


class Marker(TransformerMixin, BaseEstimator):
    """-1 for each row that it was fitted on, 0 for each other one."""

    def fit_transform(self, X: pd.DataFrame, _: object = None) -> np.ndarray:
        return np.full((len(X), 1), -1.0)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        return np.zeros((len(X), 1))


def numbers(scale: float = 1.0) -> FunctionTransformer:
    return FunctionTransformer(lambda X: X[["weight", "seeds"]].to_numpy("float64") / scale)


def fit(
    pipeline: Pipeline, stored: Table, contract: Contract, is_allowed: np.ndarray | None = None
) -> Any:
    """The estimator, fitted with every fifth row in memory as far as it may be learnt from."""
    is_allowed = np.ones(1000, dtype=bool) if is_allowed is None else is_allowed
    places = np.arange(0, 1000, 5)
    places = places[is_allowed[places]]
    sample = stored.read().iloc[places]
    rest = iter(is_allowed)

    def admit(batch: pd.DataFrame) -> np.ndarray:
        return np.fromiter(rest, dtype=bool, count=len(batch))

    return fit_on_table(pipeline, sample, places, stored, admit, contract, make_params())[-1]


def test_a_sample_keeps_the_share_of_each_class_and_the_order_of_the_file(stored: Table) -> None:
    rows, places = sample_rows(stored, "fruit", 200, seed=1)
    whole = stored.read()
    assert rows.equals(whole.iloc[places].reset_index(drop=True))
    assert (np.diff(places) > 0).all()
    shares = whole["fruit"].value_counts() / 5
    assert rows["fruit"].value_counts().to_dict() == shares.round().astype(int).to_dict()


def test_every_row_has_the_same_chance_to_be_in_a_sample(stored: Table) -> None:
    drawn = np.zeros(1000)
    for seed in range(60):
        drawn[sample_rows(stored, None, 250, seed)[1]] += 1
    assert drawn.sum() == 60 * 250
    by_batch = drawn.reshape(10, 100).mean(axis=1) / 60
    np.testing.assert_allclose(by_batch, 0.25, atol=0.03)
    assert drawn.min() >= 2
    assert drawn.max() <= 30


def test_few_rows_are_drawn_where_no_class_is_rare(stored: Table) -> None:
    rows, places = sample_rows(stored, None, 10, seed=1)
    assert len(rows) == len(places) == 10


def test_a_seed_draws_the_same_rows_again_and_another_one_others(stored: Table) -> None:
    first, again, other = (sample_rows(stored, "fruit", 200, seed)[1] for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_of_a_rare_class_enough_rows_are_in_the_sample(tmp_path: Path) -> None:
    rare = ["b"] + ["c"] * 20 + ["d"] * 90
    write_parquet(pd.DataFrame({"y": ["a"] * 9000 + rare}), tmp_path / "a.parquet")
    rows, _ = sample_rows(Table(tmp_path / "a.parquet", "a"), "y", 100, seed=1)
    assert rows["y"].value_counts().to_dict() == {"a": 99, "d": 30, "c": 20, "b": 1}


def test_rows_of_the_sample_are_learnt_from_as_the_features_were_fitted_on_them(
    stored: Table, contract: Contract
) -> None:
    watcher = fit(make_pipeline(Marker(), Watcher()), stored, contract)
    for count, (rows, _, epochs) in ((200, watcher.all), (200 - 5, watcher.learnt)):
        X = np.concatenate([part for part, *_ in epochs[0]])
        assert (X == -1).sum() == count
        assert len(X) == rows
    assert watcher.all[0] == 1000


def test_each_allowed_row_is_learnt_from_once_an_epoch_in_another_order(
    stored: Table, contract: Contract
) -> None:
    is_allowed = np.arange(1000) % 7 > 0
    watcher = fit(make_pipeline(numbers(), Watcher()), stored, contract, is_allowed)
    whole = stored.read()
    watched = whole.loc[np.arange(0, 1000, 5)[is_allowed[::5]][-5:]]
    equals = whole.merge(watched[contract.features].drop_duplicates())["number"]
    columns = ["weight", "seeds", "fruit"]
    types = {"weight": "float32", "seeds": "float32", "fruit": "str"}
    for gone, (count, targets, epochs) in (([], watcher.all), (equals, watcher.learnt)):
        expected = whole[is_allowed & ~whole["number"].isin(gone)][columns].astype(types)
        orders = []
        for parts in epochs:
            assert max(len(y) for _, y, _ in parts) <= 48
            X, y, _ = (np.concatenate(each) for each in zip(*parts, strict=True))
            orders.append(X[:, 0].tolist())
            rows = pd.DataFrame({"weight": X[:, 0], "seeds": X[:, 1], "fruit": y}).astype(types)
            pairs = [frame.sort_values(columns, ignore_index=True) for frame in (rows, expected)]
            pd.testing.assert_frame_equal(*pairs)
        assert count == len(expected)
        assert sorted(targets) == sorted(expected["fruit"])
        assert orders[0] != orders[1]


def test_numbers_on_disk_are_gone_afterwards(tmp_path: Path) -> None:
    with NumbersOnDisk(tmp_path, ["a", "b"]) as rows:
        rows.append(np.zeros((40, 2)), np.array(["a", "b"] * 20))
        assert rows.X.rows == rows.y.rows == len(rows) == 40
    assert rows.X.file.closed
    assert list(tmp_path.iterdir()) == []


def test_a_seed_settles_the_order_of_rows_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_on_disk, "BLOCKS_MIXED", 2)
    with NumbersOnDisk(tmp_path, ["a", "b"]) as rows:
        rows.append(np.arange(76).reshape(38, 2), np.array(["a", "b"] * 19), np.arange(38))
        some = rows.select(np.arange(38) % 3 == 1)
        parts = [*some.shuffle(np.random.default_rng(1))]
    orders = [[4, 31, 22, 28, 10, 13, 16, 25, 1, 7, 19], [37, 34]]
    assert [weights.tolist() for _, _, weights in parts] == orders
    for (X, y, _), order in zip(parts, orders, strict=True):
        assert X.tolist() == [[2 * row, 2 * row + 1] for row in order]
        assert [*y] == ["ab"[row % 2] for row in order]


def count_rows(count: int) -> Stream:
    """Rows numbered from 0, in parts of seven."""

    def shuffle(rng: np.random.Generator) -> Iterator[Examples]:
        numbers = rng.permutation(count).astype("float32")
        for start in range(0, count, 7):
            part = numbers[start : start + 7]
            yield Examples(part[:, np.newaxis], part, np.ones(len(part), dtype="float32"))

    return Stream(count, shuffle)


@pytest.mark.parametrize("count", [1, 4, 5, 7, 28, 33])
def test_batches_are_whole_and_what_fills_the_last_one_weighs_nothing(count: int) -> None:
    streamed = StreamedBatches(count_rows(count), 5, seed=1)
    epochs = []
    for _ in range(2):
        streamed.on_epoch_begin()
        batches = [streamed[number] for number in range(len(streamed))]
        assert {len(X) for X, _, _ in batches} == {5}
        y, weights = (np.concatenate([batch[part] for batch in batches]) for part in (1, 2))
        assert sorted(y[weights > 0].tolist()) == list(range(count))
        # Keras takes the mean over all rows of a batch: every row counts the same in the end.
        assert weights.sum() == pytest.approx(len(streamed) * 5)
        assert len({*weights[weights > 0].tolist()}) == 1
        epochs.append(y.tolist())
    again = StreamedBatches(count_rows(count), 5, seed=1)
    again.on_epoch_begin()
    # Some backends look at the first batches before they start.
    _ = [again[number] for number in range(min(2, len(again)))]
    second_look = np.concatenate([again[number][1] for number in range(len(again))])
    assert second_look.tolist() == epochs[0]
    assert count < 5 or epochs[0] != epochs[1]


def test_a_network_learns_from_a_file_what_it_learns_in_memory(
    stored: Table, contract: Contract
) -> None:
    options = {"hidden_units": (32,), "dropout": 0.0}
    settings = {"max_epochs": 15, "learning_rate": 0.01, "batch_size": 8}
    network = NetworkClassifier(build=perceptron, options=options, **settings)
    fitted = fit(make_pipeline(numbers(scale=100), network), stored, contract)
    rows = stored.read()
    assert fitted.classes_.tolist() == ["apple", "melon"]
    assert fitted.score(numbers(scale=100).transform(rows), rows["fruit"].to_numpy()) > 0.95
    assert len(fitted.history_["loss"]) <= 15


@pytest.mark.parametrize("cuts", [[60], [1, 59], [20, 20, 20], [3, 50, 7]])
def test_mean_and_deviation_of_a_target_are_merged_rightly(cuts: list[int]) -> None:
    y = np.random.default_rng(0).lognormal(3, 1, 60) + 1e6
    network = NetworkRegressor(build=perceptron, options={})
    network._learn_targets(np.split(y, np.cumsum(cuts)[:-1]))
    assert network.mean_ == pytest.approx(y.mean(), rel=1e-14)
    assert network.scale_ == pytest.approx(y.std(), rel=1e-9)


def test_what_equals_a_row_that_is_tried_is_not_learnt_from(
    stored: Table, contract: Contract, project: Project
) -> None:
    whole = stored.read()
    whole.loc[[10, 900], contract.features] = whole.loc[5, contract.features].to_list()
    may_be_learnt = make_filter(whole.iloc[[5, 6]], contract, project.params)
    allowed = np.concatenate([may_be_learnt(whole[:300]), may_be_learnt(whole[300:])])
    assert np.flatnonzero(~allowed).tolist() == [5, 6, 10, 900]


def test_groups_and_later_rows_of_what_is_tried_are_not_learnt_from(
    contract: Contract, project: Project
) -> None:
    rows = pd.DataFrame({"farm": ["a", "b", "a", "c"], "year": [3, 1, 2, 4]})
    columns = contract.columns | dict.fromkeys(["farm", "year"], contract.columns["seeds"])
    placed = contract.model_copy(update={"columns": columns, "group": "farm", "time": "year"})
    for by, place, expected in (("group", 0, [1, 3]), ("time", 2, [1])):
        write_params(project, split={"by": by, "test_fraction": 0.25})
        allowed = make_filter(rows.iloc[[place]], placed, project.params)(rows)
        assert np.flatnonzero(allowed).tolist() == expected


@pytest.fixture
def large(project: Project) -> Project:
    """A project of 600 rows, of which train takes 150 into memory."""
    make_fruit(600).to_csv(project.raw / "fruit.csv", index=False)
    settings = json.loads(project.params_file.read_text())["train"]
    candidates = {
        "baseline": {},
        "linear": {},
        "mlp": {"max_epochs": 8},
        "wide_and_deep": {"max_epochs": 3},
    }
    write_params(project, train=settings | {"max_rows_in_memory": 150, "candidates": candidates})
    run_stage("ingest")
    run_stage("preprocess")
    return project


@pytest.mark.matrix
def test_the_leaderboard_says_who_learnt_from_a_sample(
    large: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run_stage("train")
    leaderboard = pd.read_csv(large.leaderboard).set_index("candidate")
    sampled = "on a sample of 150"
    assert leaderboard["learnt"].to_dict() == {
        "baseline": sampled,
        "linear": sampled,
        "mlp": "on all rows",
        "wide_and_deep": "on all rows",
    }
    told = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()}
    assert told["linear"].endswith(f"over 3 folds, {sampled}")
    assert told["mlp"].endswith("over 3 folds")
    assert leaderboard.loc["mlp", "accuracy_mean"] > 0.9
    history = pd.read_csv(large.history)
    assert history.groupby(["candidate", "fold"]).size().to_dict()["mlp", 3] == 8


@pytest.mark.matrix
def test_a_champion_from_a_file_has_the_same_bytes_each_time(large: Project) -> None:
    settings = json.loads(large.params_file.read_text())["train"]
    write_params(large, train=settings | {"candidates": {"baseline": {}, "mlp": {"max_epochs": 4}}})
    hashes = []
    for _ in range(2):
        run_stage("train")
        hashes.append([sha256(path) for path in sorted(large.champion.iterdir())])
    assert "network.keras" in {path.name for path in large.champion.iterdir()}
    assert hashes[0] == hashes[1]


def test_few_rows_are_all_in_memory(large: Project) -> None:
    linear, mlp = (
        make_pipeline(make_candidate(name, {}, make_problem(large.params, large.contract)))
        for name in ("linear", "mlp")
    )
    rows = TrainRows.load(large)
    assert (len(rows.table), len(rows.places), rows.is_whole) == (150, 150, False)
    assert (rows.is_sampled_by(linear), rows.is_sampled_by(mlp)) == (True, False)
    settings = json.loads(large.params_file.read_text())["train"]
    write_params(large, train=settings | {"max_rows_in_memory": 10_000})
    rows = TrainRows.load(large)
    assert rows.is_whole
    assert rows.table.equals(pd.read_parquet(large.train))
    assert not rows.is_sampled_by(linear)
    assert not rows.is_sampled_by(mlp)


def test_a_network_says_that_it_learns_in_batches(large: Project) -> None:
    problem = make_problem(large.params, large.contract)
    candidates = large.params.train.candidates.items()
    able = [
        name
        for name, options in candidates
        if learns_in_batches(make_candidate(name, options, problem))
    ]
    assert able == ["mlp", "wide_and_deep"]
