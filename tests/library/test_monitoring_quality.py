"""How good versions are from window to window, and shadows beside the version that answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS
from lockstep.core.contract import Contract
from lockstep.core.params import MonitorParams, Params
from lockstep.modeling.expectation import Expectation
from lockstep.modeling.outcome import EXPOSURE, Outcome
from lockstep.monitoring import estimates, report, shadows
from lockstep.monitoring.estimates import Figure
from lockstep.monitoring.judgement import Judgement, Slot
from lockstep.monitoring.page import render_page
from lockstep.monitoring.quality import WIDENING, Gauge, Quality, is_worse
from lockstep.monitoring.references import Reference
from lockstep.monitoring.shadows import describe_shadows
from lockstep.monitoring.windows import Windows
from made_up_batches import SUBJECT, make_batch, make_profile

RIPENESS = {"type": "numeric", "range": [0, 100], "meaning": "ripeness"}
COLUMNS = {name: CONTRACT["columns"][name] for name in ("weight", "seeds", "colour")}
REGRESSION = Contract.model_validate(
    CONTRACT
    | {"target": "ripeness", "columns": {**COLUMNS, "ripeness": RIPENESS}, "subgroups": ["colour"]}
)
ERROR = 2.0
"""Standard deviation of what predictions were off by in training."""


def make_reference(**other: Any) -> Reference:
    rng = np.random.default_rng(5)
    predicted = rng.choice([15.0, 40.0], 600) + rng.normal(0, 2, 600)
    validation = Outcome(predicted + ERROR * rng.standard_normal(600), predicted)
    usual = {
        "metrics": {
            "rmse": {"figure": ERROR, "low": 0.95 * ERROR, "high": 1.05 * ERROR},
            "mae": {"figure": 0.8 * ERROR, "low": 0.75 * ERROR, "high": 0.85 * ERROR},
        },
        "expectation": Expectation.fit(validation, {}),
    }
    return Reference(REGRESSION, make_profile(**usual | other))


def make_gauge(**params: Any) -> Gauge:
    content = PARAMS | {"kind": "regression", "train": {"folds": 2, "candidates": {"baseline": {}}}}
    made = Params.model_validate(content | {"evaluate": {"resamples": 100, "confidence": 0.95}})
    project = SimpleNamespace(params=made.model_copy(update=params), command="uv run fruit")
    return Gauge(project)


def make_windows(*errors: float | None, rows: int = 200, **other: Any) -> list[tuple[str, Any]]:
    """A day for each; what became true of it is so far away, or not known."""
    windows = Windows(make_reference().profile, "day")
    rng = np.random.default_rng(3)
    for day, error in enumerate(errors):
        batch = make_batch(rows, first=day * rows)
        times = batch.times + np.timedelta64(day, "D")
        if error is None:
            windows.add(batch._replace(times=times, **other))
            continue
        truth = batch.predictions["prediction"].to_numpy() + error * rng.standard_normal(rows)
        windows.add(
            batch._replace(
                times=times,
                outcomes=truth.astype("object"),
                outcome_times=times + np.timedelta64(36, "h"),
                **other,
            )
        )
    return [(windows.name(window.number), window) for window in windows]


def measure(windows: list[tuple[str, Any]], gauge: Gauge | None = None, **other: Any) -> Quality:
    quality = (gauge or make_gauge()).measure(SUBJECT, make_reference(**other), windows)
    assert quality is not None
    return quality


def test_estimate_and_truth_are_beside_each_other() -> None:
    quality = measure(make_windows(ERROR, ERROR, None))
    content = quality.describe()
    assert (content["metric"], content["state"], content["lines"]) == ("rmse", "fine", [])
    assert [*content["metrics"]] == ["rmse", "mae"]
    for known, unknown in [content["metrics"][name]["windows"][1:] for name in content["metrics"]]:
        assert unknown["realised"] is None
        for window in (known, unknown):
            assert window["estimate"]["low"] < window["estimate"]["figure"]
        assert known["estimate"]["low"] < known["realised"]["figure"] < known["estimate"]["high"]
    assert content["labels"] == [*[{"rows": 200, "lag_days": 1.5}] * 2, None]


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        ((ERROR, ERROR, ERROR), "fine"),
        ((ERROR, ERROR, 2 * ERROR), "moved"),
        ((2 * ERROR, ERROR, 2 * ERROR), "moved"),
        ((ERROR, 2 * ERROR, 2 * ERROR), "alarm"),
        ((2 * ERROR, 2 * ERROR, ERROR), "fine"),
        ((0.5 * ERROR, 0.5 * ERROR, 0.5 * ERROR), "fine"),
        ((2 * ERROR, 2 * ERROR, 2 * ERROR, None), "alarm"),
        ((2 * ERROR, 2 * ERROR, None), "alarm"),
        ((2 * ERROR, None, 2 * ERROR), "alarm"),
        ((2 * ERROR, 2 * ERROR, ERROR, None), "fine"),
        ((ERROR, 2 * ERROR, None, None), "moved"),
    ],
)
def test_what_turns_out_worse_twice_on_end_is_an_alarm_until_outcomes_are_well(
    errors: tuple[float | None, ...], state: str
) -> None:
    assert measure(make_windows(*errors)).state == state


def test_an_alarm_says_what_was_expected_and_since_when() -> None:
    text = measure(make_windows(ERROR, 2 * ERROR, 2 * ERROR)).text
    assert text.startswith("rmse turned out to be 3.8736 (")
    assert text.endswith(
        "worse than the 2.0000 (1.9000 to 2.1000) that was expected, since 2026-11-03"
    )


def test_without_outcomes_the_estimate_is_judged() -> None:
    better = {"rmse": {"figure": 1.0, "low": 0.9, "high": 1.1}}
    quality = measure(make_windows(None, None), metrics=better)
    assert quality.state == "alarm"
    assert quality.text.startswith("rmse is estimated at ")
    # The same estimates, but outcomes are as good as expected.
    assert measure(make_windows(1.0, 1.0), metrics=better).state == "fine"
    assert measure(make_windows(None, None, 1.0), metrics=better).state == "fine"
    # Nobody knows of the last window what comes after it was measured to be worse.
    assert measure(make_windows(1.0, 2 * ERROR, None), metrics=better).state == "alarm"


@pytest.mark.parametrize(
    ("known", "state"), [(0, "alarm"), (80, "alarm"), (99, "alarm"), (100, "fine")]
)
def test_the_estimate_speaks_until_enough_outcomes_are_known(known: int, state: str) -> None:
    better = {"rmse": {"figure": 1.0, "low": 0.9, "high": 1.1}}
    windows = Windows(make_reference().profile, "day")
    for day in range(2):
        batch = make_batch(150, first=day * 150)
        batch.outcomes[:known] = batch.predictions["prediction"].to_numpy()[:known] + 0.5
        windows.add(batch._replace(times=batch.times + np.timedelta64(day, "D")))
    named = [(windows.name(window.number), window) for window in windows]
    assert measure(named, metrics=better).state == state


def test_outcomes_that_stay_worse_than_estimated_are_told() -> None:
    lax = {"rmse": {"figure": 5.0, "low": 4.0, "high": 6.0}}
    [line] = measure(make_windows(1.6 * ERROR, 1.6 * ERROR), metrics=lax).describe()["lines"]
    assert line.startswith("rmse turned out to be 3.")
    assert "was estimated: the same rows have other outcomes than in training" in line
    for errors in ((1.6 * ERROR, ERROR), (ERROR, 1.6 * ERROR), (0.5 * ERROR, 0.5 * ERROR)):
        assert measure(make_windows(*errors), metrics=lax).describe()["lines"] == []


def report_on(windows: list[tuple[str, Any]], quality: Quality) -> dict[str, Any]:
    """What is told where nothing but the quality of a version is known."""
    judgement = make_judgement(windows, "answer", quality=quality)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "judge", lambda *_: [judgement])
        references = SimpleNamespace(problems={})
        watch = SimpleNamespace(by="day", windows={}, references=references)
        stages: dict[str, list[str]] = {}
        usual = {"source": "requests", "since": None, "stages": stages, "gauge": make_gauge()}
        return report.make_report(watch, MonitorParams(), **usual)


def test_the_report_tells_that_outcomes_stay_worse_than_estimated() -> None:
    lax = {"rmse": {"figure": 5.0, "low": 4.0, "high": 6.0}}
    windows = make_windows(1.6 * ERROR, 1.6 * ERROR, None)
    quality = measure(windows, metrics=lax)
    content = report_on(windows, quality)
    assert content["lines"] == [f"1.0.0: {quality.doubt}"]
    assert content["has_doubt"]


def test_an_alarm_of_quality_counts_as_any_other() -> None:
    windows = make_windows(ERROR, 2 * ERROR, 2 * ERROR, None)
    content = report_on(windows, measure(windows))
    [version] = content["versions"]
    assert (content["state"], version["alarms"]) == ("alarm", 1)
    assert content["lines"][0].endswith("since 2026-11-03")
    assert "An alarm stands since" in (page := render_page(content, live=True))
    assert '<span class="brief">2026-11-03</span>' in page


def test_few_rows_or_gaps_judge_nothing() -> None:
    assert measure(make_windows(2 * ERROR, 2 * ERROR, rows=99)).state == "too few"
    windows = make_windows(2 * ERROR, 2 * ERROR)
    windows.insert(1, ("a gap", None))
    quality = measure(windows)
    assert quality.state == "alarm"
    assert quality.courses["rmse"].estimates[1] is None


def test_nothing_is_said_of_a_metric_that_nothing_is_expected_of() -> None:
    reference = make_reference(metrics={"mae": {"figure": 1.0, "low": 0.9, "high": 1.1}})
    assert make_gauge().measure(SUBJECT, reference, make_windows(ERROR)) is None
    bare = reference._replace(profile=None)
    assert make_gauge().measure(SUBJECT, bare, make_windows(ERROR)) is None


@pytest.mark.parametrize(("years", "is_known"), [(2.0, True), (np.nan, False)])
def test_rates_whose_exposure_is_not_kept_are_not_known_and_that_is_told(
    years: float, is_known: bool
) -> None:
    figure = {"figure": 1.0, "low": 0.9, "high": 1.1}
    reference = make_reference(metrics={"poisson_deviance": figure, "rmse": figure})
    contract = reference.contract.model_copy(update={"exposure": "weight"})
    predictions = make_batch(200).predictions.assign(**{EXPOSURE: years})
    windows = make_windows(ERROR, None, predictions=predictions)
    train = make_gauge().project.params.train.model_copy(update={"metric": "poisson_deviance"})
    quality = make_gauge(train=train).measure(
        SUBJECT, reference._replace(contract=contract), windows
    )
    assert quality is not None
    rates, whole = quality.courses["poisson_deviance"], quality.courses["rmse"]
    assert [any(rates.estimates), any(rates.realised)] == [is_known] * 2
    assert all(whole.estimates)
    told = "poisson_deviance is not known: it is per unit of weight, which is not kept"
    assert quality.doubt.startswith(told) == (not is_known)
    assert is_known or quality.text == ""


def test_a_window_that_has_not_changed_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    draw = Expectation.draw

    def count(self: Expectation, outcome: Outcome, *others: Any) -> Any:
        counts.append(len(outcome))
        return draw(self, outcome, *others)

    monkeypatch.setattr(Expectation, "draw", count)
    gauge = make_gauge()
    first = measure(make_windows(ERROR, None), gauge)
    assert counts == [200, 200]
    again = measure(make_windows(ERROR, None, None), gauge)
    assert counts == [200, 200, 200]
    assert again.courses["rmse"].estimates[:2] == first.courses["rmse"].estimates


def test_the_interval_of_what_was_measured_goes_by_groups() -> None:
    """Twenty rows of each group are off alike, so that they are no evidence for each other."""
    rng = np.random.default_rng(7)
    batch = make_batch(400)
    groups = np.repeat([f"patient {number}" for number in range(20)], 20).astype("object")
    predicted = batch.predictions["prediction"].to_numpy()
    batch.outcomes[:] = predicted + ERROR * np.repeat(rng.standard_normal(20), 20)
    widths = []
    for known in (None, groups):
        windows = Windows(make_reference().profile, "day")
        windows.add(batch._replace(groups=known))
        [window] = windows
        [figure] = measure([("today", window)]).courses["rmse"].realised
        widths.append(figure.high - figure.low)
    assert widths[1] > 2 * widths[0]


def test_that_all_windows_are_held_against_the_same_luck_is_allowed_for() -> None:
    """Of 300 rows the expected figure may be far off; then it is so in each window."""
    figure = Figure(2.0, 1.8, 2.2)
    quality = measure(make_windows(ERROR))
    course = quality.courses["rmse"]._replace(expected=figure)
    windows = [Figure(2.0 + off, 1.9 + off, 2.1 + off) for off in (0.3, 0.5)]
    assert [is_worse(course, window, 1) for window in windows] == [True, True]
    assert [is_worse(course, window, WIDENING) for window in windows] == [False, True]


def test_an_outcome_that_is_corrected_is_measured_again() -> None:
    gauge, figures = make_gauge(), []
    for outcome in (-1.0, -2.0):  # of the same hash
        windows = make_windows(ERROR)
        windows[0][1].labelled.outcomes.iloc[0] = outcome
        figures.append(measure(windows, gauge).courses["rmse"].realised[0])
    assert figures[0] != figures[1]


def test_metrics_that_are_not_defined_are_left_out() -> None:
    windows = make_windows(ERROR, rows=1)
    quality = measure(windows, metrics=make_reference().profile.metrics | {"r2": NOTHING})
    assert quality.courses["r2"].expected is None
    assert quality.courses["r2"].realised == (None,)


NOTHING = {"figure": None, "low": None, "high": None}


def make_judgement(windows: list[tuple[str, Any]], role: str, **other: Any) -> Judgement:
    day = np.datetime64("2026-11-02")
    usual = {
        "subject": SUBJECT._replace(role=role, version="1.1.0" if role == "shadow" else "1.0.0"),
        "reference": make_reference(),
        "windows": Windows(make_reference().profile, "day"),
        "slots": [Slot(name, day, day, window) for name, window in windows],
        "stages": ["production"] if role == "answer" else [],
        "is_current": True,
        "quality": None,
    }
    return Judgement(**usual | other)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    versions = [SimpleNamespace(name="v1.1.0")]
    monkeypatch.setattr(shadows, "Repository", lambda _: None)
    monkeypatch.setattr(shadows, "read_registry", lambda _: SimpleNamespace(versions=versions))
    return versions


def shadow_by(offset: float, rows: int = 200, **other: Any) -> dict[str, Any]:
    """What is said of a shadow whose predictions are so much farther off than the champion's."""
    ours = make_windows(ERROR, ERROR, rows=rows)
    theirs = make_windows(ERROR, ERROR, rows=rows)
    for (_, mine), (_, other_window) in zip(ours, theirs, strict=True):
        sample = mine.labelled
        truth = sample.outcomes.astype("float64")
        error = other_window.labelled.predictions["prediction"] - truth
        factor = (ERROR + offset) / ERROR
        predictions = pd.DataFrame({"prediction": truth + factor * error})
        mine.labelled = sample._replace(predictions=predictions)
    shadow = make_judgement(ours, "shadow", **other)
    [content] = describe_shadows([make_judgement(theirs, "answer"), shadow], make_gauge())
    return content


def test_a_shadow_that_passes_the_gate_is_proposed() -> None:
    content = shadow_by(-0.8)
    assert (content["version"], content["rows"], content["metric"]) == ("1.1.0", 400, "rmse")
    assert 0 < content["gain"]["low"] < content["gain"]["figure"] < content["gain"]["high"]
    assert content["proposal"] == "uv run fruit promote v1.1.0 --to production"
    assert content["lines"][0].startswith("rmse: ")
    assert "on 400 rows that both answered and whose outcomes are known" in content["lines"][0]
    assert [line.split(":")[0] for line in content["lines"][1:]] == ["colour=green", "colour=red"]


@pytest.mark.parametrize("offset", [0.0, 0.8])
def test_a_shadow_that_is_no_better_is_not_proposed(offset: float) -> None:
    content = shadow_by(offset)
    assert content["proposal"] is None
    assert content["gain"]["low"] <= 0


def test_of_few_rows_the_gate_says_nothing() -> None:
    content = shadow_by(-0.8, rows=40)
    assert (content["rows"], content["gain"], content["proposal"]) == (80, None, None)
    assert content["lines"][0].startswith("80 rows that both answered")


def test_what_is_no_version_or_predicts_something_else_is_not_proposed(
    registered: list[SimpleNamespace],
) -> None:
    registered.clear()
    assert shadow_by(-0.8)["proposal"] is None
    other = make_reference()._replace(contract=Contract.model_validate(CONTRACT))
    assert shadow_by(-0.8, reference=other)["rows"] == 0


def test_a_shadow_that_was_retired_is_not_told_of() -> None:
    shadow = make_judgement(make_windows(ERROR), "shadow", is_current=False)
    answer = make_judgement(make_windows(ERROR), "answer")
    assert describe_shadows([answer, shadow], make_gauge()) == []
    assert describe_shadows([shadow._replace(is_current=True)], make_gauge()) == []


def test_values_that_the_server_does_not_keep_are_no_gaps() -> None:
    [(_, window)] = make_windows(ERROR)
    sample = window.sample._replace(places=window.sample.places.assign(weight=-1))
    places = estimates._find_places(make_reference().profile, sample)
    assert sorted(places) == ["colour", "prediction", "seeds"]
