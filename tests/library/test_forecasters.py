"""What forecasts: its features, what it learns of them, and the rules it is measured against."""

from pathlib import Path

import numpy as np
import owner.features
import owner.models  # noqa: F401 - they register steps and candidates
import pandas as pd
import pytest
from conftest import make_params
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.examples import LEVEL, PAST, SPREAD, STEP, frame_contract
from lockstep.data.past import decode_shape, encode_pasts, level_and_spread
from lockstep.modeling.candidates import TAKES_HEIGHTS, make_candidate
from lockstep.modeling.exponential_smoothing import ExponentialSmoothing, SharedSmoothing
from lockstep.modeling.features import make_features
from lockstep.modeling.forecasters import BySteps, Drift, LastValue, SeasonalNaive
from lockstep.modeling.model import Model
from lockstep.modeling.own_smoothing import OwnSmoothing
from lockstep.modeling.problem import make_problem
from lockstep.modeling.series import Series, encode_target, flatten_examples
from made_up_series import make_contract, make_examples_of_sales, make_sales
from sklearn.base import TransformerMixin, clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

NETWORKS = {"recurrent": {"units": 8, "max_epochs": 8}, "tcn": {"filters": 8, "max_epochs": 8}}
RULES = ("baseline", "naive", "drift")
LEARNERS = ("smoothing", "linear", "autoregression", "combination", "boosting")
CANDIDATES = {name: {} for name in (*RULES, *LEARNERS)} | NETWORKS
# The same without networks, which take long.
QUICK = [name for name in CANDIDATES if name not in NETWORKS]
COSTLY = [pytest.param(name, marks=pytest.mark.matrix) for name in NETWORKS]
CONTRACT = make_contract()
EXAMPLES = make_examples_of_sales(CONTRACT)


def sides(examples: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The examples to learn from and those of the test."""
    train, test = (examples[examples["part"] == side] for side in ("train", "test"))
    return train.reset_index(drop=True), test.reset_index(drop=True)


def make_model(name: str, examples: pd.DataFrame = EXAMPLES, rows: Contract = CONTRACT) -> Model:
    """A candidate that has learnt from the train examples."""
    params, contract = make_params(kind="forecasting"), frame_contract(rows)
    train, _ = sides(examples)
    candidate = make_candidate(name, CANDIDATES[name], make_problem(params, contract))
    pipeline = make_pipeline(make_features(name, params, contract), candidate)
    pipeline.fit(train[contract.features], encode_target(train, contract))
    return Model(pipeline, name, "forecasting", contract)


def forecast(model: Model, examples: pd.DataFrame = EXAMPLES) -> np.ndarray:
    """What it predicts of the test examples."""
    predictions: np.ndarray = model.apply(sides(examples)[1])["prediction"].to_numpy()
    return predictions


def make_features_of(past: list[float], steps: int) -> np.ndarray:
    """A row of features for each step from an origin."""
    rows = [[*past, step / steps] for step in range(1, steps + 1)]
    return np.array(rows, dtype="float64")


@pytest.mark.parametrize(
    ("season", "rule", "expected"),
    [
        (3, LastValue, [7, 7, 7, 7, 7, 7, 7]),
        (3, SeasonalNaive, [5, 6, 7, 5, 6, 7, 5]),
        (1, SeasonalNaive, [7, 7, 7, 7, 7, 7, 7]),
        (1, Drift, [8, 9, 10, 11, 12, 13, 14]),
        # The latest season is 4 above the earliest, which begins 4 steps before: 1 for each step,
        # from the same place in a season to the time.
        (3, Drift, [8, 9, 10, 11, 12, 13, 14]),
        # Of a window of a season nothing is known of where it goes.
        (7, Drift, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_rule_gives_what_it_does_by_hand_at_each_step(
    season: int, rule: type, expected: list[float]
) -> None:
    series = Series(7, 1, season, 7)
    X = make_features_of([1, 2, 3, 4, 5, 6, 7], 7)
    assert rule(series).fit(X, X[:, 0]).predict(X).tolist() == expected


def test_the_baseline_is_the_value_of_the_same_day_a_week_before() -> None:
    _, test = sides(EXAMPLES)
    weeks = pd.to_timedelta(7 * np.ceil(test[STEP].astype("int64") / 7), unit="D")
    known = make_sales().set_index(["shop", "day"])["sales"]
    expected = known[[*zip(test["shop"], test["day"] - weeks, strict=True)]]
    np.testing.assert_allclose(forecast(make_model("baseline")), expected)


def test_where_the_value_a_season_before_is_missing_one_of_a_season_more_is_read() -> None:
    values = np.tile(np.arange(10.0, 80.0, 10.0), 4)
    values[-6] = np.nan
    X, level, spread = relate(values, Series(28, 1, 7, 7))
    np.testing.assert_allclose(Series(28, 1, 7, 7).lag(X) * spread + level, values[:7])


def test_a_season_further_back_is_read_until_the_window_ends() -> None:
    series, X = Series(7, 1, 3, 4), make_features_of([1, 2, 3, 4, 5, 6, 7], 4)
    assert series.lag(X, 1).tolist() == [2, 3, 4, 2]
    assert series.lag(X, 2).tolist() == series.lag(X, 9).tolist() == [2, 3, 1, 2]


def errors(name: str) -> np.ndarray:
    """How far forecasts are off, in units of the series' level."""
    _, test = sides(EXAMPLES)
    off: np.ndarray = np.abs(forecast(make_model(name)) - test["sales"]) / test[LEVEL]
    return off.to_numpy()


@pytest.mark.parametrize(
    "name",
    [
        *("smoothing", "linear", "autoregression", "boosting"),
        *COSTLY,
    ],
)
def test_a_candidate_learns_more_than_the_baseline_knows(name: str) -> None:
    assert errors(name).mean() < 0.9 * errors("baseline").mean()


@pytest.mark.parametrize("name", [*QUICK, *COSTLY[:2]])
def test_a_model_is_saved_and_loaded_as_it_was(name: str, tmp_path: Path) -> None:
    for number in (1, 2):
        model = make_model(name)
        model.save(tmp_path / str(number))
        np.testing.assert_array_equal(
            forecast(Model.load(tmp_path / str(number))), forecast(model), strict=True
        )
    first, second = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in "12")
    assert first == second


@pytest.mark.parametrize("name", [*QUICK, *COSTLY])
def test_forecasts_are_moved_and_scaled_as_their_series_is(name: str) -> None:
    # Whether a season grows with the level depends on where zero is.
    move = 0 if name in TAKES_HEIGHTS else 64
    sales = make_sales()
    moved = sales.assign(sales=sales["sales"] * 8 + move)
    forecasts = [
        forecast(make_model(name, examples), examples)
        for examples in (EXAMPLES, make_examples_of_sales(CONTRACT, moved))
    ]
    tolerance = 1e-4 if name in NETWORKS else 1e-8
    spread = sides(EXAMPLES)[1][SPREAD].to_numpy()
    np.testing.assert_allclose(
        (forecasts[1] - move) / 8 / spread, forecasts[0] / spread, atol=tolerance * 100, rtol=0
    )


@pytest.mark.parametrize("name", [*QUICK, *COSTLY])
def test_a_forecast_is_the_same_bits_whatever_others_there_are(name: str) -> None:
    model, (_, test) = make_model(name), sides(EXAMPLES)
    alone = model.apply(test.iloc[[40]].reset_index(drop=True))["prediction"]
    assert alone[0] == model.apply(test)["prediction"][40]


@pytest.mark.parametrize("name", ["autoregression", "boosting"])
def test_zeros_alone_are_continued_by_zeros(name: str) -> None:
    _, test = sides(EXAMPLES)
    zeros, others = np.zeros((len(test), 28, 2)), np.zeros((len(test), 28, 2))
    others[:, :, 0] = np.tile([1.0, -1.0], 14) * np.append(np.ones(27), 0.0)
    flat = test.assign(**{LEVEL: 0.0, SPREAD: 1.0})
    forecasts = [
        make_model(name).apply(flat.assign(**{PAST: encode_pasts(pasts)}))["prediction"]
        for pasts in (zeros, others)
    ]
    assert (forecasts[0] == 0).all()
    assert (forecasts[1] != 0).any()


def transform(recipe: dict, examples: pd.DataFrame, rows: Contract = CONTRACT) -> np.ndarray:
    contract = frame_contract(rows)
    return np.asarray(transformer(recipe, contract).fit_transform(examples[contract.features]))


def transformer(recipe: dict, contract: Contract, name: str = "linear") -> TransformerMixin:
    params = make_params(kind="forecasting", features=recipe)
    return make_features(name, params, contract)


NOTHING = dict.fromkeys(["numeric", "binary", "categorical", "ordered", "datetime"], "drop")


def test_features_begin_with_what_is_read_of_the_series() -> None:
    contract = frame_contract(CONTRACT)
    series = make_problem(make_params(kind="forecasting"), contract).series
    assert series == Series(window=28, channels=2, season=7, horizon=7)
    X = transform({"numeric": ["impute"], "datetime": "drop", "past": []}, EXAMPLES)
    raw = decode_shape(EXAMPLES[PAST], (28, 2))
    relative = (raw[:, :, 0] - EXAMPLES[[LEVEL]].to_numpy()) / EXAMPLES[[SPREAD]].to_numpy()
    whole = ~np.isnan(raw).any(axis=(1, 2))
    np.testing.assert_allclose(series.past(X)[whole, :, 0], relative[whole])
    visitors = series.past(X)[:, :, 1]
    np.testing.assert_allclose(visitors[:, -7:].mean(axis=1), 0, atol=1e-9)
    assert series.steps(X).tolist() == EXAMPLES[STEP].tolist()
    assert X[:, series.size + 1 :].tolist() == EXAMPLES[["price"]].to_numpy().tolist()


def test_gaps_are_filled_by_season_or_forward_and_before_a_series_by_its_first_value() -> None:
    past = np.full((1, 28, 2), np.nan)
    past[0, [10, 11, 12, 20, 27], 0] = [3.0, 5.0, 4.0, 6.0, 7.0]
    level, spread = level_and_spread(past[:, :, 0], 7)
    row = EXAMPLES.iloc[[0]].assign(**{PAST: encode_pasts(past)})
    X = transform(NOTHING | {"past": []}, row)
    seen = Series(28, 2, 7, 7).past(X)[0]
    week = [3.0, 5.0, 4.0]
    filled = [3.0] * 10 + week + [4.0] * 4 + week + [6.0] * 4 + week + [7.0]
    np.testing.assert_allclose(seen[:, 0] * spread + level, filled)
    assert not seen[:, 1].any()


def test_each_step_of_the_past_has_columns_of_its_own_beside_the_others() -> None:
    recipe = {"past": [{"seasons": 2}, {"averages": [0.5]}]}
    X, series = transform(NOTHING | recipe, EXAMPLES), Series(28, 2, 7, 7)
    assert X.shape[1] == series.size + 1 + 3
    np.testing.assert_array_equal(X[:, -3], series.lag(X))
    np.testing.assert_array_equal(X[:, -2], series.lag(X, 1))
    target = series.past(X)[:, :, 0]
    expected = 0.0
    for value in target.T:
        expected = expected + 0.5 * (value - expected)
    np.testing.assert_allclose(X[:, -1], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"past": "drop"}, "features.past: a forecast is made from it"),
        ({"past": ["impute"]}, "features.past: impute takes numbers, and gets pasts, which"),
        ({"past": ["season"]}, "features.past.season: unknown step; did you mean seasons"),
        ({"numeric": ["seasons"]}, "features.numeric: seasons takes pasts, and gets numbers"),
        ({"columns": {"past": ["impute"]}}, "features.columns.past: no feature"),
    ],
)
def test_a_mistake_in_the_recipe_is_told(recipe: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        transformer(recipe, frame_contract(CONTRACT))


def test_a_candidate_that_takes_codes_gets_them_before_the_past() -> None:
    columns = CONTRACT.model_dump(exclude_none=True)["columns"]
    kind = {"type": "binary", "categories": ["no", "yes"], "meaning": "holiday", "future": True}
    rows = make_contract(columns=columns | {"holiday": kind})
    sales = make_sales().assign(holiday="no").assign(holiday=lambda t: t["holiday"].astype("str"))
    examples = make_examples_of_sales(rows, sales)
    contract = frame_contract(rows)
    X = transformer({}, contract, "boosting").fit_transform(examples[contract.features])
    assert not X[:, 0].any()
    assert Series(28, 2, 7, 7).steps(X[:, 1:]).tolist() == examples[STEP].tolist()


def test_a_clone_for_each_step_learns_from_its_own_examples() -> None:
    series = Series(2, 1, 1, 3)
    X = np.tile(make_features_of([0, 1], 3), (20, 1))
    X[:, 1] = np.random.default_rng(0).normal(size=60)
    steps = series.steps(X)
    model = BySteps(Ridge(alpha=1e-9), series).fit(X, X[:, 1] * steps)
    np.testing.assert_allclose(model.predict(X), X[:, 1] * steps, atol=1e-6)
    assert repr(clone(model)) == repr(model)
    first = BySteps(Ridge(alpha=1e-9), series).fit(X[steps == 1], X[steps == 1, 1])
    np.testing.assert_allclose(first.predict(X), X[:, 1], atol=1e-6)


def test_a_clone_learns_from_a_long_past_where_it_has_examples_for_that() -> None:
    series, rng = Series(40, 2, 1, 2), np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(2_000, 80)), np.tile([0.5, 1.0], 1_000)])
    few = BySteps(Ridge(), series).fit(X[:1_500], X[:1_500, 0])
    many = BySteps(Ridge(), series).fit(X, X[:, 0])
    assert [len(model.estimators_[1].coef_) for model in (few, many)] == [12 * 2 + 1, 40 * 2 + 1]
    np.testing.assert_allclose(many.predict(X), X[:, 0], atol=0.01)
    without = X.copy()
    without[:, : 28 * 2] = 0.0
    np.testing.assert_array_equal(few.predict(without), few.predict(X))


def make_pasts(season: int, trend: float, noise: float, count: int = 200) -> np.ndarray:
    """Rows of features, each a past of 16 steps on a line with a season, and a step."""
    rng, steps = np.random.default_rng(0), np.arange(19)
    seasons = rng.normal(size=(count, season))[:, steps % season]
    values = rng.normal(size=(count, 1)) + trend * steps + seasons
    values += noise * rng.normal(size=values.shape)
    rows = [[*row[:16], (place % 3 + 1) / 3] for place, row in enumerate(values)]
    targets = values[np.arange(count), 16 + np.arange(count) % 3]
    return np.column_stack([rows, targets])


@pytest.mark.parametrize("season", [1, 4])
def test_smoothing_continues_a_line_with_a_season(season: int) -> None:
    series, rows = Series(16, 1, season, 3), make_pasts(season, 0.5, 0)
    X, y = rows[:, :-1], rows[:, -1]
    smoothing = SharedSmoothing(series).fit(X, y)
    # The line is drawn from a few values, of which a season is a part.
    assert (
        np.abs(smoothing.predict(X) - y).mean()
        < 0.1 * np.abs(LastValue(series).predict(X) - y).mean()
    )


def test_smoothing_is_by_hand_what_its_weights_say() -> None:
    smoothing = SharedSmoothing(Series(3, 1, 1, 2))
    X = make_features_of([3, 3, 9], 2)
    smoothing.weights_ = (0.5, 0.0, 0.0, 0.0)  # from the mean, 5, to 4, 3.5 and 6.25
    assert smoothing.predict(X).tolist() == [6.25, 6.25]
    # From -1, with the slope from 3 to 9: 2 and 3, so 2.5; 5.5 and 3, so 4.25; 7.25 and 9.
    smoothing.weights_ = (0.5, 0.0, 0.0, 1.0)
    assert smoothing.predict(X).tolist() == [11.125, 14.125]
    smoothing.weights_ = (0.0, 0.0, 0.0, 0.5)  # a slope that halves: 0.5, 1.25, 1.625
    assert smoothing.predict(X).tolist() == [1.8125, 1.90625]


def test_smoothing_moves_level_trend_and_season_by_their_shares_of_what_is_off() -> None:
    smoothing = SharedSmoothing(Series(4, 1, 2, 2))
    smoothing.weights_ = (0.5, 0.5, 0.5, 1.0)
    # From -3.5, with the slope 3 and the season 1.5 and -1.5, level, slope and season become 0,
    # 3.25 and 2; 2.375, 2.8125 and -2.375; 4.59375, 2.515625 and 1.40625; 8.7421875, 3.33203125
    # and -0.7421875.
    expected = [8.7421875 + 3.33203125 + 1.40625, 8.7421875 + 2 * 3.33203125 - 0.7421875]
    assert smoothing.predict(make_features_of([2, 0, 6, 8], 2)).tolist() == expected


def test_noise_is_smoothed_away() -> None:
    rows = make_pasts(1, 0, 1)
    smoothing = SharedSmoothing(Series(16, 1, 1, 3)).fit(rows[:, :-1], rows[:, -1])
    assert smoothing.weights_[0] <= 0.2


def relate(values: np.ndarray, series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(horizon, n_features) features of a past, and (horizon,) its level and spread."""
    window, horizon = series.window, series.horizon
    frame = pd.DataFrame(
        {PAST: encode_pasts(np.tile(values[:window, np.newaxis], (horizon, 1, 1)))}
    ).assign(**{STEP: range(1, horizon + 1)})
    level, spread = level_and_spread(values[np.newaxis, :window], series.season)
    return flatten_examples(frame, series, has_height=True), level, spread


def smooth(values: np.ndarray, series: Series) -> np.ndarray:
    """(horizon,) what smoothing by weights of its own makes of the first values."""
    X, level, spread = relate(values, series)
    forecast: np.ndarray = OwnSmoothing(series).predict(X) * spread + level
    return forecast


TIMES, QUARTERS = np.arange(48), Series(40, 1, 4, 8)


@pytest.mark.parametrize("level", [2.0 * 1.05**TIMES, 9.0 * 0.95**TIMES])
def test_a_season_that_grows_with_its_level_is_forecast_with_a_growing_season(
    level: np.ndarray,
) -> None:
    values = level * np.array([1.0, 1.4, 0.7, 0.9])[TIMES % 4]
    np.testing.assert_allclose(smooth(values, QUARTERS), values[40:], rtol=0.02)


def test_a_season_that_stays_is_forecast_as_it_is_also_of_values_below_zero() -> None:
    values = 0.5 * TIMES - 12 + np.array([1.0, 4.0, -3.0, -2.0])[TIMES % 4]
    np.testing.assert_allclose(smooth(values, QUARTERS), values[40:], atol=0.1)


def test_a_past_that_holds_a_zero_is_no_matter_of_logarithms() -> None:
    series = Series(12, 1, 4, 3)
    counts = np.random.default_rng(0).poisson(0.4, (60, 12)).astype("float64")
    for values in [np.eye(12)[11], *counts[counts.any(axis=1)]]:
        forecast = smooth(values, series)
        assert (np.abs(forecast - values.mean()) <= np.ptp(values)).all(), values


def test_a_past_is_smoothed_by_weights_of_its_own_whatever_others_there_are() -> None:
    walk = np.random.default_rng(0).normal(size=48).cumsum() + 50
    noise = np.random.default_rng(0).normal(size=48) + 50
    series = Series(40, 1, 1, 8)
    X = [relate(values, series)[0] for values in (walk, noise)]
    together = OwnSmoothing(series).predict(np.concatenate(X))
    for one, part in zip(X, np.split(together, 2), strict=True):
        np.testing.assert_array_equal(OwnSmoothing(series).predict(one), part)
    ends = [abs(smooth(values, series)[0] - values[39]) for values in (walk, noise)]
    assert ends[0] < 0.3
    assert abs(smooth(noise, series)[0] - noise[:40].mean()) < 0.3 < ends[1]


def test_what_was_before_a_series_has_no_say_in_how_it_is_smoothed() -> None:
    values = 3.0 + 0.5 * TIMES + np.random.default_rng(0).normal(size=48)
    short = Series(20, 1, 4, 8)
    padded = np.append(np.full(20, np.nan), values[20:])
    np.testing.assert_allclose(smooth(padded, QUARTERS), smooth(values[20:], short), rtol=1e-9)


def test_a_run_of_the_first_value_is_known_as_any_other() -> None:
    values = 3.0 + 0.5 * TIMES + np.random.default_rng(0).normal(size=48)
    values[:20] = 3.0
    nearly = values + np.where(TIMES == 0, 1e-9, 0.0)
    np.testing.assert_allclose(smooth(values, QUARTERS), smooth(nearly, QUARTERS), rtol=1e-6)


@pytest.mark.parametrize("known", [0, 1, 2, 40])
def test_a_past_of_few_values_or_of_one_value_is_continued(known: int) -> None:
    values = np.where(TIMES[:40] >= 40 - known, 7.0, np.nan)
    np.testing.assert_allclose(smooth(values, QUARTERS), 7.0 if known else 0.0, rtol=0.05)


def test_smoothing_is_the_mean_of_shared_and_own_weights() -> None:
    rows = make_pasts(4, 0.5, 0.5)
    X, y = np.insert(rows[:, :-1], [17], [0.5, 0.0], axis=1), rows[:, -1]
    series = Series(16, 1, 4, 3)
    shared, own = SharedSmoothing(series).fit(X, y), OwnSmoothing(series)
    expected = (shared.predict(X) + own.predict(X)) / 2
    np.testing.assert_array_equal(ExponentialSmoothing(series).fit(X, y).predict(X), expected)


def test_the_ridge_of_a_combination_has_the_penalty_that_it_is_given() -> None:
    problem = make_problem(make_params(kind="forecasting"), frame_contract(CONTRACT))
    combination = make_candidate("combination", {"alpha": 7.0}, problem)
    assert combination.get_params()["autoregression"].estimator.alpha == 7.0


def test_a_window_holds_a_season() -> None:
    with pytest.raises(ValueError, match="window: it is 6 steps, and must hold a season, which is"):
        make_contract(window=6)
