"""What is expected of rows whose outcomes nobody knows yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lockstep.modeling.calibration import Calibration
from lockstep.modeling.expectation import Expectation
from lockstep.modeling.metrics import METRICS, Metric
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import conformal_margins
from lockstep.modeling.residuals import Residuals
from scipy.special import softmax

RMSE, MAE = METRICS["regression"][:2]
LOG_LOSS = METRICS["classification"][3]
PLACES = 20


def draw_classes(
    rows: int, boldness: float = 1.0, classes: int = 2, seed: int = 0, shift: float = 0.0
) -> tuple[Outcome, np.ndarray]:
    """Rows whose log-odds a model takes for so many times what they are; and the true shares."""
    rng = np.random.default_rng([seed, rows])
    scores = 1.2 * rng.standard_normal((rows, classes)) + shift * np.arange(classes)
    shares = softmax(scores, axis=1)
    actual = (rng.random((rows, 1)) > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return Outcome(actual, softmax(boldness * scores, axis=1), tuple("abcde"[:classes])), shares


def draw_numbers(
    rows: int, seed: int = 0, hardest: float = 1.0
) -> tuple[Outcome, dict[str, np.ndarray]]:
    """Rows whose errors grow with the place of a column; places above `hardest` are left out."""
    rng = np.random.default_rng([seed, rows])
    places = {name: rng.integers(0, int(PLACES * hardest), rows) for name in ("easy", "other")}
    errors = (1 + places["easy"] / 2) * rng.standard_normal(rows)
    predicted = 100 * rng.random(rows)
    return Outcome(predicted + errors, predicted), places


def estimate(expectation: Expectation, outcome: Outcome, places: dict, metric: Metric) -> float:
    draws = expectation.draw(outcome, places, 119, 0)
    return float(np.median([metric.score(one) for one in draws]))


@pytest.mark.parametrize(("boldness", "classes"), [(2.5, 2), (0.5, 2), (1.0, 2), (2.5, 4)])
def test_probabilities_are_taken_for_what_they_were_worth(boldness: float, classes: int) -> None:
    calibration = Calibration.fit(draw_classes(4000, boldness, classes)[0])
    later, shares = draw_classes(2000, boldness, classes, seed=1)
    assert np.abs(calibration.apply(later.predicted) - shares).mean() < 0.03


@pytest.mark.parametrize("classes", [2, 5])
def test_of_a_few_rows_all_predicted_right_none_is_thought_certain(classes: int) -> None:
    actual = np.arange(20) % (classes - 1)  # one class never came
    calibration = Calibration.fit(
        Outcome(actual, np.eye(classes)[actual], tuple("abcde"[:classes]))
    )
    likely = calibration.apply(np.eye(classes))
    assert np.isfinite(likely).all()
    assert (likely < 1).all()


def test_rows_that_repeat_others_make_nothing_surer() -> None:
    outcome, _ = draw_classes(300)
    rows = np.repeat(np.arange(300), 5)
    repeated = Outcome(outcome.actual[rows], outcome.predicted[rows], outcome.classes, rows)
    apart = replace(repeated, groups=None)
    once, grouped, single = (
        Calibration.fit(one).covariance[0][0] for one in (outcome, repeated, apart)
    )
    assert grouped > 0.7 * once
    assert single < 0.4 * grouped


def test_errors_are_as_large_as_those_of_rows_alike() -> None:
    residuals = Residuals.fit(*draw_numbers(3000))
    low, high = residuals.estimate_sizes({"easy": np.array([1, PLACES - 2])}, 2)
    assert high / low > 3
    assert residuals.estimate_sizes({}, 1) == pytest.approx(residuals.size)


def test_a_place_that_no_row_had_is_like_the_nearest() -> None:
    residuals = Residuals.fit(*draw_numbers(3000))
    above, last, missing = residuals.estimate_sizes({"easy": np.array([99, PLACES - 1, -1])}, 3)
    assert above == last
    assert missing < last


def test_harder_rows_are_seen_and_another_relation_is_not() -> None:
    expectation = Expectation.fit(*draw_numbers(3000))
    usual, easy = draw_numbers(2000, seed=1), draw_numbers(2000, seed=2, hardest=0.3)
    for outcome, places in (usual, easy):
        assert estimate(expectation, outcome, places, RMSE) == pytest.approx(
            RMSE.score(outcome), rel=0.15
        )
    assert RMSE.score(easy[0]) < 0.6 * RMSE.score(usual[0])
    other = Outcome(usual[0].actual + 30, usual[0].predicted)
    assert RMSE.score(other) > 2 * estimate(expectation, other, usual[1], RMSE)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_an_interval_holds_the_metric_of_the_window_as_often_as_it_says(shift: float) -> None:
    hits = []
    for seed in range(60):
        expectation = Expectation.fit(draw_classes(400, 2.0, seed=seed)[0], {})
        window, _ = draw_classes(300, 2.0, seed=100 + seed, shift=shift)
        draws = [LOG_LOSS.score(one) for one in expectation.draw(window, {}, 39, seed)]
        low, high = conformal_margins(np.array(draws), 0.9)
        hits.append(low <= LOG_LOSS.score(window) <= high)
    assert 0.8 <= np.mean(hits) <= 0.98


def test_numbers_that_were_never_negative_are_not_drawn_negative() -> None:
    outcome, places = draw_numbers(500)
    counts = Outcome(np.maximum(outcome.actual, 0), outcome.predicted)
    draws = Expectation.fit(counts, places).draw(counts, places, 9, 0)
    assert min(one.actual.min() for one in draws) == 0
    draws = Expectation.fit(outcome, places).draw(outcome, places, 9, 0)
    assert min(one.actual.min() for one in draws) < 0


def test_what_boosting_held_for_too_much_alike_is_set_apart() -> None:
    outcome, places = draw_numbers(3000)
    residuals = Residuals.fit(outcome, places)
    assert residuals.slope > 1
    assert residuals.slope_error < 0.2
    few = Residuals.fit(*draw_numbers(30))
    assert (few.tables, few.slope, few.slope_error) == ({}, 1.0, 0.0)


def test_a_model_that_never_errs_is_expected_to_go_on() -> None:
    outcome, places = draw_numbers(200)
    perfect = Outcome(outcome.predicted, outcome.predicted)
    assert estimate(Expectation.fit(perfect, places), perfect, places, MAE) == 0


@pytest.mark.parametrize("case", [draw_classes(300), draw_numbers(3000)])
def test_it_is_the_same_text_each_time_and_small(case: tuple) -> None:
    outcome, places = case[0], case[1] if isinstance(case[1], dict) else {}
    text = Expectation.fit(outcome, places).model_dump_json()
    assert text == Expectation.fit(outcome, places).model_dump_json()
    assert len(text) < 20_000
    read = Expectation.model_validate_json(text)
    assert read.model_dump_json() == text
    drawn = [next(one.draw(outcome, places, 1, 7)) for one in (read, read)]
    np.testing.assert_array_equal(drawn[0].actual, drawn[1].actual)
