"""Whatever divides the rows that a candidate learns from follows `split.by`."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, make_fruit, make_params
from lockstep.core.contract import Contract
from lockstep.core.params import Params
from lockstep.core.table import Table, write_parquet
from lockstep.data.inner_folds import InnerFolds, Units, learning_from
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.networks import Network
from lockstep.modeling.problem import make_problem
from lockstep.modeling.train_rows import TrainRows
from owner import features, models  # noqa: F401 - params.yaml names what is in them
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

COLUMNS = {
    "farm": {"type": "integer", "meaning": "farm"},
    "picked": {"type": "datetime", "meaning": "when it was picked"},
}
GROUPED = Contract.model_validate(
    CONTRACT | {"columns": CONTRACT["columns"] | COLUMNS, "group": "farm", "time": "picked"}
)
BY = ["row", "group", "time"]


@pytest.fixture
def orchard() -> pd.DataFrame:
    """Fruit of 30 farms picked on 40 days, each twice in the table."""
    rows = make_fruit(120).astype({"fruit": "str"})
    rows["weight"] += np.arange(120) / 1e4
    placed = rows.assign(
        farm=np.arange(120) % 30,
        picked=pd.Timestamp(2026, 5, 1) + pd.to_timedelta(np.arange(120) * 7 % 40, unit="D"),
    )
    return pd.concat([placed, placed.sample(frac=1, random_state=3)], ignore_index=True)


def make_split_params(by: str, **settings: object) -> Params:
    """Settings that split in some way."""
    return make_params(split={"by": by, "test_fraction": 0.25}, **settings)


def make_rows(table: pd.DataFrame, by: str, tmp_path: Path) -> TrainRows:
    """The train rows of a project that is split in some way."""
    write_parquet(table, tmp_path / "train.parquet")
    file = Table(tmp_path / "train.parquet", "train.parquet")
    return TrainRows(table, file, GROUPED, make_split_params(by), np.arange(len(table)))


def require_apart(learnt: np.ndarray, others: np.ndarray, rows: pd.DataFrame, by: str) -> None:
    """Check that what is learnt from shares nothing with the others."""
    learnt, others = rows.iloc[learnt], rows.iloc[others]
    assert min(len(learnt), len(others)) > 0
    column = {"row": "weight", "group": "farm", "time": "picked"}[by]
    assert not {*learnt[column]} & {*others[column]}


@pytest.mark.parametrize("sizes", [(30, 30, 30, 30), (1,) * 7, (90, 10), (5,), (1, 1)])
def test_halves_are_as_even_as_whole_groups_allow(sizes: tuple[int, ...]) -> None:
    groups = np.repeat(np.arange(len(sizes), dtype="uint64"), sizes)
    one, other = Units(groups, "group").halve(np.random.default_rng(0))
    assert sorted([*one, *other]) == [*range(len(groups))]
    if len(sizes) > 1:
        assert not {*groups[one]} & {*groups[other]}
    assert abs(len(one) - len(other)) <= (80 if 90 in sizes else 1)


@pytest.mark.parametrize("by", BY)
def test_early_stopping_watches_rows_apart_from_those_that_are_learnt_from(
    orchard: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    held_out: list[tuple[np.ndarray, np.ndarray]] = []
    usual = Network.hold_out

    def note(self: Network, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        held_out.append(usual(self, y))
        return held_out[-1]

    monkeypatch.setattr(Network, "hold_out", note)
    rows = make_rows(orchard, by, tmp_path)
    problem = make_problem(rows.params, GROUPED)
    network = make_candidate("mlp", {"max_epochs": 1}, problem)
    pipeline = make_pipeline(make_features("mlp", rows.params, GROUPED), network)
    half = np.arange(1, 240, 2)
    rows.fit_fold(pipeline, (half, np.arange(0, 240, 2)))
    ((learn, watch),) = held_out
    require_apart(half[learn], half[watch], orchard, by)
    assert len(watch) == pytest.approx(24, abs=4)
    if by == "time":
        assert orchard["picked"][half[learn]].max() < orchard["picked"][half[watch]].min()
    else:
        shares = orchard.iloc[half[watch]]["fruit"].value_counts() / 120
        expected = orchard.iloc[half]["fruit"].value_counts() / 120 * 0.2
        assert ((shares - expected).abs() < 0.03).all()


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("classifies", [True, False])
def test_inner_folds_divide_what_is_learnt_from_as_all_rows_are_divided(
    orchard: pd.DataFrame, by: str, classifies: bool
) -> None:
    params = make_split_params(by)
    units, y = Units.of_rows(orchard, GROUPED, params), orchard["fruit"].to_numpy()
    with learning_from(units):
        folds = list(InnerFolds(1, classifies=classifies).split(orchard, y))
    assert sorted(np.concatenate([own for _, own in folds])) == list(range(240))
    assert len(folds) == 5
    for others, own in folds:
        require_apart(others, own, orchard, by)
        assert len(own) == pytest.approx(48, abs=8)
        if by == "time":
            times, all_times = orchard["picked"][own], orchard["picked"][others]
            assert not all_times.between(times.min(), times.max()).any()
        elif classifies:
            share = (y[own] == "melon").mean()
            assert share == pytest.approx((y == "melon").mean(), abs=0.1)


@pytest.mark.parametrize("by", ["row", "group"])
def test_an_encoding_by_the_target_learns_from_no_copy_and_no_row_of_the_group(
    orchard: pd.DataFrame, by: str
) -> None:
    recipe = {"numeric": "drop", "categorical": ["target_encode"], "datetime": "drop"}
    params = make_split_params(by, kind="regression", features=recipe)
    y = orchard["seeds"].to_numpy("float64")
    together = orchard["farm"] == 0 if by == "group" else orchard["weight"] == orchard["weight"][0]
    encoded = []
    for target in (y, y + 100 * together):
        transformer = make_features("linear", params, GROUPED)
        with learning_from(Units.of_rows(orchard, GROUPED, params)):
            encoded.append(transformer.fit_transform(orchard[GROUPED.features], target))
    assert encoded[0].shape == (240, 1)
    moved = (encoded[0] != encoded[1]).ravel()
    assert together.sum() > 1
    assert not moved[together].any()
    assert moved[~together].mean() > 0.3


@pytest.mark.parametrize("by", BY)
def test_the_sigmoid_of_a_support_vector_machine_is_fitted_on_rows_apart(
    orchard: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    made: list[tuple[np.ndarray, np.ndarray]] = []
    usual = InnerFolds.split

    def note(self: InnerFolds, *arguments: object, **groups: object) -> object:
        made.extend(usual(self, *arguments, **groups))
        return iter(made[-5:])

    monkeypatch.setattr(InnerFolds, "split", note)
    rows = make_rows(orchard, by, tmp_path)
    svm = make_candidate("svm", {}, make_problem(rows.params, GROUPED))
    rows.fit("svm", make_pipeline(make_features("svm", rows.params, GROUPED), svm))
    assert made
    for others, own in made:
        require_apart(others, own, orchard, by)


@pytest.mark.parametrize("by", ["group", "time"])
def test_rows_that_are_of_one_group_or_time_are_divided_by_themselves(by: str) -> None:
    units, labels = Units(np.zeros(50, dtype="uint64"), by), np.array(["a", "b"] * 25)
    drawn, parts = units.draw(labels, 0.2, 1), units.number_parts(labels, 5, 1)
    assert drawn.sum() == 10
    assert np.bincount(parts).tolist() == [10] * 5


def test_a_class_of_one_group_leaves_no_part_to_learn_without_it() -> None:
    groups, labels = np.arange(60, dtype="uint64") % 6, np.where(np.arange(60) % 6 == 0, "a", "b")
    with learning_from(Units(groups, "group")):
        folds = list(InnerFolds(1, classifies=True).split(labels, labels))
    assert all({*labels[others]} == {"a", "b"} for others, _ in folds)


class Plain(ClassifierMixin, BaseEstimator):
    """An estimator of somebody's own that knows nothing of groups, nor of `super`'s parameters."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Plain":
        self.classes_, self.shape_ = np.unique(y), np.shape(X)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class Bare(TransformerMixin):
    """A transformer that does not even have parameters."""

    def fit(self, X: pd.DataFrame, y: object = None) -> "Bare":  # noqa: ARG002
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        return X[["weight"]].to_numpy()


OWN: dict[str, Callable[[], BaseEstimator]] = {
    "an estimator without more": lambda: make_pipeline(FunctionTransformer(weigh), Plain()),
    "an estimator around another": lambda: make_pipeline(
        FunctionTransformer(weigh), TransformedTargetRegressor(LinearRegression())
    ),
}


def weigh(X: pd.DataFrame) -> np.ndarray:
    """The weight alone."""
    return X[["weight"]].to_numpy()


@pytest.mark.parametrize("case", OWN)
@pytest.mark.parametrize("by", BY)
def test_an_estimator_of_ones_own_learns_as_ever(
    orchard: pd.DataFrame, tmp_path: Path, case: str, by: str
) -> None:
    rows = make_rows(orchard, by, tmp_path)
    if "around" in case:
        y = orchard["weight"].to_numpy()
        with learning_from(Units.of_rows(orchard, GROUPED, rows.params)):
            fitted = clone(OWN[case]()).fit(orchard, y)
        np.testing.assert_allclose(fitted.predict(orchard), y)
    else:
        fitted = rows.fit("plain", OWN[case]())
        assert fitted[-1].shape_ == (240, 1)


def test_a_transformer_without_parameters_is_fitted(orchard: pd.DataFrame) -> None:
    with learning_from(Units.of_each_row(240)):
        pipeline = make_pipeline(Bare(), LogisticRegression())
        fitted = pipeline.fit(orchard, orchard["fruit"].to_numpy())
    assert fitted.score(orchard, orchard["fruit"].to_numpy()) > 0.9


def test_a_fitted_model_keeps_nothing_of_the_rows_it_was_divided_by(
    orchard: pd.DataFrame, tmp_path: Path
) -> None:
    saved = []
    for _ in range(2):
        rows = make_rows(orchard, "group", tmp_path)
        svm = make_candidate("svm", {}, make_problem(rows.params, GROUPED))
        saved.append(pickle.dumps(rows.fit("svm", make_pipeline(FunctionTransformer(weigh), svm))))
    assert saved[0] == saved[1]
    assert vars(pickle.loads(saved[0])[-1].cv) == {"seed": 1, "classifies": True}
    assert b"Units" not in saved[0]
