"""How far times of a series are apart: steps of days, months or numbers, counted and added."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.contract import Column
from lockstep.core.errors import UserError
from lockstep.data.conformity import conform
from lockstep.data.every import Every, infer_every, parse_every
from lockstep.data.grid import Grid

WORDS = [
    "1 second",
    "15 minutes",
    "1 hour",
    "1 day",
    "1 weekday",
    "2 weeks",
    "1 month",
    "1 quarter",
    "2 years",
]
EVERY = st.sampled_from(WORDS).map(lambda text: parse_every(text, is_number=False))
POINTS = st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01"))
STEPS = st.lists(st.integers(-500, 500), min_size=1, max_size=20).map(np.array)


def make_points(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def continue_times(every: str, *texts: str, steps: int = 3) -> list[str]:
    """The next times after some, as days."""
    grid = Grid.of_times(make_points(*texts), parse_every(every, is_number=False))
    count = int(grid.steps(make_points(*texts))[-1])
    return [str(time)[:10] for time in grid.times(np.arange(count + 1, count + 1 + steps))]


@given(EVERY, POINTS, STEPS)
def test_steps_that_are_added_are_counted_again(
    every: Every, start: pd.Timestamp, steps: np.ndarray
) -> None:
    grid = Grid.of_times(np.array([start], dtype="datetime64[us]"), every)
    times = grid.times(steps)
    assert (grid.steps(times) == steps).all()
    assert [grid.floor(time) for time in times] == steps.tolist()
    assert (np.diff(grid.times(np.arange(-20, 20))) > np.timedelta64(0)).all()


@given(st.sampled_from([0.1, 0.25, 1.0, 7.0, 1e6]), st.integers(-1000, 1000), STEPS)
def test_steps_of_numbers_are_counted_again(size: float, start: int, steps: np.ndarray) -> None:
    every = Every(size, "number")
    grid = Grid.of_times(every.round(np.array([start * size])), every)
    assert (grid.steps(grid.times(steps)) == steps).all()
    assert (grid.steps((start + steps) * size) == steps).all()  # as floats have them


def test_seconds_since_1970_are_steps_although_floats_hold_them_roughly() -> None:
    grid = Grid(Every(0.1, "number"), 1.7e9)
    assert (grid.steps(1.7e9 + np.arange(1000) * 0.1) == np.arange(1000)).all()


@given(EVERY, POINTS, st.integers(-500, 500))
def test_a_time_between_two_is_of_no_grid(every: Every, start: pd.Timestamp, step: int) -> None:
    grid = Grid.of_times(np.array([start], dtype="datetime64[us]"), every)
    moment, time = np.timedelta64(1, "us"), grid.times(np.array([step]))
    assert np.isnan(grid.steps(np.concatenate([time - moment, time + moment]))).all()
    assert [grid.floor(time[0] - moment), grid.floor(time[0] + moment)] == [step - 1, step]


def test_months_that_end_go_on_ending() -> None:
    assert continue_times("1 month", "2023-01-31") == ["2023-02-28", "2023-03-31", "2023-04-30"]
    assert continue_times("1 month", "2024-01-31", steps=1) == ["2024-02-29"]
    ends = ["2024-02-29", "2024-03-31", "2024-04-30"]
    assert continue_times("1 month", *ends, steps=2) == ["2024-05-31", "2024-06-30"]
    assert continue_times("1 quarter", "2023-06-30", "2023-09-30", steps=1) == ["2023-12-31"]
    assert continue_times("1 year", "2023-02-28", steps=1) == ["2024-02-29"]


def test_weekdays_leave_out_the_ends_of_weeks_whatever_is_missing_between() -> None:
    days = pd.Series(
        pd.date_range("2025-01-01 09:00", periods=30, freq="B").to_numpy("datetime64[us]")
    )
    every = infer_every(days[days.index % 7 != 3])
    assert str(every) == "1 weekday"
    grid = Grid.of_times(days.to_numpy(), every)
    later = pd.Series(grid.times(np.arange(30, 40)))
    assert later.tolist() == pd.date_range(days.iloc[-1], periods=11, freq="B")[1:].tolist()
    weekend = make_points("2025-01-04T09:00", "2025-01-05T09:00")
    assert np.isnan(grid.steps(weekend)).all()
    assert [grid.floor(time) for time in weekend] == [2, 2]
    assert str(infer_every(days.head(19))) == "1 day"
    assert str(infer_every(pd.concat([days, pd.Series(weekend)]))) == "1 day"


def test_a_day_of_the_month_stays_where_the_month_has_it() -> None:
    assert continue_times("1 month", "2023-01-28", steps=2) == ["2023-02-28", "2023-03-28"]
    days = ["2023-01-30", "2023-02-28", "2023-03-30"]
    assert continue_times("1 month", *days, steps=2) == ["2023-04-30", "2023-05-30"]
    assert continue_times("1 month", "2023-02-28", "2023-03-28", steps=1) == ["2023-04-28"]
    assert continue_times("1 year", "2024-02-28", steps=2) == ["2025-02-28", "2026-02-28"]


@pytest.mark.parametrize(
    ("text", "written", "season"),
    [
        ("1 day", "1 day", 7),
        ("Day", None, None),
        ("2 days", "2 days", 1),
        ("7 days", "1 week", 52),
        ("1 hour", "1 hour", 24),
        ("15 Minutes", "15 minutes", 96),
        ("1 minute", "1 minute", 60),
        ("1 weekday", "1 weekday", 5),
        ("2 weekdays", "2 weekdays", 1),
        ("1 month", "1 month", 12),
        ("3 months", "1 quarter", 4),
        ("1 quarter", "1 quarter", 4),
        ("12 months", "1 year", 1),
        ("0 days", None, None),
        ("1.5 days", None, None),
        ("1 fortnight", None, None),
        ("1000000 weeks", None, None),
        ("5", None, None),
    ],
)
def test_a_step_is_written_in_words(text: str, written: str | None, season: int | None) -> None:
    if written is None:
        with pytest.raises(UserError, match=f"every: found '{text}'; a whole number and one of"):
            parse_every(text, is_number=False)
        return
    every = parse_every(text, is_number=False)
    assert (str(every), every.season) == (written, season)
    assert parse_every(str(every), is_number=False) == every


def test_a_step_of_numbers_is_a_number() -> None:
    assert str(parse_every("0.5", is_number=True)) == "0.5"
    for text in ("1 day", "0", "-1", "1e999"):
        with pytest.raises(UserError, match="a number above zero, since the times are numbers"):
            parse_every(text, is_number=True)


@pytest.mark.parametrize("text", sorted({*WORDS} - {"1 weekday"}))
def test_the_step_is_seen_in_times_with_gaps(text: str) -> None:
    every = parse_every(text, is_number=False)
    grid = Grid.of_times(make_points("2021-03-31T10:00"), every)
    times = pd.Series(grid.times(np.array([0, 1, 2, 3, 5, 6, 7, 11, 12, 13])))
    assert infer_every(times.sample(frac=1, random_state=0)) == every
    shops = pd.Series(["a", "b"]).repeat(len(times)).reset_index(drop=True)
    both = pd.concat([times, times + pd.Timedelta("20min")], ignore_index=True)
    assert infer_every(both, shops) == every


def test_no_step_is_seen_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    irregular = pd.Series(np.datetime64("2024-01-01", "us") + np.cumsum(rng.integers(1, 10**9, 50)))
    assert infer_every(irregular) is None
    assert infer_every(irregular.head(1)) is None
    assert infer_every(pd.Series([3.0] * 5)) is None
    assert infer_every(pd.Series(np.arange(9) * 0.1)) == Every(0.1, "number")


def test_a_day_of_local_times_has_an_hour_less_when_summer_begins() -> None:
    """Times have no zone: an hour that clocks leave out is a gap, and one that they repeat comes
    twice."""
    hours = pd.date_range("2024-03-30", "2024-04-02", freq="h", tz="Europe/Berlin")
    local = pd.Series(hours.tz_localize(None).to_numpy().astype("datetime64[us]"))
    assert infer_every(local) == parse_every("1 hour", is_number=False)
    steps = Grid.of_times(local.to_numpy(), infer_every(local)).steps(local.to_numpy())
    assert np.diff(steps).tolist().count(2) == 1


def test_times_with_zones_are_those_of_greenwich() -> None:
    """So days that begin at midnight elsewhere are an hour off in summer."""
    days = pd.date_range("2024-03-29", "2024-04-02", tz="Europe/Berlin")
    column = Column(type="datetime", meaning="the day")
    cells = pd.DataFrame({"day": [day.isoformat() for day in days]})
    typed, _ = conform({"day": column}, cells)
    times = typed["day"].to_numpy()
    grid = Grid.of_times(times, parse_every("1 day", is_number=False))
    assert np.isnan(grid.steps(times)).tolist() == [False] * 3 + [True] * 2
