"""Making out series: what `use` writes, what it doubts, and what it refuses in a line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lockstep.adopting.contract_text import format_contract
from lockstep.adopting.suggestion import suggest
from lockstep.adopting.summary import describe_plan, summarise
from lockstep.adopting.understanding import Understanding, understand
from lockstep.adopting.wishes import Wishes
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from ruamel.yaml import YAML

DAYS, FUTURE = 120, 14


def sales(days: int = DAYS, shops: int = 3, future: int = 0) -> pd.DataFrame:
    """What shops sell day by day, of which the last `future` days are still to come."""
    rng, parts = np.random.default_rng(0), []
    for shop in range(shops):
        day = pd.Series(pd.date_range("2025-01-01", periods=days + future))
        season = 100 * (1 + 0.3 * np.sin(2 * np.pi * np.arange(len(day)) / 7))
        parts.append(
            pd.DataFrame(
                {
                    "day": day,
                    "shop": f"S{shop}",
                    "region": "north" if shop < 2 else "south",
                    "price": rng.normal(10, 1, len(day)).round(2),
                    "visitors": rng.poisson(50, len(day)),
                    "promo": rng.integers(0, 2, len(day)),
                    "weather": rng.choice(["sun", "rain", "snow"], len(day)),
                    "note": [f"what was said on day {number}" for number in range(len(day))],
                    "sales": (season + rng.normal(0, 5, len(day))).round(1),
                }
            )
        )
        parts[-1].loc[days:, ["visitors", "sales"]] = np.nan
    return pd.concat(parts, ignore_index=True)


WISHES = {"target": "sales", "time": "day", "series": "shop", "horizon": 14}


def make_out(tmp_path: Path, frame: pd.DataFrame, **wishes: Any) -> Understanding:
    file = tmp_path / "sales.csv"
    frame.to_csv(file, index=False)
    return understand([file], file.name, "a test", Wishes(**WISHES | wishes))


def words(contract: Contract) -> tuple[object, ...]:
    return (contract.horizon, contract.every, contract.season, contract.window)


def doubts(understanding: Understanding) -> str:
    return "\n".join(summarise("sales.csv", understanding))


def test_what_a_forecast_needs_is_made_out_of_target_time_series_and_horizon(
    tmp_path: Path,
) -> None:
    understanding = make_out(tmp_path, sales())
    contract = understanding.contract
    assert (contract.kind, contract.time, contract.series) == ("forecasting", "day", "shop")
    assert words(contract) == (14, "1 day", 7, 56)
    assert contract.features == ["day", "region", "price", "visitors"]
    assert [name for name in contract.features if contract.columns[name].future] == ["region"]
    assert contract.columns["region"].constant
    assert {*contract.drop} == {"promo", "weather", "note"}
    assert "3 series, 1 day from row to row" in doubts(understanding)
    assert "promo: left out: known of times to come" in doubts(understanding)
    assert "`--future promo`" in doubts(understanding)
    assert "note: left out: names, of which nothing is learnt" in doubts(understanding)


def test_a_series_may_grow_beyond_what_there_has_been(tmp_path: Path) -> None:
    frame = sales().assign(visitors=lambda rows: rows["visitors"] - 60)
    columns = make_out(tmp_path, frame).contract.columns
    assert columns["sales"].range == (0, None)
    assert columns["visitors"].range is None


def test_what_rows_after_the_last_target_hold_is_known_ahead(tmp_path: Path) -> None:
    contract = make_out(tmp_path, sales(future=FUTURE)).contract
    future = [name for name in contract.features if contract.columns[name].future]
    assert future == ["region", "price", "promo", "weather"]
    assert contract.columns["visitors"].nullable


def test_a_person_says_what_else_is_known_ahead_and_how_far_rows_are_apart(tmp_path: Path) -> None:
    frame = sales()
    frame = frame[frame["day"].dt.day_of_year % 2 == 1]
    contract = make_out(tmp_path, frame, future=("promo",), every="2 days", horizon=5).contract
    assert contract.columns["promo"].future
    assert not contract.columns["promo"].constant
    assert contract.every == "2 days"


@pytest.mark.parametrize(
    ("frequency", "periods", "horizon", "expected"),
    [
        ("D", 600, 7, (7, "1 day", 7, 56)),
        ("h", 600, 24, (24, "1 hour", 24, 168)),
        ("W", 600, 4, (4, "1 week", 52, 156)),
        ("W", 104, 4, (4, "1 week", 52, 78)),
        ("W", 103, 4, (4, "1 week", 1, 48)),
        ("ME", 90, 12, (12, "1 month", 12, 67)),
        ("QE", 90, 4, (4, "1 quarter", 4, 48)),
        ("YS", 90, 2, (2, "1 year", 1, 48)),
    ],
)
def test_season_and_window_follow_from_how_far_times_are_apart(
    tmp_path: Path, frequency: str, periods: int, horizon: int, expected: tuple[object, ...]
) -> None:
    times = pd.date_range("2001-01-01", periods=periods, freq=frequency)
    frame = pd.DataFrame({"day": times, "sales": np.random.default_rng(0).normal(size=len(times))})
    assert words(make_out(tmp_path, frame, series=None, horizon=horizon).contract) == expected


def test_times_may_be_numbers_and_later_ones_are_no_breach(tmp_path: Path) -> None:
    frame = pd.DataFrame({"day": range(100), "sales": np.random.default_rng(0).normal(size=100)})
    contract = make_out(tmp_path, frame, series=None, horizon=5).contract
    assert contract.every == "1"
    assert contract.columns["day"].range is None


def test_the_only_dates_are_the_times(tmp_path: Path) -> None:
    understanding = make_out(tmp_path, sales(), time=None)
    assert understanding.contract.time == "day"
    assert "times are those of 'day', the only dates" in doubts(understanding)


def test_without_a_horizon_the_table_is_one_of_rows(tmp_path: Path) -> None:
    contract = make_out(tmp_path, sales(), series=None, horizon=None).contract
    assert (contract.kind, contract.horizon, contract.every) == ("regression", None, None)


def test_what_is_doubtful_about_series_is_told(tmp_path: Path) -> None:
    frame = sales()
    day, shop = frame["day"], frame["shop"]
    is_gap = (shop == "S0") & day.between("2025-02-01", "2025-02-20")
    is_early = (shop == "S1") & (day < "2025-02-10")
    is_late = (shop == "S2") & (day > "2025-04-01")
    frame.loc[shop == "S1", "sales"] = 5
    told = doubts(make_out(tmp_path, frame[~(is_gap | is_early | is_late)]))
    assert "series 'S0' lacks 20 of 120 values" in told
    assert "longer than the horizon" in told
    assert "series 'S1' starts after 2025-01-01" in told
    assert "series 'S2' ends before 2025-04-30" in told
    assert "series 'S1' never changes" in told
    told = doubts(make_out(tmp_path, sales(40)))
    assert "14 steps ahead are far for 40 times" in told
    assert "`--horizon 6`" in told


def test_columns_that_look_like_series_are_told_with_what_to_do(tmp_path: Path) -> None:
    wide = sales(shops=5).pivot_table("sales", "day", "shop").reset_index()
    told = doubts(make_out(tmp_path, wide, series=None, target="S0"))
    assert "frame.melt('day'" in told
    with pytest.raises(UserError, match=r"no column 'sales'.*frame\.melt\("):
        make_out(tmp_path, wide, series=None)


def test_a_column_for_each_time_is_told_with_what_to_do(tmp_path: Path) -> None:
    wide = sales(40).pivot_table("sales", "shop", "day").reset_index()
    wide.columns = [str(name)[:10] for name in wide]
    message = (
        r"no column 'sales', but it has a column for each of 40 times, such as '2025-01-01': .*"
        r"frame\.melt\(\['shop'\], var_name='time', value_name='sales'\), and say "
        "--target 'sales' --time time --series 'shop'$"
    )
    with pytest.raises(UserError, match=message):
        make_out(tmp_path, wide)
    with pytest.raises(UserError, match="--horizon: no column holds dates, but it has a column"):
        make_out(tmp_path, wide, target="2025-02-09", time=None, series=None)


def test_days_of_weeks_without_their_ends_are_weekdays(tmp_path: Path) -> None:
    frame = sales()
    frame = frame[frame["day"].dt.day_of_week < 5]
    understanding = make_out(tmp_path, frame)
    assert words(understanding.contract) == (14, "1 weekday", 5, 48)
    told = doubts(understanding)
    assert "no row is of a Saturday or Sunday: weekdays alone are forecast" in told
    assert "lack" not in told
    every_day = make_out(tmp_path, frame, every="1 day")
    assert every_day.contract.every == "1 day"
    assert "all 3 series lack" in doubts(every_day)


def test_a_cell_that_differs_where_all_others_of_its_series_agree_is_told(tmp_path: Path) -> None:
    frame = sales()
    frame.loc[50, "region"] = "nroth"
    told = doubts(make_out(tmp_path, frame))
    assert (
        "region: the same at all times of a series but in 1 of 360 rows, such as 'nroth' of series "
        "'S0' at 2025-02-20, else 'north': a mistake?"
    ) in told
    assert "--future region" not in told


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%dT00:00:00+01:00",
        "%Y-%m-%d 00:00:00 +0100",
        "%Y-%m-%d 00:00 +01",
        "%Y-%m-%dT00+01:00",
    ],
)
def test_a_zone_that_moves_times_to_another_day_is_told(tmp_path: Path, form: str) -> None:
    frame = sales()
    told = doubts(make_out(tmp_path, frame.assign(day=frame["day"].dt.strftime(form))))
    first = frame["day"][0].strftime(form)
    assert f"- times have a zone, and are read as UTC: {first} as 2024-12-31" in told


@pytest.mark.parametrize("zone", ["", "Z", " Z", "+00:00", " +0000"])
def test_times_of_utc_need_no_telling(tmp_path: Path, zone: str) -> None:
    frame = sales()
    written = frame["day"].dt.strftime("%Y-%m-%dT00:00:00")
    assert "zone" not in doubts(make_out(tmp_path, frame.assign(day=written + zone)))


def test_series_without_values_are_named(tmp_path: Path) -> None:
    frame = sales(shops=6)
    told = doubts(
        make_out(tmp_path, frame.assign(sales=frame["sales"].where(frame["shop"] < "S2")))
    )
    assert "series 'S2', 'S3', 'S4' and 1 more have no value of the target" in told


def of_two_items(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame.assign(item="a"), frame.assign(item="b")])


def in_two_zones(frame: pd.DataFrame) -> pd.DataFrame:
    zone = np.where(frame["day"] < "2025-03-30", "+01:00", "+02:00")
    return frame.assign(day=frame["day"].dt.strftime("%Y-%m-%dT00:00:00") + zone)


def of_hours(frame: pd.DataFrame) -> pd.DataFrame:
    """As clocks of Berlin show them, where an hour comes twice in autumn."""
    hours = pd.date_range("2025-10-20", periods=len(frame) // 3, freq="3h", tz="Europe/Berlin")
    hours = hours.append(
        pd.DatetimeIndex(["2025-10-26 02:00"]).tz_localize(hours.tz, ambiguous=[True])
    )
    hours = hours.append(
        pd.DatetimeIndex(["2025-10-26 02:00"]).tz_localize(hours.tz, ambiguous=[False])
    )
    return frame.head(len(hours)).assign(day=hours.tz_localize(None), shop="S0")


def off_by_hours(frame: pd.DataFrame) -> pd.DataFrame:
    hours = np.where(frame.index == 10, 5, 0)
    return frame.assign(day=frame["day"] + pd.to_timedelta(hours, unit="h"))


def at_last_business_days(frame: pd.DataFrame) -> pd.DataFrame:
    days = pd.date_range("2020-01-01", periods=DAYS, freq="BME")
    return frame.assign(day=np.tile(days, len(frame) // DAYS))


@pytest.mark.parametrize(
    ("change", "wishes", "message"),
    [
        (sales, {"series": None}, r"240 rows have the time of another.*`--series shop` tells"),
        (of_two_items, {}, "'shop' and 'item' together tell series apart"),
        (of_two_items, {"series": None}, "'shop' and 'item' together tell series apart"),
        (
            lambda frame: pd.concat([frame, frame.head(1)]),
            {},
            "1 row has the time of another of its series, such as 2025-01-01 of shop 'S0'; leave",
        ),
        (in_two_zones, {}, r"expected whole steps.*several zones, such as \+01:00 and \+02:00"),
        (of_hours, {}, "such as 2025-10-26 02:00:00 of .*as where clocks go back: write times in"),
        (
            lambda frame: frame.assign(day=frame["day"].dt.strftime("%G-W%V-x")),
            {},
            "--time: .*14:00",
        ),
        (
            lambda frame: frame.assign(sales=frame["shop"].str[1:].astype(int)),
            {},
            "--target: 'sales' never changes within a series; there is nothing to forecast",
        ),
        (off_by_hours, {}, "'2025-01-11 05:00:00', expected whole steps of 1 day"),
        (
            at_last_business_days,
            {},
            "times of 'day' are 1 month apart, but of different days of their months: write "
            "the first of each, 2020-01-01 for 2020-01-31",
        ),
        (None, {"every": "1 dy"}, "--every: found '1 dy'; a whole number and one of second"),
        (None, {"every": "2 days"}, "'2025-01-02', expected whole steps of 2 days"),
        (None, {"future": ("note",)}, "--future: 'note' looks like names, such as"),
        (None, {"future": ("primo",)}, "--future: no column 'primo'; did you mean promo"),
        (None, {"kind": "regression"}, "--kind and --horizon: a forecast is of numbers"),
        (None, {"group": "region"}, "--group and --horizon: what tells series apart is --series"),
        (None, {"horizon": None}, "--series: it is of a forecast: say by --horizon"),
        (None, {"target": "shop", "series": None}, "--horizon forecasts numbers"),
        (
            lambda frame: frame.assign(sales=1),
            {},
            r"target 'sales' holds '1' only; there is nothing to learn",
        ),
        (
            lambda frame: frame.assign(shop=frame["shop"].where(frame.index > 2)),
            {},
            "--series: 3 of 360 rows lack 'shop'",
        ),
        (
            lambda frame: frame.head(1),
            {},
            "--horizon: all rows are of one time; a forecast is learnt from many",
        ),
        (
            lambda frame: frame[frame["day"] == "2025-01-01"],
            {"every": "1 day"},
            "--horizon: all rows are of one time; a forecast is learnt from many",
        ),
    ],
)
def test_series_that_cannot_be_told_are_refused_in_a_line(
    tmp_path: Path, change: Any, wishes: dict[str, Any], message: str
) -> None:
    frame = sales()
    if change is not None and change is not sales:
        frame = change(frame)
    with pytest.raises(UserError, match=message) as told:
        make_out(tmp_path, frame, **wishes)
    assert "\n" not in str(told.value)


def test_the_contract_tells_its_words_and_is_read_back(tmp_path: Path) -> None:
    contract = make_out(tmp_path, sales(future=FUTURE)).contract
    text = format_contract(contract)
    assert re.search("\nhorizon: 14 +# steps ahead that are forecast\n", text)
    assert "future: true: a column is known of times to come" in text
    assert Contract.model_validate(YAML(typ="safe").load(text)) == contract


def test_settings_split_by_time_with_a_test_of_two_horizons(tmp_path: Path) -> None:
    contract, table, *_ = make_out(tmp_path, sales(future=FUTURE))
    settings = suggest(contract, table)
    assert (settings["kind"], settings["split.by"]) == ("forecasting", "time")
    assert settings["train.metric"] == "mase"
    assert 2 * 14 <= settings["split.test_fraction"] * DAYS < 2 * 14 + 2
    assert next(iter(settings["train.candidates"])) == "baseline"
    plan = describe_plan(contract, pd.DataFrame(), settings, ())
    assert "sales, 14 steps of 1 day ahead, from its latest 56 values" in plan
    assert "4 columns known ahead" in plan


@pytest.mark.parametrize(("days", "alpha"), [(DAYS, 100.0), (800, 10.0)])
def test_both_ridges_have_a_penalty_for_so_many_examples(
    tmp_path: Path, days: int, alpha: float
) -> None:
    contract, table, *_ = make_out(tmp_path, sales(days))
    candidates = suggest(contract, table)["train.candidates"]
    assert candidates["autoregression"] == candidates["combination"] == {"alpha": alpha}


@pytest.mark.parametrize(
    ("days", "steps"), [(DAYS, {"day": [{"calendar": {"month": False}}, "impute"]}), (800, {})]
)
def test_months_are_a_feature_once_they_have_come_twice(
    tmp_path: Path, days: int, steps: dict[str, Any]
) -> None:
    understanding = make_out(tmp_path, sales(days, shops=1)[["day", "shop", "sales"]])
    assert suggest(understanding.contract, understanding.table)["features.columns"] == steps
