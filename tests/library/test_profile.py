"""The profile of a model: scales, counts on them, and the file that keeps both."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, make_fruit, make_params
from lockstep import make_candidate, make_features, make_folds, make_problem
from lockstep.core.contract import Column, Contract
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.core.params import Params
from lockstep.modeling.compare import cross_validate
from lockstep.modeling.model import Model
from lockstep.modeling.profile import Profile, find_spread, make_profile, read_profile
from lockstep.modeling.row_blocks import MOST_BLOCKS, BlockTally
from lockstep.modeling.scales import MISSING, Scale, make_number_scale, make_scale
from lockstep.modeling.tallies import MOST_OTHERS, Tally
from lockstep.modeling.train_rows import TrainRows
from owner import features, models  # noqa: F401 - they register steps and candidates
from sklearn.pipeline import make_pipeline

COLOUR = Column(type="categorical", meaning="colour", categories=["green", "red"])
OPEN = Column(type="categorical", meaning="town", categories=["Bonn", "Ulm"], open=True)


def count(values: pd.Series, scale: Scale) -> Tally:
    tally = Tally.empty(scale)
    tally.add(values, scale)
    return tally


def test_few_numbers_have_a_place_each_with_one_below_and_one_above_all() -> None:
    scale = make_number_scale(pd.Series([3.0, 1.0, 2.0, np.nan, 1.0]))
    places = scale.place(pd.Series([0.9, 1.0, 2.0, 3.0, 3.1, np.nan]))
    assert places.tolist() == [0, 1, 2, 3, 4, MISSING]
    assert scale.size == 5


def test_many_numbers_have_places_of_about_as_many_rows() -> None:
    values = pd.Series(np.random.default_rng(0).exponential(size=10_000))
    scale = make_number_scale(values)
    counts = count(values, scale).counts
    assert counts[0] == counts[-1] == 0
    assert counts[1:-1].sum() == 10_000
    assert np.ptp(counts[1:-1]) <= 2
    assert scale.size <= 65


def test_the_smallest_number_has_a_place_of_its_own_where_it_is_frequent() -> None:
    rng = np.random.default_rng(0)
    values = pd.Series(np.where(rng.random(5000) < 0.4, 0.0, rng.exponential(size=5000)))
    assert count(values, make_number_scale(values)).counts[1] == (values == 0).sum()


@pytest.mark.parametrize("constant", [0.0, -2.5, 1e300])
def test_a_constant_has_one_place(constant: float) -> None:
    scale = make_number_scale(pd.Series([constant] * 9))
    around = pd.Series([np.nextafter(constant, -np.inf), constant, np.nextafter(constant, np.inf)])
    assert scale.place(around).tolist() == [0, 1, 2]


def test_whole_numbers_with_gaps_are_placed_as_others_are() -> None:
    values = pd.Series([1, None, 3], dtype="Int64")
    assert make_number_scale(values).place(values).tolist() == [1, MISSING, 2]


def test_numbers_that_never_come_have_one_place() -> None:
    scale = make_number_scale(pd.Series([np.nan, np.nan]))
    assert count(pd.Series([1.0, np.nan]), scale) == Tally(np.array([1]), 1)


def test_numbers_beyond_all_bounds_lie_above_or_below_all_others() -> None:
    values = pd.Series([1.0, 2.0, np.inf, -np.inf])
    scale = make_number_scale(values)
    assert scale.edges == (1, 1, 2)
    assert scale.place(values).tolist() == [1, 2, 3, 0]
    assert find_spread(values) == pytest.approx(0.5, rel=0.1)


def test_a_text_that_is_no_category_has_the_last_place_and_is_told() -> None:
    scale = make_scale(pd.Series(["red"], dtype="str"), COLOUR)
    tally = count(pd.Series(["red", "blue", None, "green", "blue"]), scale)
    assert tally.counts.tolist() == [1, 1, 2]
    assert (tally.missing, tally.rows) == (1, 5)
    assert tally.others == {"blue": 2}


def test_open_categories_are_those_of_the_train_rows_the_most_frequent_first() -> None:
    values = pd.Series([f"town {place}" for place in range(100) for _ in range(100 - place)])
    scale = make_scale(values, OPEN)
    assert scale.categories == tuple(f"town {place}" for place in range(63))
    assert count(values, scale).counts[-1] == sum(range(1, 38))


def test_open_categories_without_any_value_are_those_of_the_contract() -> None:
    assert make_scale(pd.Series([None], dtype="str"), OPEN).categories == ("Bonn", "Ulm")


def test_of_many_new_texts_the_most_frequent_are_kept_and_shortened() -> None:
    scale = Scale(categories=("red",))
    texts = [f"new {place:03d}" for place in range(100)] + ["new 050"] * 3 + ["x" * 500] * 2
    tally = count(pd.Series(texts), scale)
    assert len(tally.others) == MOST_OTHERS
    assert tally.others.most_common(2) == [("new 050", 4), ("x" * 80 + "...", 2)]
    assert tally.counts[-1] == 105


@pytest.mark.parametrize("scale", [Scale(edges=(0.0, 1.0, 2.0)), Scale(categories=("0.5", "1.5"))])
def test_tallies_of_parts_add_up_to_that_of_all(scale: Scale) -> None:
    values = pd.Series([0.5, 1.5, None, 7.5, 1.5, -3.0])
    values = values if scale.is_number else values.astype("str")
    parts = [count(values[:2], scale), count(values[2:], scale)]
    parts[0].merge(parts[1])
    assert vars(parts[0]).keys() == vars(count(values, scale)).keys()
    assert parts[0].counts.tolist() == count(values, scale).counts.tolist()
    assert parts[0].missing == 1
    assert parts[0].others == Counter(count(values, scale).others)


def test_bars_join_places_and_keep_those_outside_apart() -> None:
    values = pd.Series(np.random.default_rng(0).normal(size=5000))
    scale = make_number_scale(values)
    coarse = scale.coarsen(count(values, scale).counts, 16)
    bars = scale.place_in(coarse)
    assert coarse.size == 16
    assert (np.diff(bars) >= 0).all()
    assert bars.tolist().count(0) == bars.tolist().count(15) == 1
    others = pd.Series([-9.0, *values[:500], 9.0])
    assert bars[scale.place(others)].tolist() == coarse.place(others).tolist()


def test_bars_of_levels_are_the_most_frequent_ones() -> None:
    scale = Scale(categories=tuple("abcde"))
    coarse = scale.coarsen(np.array([5, 1, 7, 9, 2, 0]), 4)
    assert coarse.categories == ("a", "c", "d")
    assert scale.place_in(coarse).tolist() == [0, 3, 1, 2, 3, 3]


def test_what_is_new_of_a_level_is_a_bar_of_its_own_in_blocks() -> None:
    names = tuple(f"c{place:02d}" for place in range(20))
    scales = {"few": Scale(categories=("a", "b", "c")), "many": Scale(categories=names)}
    scales["number"] = Scale(edges=(0.0, 1.0))
    counts = {"few": [5, 0, 3, 0], "many": [*range(20), 0], "number": [0, 4, 0]}
    tallies = {name: Tally(np.array(one)) for name, one in counts.items()}
    profile = Profile(8, scales, tallies, {}, (), {}, None)  # type: ignore[arg-type]
    assert profile.block_bars["few"].tolist() == [0, 4, 2, 4, 5]
    # Category 0 has not come; those from 5 on are the most frequent ones, and others are rare.
    assert profile.block_bars["many"].tolist() == [16, *[15] * 4, *range(15), 16, 17]
    assert profile.block_bars["number"].tolist() == [0, 1, 2, 3]


def test_few_places_are_the_bars() -> None:
    for scale in (Scale(edges=(1.0, 1.0, 2.0)), Scale(categories=("a", "b")), Scale()):
        assert scale.coarsen(np.zeros(scale.size), 16) == scale
        assert scale.place_in(scale).tolist() == [*range(scale.size)]


def count_blocks(keys: pd.Series, places: np.ndarray, parts: list[slice]) -> BlockTally:
    whole = BlockTally("group", {"x": np.array([0, 1, 2])})
    for part in parts:
        one = BlockTally("group", {"x": np.array([0, 1, 2])})
        one.add(keys[part], {"x": places[part]})
        whole.merge(one)
    return whole


def test_the_sample_of_blocks_is_the_same_however_the_rows_come() -> None:
    rng = np.random.default_rng(0)
    keys = pd.Series(rng.integers(0, 1000, 5000)).map("patient {}".format)
    places = rng.integers(-1, 2, 5000)
    order = rng.permutation(5000)
    tables = [
        count_blocks(keys, places, [slice(None)]),
        count_blocks(keys, places, [slice(0, 100), slice(100, 4000), slice(4000, None)]),
        count_blocks(
            keys[order], places[order], [slice(start, start + 50) for start in range(0, 5000, 50)]
        ),
    ]
    first = tables[0].blocks.counts["x"]
    assert first.shape == (MOST_BLOCKS, 3)
    for table in tables[1:]:
        assert table.blocks.counts["x"].tolist() == first.tolist()


def test_a_block_is_counted_whole_with_what_it_lacks() -> None:
    days = pd.to_datetime(
        pd.Series(["2026-01-01 08:00", "2026-01-02 00:00", "2026-01-01 23:59", None])
    )
    tally = BlockTally("day", {"x": np.array([0, 1, 2])})
    tally.add(days, {"x": np.array([0, 1, -1, 1])})
    assert sorted(tally.blocks.counts["x"].tolist()) == [[0, 1, 0], [0, 1, 0], [1, 0, 1]]


FARMS = CONTRACT["columns"] | {
    "farm": {"type": "identifier", "meaning": "where"},
    "picked": {"type": "datetime", "meaning": "when"},
}
FRUIT = Contract.model_validate(CONTRACT | {"columns": FARMS, "group": "farm"})
WEIGHTS = Contract.model_validate(
    CONTRACT | {"columns": FARMS, "target": "weight", "time": "picked", "drop": []}
)


def make_table() -> pd.DataFrame:
    """Fruit of twelve farms, each of which has one kind, picked on thirty days."""
    places = np.arange(240)
    table = make_fruit(240).assign(
        seeds=lambda rows: rows["seeds"].astype("Int64").mask(places % 10 == 0),
        farm=lambda rows: rows["fruit"] + pd.Series(places % 6).astype("str"),
        picked=pd.Timestamp("2026-05-01") + pd.to_timedelta(places // 8, unit="D"),
    )
    return table.astype(dict.fromkeys(("colour", "fruit", "farm"), "str"))


def train(
    contract: Contract, params: Params, folder: Path, table: pd.DataFrame | None = None
) -> Profile:
    """The profile of a linear model that is saved in a folder with it."""
    table = make_table() if table is None else table
    rows = TrainRows(table, table, contract, params, np.arange(len(table)))
    estimator = make_candidate("linear", {}, make_problem(params, contract))
    pipeline = make_pipeline(make_features("linear", params, contract), estimator)
    folds = make_folds(table, contract, params)
    [(_, validation)] = cross_validate({"linear": pipeline}, rows, folds)
    model = Model(rows.fit("linear", pipeline), "linear", params.kind, contract)
    profile = make_profile(model, rows, folds, validation.outcomes)
    model.save(folder, profile)
    return profile


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Profile]:
    """A model that tells kinds of fruit apart, and its profile."""
    folder = tmp_path_factory.mktemp("models") / "champion"
    return folder, train(FRUIT, make_params(split={"test_fraction": 0.25, "by": "group"}), folder)


def test_the_profile_counts_what_is_watched_and_what_was_said_of_rows_not_learnt_from(
    saved: tuple[Path, Profile],
) -> None:
    _, profile = saved
    probabilities = ("probability_apple", "probability_melon")
    assert profile.scores == ("prediction", *probabilities)
    # Points in time always move, and names are no features.
    assert [*profile.scales] == ["weight", "seeds", "colour", *profile.scores]
    assert profile.rows == 240
    assert {tally.rows for tally in profile.tallies.values()} == {240}
    assert profile.tallies["seeds"].missing == 24
    assert profile.spreads.keys() == {"weight", "seeds", *probabilities}
    accuracy = profile.metrics["accuracy"]
    assert 0.5 < accuracy["low"] < accuracy["figure"] <= accuracy["high"] <= 1
    assert profile.metrics["calibration_error"]["low"] is None


def test_a_saved_profile_is_read_as_it_was(saved: tuple[Path, Profile]) -> None:
    folder, profile = saved
    read = read_profile(folder, "models/champion")
    for name in ("rows", "scales", "spreads", "scores", "metrics", "expectation"):
        assert getattr(read, name) == getattr(profile, name)
    for name, tally in profile.tallies.items():
        assert read.tallies[name].counts.tolist() == tally.counts.tolist()
        assert read.bars[name].tolist() == profile.bars[name].tolist()
    assert read.blocks.by == "group"
    for name, counts in profile.blocks.counts.items():
        assert read.blocks.counts[name].tolist() == counts.tolist()


def test_rows_of_a_group_are_a_block(saved: tuple[Path, Profile]) -> None:
    _, profile = saved
    sizes = sorted(make_table()["farm"].value_counts())
    for name, counts in profile.blocks.counts.items():
        assert sorted(counts.sum(axis=1)) == sizes
        tally = profile.tallies[name]
        in_bars = np.bincount(
            profile.block_bars[name][:-1], tally.counts, minlength=counts.shape[1]
        )
        in_bars[-1] = tally.missing
        assert counts.sum(axis=0).tolist() == in_bars.tolist()
    said = profile.blocks.counts["prediction"]
    assert (said.max(axis=1) > 0.9 * said.sum(axis=1)).all()


def test_of_a_regression_over_time_days_are_blocks_and_scores_are_of_later_rows(
    tmp_path: Path,
) -> None:
    split = {"test_fraction": 0.25, "by": "time"}
    settings = {"metric": "rmse", "folds": 2, "candidates": {"baseline": {}}}
    params = make_params(kind="regression", split=split, train=settings)
    profile = train(WEIGHTS, params, tmp_path / "one")
    train(WEIGHTS, params, tmp_path / "two")
    assert [*profile.scales] == ["seeds", "colour", "fruit", "prediction"]
    assert profile.blocks.by == "day"
    assert profile.blocks.counts["colour"].sum(axis=1).tolist() == [8] * 30
    assert profile.blocks.counts["prediction"].sum(axis=1).tolist() == [8] * 20
    one, two = ((tmp_path / name / "profile.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_feature_that_is_called_like_a_score_is_left_out(tmp_path: Path) -> None:
    columns = FARMS | {"prediction": {"type": "numeric", "meaning": "that of another model"}}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    table = make_table().assign(prediction=7.0)
    profile = train(contract, make_params(), tmp_path / "model", table)
    assert profile.scales["prediction"].categories == ("apple", "melon")
    assert profile.tallies["prediction"].rows == 240


def test_a_model_of_before_has_no_profile(saved: tuple[Path, Profile], tmp_path: Path) -> None:
    Model.load(saved[0]).save(tmp_path / "old")
    assert read_profile(tmp_path / "old", "models/champion") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: path.write_text("{}"), "profile.json is not the file that was saved"),
        (lambda path: path.unlink(), "not a complete saved model"),
    ],
)
def test_a_profile_that_is_not_the_one_that_was_saved_is_told(
    tmp_path: Path, saved: tuple[Path, Profile], change: object, told: str
) -> None:
    Model.load(saved[0]).save(tmp_path / "copy", saved[1])
    change(tmp_path / "copy" / "profile.json")
    with pytest.raises(UserError, match=f"^models/champion: {told}"):
        read_profile(tmp_path / "copy", "models/champion")
    with pytest.raises(UserError):
        Model.load(tmp_path / "copy")


@pytest.mark.parametrize("content", ["{}", "[]", '{"form": 1, "columns": {"weight": 7}}'])
def test_a_profile_that_says_nothing_is_told_even_if_its_hash_fits(
    tmp_path: Path, saved: tuple[Path, Profile], content: str
) -> None:
    Model.load(saved[0]).save(tmp_path / "copy", saved[1])
    profile, description = (tmp_path / "copy" / name for name in ("profile.json", "model.json"))
    profile.write_text(content, encoding="utf-8")
    described = json.loads(description.read_text(encoding="utf-8"))
    described["sha256"]["profile.json"] = sha256(profile)
    description.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(UserError, match="not a complete saved model"):
        read_profile(tmp_path / "copy", "models/champion")


def test_the_file_is_as_small_for_many_rows_as_for_a_few(saved: tuple[Path, Profile]) -> None:
    folder, _ = saved
    content = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    for column in content["columns"].values():
        assert len(column["counts"]) <= 65
    assert (folder / "profile.json").stat().st_size < 20_000


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        (np.random.default_rng(0).normal(5, 3, 10_000), 3),
        (np.append(np.random.default_rng(0).normal(5, 3, 10_000), 1e9), 3),
        (np.arange(1000) % 10 == 0, 0.3),
        ([4.0, 4.0, 4.0], 1),
        ([np.nan], 1),
    ],
)
def test_how_much_numbers_vary_hangs_on_no_few_of_them(values: object, spread: float) -> None:
    assert find_spread(pd.Series(values, dtype="float64")) == pytest.approx(spread, rel=0.03)
