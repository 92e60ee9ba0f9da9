"""Examples of a forecast, framed from rows of series: what each holds, on which side it is."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import make_params
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.examples import frame_contract
from lockstep.core.project import Project
from lockstep.core.table import write_parquet
from lockstep.data import census
from lockstep.data.examples import make_examples
from lockstep.data.folds import make_filter, make_folds
from lockstep.data.inner_folds import InnerFolds, Units, learning_from
from lockstep.data.past import decode_pasts, level_and_spread, measure_gaps
from lockstep.modeling.features import make_features
from lockstep.modeling.networks import NetworkForecaster
from made_up_series import CONTRACT, make_contract, make_sales
from owner import features  # noqa: F401 - they register steps
from owner.preprocess import preprocess
from ruamel.yaml import YAML

SPLIT = {"by": "time", "test_fraction": 0.2}
PARAMS = make_params(kind="forecasting", split=SPLIT)
FEATURES = ["past", "step", "level", "spread", "price"]


def frame(
    rows: pd.DataFrame | list[pd.DataFrame], contract: Contract | None = None
) -> pd.DataFrame:
    """All examples of some rows, in the order of series, origins and steps."""
    contract = contract or make_contract()
    batches = rows if isinstance(rows, list) else [rows]
    table = pd.concat(make_examples(batches, contract, PARAMS), ignore_index=True)
    order = [name for name in (contract.series, "origin", "step") if name]
    return table.sort_values(order, ignore_index=True)


def frame_one(values: list[float] | np.ndarray, **changes: object) -> pd.DataFrame:
    """The examples of one series of days."""
    rows = make_sales(days=len(values), shops=1).assign(sales=values)
    return frame(rows, make_contract(**changes))


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    return make_sales()


@pytest.fixture(scope="module")
def examples(sales: pd.DataFrame) -> pd.DataFrame:
    return frame(sales)


def learn_from(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["part"] == "train"].reset_index(drop=True)


def test_an_example_holds_what_was_known_at_its_origin_and_what_is_known_ahead(
    sales: pd.DataFrame, examples: pd.DataFrame
) -> None:
    contract = frame_contract(make_contract())
    assert [*examples] == [*contract.columns]
    rows = sales.set_index(["shop", "day"])
    for place in np.random.default_rng(0).choice(len(examples), 30, replace=False):
        example = examples.loc[place]
        shop, origin, time = example[["shop", "origin", "day"]]
        assert time - origin == pd.Timedelta(days=example["step"])
        assert 1 <= example["step"] <= 7
        assert (
            example[["sales", "price"]].tolist()
            == rows.loc[(shop, time)][["sales", "price"]].tolist()
        )
        past = decode_pasts([example["past"]], contract.columns["past"])[0]
        days = pd.date_range(end=origin, periods=28)
        own = rows.loc[shop].reindex(days)[["sales", "visitors"]].to_numpy("float64")
        np.testing.assert_array_equal(past, own)
        level, spread = level_and_spread(past[np.newaxis, :, 0], 7)
        assert (example["level"], example["spread"]) == (level[0], spread[0])


@given(st.integers(10, 110), st.integers(0, 2**32 - 1))
def test_whatever_comes_after_an_origin_its_features_are_the_same(day: int, seed: int) -> None:
    rng, rows = np.random.default_rng(seed), make_sales(shops=2)
    rows = rows[rng.random(len(rows)) < 0.9]
    origin = pd.Timestamp("2025-01-01") + pd.Timedelta(days=day)
    is_later = (rows["day"] > origin).to_numpy()
    other = rows.assign(
        sales=rows["sales"].mask(is_later, rng.normal(1e3, 1e6, len(rows))),
        visitors=rows["visitors"].mask(is_later, rng.integers(0, 10**6, len(rows))),
    )
    before, after = (table[table["origin"] <= origin] for table in (frame(rows), frame(other)))
    assert len(before) > 0
    is_known = before["day"] <= origin
    pd.testing.assert_frame_equal(
        before[["shop", "day", "origin", *FEATURES]], after[["shop", "day", "origin", *FEATURES]]
    )
    pd.testing.assert_series_equal(before["sales"][is_known], after["sales"][is_known])
    require_same_features(before, after)


def require_same_features(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """What an estimator gets of some examples is the same of both, bit by bit."""
    names = frame_contract(make_contract()).features
    transformer = make_features("linear", PARAMS, frame_contract(make_contract()))
    transformer.fit(one[names])
    np.testing.assert_array_equal(
        np.asarray(transformer.transform(one[names])),
        np.asarray(transformer.transform(other[names])),
    )


@given(st.integers(50, 110), st.integers(0, 2**32 - 1))
def test_without_what_comes_later_features_are_the_same(day: int, seed: int) -> None:
    rng, rows = np.random.default_rng(seed), make_sales(shops=2)
    rows = rows[rng.random(len(rows)) < 0.9]
    last = pd.Timestamp("2025-01-01") + pd.Timedelta(days=day)
    keys = ["shop", "origin", "day"]
    whole, early = (frame(part).set_index(keys) for part in (rows, rows[rows["day"] <= last]))
    common = whole.index.intersection(early.index)
    assert len(common) > 0
    whole, early = (table.loc[common].reset_index() for table in (whole, early))
    pd.testing.assert_frame_equal(whole[[*FEATURES, "sales"]], early[[*FEATURES, "sales"]])
    require_same_features(whole, early)


def test_what_is_learnt_has_come_before_all_origins_of_the_test(
    sales: pd.DataFrame, examples: pd.DataFrame
) -> None:
    train, test = learn_from(examples), examples[examples["part"] == "test"]
    cut = sorted(sales["day"].unique())[-25]  # a fifth of 120 days comes after it
    assert (train["day"].max(), test["origin"].min()) == (cut, cut)
    assert (train["origin"] < cut).all()
    # All steps of each origin of which all have come, so that none counts more than another.
    assert len(test) == 3 * 18 * 7
    across = examples[(examples["origin"] < cut) & (examples["day"] > cut)]
    assert across.empty


def test_a_test_is_of_one_horizon_at_least() -> None:
    table = frame(make_sales(days=30), make_contract(window=7))
    assert set(table["step"][table["part"] == "test"]) == set(range(1, 8))
    assert learn_from(table)["day"].max() == pd.Timestamp("2025-01-23")


@pytest.mark.parametrize(
    ("last", "day"),
    [("2024-04-30", 30), ("2023-02-28", 30), ("2023-02-28", 28), ("2024-02-29", 31)],
)
def test_months_of_a_day_that_not_all_have_are_tested_on_a_whole_horizon(
    last: str, day: int
) -> None:
    months = pd.period_range(end=last, periods=60, freq="M")
    days = np.minimum(day, months.days_in_month)
    times = months.to_timestamp() + pd.to_timedelta(days - 1, unit="D")
    rows = make_sales(days=60, shops=1).assign(day=times.astype("datetime64[us]"))
    contract = make_contract(every="1 month", horizon=13, season=12, window=12)
    table = frame(rows, contract)
    test = table[table["part"] == "test"]
    assert test["origin"].unique() == times[[-14]]
    assert test["step"].tolist() == [*range(1, 14)]
    assert learn_from(table)["day"].max() == times[-14]


def test_a_series_that_no_test_origin_is_early_enough_of_has_its_first() -> None:
    rows = make_sales()
    cut, shop = pd.Timestamp("2025-04-06"), rows["shop"]
    is_in = (shop != "shop 2") | (rows["day"] <= cut + pd.Timedelta(days=4))
    table = frame(rows[is_in & ((shop != "shop 3") | (rows["day"] != cut))])
    test = table[table["part"] == "test"]
    steps = test.groupby(["shop", "origin"])["step"].agg(list)
    assert steps["shop 2"].to_dict() == {cut: [1, 2, 3, 4]}
    for name in ("shop 1", "shop 3"):
        assert {*map(tuple, steps[name])} == {tuple(range(1, 8))}


def test_neither_order_nor_batches_of_rows_change_a_byte(project: Project) -> None:
    rows = make_sales(shops=12)
    shuffled = rows.sample(frac=1, random_state=0)
    contents = []
    for batches in ([rows], [shuffled.iloc[:1], shuffled.iloc[1:100], shuffled.iloc[100:]]):
        examples = make_examples(batches, make_contract(), PARAMS)
        for _ in range(2):  # as often as they are iterated
            write_parquet(pd.concat(examples), project.train)
            contents.append(project.train.read_bytes())
    assert len({*contents}) == 1


def test_of_too_many_examples_every_so_manieth_origin_makes_some(
    monkeypatch: pytest.MonkeyPatch, sales: pd.DataFrame, examples: pd.DataFrame
) -> None:
    monkeypatch.setattr(census, "MOST_EXAMPLES", 300)
    made = make_examples([sales], make_contract(), PARAMS)
    thinned = pd.concat(made, ignore_index=True)
    assert thinned["part"].value_counts().max() <= 300
    both = pd.concat([thinned, examples]).duplicated(keep=False)
    assert both[: len(thinned)].all()
    assert ", one origin in 8 and in 2, from 360 rows of 3 series" in made.summary(360, 1, 1)
    # A stride of 7 would have made one weekday the only one.
    assert learn_from(thinned)["origin"].dt.day_of_week.nunique() == 7
    assert learn_from(thinned).groupby("origin")["step"].nunique().max() == 7


def test_of_few_origins_all_series_have_the_same(
    monkeypatch: pytest.MonkeyPatch, sales: pd.DataFrame
) -> None:
    monkeypatch.setattr(census, "MOST_EXAMPLES", 300)
    is_in = (sales["shop"] != "shop 2") | (sales["day"] > "2025-01-04")
    origins = learn_from(frame(sales[is_in])).groupby("shop")["origin"].agg(set)
    assert origins["shop 2"] <= origins["shop 1"] == origins["shop 3"]


def test_an_origin_has_a_quarter_of_its_window_behind_it() -> None:
    values = np.arange(60.0)
    assert frame_one(values)["origin"].min() == pd.Timestamp("2025-01-07")
    values[[1, 3]] = np.nan
    assert frame_one(values)["origin"].min() == pd.Timestamp("2025-01-09")
    assert frame_one(values, window=7)["origin"].min() == pd.Timestamp("2025-01-05")
    assert frame_one(values, window=14)["origin"].min() == pd.Timestamp("2025-01-06")


def test_gaps_stay_gaps_and_no_origin_lies_in_one(sales: pd.DataFrame) -> None:
    """A gap longer than the horizon, and one of a missing value."""
    is_gap = sales["day"].between("2025-02-10", "2025-02-25")
    rows = sales[~is_gap].assign(sales=sales["sales"].mask(sales["day"] == "2025-03-05"))
    table = frame(rows)
    assert not table["origin"].between("2025-02-10", "2025-02-25").any()
    assert not (table[["origin", "day"]] == pd.Timestamp("2025-03-05")).any(axis=None)
    column = frame_contract(make_contract()).columns["past"]
    after = table[(table["origin"] == "2025-03-06") & (table["step"] == 1)]
    past = decode_pasts(after["past"].tolist(), column)
    assert np.isnan(past[:, :, 0]).sum(axis=1).tolist() == [17] * 3
    assert measure_gaps(after["past"].tolist(), column).tolist() == [17 / 28] * 3
    assert np.isfinite(after[["level", "spread"]]).all(axis=None)


def test_series_that_start_late_or_end_early_have_the_examples_that_they_can() -> None:
    rows = make_sales(shops=4)
    shop, day = rows["shop"], rows["day"]
    is_in = (shop == "shop 1") | ((shop == "shop 2") & (day >= "2025-04-10"))
    is_in |= (shop == "shop 3") & (day < "2025-03-01")
    is_in |= (shop == "shop 4") & (day == "2025-02-02")  # one point
    examples = make_examples([rows[is_in]], make_contract(), PARAMS)
    table = pd.concat(examples)
    sides = table.groupby("shop")["part"].agg(lambda part: sorted(set(part)))
    assert sides.to_dict() == {
        "shop 1": ["test", "train"],
        "shop 2": ["test"],
        "shop 3": ["train"],
    }
    assert table[table["shop"] == "shop 2"]["scale"].isna().all()
    train = (table["part"] == "train").sum()
    assert examples.summary(is_in.sum() + 2, train, len(table) - train) == (
        f"{train} examples for training, {len(table) - train} for the test, from {is_in.sum()} "
        "rows of 4 series, 1 of them too short: 'shop 4', 2 rows left out by clean"
    )


def test_a_constant_series_can_be_learnt_from() -> None:
    table = frame_one([5.0] * 60)
    assert set(table["spread"]) == {0.05}
    assert set(table["level"]) == {5.0}
    assert table[["scale", "squared_scale"]].isna().all(axis=None)
    assert set(frame_one([0.0] * 60)["spread"]) == {1.0}


def test_the_level_is_of_the_latest_season_and_the_spread_of_the_whole_window() -> None:
    nan = np.nan
    values = [[1, 3, 5, 9], [nan, 3, 5, nan], [1, 3, nan, nan], [nan] * 4, [8, 8, 8, 8]]
    level, spread = level_and_spread(np.array(values), 2)
    assert level.tolist() == [7, 5, 2, 0, 8]
    assert spread.tolist() == [2.5, 1, 1, 1, 0.08]
    alone = [level_and_spread(np.array([line]), 2) for line in values]
    np.testing.assert_array_equal(np.array(alone)[:, :, 0].T, [level, spread])


def test_the_scale_is_the_error_of_a_season_before_in_what_is_learnt_from() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=60).round(3).tolist()
    table = frame_one(values)
    cut = (learn_from(table)["day"].max() - pd.Timestamp("2025-01-01")).days
    learnt = np.array(values[: cut + 1])
    errors = learnt[7:] - learnt[:-7]
    assert set(table["scale"]) == {abs(errors).mean()}
    assert set(table["squared_scale"]) == {(errors**2).mean()}


def test_many_series_are_evidence_apart_and_few_are_it_in_stretches_of_time(
    examples: pd.DataFrame,
) -> None:
    many = frame(make_sales(shops=10))
    assert (many["block"] == many["shop"]).all()
    assert examples.groupby("origin")["block"].nunique().max() == 1
    test = examples[examples["part"] == "test"]
    days = test.groupby("block")["origin"].nunique()
    assert days.tolist() == [7, 7, 4]  # a horizon each, and the rest
    assert not set(test["block"]) & set(learn_from(examples)["block"])


def test_one_series_without_a_name_is_one() -> None:
    contract = Contract.model_validate(
        CONTRACT
        | {"series": None}
        | {"columns": {k: v for k, v in CONTRACT["columns"].items() if k != "shop"}}
    )
    rows = make_sales(shops=1)
    named = frame(rows).drop(columns="shop")
    pd.testing.assert_frame_equal(frame(rows.drop(columns="shop"), contract), named)


def test_times_that_are_numbers_are_counted_as_they_come() -> None:
    columns = CONTRACT["columns"] | {"day": {"type": "numeric", "meaning": "seconds"}}
    contract = make_contract(columns=columns, every=0.1)
    rows = make_sales(days=60)
    seconds = (rows["day"] - rows["day"].min()).dt.days * 0.1
    table = frame(rows.assign(day=seconds), contract)
    dated = frame(rows)
    np.testing.assert_array_equal(table["past"], dated["past"])
    np.testing.assert_allclose(table["day"] - table["origin"], table["step"].astype("float") * 0.1)
    assert learn_from(table)["day"].max() == table["origin"][table["part"] == "test"].min()


FAULTS = {
    "a time twice": (
        lambda rows: pd.concat([rows, rows.iloc[[5, 7]]]),
        "time: shop 'shop 1': day is '2025-01-06', expected one row of each time (and 1 more); "
        "leave one of them, or name the column that tells series apart as `series`",
    ),
    "an hour off": (
        lambda rows: rows.assign(day=rows["day"].where(rows.index != 9, rows["day"] + HOUR)),
        "time: shop 'shop 1': day is '2025-01-10 01:00:00', expected whole steps of 1 day from "
        "2025-01-01 on; correct `every`, or those rows",
    ),
    "a time in the next century": (
        lambda rows: rows.assign(
            day=rows["day"].where(rows.index != 9, pd.Timestamp("2925-01-10"))
        ),
        "day is '2925-01-10', expected no more than 100 steps of 1 day for a row",
    ),
    "no time": (
        lambda rows: rows.assign(day=rows["day"].where(rows.index != 9)),
        "time: 1 of 360 rows lack 'day'; make it `nullable: false`",
    ),
    "no name": (
        lambda rows: rows.assign(shop=rows["shop"].where(rows.index != 9)),
        "series: 1 of 360 rows lack 'shop'; make it `nullable: false`",
    ),
    "too few times": (
        lambda rows: rows[rows["day"] < "2025-01-14"],
        "horizon: the rows are of 13 times; to learn to forecast 7 steps and to test it takes 15 "
        "or more",
    ),
    "no rows": (lambda rows: rows.head(0), "horizon: the rows are of 0 times"),
    "gaps only": (
        lambda rows: rows[rows["day"].dt.day == 1].pipe(
            lambda part: pd.concat(
                part.assign(shop=f"{n}", day=part["day"] + pd.Timedelta(days=n)) for n in range(9)
            ).drop_duplicates(["shop", "day"])
        ),
        "horizon: no value can be forecast from those before it: that takes 7 known ones among 28 "
        "steps of 1 day",
    ),
}
HOUR = pd.Timedelta(hours=1)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_rows_is_told_in_a_line(fault: str, sales: pd.DataFrame) -> None:
    spoil, message = FAULTS[fault]
    with pytest.raises(UserError, match=re.escape(message)) as error:
        frame(spoil(sales))
    assert str(error.value).startswith("references/schema.yaml: ")


def test_a_forecast_is_split_by_time_alone(sales: pd.DataFrame) -> None:
    params = make_params(kind="forecasting", split={"by": "row", "test_fraction": 0.2})
    with pytest.raises(UserError, match=r"params.yaml: split.by: found row; .* split by time"):
        make_examples([sales], make_contract(), params)


@pytest.mark.parametrize(("way", "count"), [({"folds": 4}, 4), ({"holdout": 0.25}, 1)])
def test_no_fold_learns_what_its_origins_could_not_know(
    examples: pd.DataFrame, way: dict[str, float], count: int
) -> None:
    train, contract = learn_from(examples), frame_contract(make_contract())
    settings = {"candidates": {"baseline": {}}} | way
    params = make_params(kind="forecasting", split=SPLIT, train=settings)
    folds = make_folds(train, contract, params)
    assert len(folds) == count
    tried = [train.iloc[validation] for _, validation in folds]
    for (learn, validation), rows in zip(folds, tried, strict=True):
        first = rows["origin"].min()
        assert train["day"].iloc[learn].max() == first
        assert (rows["step"].value_counts() == len(rows) / 7).all()  # all steps of each origin
        may_be_learnt = make_filter(train.iloc[validation], contract, params)(train)
        assert np.flatnonzero(may_be_learnt).tolist() == learn.tolist()
    for earlier, later in pairwise(tried):
        assert later["origin"].min() - earlier["origin"].max() == pd.Timedelta(days=1)
    # The latest origin of which all steps have come.
    assert tried[-1]["origin"].max() == train["day"].max() - pd.Timedelta(days=7)


def test_too_few_origins_for_the_folds_are_told(examples: pd.DataFrame) -> None:
    train = learn_from(examples)
    few = train[train["origin"] < "2025-01-10"]
    params = make_params(
        kind="forecasting", split=SPLIT, train={"candidates": {"baseline": {}}, "folds": 5}
    )
    with pytest.raises(UserError, match="train: 5 folds of a forecast of 7 steps need more than"):
        make_folds(few, frame_contract(make_contract()), params)


def test_early_stopping_and_inner_folds_learn_what_is_known_at_the_origins_they_are_tried_on(
    examples: pd.DataFrame,
) -> None:
    train = learn_from(examples)
    times, origins = train["day"].to_numpy(), train["origin"].to_numpy()
    units = Units.of_rows(train, frame_contract(make_contract()), PARAMS)
    with learning_from(units):
        learn, watch = NetworkForecaster(build=dict, options={}).hold_out(np.zeros(len(train)))
        folds = [*InnerFolds(0, classifies=False).split(train, train["sales"])]
    assert times[learn].max() == origins[watch].min()
    (learn, own), *later = folds
    # Nothing comes before the first one.
    assert times[own].max() <= origins[learn].min()
    assert len(later) == 4
    for learn, own in later:
        assert times[learn].max() == origins[own].min()
    assert sorted(np.concatenate([own for _, own in folds])) == [*range(len(train))]


def test_preprocess_writes_the_sides_and_says_what_came_of_the_rows(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    sales = make_sales().astype({"visitors": "Int64"})
    sales.loc[[3, 4], "sales"] = np.nan
    write_parquet(sales, project.dataset)
    with project.contract_file.open("w") as file:
        YAML().dump(CONTRACT, file)
    contents = set()
    for _ in range(2):
        project = Project(project.root)
        vars(project)["params"] = PARAMS
        preprocess(project)
        contents.add(project.train.read_bytes() + project.test.read_bytes())
    assert len(contents) == 1
    train, test = (project.table(path).read() for path in (project.train, project.test))
    assert (set(train["part"]), set(test["part"])) == ({"train"}, {"test"})
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"preprocess: {len(train)} examples for training, {len(test)} for the test, from 358 rows "
        "of 3 series, 2 rows left out by clean -> data/processed"
    )


def test_steps_between_whole_numbers_are_whole() -> None:
    columns = CONTRACT["columns"] | {"day": {"type": "integer", "meaning": "day"}}
    rows = make_sales(days=60).assign(day=pd.array([*range(60)] * 3, dtype="Int64"))
    assert frame(rows, make_contract(columns=columns, every=1))["origin"].dtype == "Int64"
    with pytest.raises(UserError, match=r"every: found 0\.5; 'day' has whole numbers"):
        make_examples([rows], make_contract(columns=columns, every=0.5), PARAMS)


def test_rows_of_a_table_are_examples_as_they_are(fruit: pd.DataFrame, contract: Contract) -> None:
    examples = make_examples([fruit.head(40), fruit.tail(20)], contract, make_params())
    pd.testing.assert_frame_equal(pd.concat(examples), fruit)
    assert examples.summary(60, 40, 20) == "40 rows for training, 20 for the test"
    assert examples.summary(65, 40, 18) == (
        "40 rows for training, 18 for the test, 2 copies of test rows left out, 5 rows left out by "
        "clean"
    )


def test_a_constant_that_changes_is_told_by_where() -> None:
    region = {"type": "categorical", "categories": ["n", "s"], "future": True, "constant": True}
    columns = CONTRACT["columns"] | {"region": region | {"meaning": "where"}}
    rows = make_sales().assign(region="n")
    rows.loc[rows["shop"] == "shop 2", "region"] = "s"
    rows.loc[3, "region"] = None
    contract = make_contract(columns=columns)
    assert len(frame(rows, contract))
    for place in (120, 125):  # also where it is the first of its series
        with pytest.raises(UserError) as error:
            frame(rows.assign(region=rows["region"].where(rows.index != place, "n")), contract)
        day = rows["day"][place].date()
        assert str(error.value) == (
            "references/schema.yaml: columns.region: constant: shop 'shop 2': region is 'n', "
            f"expected 's' as at its other times, at {day}; correct that row, or take `constant` "
            "away"
        )
