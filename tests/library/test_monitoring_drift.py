"""What has moved: that it is told, and that chance is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lockstep.core.contract import Column
from lockstep.core.params import MonitorParams
from lockstep.modeling.profile import Profile, find_spread
from lockstep.modeling.row_blocks import BlockTally
from lockstep.modeling.scales import make_scale
from lockstep.modeling.tallies import Tally
from lockstep.monitoring import p_values as chance
from lockstep.monitoring.drift import Finding, find_drift
from lockstep.monitoring.effects import measure_angle, measure_shift
from lockstep.monitoring.windows import Window
from scipy.stats import chi2_contingency, fisher_exact, ks_2samp, norm

SETTINGS = MonitorParams()
NUMBER = Column(type="numeric", meaning="a number")
SHARES = {"north": 0.5, "south": 0.3, "west": 0.2}
OPEN = Column(type="categorical", meaning="a level", open=True, categories=[*SHARES])
Frame = dict[str, Any]


def draw(rng: np.random.Generator, rows: int, **others: Any) -> Frame:
    """Rows without drift: a number, of which some are missing, and a level."""
    age = np.where(rng.random(rows) < 0.05, np.nan, rng.normal(40, 10, rows))
    return {"age": age, "region": rng.choice([*SHARES], rows, p=[*SHARES.values()])} | others


def make_profile(rows: Frame, groups: np.ndarray | None = None, level: Column = OPEN) -> Profile:
    frame = pd.DataFrame(rows)
    scales = {}
    for name, values in frame.items():
        scales[name] = make_scale(values, level if name == "region" else NUMBER)
    tallies = {name: Tally.empty(scale) for name, scale in scales.items()}
    places = {name: tallies[name].add(frame[name], scale) for name, scale in scales.items()}
    spreads = {name: find_spread(frame[name]) for name, scale in scales.items() if scale.is_number}
    profile = Profile(len(frame), scales, tallies, spreads, (), {}, None)  # type: ignore[arg-type]
    if groups is None:
        return profile
    blocks = BlockTally("group", profile.block_bars)
    blocks.add(pd.Series(groups), places)
    return replace(profile, blocks=blocks.blocks)


def make_window(profile: Profile, rows: Frame, groups: np.ndarray | None = None) -> Window:
    frame, window, places = pd.DataFrame(rows), Window(0, rows=len(rows["age"])), {}
    for name, scale in profile.scales.items():
        window.tallies[name] = Tally.empty(scale)
        places[name] = window.tallies[name].add(frame[name], scale)
        if scale.is_number and frame[name].notna().any():
            window.extremes[name] = (frame[name].min(), frame[name].max())
    if groups is not None:
        window.block_tallies["values"] = BlockTally("group", profile.block_bars)
        window.block_tallies["values"].add(pd.Series(groups), places)
    return window


def judge(*windows: Frame, settings: MonitorParams = SETTINGS, rows: int = 2000) -> list[Finding]:
    profile = make_profile(draw(np.random.default_rng(0), rows))
    return find_drift(profile, [make_window(profile, one) for one in windows], settings)


def tell(findings: list[Finding]) -> dict[tuple[str, int], str]:
    """What has moved, by what and by window."""
    return {(one.what, one.window): one.state for one in findings if one.state != "fine"}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_number_that_moves_is_an_alarm_when_it_does_so_twice_running(
    rng: np.random.Generator,
) -> None:
    moves = [0, 5, 0, 5, 5, 5, 0]
    windows = [draw(rng, 1000, age=rng.normal(40 + move, 10, 1000)) for move in moves]
    findings = [one for one in judge(*windows) if one.what == "distribution"]
    states = [one.state for one in findings if one.column == "age"]
    assert states == ["fine", "moved", "fine", "moved", "alarm", "alarm", "fine"]
    assert {one.state for one in findings if one.column == "region"} == {"fine"}
    (text,) = [one.text for one in findings if (one.column, one.window) == ("age", 1)]
    assert text == "age: 0.50 standard deviations higher than in training"


def test_a_number_that_is_higher_and_then_lower_is_no_alarm(rng: np.random.Generator) -> None:
    ages = [rng.normal(mean, 10, 1000).clip(20, 60) for mean in (45, 35, 35, 45)]
    windows = [draw(rng, 1000, age=age) for age in ages]
    windows += [draw(rng, 1000) for _ in range(3)]
    for window, value in zip(windows[4:], (200, -9, -9), strict=True):
        window["age"][:50] = value
    findings = judge(*windows)
    for what, states in (
        ("distribution", ["moved", "moved", "alarm", "moved", *["fine"] * 3]),
        ("outside", ["moved", "moved", "alarm"]),
    ):
        assert [one.state for one in findings if (one.column, one.what) == ("age", what)] == states


@pytest.mark.parametrize("mean", [540, -460])
def test_what_is_farther_away_than_is_measured_is_told_to_be_more(
    mean: float, rng: np.random.Generator
) -> None:
    findings = judge(draw(rng, 1000, age=rng.normal(mean, 10, 1000)))
    (text,) = [one.text for one in findings if (one.column, one.what) == ("age", "distribution")]
    assert text.startswith("age: more than 3.")
    assert text.endswith(
        f"standard deviations {'higher' if mean > 0 else 'lower'} than in training"
    )


def test_a_window_of_few_rows_is_skipped(rng: np.random.Generator) -> None:
    moved = [draw(rng, rows, age=rng.normal(50, 10, rows)) for rows in (1000, 99, 1000)]
    findings = judge(*moved)
    ages = [one for one in findings if (one.column, one.what) == ("age", "distribution")]
    assert {one.window: one.state for one in ages} == {0: "moved", 1: "too few", 2: "alarm"}
    (few,) = [one for one in ages if one.state == "too few"]
    assert few.text == "age: 99 rows are too few, monitor.least_rows asks for 100"
    assert (few.effect, few.p_value) == (None, None)


def test_what_is_certain_and_small_is_fine_and_the_floor_says_what_is_small(
    rng: np.random.Generator,
) -> None:
    windows = [draw(rng, 100_000, age=rng.normal(40.7, 10, 100_000)) for _ in range(2)]
    findings = judge(*windows, rows=100_000)
    assert max(one.q_value for one in findings if one.what == "distribution") < 1
    assert tell(findings) == {("missing", 0): "moved", ("missing", 1): "alarm"}
    age = next(one for one in findings if one.column == "age" and one.what == "distribution")
    assert age.q_value is not None and age.q_value < 1e-9
    lower = judge(*windows, rows=100_000, settings=MonitorParams(floor=0.05))
    assert tell(lower)["distribution", 1] == "alarm"


@pytest.mark.parametrize(
    ("change", "what", "text"),
    [
        (
            {"region": ["north"] * 960 + ["<b>east</b>"] * 40},
            "new",
            "region: 4.0% of rows have a value that training never saw: '<b>east</b>' (40)",
        ),
        (
            {"region": ["north"] * 800 + ["west"] * 200},
            "distribution",
            "region: 'north' in 80.0% of rows, ",
        ),
        ({"age": [np.nan] * 100 + [40.0] * 900}, "missing", "age: missing in 10.0% of rows, 5"),
        (
            {"age": [np.nan] * 1000},
            "missing",
            "age: missing in every row, as if the column no longer came",
        ),
        (
            {"age": [200.0] * 50 + [40.0] * 950},
            "outside",
            "age: 5.0% of rows are above 72.57, the greatest",
        ),
        (
            {"age": [-9.0] * 50 + [40.0] * 950},
            "outside",
            "age: 5.0% of rows are below 9.885, the least",
        ),
        ({"age": [40.0] * 1000}, "stale", "age: the same value in all of 1,000 rows"),
        (
            {"age": [*np.linspace(39, 41, 1000)]},
            "distribution",
            "age: spread otherwise than in training, by 0.7",
        ),
    ],
)
def test_what_has_moved_is_told_in_words(
    change: Frame, what: str, text: str, rng: np.random.Generator
) -> None:
    findings = judge(*(draw(rng, 1000) | change for _ in range(2)))
    assert tell(findings)[what, 1] == "alarm"
    (alarm,) = [one for one in findings if (one.what, one.state) == (what, "alarm")]
    assert alarm.text.startswith(text)


def test_values_that_break_the_contract_are_no_missing_ones(rng: np.random.Generator) -> None:
    profile = make_profile(draw(rng, 2000))
    windows = [make_window(profile, draw(rng, 1000)) for _ in range(2)]
    for window in windows:
        window.breaches["age"] = window.unreadable["age"] = 50
        window.tallies["age"].missing += 50
        window.tallies["age"].count_others({"old": 20, "-1": 30})
    findings = find_drift(profile, windows, SETTINGS)
    assert tell(findings) == {("contract", 0): "moved", ("contract", 1): "alarm"}
    (alarm,) = [one for one in findings if one.state == "alarm"]
    assert alarm.text == "age: 5.0% of rows break the contract: '-1' (30), 'old' (20)"


def test_values_that_break_the_contract_are_told_where_they_can_be_read(
    rng: np.random.Generator,
) -> None:
    profile = make_profile(draw(rng, 2000))
    windows = [make_window(profile, draw(rng, 1000)) for _ in range(2)]
    for window in windows:
        window.breaches["region"] = 20
    assert tell(find_drift(profile, windows, SETTINGS)) == {
        ("contract", 0): "moved",
        ("contract", 1): "alarm",
    }


@pytest.mark.parametrize("refused", [52, 1000])
def test_rows_that_are_refused_are_told_whatever_is_known_of_them(
    refused: int, rng: np.random.Generator
) -> None:
    profile = make_profile(draw(rng, 2000), np.arange(2000) // 100)
    windows = [Window(place, rows=1000, refused=refused) for place in range(2)]
    few, fine = Window(2, rows=99, refused=99), Window(3, rows=1000)
    findings = find_drift(profile, [*windows, few, fine], SETTINGS)
    assert tell(findings) == {("refused", 0): "moved", ("refused", 1): "alarm"}
    share = "5.2%" if refused == 52 else "100.0%"
    assert findings[0].text == f"{share} of the rows are refused, none in training"


def test_a_column_that_may_move_is_left_alone(rng: np.random.Generator) -> None:
    windows = [draw(rng, 1000, age=rng.normal(90, 10, 1000)) for _ in range(2)]
    findings = judge(*windows, settings=MonitorParams(ignore=("age",)))
    assert {one.column for one in findings if one.what != "refused"} == {"region"}


def test_of_many_windows_without_drift_none_is_an_alarm() -> None:
    p_values = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rows = [draw(rng, int(size)) for size in rng.choice([120, 400, 1500], 25)]
        profile = make_profile(draw(rng, 300))
        findings = find_drift(profile, [make_window(profile, one) for one in rows], SETTINGS)
        p_values += [one.p_value for one in findings if one.p_value is not None]
        assert not tell(findings)
    assert min(p_values) < 0.001  # which would be much for a single column of a single window


@pytest.mark.parametrize("is_known", [True, False])
def test_rows_that_depend_on_each_other_are_tested_by_blocks(is_known: bool) -> None:
    rng = np.random.default_rng(3)

    def draw_groups(count: int, shift: float = 0) -> tuple[Frame, np.ndarray]:
        groups = np.arange(count).repeat(50) + rng.integers(10**9)
        age = 40 + shift + 8 * rng.standard_normal(count).repeat(50)
        return draw(rng, 50 * count, age=age + rng.normal(0, 6, 50 * count)), groups

    train = draw_groups(60)
    by_rows, by_blocks = make_profile(train[0]), make_profile(*train)
    parts = [draw_groups(12) for _ in range(6)]
    rows = [make_window(by_rows, frame) for frame, _ in parts]
    blocks = [
        make_window(by_blocks, frame, groups if is_known else None) for frame, groups in parts
    ]
    assert len(tell(find_drift(by_rows, rows, SETTINGS))) == 3
    assert not tell(find_drift(by_blocks, blocks, SETTINGS))
    for frame, groups in (draw_groups(12, shift=25), draw_groups(12, shift=25)):
        blocks.append(make_window(by_blocks, frame, groups if is_known else None))
    assert tell(find_drift(by_blocks, blocks, SETTINGS))["distribution", 7] == "alarm"


@pytest.mark.parametrize(("share", "state"), [(0, "fine"), (0.01, "fine"), (0.2, "alarm")])
def test_what_no_group_had_is_told_where_nobody_knows_the_groups(
    share: float, state: str, rng: np.random.Generator
) -> None:
    rows = draw(
        rng, 2000, age=rng.normal(40, 10, 2000), region=rng.choice(["north", "south"], 2000)
    )
    profile = make_profile(rows, np.arange(2000) // 10, OPEN.model_copy(update={"open": False}))
    is_new = rng.random((2, 1000)) < share
    windows = [
        make_window(
            profile,
            draw(
                rng,
                1000,
                age=np.where(new, np.nan, rng.normal(40, 10, 1000)),
                region=np.where(new, "west", rng.choice(["north", "south"], 1000)),
            ),
        )
        for new in is_new
    ]
    findings = find_drift(profile, windows, SETTINGS)
    last = {one.what: one.state for one in findings if one.window == 1}
    assert last.get("new", "fine") == last.get("missing", "fine") == state


@pytest.mark.parametrize("others", [0, 30])
def test_a_category_that_training_never_saw_is_told_where_rows_depend_on_each_other(
    others: int, rng: np.random.Generator
) -> None:
    def draw_region(share: float) -> np.ndarray:
        rare = [f"village {place}" for place in range(others)]
        names = np.where(rng.random(2000) < 0.5, "north", rng.choice(["south", *rare], 2000))
        return np.where(rng.random(2000) < share, "west", names)

    groups = np.arange(2000) // 20
    level = OPEN if others else OPEN.model_copy(update={"open": False})
    profile = make_profile(draw(rng, 2000, region=draw_region(0)), groups, level)
    same, *new = (
        make_window(profile, draw(rng, 2000, region=draw_region(share)), groups + 1000 * place)
        for place, share in enumerate((0, 0.05, 0.05))
    )
    assert tell(find_drift(profile, [same, *new], SETTINGS)) == {
        ("new", 1): "moved",
        ("new", 2): "alarm",
    }


@pytest.mark.parametrize("is_known", [True, False])
def test_of_few_blocks_only_facts_are_judged(is_known: bool, rng: np.random.Generator) -> None:
    profile = make_profile(draw(rng, 2000), np.arange(2000) // 100)
    groups = np.arange(400) // 100 if is_known else None
    moved = [draw(rng, 400, age=[np.nan] * 400) for _ in range(2)]
    findings = find_drift(profile, [make_window(profile, one, groups) for one in moved], SETTINGS)
    assert tell(findings) == {
        **{("distribution", 0): "too few", ("distribution", 1): "too few"},
        **{("missing", 0): "moved", ("missing", 1): "alarm"},
    }
    few = next(one for one in findings if one.state == "too few")
    assert few.text == "age: rows of one group are alike, and 4 groups are too few"


def test_rows_that_are_alike_are_stale_only_where_several_groups_would_differ(
    rng: np.random.Generator,
) -> None:
    common = rng.normal(40, 10, 100).round(-1).repeat(20)
    profile = make_profile(draw(rng, 2000, age=common), np.arange(2000) // 20)
    for groups, states in ((6, {"fine"}), (30, {"moved", "alarm"}), (4, set())):
        rows = draw(rng, 600, age=np.full(600, 40.0))
        windows = [make_window(profile, rows, np.arange(600) % groups) for _ in range(2)]
        findings = find_drift(profile, windows, SETTINGS)
        assert {one.state for one in findings if one.what == "stale"} == states


@pytest.mark.parametrize(("is_month", "states"), [(True, set()), (False, {"moved", "alarm"})])
def test_what_no_day_of_training_had_several_values_of_is_not_stale(
    is_month: bool, states: set[str], rng: np.random.Generator
) -> None:
    days = np.arange(3600) // 10
    months = days // 30 if is_month else rng.permutation(days // 30)
    profile = make_profile(draw(rng, 3600, age=months.astype("float64")), days)
    profile = replace(profile, blocks=replace(profile.blocks, by="day"))
    weeks = [draw(rng, 70, age=np.full(70, 5.0)) for _ in range(2)]
    windows = [make_window(profile, week, np.arange(70) // 10) for week in weeks]
    findings = find_drift(profile, windows, MonitorParams(least_rows=50))
    assert {one.state for one in findings if one.what == "stale"} == states


def test_orders_are_compared_as_by_kolmogorov_and_smirnov(rng: np.random.Generator) -> None:
    one, others = rng.poisson(9, 3000), rng.poisson([[9.2], [9.6]], (2, 800))
    counts = [np.bincount(values, minlength=40) for values in (one, *others)]
    p_values = chance.compare_orders(counts[0], np.stack(counts[1:]))
    expected = [ks_2samp(one, other, method="asymp").pvalue for other in others]
    assert p_values == pytest.approx(expected, rel=0.3)


def test_cells_are_compared_as_by_chi_square(rng: np.random.Generator) -> None:
    one, other = rng.multinomial(3000, [0.5, 0.3, 0.2]), rng.multinomial(800, [0.45, 0.3, 0.25])
    expected = chi2_contingency(np.stack([one, other])).pvalue
    # The rarest is the rest.
    assert chance.compare_cells(one, other[None])[0] == pytest.approx(expected)
    rare = chance.compare_cells(np.append(one, 0), np.append(one // 4, 1)[None])
    assert rare[0] > 0.1


def test_a_rare_one_of_two_values_is_seen_to_come_more_often() -> None:
    p_values = chance.compare_cells(np.array([1114, 11]), np.array([[191, 9], [198, 2]]))
    assert p_values[0] < 0.01
    assert p_values[1] == 1


def test_shares_are_compared_as_by_fisher() -> None:
    events, rows = np.array([9, 25]), np.array([200, 200])
    table = [[[9, 191], [50, 950]], [[25, 175], [50, 950]]]
    more = [fisher_exact(one, alternative="greater").pvalue for one in table]
    assert chance.compare_excesses(50, 1000, events, rows) == pytest.approx(more)
    fewer = [fisher_exact(one, alternative="less").pvalue for one in table]
    both = 2 * np.minimum(more, fewer)
    assert chance.compare_shares(50, 1000, events, rows) == pytest.approx(both)


def test_rare_categories_that_train_rows_missed_by_chance_are_no_news(
    rng: np.random.Generator,
) -> None:
    shares = 1 / np.arange(1, 201)
    shares /= shares.sum()
    p_values = []
    for _ in range(400):
        train, window = rng.multinomial(1000, shares), rng.multinomial(2000, shares)
        events = window[train == 0].sum()
        p_values += [*chance.compare_novelties(train, 0, np.array([events]), np.array([2000]))]
    assert np.mean(np.array(p_values) < 0.01) < 0.01


def test_an_effect_is_as_large_as_the_movement_whatever_the_rows(rng: np.random.Generator) -> None:
    edges = norm.ppf(np.linspace(0.001, 0.999, 63))
    for rows in (500, 5000, 50_000):
        one, same, other = (
            np.bincount(np.searchsorted(edges, rng.standard_normal(rows) + shift), minlength=64)
            for shift in (0, 0, 0.5)
        )
        distances, higher = measure_shift(one, np.stack([same, other]), edges, 1.0)
        assert distances == pytest.approx([0, 0.5], abs=0.12)
        assert higher[1] == pytest.approx(0.5, abs=0.12)


def test_a_value_far_away_does_not_make_a_distance_large() -> None:
    edges = np.append(np.linspace(-2, 2, 62), 1e9)
    one, other = np.full(64, 100), np.full(64, 100)
    other[-2] += 5
    assert measure_shift(one, other[None], edges, 1.0)[0][0] < 0.05


def test_the_distance_of_two_shares_is_the_h_of_cohen() -> None:
    before, now = np.array([50_000, 50_000]), np.array([[55_000, 45_000]])
    cohen = 2 * np.arcsin(np.sqrt(0.55)) - 2 * np.arcsin(np.sqrt(0.5))
    assert measure_angle(before, now)[0] == pytest.approx(cohen, rel=0.01)


def test_many_categories_are_no_distance(rng: np.random.Generator) -> None:
    shares = np.full(60, 1 / 60)
    windows = rng.multinomial(300, shares, size=50)
    effects = measure_angle(rng.multinomial(3000, shares), windows)
    assert np.median(effects) < 0.25  # more than 0.4 if nothing were taken off


def test_large_groups_that_are_known_tell_less_than_as_many_rows_of_small_ones() -> None:
    rng = np.random.default_rng(4)
    common = rng.standard_normal(60).repeat(50)
    profile = make_profile(draw(rng, 3000, age=common), np.arange(3000) // 50)
    groups = np.arange(3000) // 500
    rows = draw(rng, 3000, age=np.array([0.1, 0.3, 0.6, 0.9, 1.2, 1.6])[groups])
    p_values = []
    for keys in (groups, None):
        findings = find_drift(profile, [make_window(profile, rows, keys)], SETTINGS)
        p_values += [
            one.p_value for one in findings if (one.column, one.what) == ("age", "distribution")
        ]
    known, unknown = p_values
    assert known is not None and unknown is not None
    assert known > 10 * unknown
