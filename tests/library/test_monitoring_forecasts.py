"""Forecasts are watched relative to where the latest values lay, whatever the size of a series."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import make_params
from lockstep.core.examples import LEVEL, PAST, SPREAD, frame_contract
from lockstep.data.conformity import conform
from lockstep.data.examples import make_examples
from lockstep.data.past import decode_pasts, level_and_spread
from lockstep.data.replay import replay
from lockstep.modeling.model import Model
from lockstep.modeling.profile import Profile, make_profile
from lockstep.modeling.train_rows import TrainRows
from lockstep.monitoring.batches import Batch, Subject
from lockstep.monitoring.file_source import read_files
from lockstep.monitoring.references import Reference, References
from lockstep.monitoring.request_source import make_batches
from lockstep.monitoring.watch import choose_windows
from lockstep.monitoring.windows import Windows
from lockstep.serving.request_database import as_json
from lockstep.standalone.answers import Answerer, Query
from made_up_forecaster import CONTRACT, HORIZON, StubPipeline, make_history, make_model

SEASON = 7
SUBJECT = Subject("sales", "workspace", "run", "answer")


def forecast_by_season(X: pd.DataFrame) -> np.ndarray:
    """What was true a season before, relative to where the latest values lie."""
    values = decode_pasts(X[PAST].tolist(), make_model().contract.columns[PAST])[:, :, 0]
    level, spread = level_and_spread(values, SEASON)
    steps = X["step"].to_numpy("int64")
    before = values[np.arange(len(values)), values.shape[1] - SEASON + (steps - 1) % SEASON]
    relative: np.ndarray = np.nan_to_num((before - level) / spread)
    return relative


@pytest.fixture(scope="module")
def model() -> Model:
    pipeline = StubPipeline(
        predict=forecast_by_season,
        transformers=[("all", None, make_model().contract.features)],
    )
    return replace(make_model(), pipeline=pipeline)


def type_rows(rows: pd.DataFrame) -> pd.DataFrame:
    typed, breaches = conform(CONTRACT.columns, rows, missing=CONTRACT.missing)
    assert breaches.empty
    return typed


@pytest.fixture(scope="module")
def profile(model: Model) -> Profile:
    params = make_params(
        kind="forecasting",
        split={"by": "time", "test_fraction": 0.2},
        train={"folds": 3, "candidates": {"baseline": {}}},
    )
    parts = make_examples([type_rows(make_history(days=200, shops="abc"))], CONTRACT, params)
    table = pd.concat([*parts], ignore_index=True)
    rows = TrainRows(table, table, model.contract, params, np.arange(len(table)))
    late = np.flatnonzero(table["part"] == "test")
    early = np.flatnonzero(table["part"] == "train")
    return make_profile(model, rows, [(early, late)], [model.try_on(table.iloc[late])])


def test_a_profile_watches_what_does_not_move_with_time_alone(
    profile: Profile, tmp_path: Path
) -> None:
    assert {*profile.scales} == {"price", "gaps", "prediction"}
    assert profile.metrics["mase"]["figure"] is None
    assert 0 < profile.metrics["mae"]["figure"] < 1
    model_folder = tmp_path / "model"
    model_folder.mkdir()
    profile.write(model_folder)
    assert (model_folder / "profile.json").stat().st_size < 50_000


def test_a_series_that_is_larger_has_the_same_errors(profile: Profile) -> None:
    # That of shop c is three times that of a, so that its errors would be, too.
    assert profile.tallies["prediction"].counts[0] == 0
    assert profile.spreads["prediction"] < 3


def test_forecasts_are_replayed_whenever_their_horizon_has_passed(model: Model) -> None:
    rows = type_rows(make_history(days=40, shops="ab", future=0))
    examples = pd.concat([*replay(rows, model.contract)], ignore_index=True)
    assert examples["origin"].is_monotonic_increasing
    origins = examples["origin"].drop_duplicates()
    assert [*{*origins.diff().dropna()}] == [pd.Timedelta(days=HORIZON)]
    assert not examples.duplicated(["shop", "day"]).any()
    assert len({*examples.groupby("shop").size()}) == 1


def test_forecasts_of_working_days_are_replayed_from_these() -> None:
    weekly = CONTRACT.model_copy(update={"horizon": 7})
    rows = type_rows(make_history(days=60, shops="a", future=0))
    is_working = rows["day"].dt.day_of_week < 5
    for first in range(7):
        some = rows[is_working].iloc[first:]
        examples = pd.concat([*replay(some, frame_contract(weekly))], ignore_index=True)
        assert (examples["origin"].drop_duplicates().diff().dropna() == pd.Timedelta(days=7)).all()
        assert (examples["origin"].dt.day_of_week < 5).all()
        assert not examples.duplicated(["shop", "day"]).any()


def test_nothing_is_replayed_of_rows_without_a_known_value(model: Model) -> None:
    rows = type_rows(make_history(days=40, shops="a", future=0))
    assert [*replay(rows.iloc[:0], model.contract)] == []
    assert [*replay(rows.assign(sales=np.nan), model.contract)] == []


def watch_file(model: Model, rows: pd.DataFrame, folder: Path) -> list[Batch]:
    file = folder / "later.csv"
    rows.to_csv(file, index=False)
    return [*read_files([file], SUBJECT, model, None, resize=False)]


def test_a_file_is_watched_by_what_could_have_been_forecast_in_it(
    model: Model, profile: Profile, tmp_path: Path
) -> None:
    [batch] = watch_file(model, make_history(days=60, shops="ab"), tmp_path)
    assert {*profile.scales} - {"prediction"} <= {*batch.X}
    outcomes = batch.outcomes.astype("float64")
    errors = batch.predictions["prediction"] - outcomes
    assert abs(errors).mean() < 1
    [ten_times] = watch_file(
        model, make_history(days=60, shops="ab").eval("sales = sales * 10"), tmp_path
    )
    np.testing.assert_allclose(ten_times.predictions, batch.predictions, rtol=0.05, atol=0.05)
    assert len({*batch.groups}) == len({*batch.times}) // HORIZON


def test_rows_of_a_file_that_break_the_contract_are_counted(
    model: Model, profile: Profile, tmp_path: Path
) -> None:
    rows = make_history(days=60, shops="ab").astype({"sales": "object"})
    rows.loc[3, "sales"] = "many"
    refused, whole = watch_file(model, rows, tmp_path)
    windows = Windows(profile, "rows")
    for batch in (refused, whole):
        windows.add(batch)
    assert refused.rows == 1
    assert sum(window.refused for window in windows) == 1
    assert sum(window.breaches["sales"] for window in windows) == 1


def keep(model: Model, rows: pd.DataFrame, request: str) -> list[dict[str, Any]]:
    """Lines of the table of requests, as the server keeps them of a question."""
    records = rows.to_dict(orient="records")
    columns = ["shop", "day", "price", LEVEL, SPREAD]
    [reply] = Answerer(model, resize=False).answer([Query("rows", records, b"")], columns, 1000)
    return [
        {
            **SUBJECT._asdict(),
            "request": request,
            "row": place,
            "time": pd.Timestamp("2026-03-02", tz="UTC").to_pydatetime(),
            "status": 422 if "errors" in answer else 200,
            "seconds": 0.1,
            "content": as_json(content),
            "answer": as_json(answer),
            "outcome": as_json(rows["sales"].iloc[0]),
            "outcome_time": pd.Timestamp("2026-03-03", tz="UTC").to_pydatetime(),
        }
        for place, (answer, content) in enumerate(zip(reply["answers"], reply["rows"], strict=True))
    ]


class Known(References):
    """Knows one version, of which all is kept."""

    def __init__(self, reference: Reference) -> None:
        self._references = {SUBJECT.run: reference}

    def list_kept(self, contract: Any) -> list[str]:
        return [*contract.columns]


def test_requests_are_watched_by_what_was_kept_of_them(model: Model, profile: Profile) -> None:
    references = Known(Reference(model.contract, profile))
    rows = make_history(shops="ab").astype("object").where(lambda cells: cells.notna(), None)
    lines = keep(model, rows[rows["shop"] == "a"], "one") + keep(model, rows, "two")
    lines[-1] |= {"content": None}
    [batch] = make_batches(lines, references)
    assert batch.rows == 3 * HORIZON - 1  # nobody knows what the last one was made from
    assert {*batch.groups} == {"one", "two"}
    assert batch.X["gaps"].tolist() == [0.0] * batch.rows
    assert batch.predictions["prediction"].abs().max() < 5
    level = pd.Series([float(level) for level in batch.outcomes])
    assert level.notna().all()


def test_forecasts_of_a_request_are_watched_by_the_week() -> None:
    assert choose_windows(CONTRACT) == "week"
    assert choose_windows(make_model().contract) == "week"
