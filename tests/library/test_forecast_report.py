"""What the figures of forecasts show is what was known, what was forecast and what came."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS
from lockstep.core import table
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.core.params import Params
from lockstep.core.table import Table, write_parquet
from lockstep.data.every import parse_every
from lockstep.data.examples import make_examples
from lockstep.data.past import decode_pasts
from lockstep.modeling.metrics import METRICS
from lockstep.modeling.outcome import FORECAST, Outcome
from lockstep.modeling.postprocessing import fit_postprocessing
from lockstep.reporting import forecast_figures as figures
from lockstep.reporting.facts import describe_test_size
from lockstep.reporting.forecast_facts import describe_gaps
from lockstep.reporting.forecast_gallery import show_forecasts
from lockstep.reporting.forecasts import Forecasts, number_steps
from lockstep.reporting.gallery import Gallery
from lockstep.reporting.measure import measure
from matplotlib.axes import Axes
from matplotlib.text import Text

HORIZON, SEASON = 5, 7
MASE = METRICS["forecasting"][0]
ROWS = {
    "title": "Made-up sales",
    "source": "a seeded generator",
    "licence": "none",
    "target": "sales",
    "time": "day",
    "every": "1 day",
    "horizon": HORIZON,
    "season": SEASON,
    "window": 28,
    "columns": {
        "shop": {"type": "categorical", "categories": [], "meaning": "which shop"},
        "day": {"type": "datetime", "meaning": "when"},
        "sales": {"type": "numeric", "meaning": "how many"},
    },
}


def make_rows(shops: int, days: int = 120) -> pd.DataFrame:
    """Weekly seasons, with more noise the higher a shop's number; the last one never changes."""
    rng = np.random.default_rng(0)
    day = np.arange(days)
    parts = []
    for shop in range(shops):
        noise = rng.normal(0, 1 + shop, days)
        sales = 100 + 10 * shop + 8 * np.sin(2 * np.pi * day / SEASON) + noise
        if shop and shop == shops - 1:
            sales = np.full(days, 50.0)
        times = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
        parts.append(pd.DataFrame({"shop": f"shop {shop:02}", "day": times, "sales": sales}))
    return pd.concat(parts, ignore_index=True)


def make_forecasts(folder: Path, shops: int) -> Forecasts:
    """Of a champion that takes the mean of three seasons, and a baseline that takes the last."""
    rows = make_rows(shops)
    names = sorted(rows["shop"].unique())
    columns = ROWS["columns"] | {"shop": ROWS["columns"]["shop"] | {"categories": names}}
    series = {"series": "shop"} if shops > 1 else {}
    contract = Contract.model_validate(ROWS | series | {"columns": columns})
    params = make_params()
    examples = pd.concat(make_examples([rows], contract, params), ignore_index=True)
    framed = frame_contract(contract)
    tables = []
    for side in ("train", "test"):
        part = examples[examples["part"] == side].reset_index(drop=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table, "ROWS_IN_GROUP", len(part) // 3)  # batches, as of a large table
            write_parquet(part, folder / f"{side}.parquet")
        tables.append(Table(folder / f"{side}.parquet", side))
    past = decode_pasts(part["past"].tolist(), framed.columns["past"])[..., 0]
    back = past[:, ::-1]  # the latest first
    places = SEASON - part["step"].to_numpy("int64")
    numbers = np.arange(len(part))
    last = back[numbers, places]
    mean = np.mean([back[numbers, places + SEASON * lag] for lag in range(3)], axis=0)
    champion, baseline = (
        Outcome.concatenate(
            [Outcome(part["sales"].to_numpy(), each, forecasts=part[FORECAST])], part["block"]
        )
        for each in (mean, last)
    )
    champion = fit_postprocessing(params, champion).apply(champion, framed)
    return Forecasts(framed, MASE, part, champion, baseline, *tables)


def make_params() -> Params:
    train = {name: value for name, value in PARAMS["train"].items() if name != "metric"}
    split = {"by": "time", "test_fraction": 0.25}
    return Params.model_validate(PARAMS | {"kind": "forecasting", "train": train, "split": split})


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> Forecasts:
    return make_forecasts(tmp_path_factory.mktemp("many"), 20)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Forecasts:
    return make_forecasts(tmp_path_factory.mktemp("one"), 1)


def draw(forecasts: Forecasts) -> Gallery:
    return show_forecasts(forecasts, measure(make_params(), forecasts.champion, forecasts.baseline))


def narrow_by_step(outcome: Outcome) -> Outcome:
    """Its intervals are a little narrower with each step ahead."""
    assert outcome.forecasts is not None
    assert outcome.interval is not None
    steps, middle = outcome.forecasts["step"].to_numpy("float64"), outcome.predicted
    shares = (1 - 0.02 * steps)[:, np.newaxis]
    ends = outcome.interval - middle[:, np.newaxis]
    return replace(outcome, interval=middle[:, np.newaxis] + shares * ends)


def find_lines(axes: Axes) -> dict[str, tuple[list, list]]:
    """What each line with a label shows."""
    lines = {line.get_label(): line for line in axes.get_lines()}
    return {name: (list(line.get_xdata()), list(line.get_ydata())) for name, line in lines.items()}


def test_errors_are_told_by_step_and_by_series(forecasts: Forecasts) -> None:
    rows, outcome = forecasts.rows, forecasts.champion
    by_step, by_series = forecasts.by_step, forecasts.by_series
    assert by_step["step"].tolist() == [1, 2, 3, 4, 5]
    for step, count, figure in by_step[["step", "rows", "champion"]].to_numpy():
        own = (rows["step"] == step).to_numpy()
        assert count == own.sum()
        assert figure == MASE.score(outcome.take(own))
    assert len(by_series) == 20
    assert by_series["champion"].dropna().is_monotonic_decreasing
    assert by_series.iloc[-1][["series", "champion"]].isna().tolist() == [False, True]
    assert by_series["series"].iloc[-1] == "shop 19"  # whose sales never change
    name, _, figure, baseline = by_series.iloc[0]
    own = (rows["shop"] == name).to_numpy()
    assert [figure, baseline] == [
        MASE.score(one.take(own)) for one in (outcome, forecasts.baseline)
    ]


def test_fans_show_what_was_known_what_came_and_what_was_forecast(forecasts: Forecasts) -> None:
    defined = forecasts.by_series.dropna()
    names = [forecast.name for forecast in forecasts.selection]
    assert len(names) == 6
    assert names[0] == defined["series"].iloc[-1]
    assert names[-1] == defined["series"].iloc[0]
    figure = draw(forecasts).pictures["forecasts"].figure
    sales = make_rows(20).set_index(["shop", "day"])["sales"]
    for axes, forecast in zip(figure.axes, forecasts.selection, strict=True):
        rows = forecasts.rows.iloc[forecast.places]
        assert axes.get_title("left") == f"{forecast.name}, mase {forecast.figure:.3g}"
        assert {*rows["shop"]} == {forecast.name}
        assert len({*rows["origin"]}) == 1
        assert rows["step"].tolist() == [1, 2, 3, 4, 5]
        lines, origin = find_lines(axes), rows["origin"].iloc[0]
        times, values = lines["actual"]
        assert values == sales[forecast.name][times].tolist()
        assert times[-1 - HORIZON] == origin
        times, values = lines["forecast"]
        assert times == [origin, *rows["day"]]
        assert values[1:] == forecasts.champion.predicted[forecast.places].tolist()
        assert lines["baseline"][1][1:] == forecasts.baseline.predicted[forecast.places].tolist()
        band = {tuple(point) for point in axes.collections[0].get_paths()[0].vertices}
        assert forecasts.champion.interval is not None
        ends = forecasts.champion.interval[forecast.places].ravel()
        assert {*ends} <= {height for _, height in band}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("start", "days", "every"),
    [("2025-07-17", 27, "1D"), ("2025-07-18", 56, "7D"), ("2025-01-31", 980, "ME")],
)
def test_a_fan_of_days_has_some_ticks_and_no_time_of_day(start: str, days: int, every: str) -> None:
    end = pd.Timestamp(start) + pd.Timedelta(days=days)
    times = pd.date_range(start, end, freq=every)
    table = pd.DataFrame({"forecast": 0, "step": range(-4, len(times) - 4), "time": times})
    values = dict.fromkeys(["actual", "baseline", "prediction"], 1.0)
    figure = figures.forecast_fans(table.assign(**values), ["a shop"], "sales", None)
    figure.canvas.draw()
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticklabels() if low <= tick.get_position()[0] <= high]
    assert len(ticks) > 1
    assert ":" not in "".join([*map(Text.get_text, ticks), axes.xaxis.get_offset_text().get_text()])


def test_the_origins_of_a_single_series_are_ranked(alone: Forecasts) -> None:
    figures_of = [forecast.figure for forecast in alone.selection]
    assert figures_of == sorted(figures_of)
    rows = alone.rows
    origins = rows.groupby("origin").filter(lambda part: len(part) == HORIZON)
    errors = [
        MASE.score(alone.champion.take((rows["origin"] == origin).to_numpy()))
        for origin in origins["origin"].unique()
    ]
    assert [figures_of[0], figures_of[-1]] == [min(errors), max(errors)]
    assert alone.selection[0].name.startswith("from 2024-04-")
    gallery = draw(alone)
    assert "error_by_series" not in gallery.pictures
    assert {*gallery.pictures} == {"forecasts", "error_by_step", "seasons", "coverage_by_step"}


def test_seasons_lie_above_each_other_by_the_day_of_the_week(forecasts: Forecasts) -> None:
    table, rows = forecasts.tabulate_seasons(), make_rows(20)
    name = forecasts.selection[2].name
    own = rows[(rows["shop"] == name) & (rows["day"] <= "2024-03-31")]
    assert {*table["value"][table["series"] == 2]} <= {*own["sales"]}
    mean = own[own["day"] >= "2024-01-04"].groupby(own["day"].dt.day_of_week)["sales"].mean()
    axes = draw(forecasts).pictures["seasons"].figure.axes[2]
    drawn = find_lines(axes)["mean of the seasons"][1]
    assert drawn == pytest.approx(mean.tolist(), rel=0.02)
    assert [tick.get_text() for tick in axes.get_xticklabels()][:2] == ["Mon", "Tue"]
    *seasons, _ = axes.get_lines()
    shades = [sum(line.get_color()[:3]) for line in seasons]
    assert seasons[-1].get_ydata()[0] == own.set_index("day")["sales"]["2024-03-25"]
    assert shades.index(min(shades)) == len(seasons) - 1
    assert table["season"].max() == 0


@pytest.mark.parametrize(
    ("every", "times", "steps"),
    [
        ("1 month", ["2024-01-31", "2024-12-31"], [0, 11]),
        ("1 quarter", ["2024-03-31", "2024-04-30"], [0, 1]),
        ("1 day", ["2024-01-01", "2024-01-07"], [0, 6]),
        ("1 week", ["2026-01-04", "2025-12-28"], [0, 51]),
        ("1 hour", ["2024-01-01 00:00", "2024-01-02 23:00"], [0, 23]),
        ("15 minutes", ["2024-01-01 00:15", "2024-01-02 23:45"], [1, 95]),
    ],
)
def test_seasons_begin_where_people_begin_them(every: str, times: list, steps: list) -> None:
    step = parse_every(every, is_number=False)
    numbers = number_steps(np.array(times, dtype="datetime64[us]"), step)
    assert (numbers % step.season).tolist() == steps
    assert number_steps(np.array([0.5, 2.0]), parse_every("0.5", is_number=True)).tolist() == [1, 4]


def test_intervals_are_measured_at_each_step(forecasts: Forecasts) -> None:
    champion = narrow_by_step(forecasts.champion)
    forecasts = replace(forecasts, champion=champion)
    scores = measure(make_params(), champion, forecasts.baseline)
    measured = scores["prediction_intervals"]
    steps, held = forecasts.rows["step"].to_numpy("int64"), champion.is_held
    assert [line["step"] for line in measured["by_step"]] == [1, 2, 3, 4, 5]
    assert [line["coverage"] for line in measured["by_step"]] == pytest.approx(
        [held[steps == step].mean() for step in range(1, 6)]
    )
    assert measured["coverage"] == pytest.approx(held.mean())
    ends = {line["coverage"]: line["interval"] for line in measured["by_step"]}
    assert all(low <= share <= high for share, (low, high) in ends.items())
    shares = sorted(ends)
    assert len(shares) > 2  # which are not told apart in whole series, of which there are 20
    assert (np.diff([ends[share] for share in shares], axis=0) > 0).all()
    assert champion.interval is not None
    widths = np.ptp(champion.interval, axis=1)
    assert measured["by_step"][1]["mean_width"] == pytest.approx(widths[steps == 2].mean())
    gallery = draw(forecasts)
    above, below = gallery.pictures["coverage_by_step"].figure.axes
    assert find_lines(above)["share held"][1] == pytest.approx(
        [line["coverage"] for line in measured["by_step"]]
    )
    assert below.get_lines()[0].get_ydata() == pytest.approx(
        [line["mean_width"] for line in measured["by_step"]]
    )
    assert gallery.tables["coverage_by_step"]["low"].between(0, 1).all()


def test_what_has_no_scale_is_told(forecasts: Forecasts, alone: Forecasts) -> None:
    scores = measure(make_params(), forecasts.champion, forecasts.baseline)
    constant = (forecasts.rows["shop"] == "shop 19").sum()
    assert scores["unscaled_rows"] == constant
    assert describe_gaps(scores) == [
        f"{constant} of {len(forecasts.rows):,} forecasts count neither in mase nor in rmsse and "
        "pinball: their series do not change from one season to the next in the train rows, or "
        "are too short to tell"
    ]
    assert describe_gaps(measure(make_params(), alone.champion, alone.baseline)) == []


def test_the_test_is_told_by_its_origins_and_series(forecasts: Forecasts, alone: Forecasts) -> None:
    sizes = [describe_test_size(one.rows, one.contract) for one in (forecasts, alone)]
    origins = forecasts.rows["origin"].nunique()
    assert len(forecasts.rows) == origins * HORIZON * 20 > 1000
    assert sizes == [
        f"{len(forecasts.rows):,} forecasts from {origins} origins of 20 series",
        f"{len(alone.rows)} forecasts from {origins} origins",
    ]


def test_many_series_are_a_histogram_and_the_worst_by_name() -> None:
    table = pd.DataFrame(
        {"series": [f"s{n}" for n in range(60)], "champion": np.arange(60)[::-1] / 60}
    )
    above, below = figures.error_by_series(table.assign(baseline=1.0), "mase").axes
    names = [tick.get_text() for tick in below.get_yticklabels()]
    assert names[::-1] == [f"s{n}" for n in range(15)]
    counts = np.histogram(table["champion"], np.linspace(0, 1, 31))[0]
    outline = above.patches[0].get_path().vertices[:, 1]
    assert {*counts} <= {*outline}
    few = figures.error_by_series(table.head(30).assign(baseline=1.0), "mase")
    assert len(few.axes) == 1
    assert len(few.axes[0].get_yticks()) == 30
