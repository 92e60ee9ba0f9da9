"""Windows of rows: what is counted, and that it is the same however the rows come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from lockstep.data.conformity import make_breaches
from lockstep.modeling.profile import Profile
from lockstep.modeling.row_blocks import Blocks
from lockstep.monitoring import samples, windows
from lockstep.monitoring.batches import Batch
from lockstep.monitoring.windows import By, Window, Windows
from made_up_batches import FIRST, SUBJECT, make_batch, make_profile

DAY = np.timedelta64(1, "D")
PROFILE = make_profile()


def count(*batches: Batch, by: By = "day", profile: Profile | None = PROFILE) -> list[Window]:
    counted = Windows(profile, by)
    for batch in batches:
        counted.add(batch)
    return [*counted]


def take(batch: Batch, rows: Sequence[int] | np.ndarray) -> Batch:
    return batch.take(np.asarray(rows))


def test_the_windows_are_the_same_however_the_rows_are_divided_and_ordered() -> None:
    batch = make_batch(300, days=7)
    outcomes = np.where(np.arange(300) % 3, None, "apple")
    batch = batch._replace(outcomes=outcomes, outcome_times=batch.times + 2 * DAY)
    order = np.random.default_rng(0).permutation(300)
    whole = count(batch)
    parts = count(*(take(batch, part) for part in np.array_split(order, 11)))
    assert [window.rows for window in whole] == [43, 43, 43, 43, 43, 43, 42]
    for one, other in zip(whole, parts, strict=True):
        assert (one.number, one.rows, one.outcomes) == (other.number, other.rows, other.outcomes)
        assert (one.start, one.end, one.extremes) == (other.start, other.end, other.extremes)
        assert (one.latencies == other.latencies).all()
        assert one.tallies.keys() == {"weight", "seeds", "colour", "prediction"}
        for name, tally in one.tallies.items():
            assert (tally.counts == other.tallies[name].counts).all()
        for sample, same in ((one.sample, other.sample), (one.labelled, other.labelled)):
            for part, its_part in zip(sample, same, strict=True):
                assert part.equals(its_part)


def test_rows_are_kept_of_the_latest_windows_alone_in_whatever_order_they_come() -> None:
    batch = make_batch(200, days=100)
    batch = batch._replace(outcomes=np.full(200, "apple", dtype="object"))
    order = np.random.default_rng(0).permutation(200)
    counted = count(*(take(batch, part) for part in np.array_split(order, 5)))
    assert [window.rows for window in counted] == [2] * 100
    for name in ("sample", "labelled"):
        kept = [getattr(window, name) for window in counted]
        assert kept[:8] == [None] * 8
        assert [one.rows for one in kept[8:]] == [2] * 92
    assert [window.outcomes for window in counted] == [2] * 100


def test_days_and_weeks_begin_at_midnight_in_utc_and_on_mondays() -> None:
    times = FIRST + np.array([-1, 0, 86_399, 86_400, 7 * 86_400]) * np.timedelta64(1, "s")
    batch = make_batch(5, times=times)
    by_day, by_week = Windows(PROFILE, "day"), Windows(PROFILE, "week")
    for one in (by_day, by_week):
        one.add(batch)
    assert [(by_day.name(each.number), each.rows) for each in by_day] == [
        *(("2026-11-01", 1), ("2026-11-02", 2), ("2026-11-03", 1), ("2026-11-09", 1))
    ]
    assert [(by_week.name(each.number), each.rows) for each in by_week] == [
        *(("2026-10-26", 1), ("2026-11-02", 3), ("2026-11-09", 1))
    ]


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (50, [50]),
        (100, [100]),
        (500, [250, 250]),
        (800, [400, 400]),
        (1900, [950, 950]),
        (2100, [1000, 1000, 100]),
        (5000, [1000] * 5),
    ],
)
def test_windows_by_rows_are_of_a_thousand_or_else_halves(rows: int, sizes: list[int]) -> None:
    batch = make_batch(rows)
    assert [window.rows for window in count(batch, by="rows")] == sizes
    parts = np.array_split(np.arange(rows), 7)
    assert [window.rows for window in count(*(take(batch, p) for p in parts), by="rows")] == sizes


def test_of_many_windows_by_rows_each_two_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MOST_COUNTS", 8)
    counted = Windows(PROFILE, "rows")
    batch = make_batch(20_000)
    for part in np.array_split(np.arange(20_000), 3):
        counted.add(take(batch, part))
    assert [window.rows for window in counted] == [4000] * 5
    assert counted.name(1) == "rows 4,001 to 8,000"
    total = sum(window.tallies["weight"].counts for window in counted)
    (whole,) = count(batch)
    assert (total == whole.tallies["weight"].counts).all()


def test_of_too_many_days_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MOST_WINDOWS", 5)
    counted = Windows(PROFILE, "day")
    counted.add(make_batch(80, days=8))
    assert counted.name(next(iter(counted)).number) == "2026-11-05"
    assert counted.omitted["old"] == 30


def test_rows_of_no_time_or_of_a_time_to_come_are_left_out_and_counted() -> None:
    batch = make_batch(10, days=10)
    batch.times[3] = np.datetime64("NaT")
    counted = Windows(PROFILE, "day")
    counted.add(batch, latest=FIRST + 8 * DAY)
    assert sum(window.rows for window in counted) == 8
    assert counted.omitted == {"timeless": 1, "future": 1}


def test_a_row_without_a_prediction_has_values_and_no_score() -> None:
    batch = make_batch(10, status=np.where(np.arange(10) < 4, 422, 200))
    batch = batch._replace(breaches=make_breaches("weight", pd.Series(["-1", "-2"]), "a number"))
    (window,) = count(batch)
    assert (window.rows, window.refused, window.breaches) == (10, 4, {"weight": 2})
    assert window.tallies["weight"].others == {"-1": 1, "-2": 1}
    assert window.tallies["weight"].rows == 10
    assert window.tallies["prediction"].rows == window.sample.rows == 6


def test_a_value_that_breaks_the_contract_is_counted_once_whether_it_can_be_read_or_not() -> None:
    batch = make_batch(10, status=np.where(np.arange(10) < 5, 422, 200))
    batch.X.loc[0, "weight"], batch.X.loc[[1, 2], "weight"] = 9999, np.nan
    batch.X.loc[[3, 4], "colour"] = "pink"
    breaches = [
        make_breaches("weight", pd.Series(["9999", "heavy"]), "a number"),
        make_breaches("colour", pd.Series(["pink"] * 2, [3, 4]), "one of blue, grey"),
    ]
    (window,) = count(batch._replace(breaches=pd.concat(breaches)))
    weight, colour = window.tallies["weight"], window.tallies["colour"]
    assert (window.breaches, window.unreadable["weight"]) == ({"weight": 2, "colour": 2}, 1)
    assert (weight.missing, weight.others) == (2, {"9999": 1, "heavy": 1})
    assert (colour.missing, colour.others) == (0, {"pink": 2})


def test_of_a_row_that_is_not_kept_only_the_score_is_counted() -> None:
    (window,) = count(make_batch(10, is_kept=np.arange(10) < 4))
    assert window.tallies["weight"].rows == window.kept == 4
    assert window.tallies["prediction"].rows == 10
    assert (window.sample.places["weight"] == -1).sum() == 6


def test_without_a_profile_volume_and_time_are_counted_all_the_same() -> None:
    (window,) = count(make_batch(10, places=np.arange(10) % 2), profile=None)
    assert (window.rows, window.requests, window.tallies, window.sample) == (10, 5, {}, None)
    assert window.find_latency(0.5) == pytest.approx(0.01, rel=0.06)


def test_two_versions_have_the_same_rows_in_their_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_ROWS", 20)
    batch = make_batch(500)
    shadow = batch._replace(subject=SUBJECT._replace(role="shadow"))
    order = np.random.default_rng(0).permutation(500)
    (one,) = count(batch)
    (other,) = count(*(take(shadow, part) for part in np.array_split(order, 7)))
    assert one.sample.rows == 20
    assert one.sample.outcomes.index.equals(other.sample.outcomes.index)
    weights = pd.Series(batch.predictions["prediction"].to_numpy(), batch.keys)
    assert (one.sample.predictions["prediction"] == weights[one.sample.outcomes.index]).all()


def test_a_sample_is_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_ROWS", 500)
    batch = make_batch(5000, places=np.arange(5000) % 10, requests=np.full(5000, "r", object))
    batch = batch._replace(requests=np.repeat([f"request-{n}" for n in range(500)], 10))
    (window,) = count(batch)
    row = pd.Series(np.arange(5000), batch.keys)[window.sample.outcomes.index]
    assert 2300 < row.mean() < 2700
    assert row.mod(10).value_counts().max() < 80


def test_outcomes_that_come_later_take_the_place_of_those_before() -> None:
    counted, batch = Windows(PROFILE, "day"), make_batch(10)
    batch.outcomes[:4] = "apple"
    counted.add(batch)
    batch.outcomes[:7] = "melon"
    (window,) = counted
    counted.replace_outcomes(window.number, [take(batch, range(7))])
    assert (window.rows, window.outcomes, {*window.labelled.outcomes}) == (10, 7, {"melon"})


def test_a_row_that_comes_twice_is_in_a_sample_as_it_came_last() -> None:
    batch = make_batch(10)
    batch.outcomes[:] = "apple"
    later = take(batch, [2, 5])
    later.outcomes[:] = "melon"
    (window,) = count(batch, later)
    assert window.labelled.rows == 10
    kept = window.labelled.outcomes[later.keys]
    assert kept.tolist() == ["melon", "melon"]
    assert (window.labelled.outcomes == "melon").sum() == 2


def test_lags_are_in_days() -> None:
    batch = make_batch(4)
    outcomes, times = np.array(["apple"] * 4, dtype="object"), batch.times + 36 * 3600 * 10**6
    (window,) = count(batch._replace(outcomes=outcomes, outcome_times=times))
    assert window.labelled.lags.tolist() == [1.5] * 4


def test_a_column_that_has_one_value_only_is_told() -> None:
    batch = make_batch(10)
    X = batch.X.assign(weight=150.0, colour="blue")
    (window,) = count(batch._replace(X=X))
    assert [name for name in window.tallies if window.is_constant(name)] == ["weight", "colour"]
    X.loc[3, "colour"] = "grey"
    (window,) = count(batch._replace(X=X))
    assert not window.is_constant("colour")


def test_rows_that_depend_on_each_other_are_counted_by_their_groups() -> None:
    table = np.ones((2, 3), dtype="int64")
    profile = make_profile(blocks=Blocks("group", {"weight": table}))
    groups = np.array(["ann", "ben", "cat", "ann", "ben"] * 2, dtype="object")
    (window,) = count(make_batch(10, groups=groups), profile=profile)
    assert window.blocks.by == "group"
    assert sorted(window.blocks.counts["weight"].sum(axis=1)) == [2, 4, 4]
    assert window.blocks.counts.keys() == window.tallies.keys()
    (window,) = count(make_batch(10), profile=profile)
    assert window.blocks is None


@pytest.mark.parametrize("is_refused_first", [True, False])
def test_of_a_page_of_refused_rows_alone_scores_are_counted_by_their_blocks(
    is_refused_first: bool,
) -> None:
    profile = make_profile()
    scales, tallies = (
        {**part, "probability_ripe": part["prediction"]}
        for part in (profile.scales, profile.tallies)
    )
    names = ("prediction", "probability_ripe")
    blocks = Blocks("group", {name: np.ones((2, 3), dtype="int64") for name in scales})
    profile = make_profile(scales=scales, tallies=tallies, scores=names, blocks=blocks)
    groups = np.array(["ann", "ben", "cat", "ann", "ben"] * 2, dtype="object")
    good = make_batch(10, groups=groups)
    good = good._replace(predictions=good.predictions.assign(probability_ripe=0.5))
    refused = make_batch(10, first=10, status=np.full(10, 422), groups=groups)
    refused = refused._replace(predictions=pd.DataFrame({"prediction": [None] * 10}))
    batches = [refused, good] if is_refused_first else [good, refused]
    whole = count(*batches, profile=profile)
    parts = [count(one, profile=profile) for one in batches]
    for counted in ([whole], parts):
        (window,), *others = counted
        for [other] in others:
            window.merge(other)
        assert window.blocks.counts.keys() == window.tallies.keys() == scales.keys()
        for name in names:
            assert sum(window.blocks.counts[name].sum(axis=1)) == window.tallies[name].rows == 10
