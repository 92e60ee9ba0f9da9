"""Forecasts are measured beside the value a season before, and their intervals step by step."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS
from lockstep.core.contract import Contract
from lockstep.core.params import Params
from lockstep.modeling.intervals import bootstrap
from lockstep.modeling.metrics import METRICS, OWN_METRICS, metric, primary_metric, run_metrics
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import (
    FEWEST_RESIDUALS,
    Postprocessing,
    conformal_margins,
    fit_postprocessing,
)
from sklearn.metrics import mean_pinball_loss

FORECASTING = {one.name: one for one in METRICS["forecasting"]}
NUMBERS = Contract.model_validate(
    CONTRACT | {"columns": CONTRACT["columns"] | {"fruit": CONTRACT["columns"]["weight"]}}
)
"""Of a target from 0 to 500."""


def make_params(**train: object) -> Params:
    settings = {name: value for name, value in PARAMS["train"].items() if name != "metric"}
    return Params.model_validate(PARAMS | {"kind": "forecasting", "train": settings | train})


def make_outcome(actual: list[float], predicted: list[float], scales: list[float]) -> Outcome:
    """Forecasts of one step each, whose squared scale is twice the square of the scale."""
    forecasts = pd.DataFrame(
        {"step": 1, "spread": 1.0, "scale": scales, "squared_scale": 2 * np.square(scales)}
    )
    return Outcome(np.array(actual), np.array(predicted), forecasts=forecasts)


def test_errors_are_measured_in_those_of_the_value_a_season_before() -> None:
    outcome = make_outcome([10, 20, 30, 40], [12, 19, 30, 44], [2, 2, 4, 4])
    assert FORECASTING["mase"].score(outcome) == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert FORECASTING["rmsse"].score(outcome) == pytest.approx(
        np.sqrt((4 / 8 + 1 / 8 + 0 + 16 / 32) / 4)
    )
    assert FORECASTING["wape"].score(outcome) == pytest.approx(7 / 100)
    assert FORECASTING["mae"].score(outcome) == pytest.approx(7 / 4)
    assert FORECASTING["rmse"].score(outcome) == pytest.approx(np.sqrt(21 / 4))
    twice = np.array([[2.0, 0, 0, 1]])
    assert FORECASTING["mase"].measure(outcome, twice) == pytest.approx([(2 * 1 + 1) / 3])


def test_the_value_a_season_before_is_as_good_as_itself() -> None:
    rng = np.random.default_rng(0)
    series, season = rng.normal(size=400).cumsum(), 7
    actual, predicted = series[season:], series[:-season]
    scale, squares = np.abs(actual - predicted).mean(), np.square(actual - predicted).mean()
    outcome = make_outcome(actual, predicted, np.full(len(actual), scale))
    assert FORECASTING["mase"].score(outcome) == pytest.approx(1)
    outcome.forecasts["squared_scale"] = squares
    assert FORECASTING["rmsse"].score(outcome) == pytest.approx(1)


def test_interval_ends_and_the_forecast_are_quantiles_of_which_all_losses_count() -> None:
    rng = np.random.default_rng(1)
    actual = rng.normal(size=50)
    predicted = actual + rng.normal(size=50)
    ends = predicted[:, np.newaxis] + [-0.5, 0.8]
    outcome = make_outcome(actual, predicted, np.full(50, 4.0))
    assert np.isnan(FORECASTING["pinball"].score(outcome))
    outcome = replace(outcome, interval=ends, coverage=0.8)
    losses = [
        mean_pinball_loss(actual, quantile, alpha=level)
        for level, quantile in ((0.1, ends[:, 0]), (0.5, predicted), (0.9, ends[:, 1]))
    ]
    assert FORECASTING["pinball"].score(outcome) == pytest.approx(np.mean(losses) / 4)


@pytest.mark.parametrize("unknown", [np.nan, 0.0])
def test_series_of_which_nothing_is_known_before_do_not_count(unknown: float) -> None:
    outcome = make_outcome([1, 2, 3], [2, 2, 9], [1, 2, unknown])
    assert FORECASTING["mase"].score(outcome) == pytest.approx(0.5)
    assert FORECASTING["rmsse"].score(outcome) == pytest.approx(np.sqrt(0.5 / 2))
    nothing = make_outcome([1, 2], [2, 2], [unknown, unknown])
    for name in ("mase", "rmsse"):
        assert np.isnan(FORECASTING[name].score(nothing))
        assert np.isnan(FORECASTING[name].score(replace(nothing, forecasts=None)))
    assert np.isnan(FORECASTING["wape"].score(make_outcome([0, 0], [1, 1], [1, 1])))


def test_blocks_are_drawn_whole() -> None:
    outcome = make_outcome([0] * 6, [1, 1, 1, 3, 3, 3], [1] * 6)
    blocks = pd.Series(["a", "a", "a", "b", "b", "b"])
    outcome = Outcome.concatenate(
        [outcome.take(np.arange(3)), outcome.take(np.arange(3, 6))], blocks
    )
    [figures] = bootstrap([FORECASTING["mase"]], outcome, 200, seed=0)
    assert {*np.unique(figures)} == {1, 2, 3}


def test_mase_picks_the_champion_and_owners_add_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OWN_METRICS, "forecasting", {})
    assert primary_metric(make_params()).name == "mase"

    @metric(kind="forecasting")
    def bias(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        """How much too high."""
        return float(np.average(y_pred - y_true, weights=sample_weight))

    own = run_metrics(make_params(metrics=["bias"]))[-1]
    assert own.score(make_outcome([1, 2], [2, 4], [1, 1])) == 1.5


def simulate(count: int, steps: int, seed: int, memory: float = 0.8) -> Outcome:
    """The best forecasts of autoregressions of one lag, of series that vary more and less."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.5, 20, size=(count, 1))
    shocks = rng.normal(size=(count, steps))
    deviations = shocks.copy()
    for step in range(1, steps):
        deviations[:, step] += memory * deviations[:, step - 1]
    forecasts = pd.DataFrame(
        {
            "step": np.tile(np.arange(1, steps + 1), count),
            "spread": spread.repeat(steps),
            "scale": 1.0,
            "squared_scale": 1.0,
        }
    )
    return Outcome(
        (250 + spread * deviations).ravel(), np.full(count * steps, 250.0), forecasts=forecasts
    )


def test_intervals_hold_what_they_promise_at_every_step_ahead() -> None:
    steps, learnt = 6, fit_postprocessing(make_params(coverage=0.8), simulate(2000, 6, seed=0))
    later = learnt.apply(simulate(2000, steps, seed=1), NUMBERS)
    table = later.forecasts.assign(held=later.is_held, width=np.ptp(later.interval, axis=1))
    by_step = table.groupby("step")
    assert by_step["held"].mean().to_numpy() == pytest.approx(0.8, abs=0.03)
    widths = (table["width"] / table["spread"]).groupby(table["step"]).median()
    assert widths.is_monotonic_increasing
    # Of an autoregression the errors' standard deviation is known.
    deviations = np.sqrt(np.cumsum(0.8 ** (2 * np.arange(steps))))
    assert widths.to_numpy() == pytest.approx(2 * 1.2816 * deviations, rel=0.08)
    calm = table["spread"] < 5
    assert table["held"][calm].mean() == pytest.approx(table["held"][~calm].mean(), abs=0.04)


def test_a_step_of_few_forecasts_learns_from_its_neighbours() -> None:
    validation = simulate(20, 5, seed=0)
    learnt = fit_postprocessing(make_params(coverage=0.8), validation)
    residuals = (validation.actual - validation.predicted) / validation.forecasts["spread"]
    steps = validation.forecasts["step"]
    assert FEWEST_RESIDUALS == 50
    assert learnt.step_margins[0] == conformal_margins(residuals[steps <= 3], 0.8)  # 60 residuals
    assert learnt.step_margins[2] == conformal_margins(residuals[steps.between(2, 4)], 0.8)
    whole = fit_postprocessing(make_params(coverage=0.98), validation)  # takes 99 of 100
    assert {*whole.step_margins} == {conformal_margins(residuals, 0.98)}
    assert fit_postprocessing(make_params(coverage=0.99), validation) == Postprocessing()


def test_ends_keep_to_the_contracts_range_and_go_with_the_spread() -> None:
    learnt = Postprocessing(coverage=0.9, step_margins=((-1, 2), (-3, 4)))
    rows = pd.DataFrame({"step": [1, 2, 3, 2], "spread": [1.0, 2.0, 1.0, 100.0]})
    ends = learnt.find_interval(np.array([10.0, 10, 10, 250]), rows, NUMBERS)
    assert ends.to_numpy().tolist() == [[9, 12], [4, 18], [7, 14], [0, 500]]


def test_what_is_told_of_forecasts_goes_with_their_rows() -> None:
    outcome = make_outcome([1, 2, 3], [1, 2, 3], [1, 2, 3])
    assert outcome.take(np.array([2, 0])).forecasts["scale"].tolist() == [3, 1]
    assert outcome.take(np.array([True, False, True])).forecasts["scale"].tolist() == [1, 3]
    both = Outcome.concatenate([outcome, outcome.take(np.array([1]))], None)
    assert both.forecasts["scale"].tolist() == [1, 2, 3, 2]
    rows = outcome.forecasts.assign(other=0).set_axis([7, 8, 9])
    predictions = pd.DataFrame({"prediction": [1.0, 2.0, 3.0]})
    made = Outcome.from_predictions(np.arange(3), predictions, [], forecasts=rows)
    pd.testing.assert_frame_equal(made.forecasts, outcome.forecasts)
