"""A forecasting model continues the series that it is given: of a file, a question, a package."""

import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.packaging.golden import make_golden, make_rows
from lockstep.standalone import predict as predicting
from lockstep.standalone.answers import Answerer, Query
from lockstep.standalone.golden import make_frame
from lockstep.standalone.predict import predict_file
from made_up_forecaster import CONTRACT, HORIZON, SALES, make_history, make_model

COLUMNS = ["shop", "day", "step", "prediction", "prediction_low", "prediction_high", "reason"]


def forecast(rows: pd.DataFrame, folder: Path, name: str = "sales.csv") -> pd.DataFrame:
    """What `predict` writes of a file of these rows."""
    file, output = folder / name, folder / "forecasts.csv"
    if file.suffix == ".csv":
        rows.to_csv(file, index=False)
    else:
        rows.to_parquet(file)
    predict_file(make_model(), file, output, resize=False)
    return pd.read_csv(output)


def ask(*questions: Query, most_rows: int = 1000) -> list[dict[str, Any]]:
    columns = ["shop", "day", "price", "level", "spread"]
    return Answerer(make_model(), resize=False).answer(questions, columns, most_rows)


def as_rows(rows: pd.DataFrame) -> Query:
    return Query("rows", json.loads(rows.to_json(orient="records")), b"")


@pytest.mark.parametrize("name", ["sales.csv", "sales.parquet"])
def test_a_file_of_history_is_continued(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forecasts = forecast(make_history(), tmp_path, name)
    assert [*forecasts] == COLUMNS
    assert forecasts["shop"].tolist() == ["a"] * HORIZON + ["b"] * HORIZON
    assert forecasts["day"].tolist() == ["2026-03-02", "2026-03-03", "2026-03-04"] * 2
    assert forecasts["step"].tolist() == [1, 2, 3] * 2
    assert forecasts["reason"].isna().all()
    assert "predict: 6 rows by stub" in capsys.readouterr().out


def test_a_forecast_and_its_interval_keep_to_the_contracts_range() -> None:
    history = make_history()
    free = make_model().predict(history)["prediction"]
    low, high = free.sort_values().iloc[[1, -2]]
    sales = SALES["columns"]["sales"] | {"range": [low, high]}
    contract = Contract.model_validate(SALES | {"columns": SALES["columns"] | {"sales": sales}})
    kept = make_model(contract).predict(history.assign(sales=history["sales"].clip(low, high)))
    assert kept["prediction"].between(low, high).all()
    assert kept["prediction"].between(kept["prediction_low"], kept["prediction_high"]).all()


def test_forecasts_are_the_same_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = forecast(make_history(), tmp_path)
    monkeypatch.setattr(predicting, "ROWS_AT_ONCE", 2)
    pd.testing.assert_frame_equal(forecast(make_history(), tmp_path), whole)


def test_what_cannot_be_forecast_is_named_by_series_and_time(tmp_path: Path) -> None:
    rows = make_history()
    rows.loc[rows.index[-1], "price"] = None
    with pytest.raises(UserError, match=r"1 of 6 rows; first: shop 'b', step 3, row 126, price"):
        forecast(rows, tmp_path)
    forecasts = pd.read_csv(tmp_path / "forecasts.csv")
    assert forecasts["prediction"].isna().tolist() == [False] * 5 + [True]
    assert "price" in forecasts["reason"].iloc[-1]


def test_a_file_without_a_column_that_is_needed_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sales.csv: column 'sales' is missing"):
        forecast(make_history().drop(columns="sales"), tmp_path)


def test_questions_that_are_answered_together_keep_their_histories_apart() -> None:
    rows = make_history(shops="a")
    higher = rows.assign(sales=rows["sales"] * 10)
    alone = [ask(as_rows(one))[0] for one in (rows, higher)]
    assert alone[0] != alone[1]
    assert ask(as_rows(rows), as_rows(higher)) == alone


def test_a_question_that_cannot_be_answered_leaves_others_their_answers() -> None:
    rows = make_history(shops="a")
    many = ask(as_rows(rows), as_rows(make_history(shops="abcd")), most_rows=70)
    assert [*many[0]] == ["answers", "rows"]
    assert many[1] == {"fault": "the request: more than 70 rows; send them in parts"}


def test_a_question_asks_for_no_more_forecasts_than_rows() -> None:
    rows = make_history(days=8, shops="ab", future=0)
    contract = Contract.model_validate(SALES | {"horizon": 20})
    [reply] = Answerer(make_model(contract), resize=False).answer([as_rows(rows)], [], 30)
    assert "it asks for 40 forecasts" in reply["fault"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_are_answered_as_rows_are(form: str) -> None:
    rows, body = make_history(), BytesIO()
    if form == "csv":
        body.write(rows.to_csv(index=False).encode())
    else:
        rows.to_parquet(body)
    [reply] = ask(Query(form, [], body.getvalue()))
    assert reply == ask(as_rows(rows))[0]


def test_an_answer_tells_of_what_it_is_as_json_does() -> None:
    [reply] = ask(as_rows(make_history()))
    json.dumps(reply, allow_nan=False)
    assert [answer["day"] for answer in reply["answers"][:2]] == ["2026-03-02", "2026-03-03"]
    assert reply["answers"][0]["shop"] == "a"
    assert reply["answers"][2]["step"] == HORIZON


def test_what_is_kept_stands_for_the_history_and_holds_none_of_it() -> None:
    rows = make_history(shops="a", days=20)
    rows.loc[19 - 6, "sales"] = None
    [reply] = ask(as_rows(rows))
    assert [{*kept} for kept in reply["rows"]] == [{"price", "level", "spread", "gaps"}] * HORIZON
    assert reply["rows"][0]["gaps"] == 1 / 14
    assert reply["rows"][0]["level"] == pytest.approx(rows["sales"][13:20].mean())


def test_a_series_that_is_too_short_has_errors_for_answers() -> None:
    rows = pd.concat([make_history(shops="a"), make_history(days=2, shops="b")])
    [reply] = ask(as_rows(rows))
    assert [answer.get("errors") is None for answer in reply["answers"]] == [True] * 3 + [False] * 3
    assert {*reply["answers"][3]} == {"shop", "day", "step", "errors"}
    assert reply["rows"][3:] == [{}] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"every": "1 month"},
        {"every": "15 minutes"},
        {"every": "1 year", "horizon": 1},
        {"series": None, "columns": {"shop": {"type": "text", "meaning": "no matter"}}},
        {"columns": {"day": {"type": "integer", "meaning": "the number"}}, "every": "2"},
        {"columns": {"day": {"type": "datetime", "format": "%d.%m.%Y", "meaning": "the day"}}},
        {"columns": {"shop": {"type": "categorical", "categories": ["x"], "meaning": "the shop"}}},
    ],
)
def test_golden_rows_are_series_that_can_be_continued(changes: dict[str, Any]) -> None:
    columns = SALES["columns"] | changes.get("columns", {})
    contract = Contract.model_validate(SALES | changes | {"columns": columns})
    model = make_model(contract)
    golden = make_golden(model, seed=1)
    text = json.dumps(golden._asdict(), allow_nan=False)
    assert all(answer["reason"] is None for answer in golden.answers)
    assert all(answer["prediction"] is not None for answer in golden.answers)
    assert make_golden(model, seed=1) == golden
    again = model.predict(make_frame(json.loads(text)["rows"], model.contract))
    np.testing.assert_array_equal(
        again["prediction"], [answer["prediction"] for answer in golden.answers]
    )


def test_golden_rows_leave_a_gap_and_tell_what_is_known_ahead() -> None:
    rows = make_rows(make_model().contract, np.random.default_rng(0))
    table = pd.read_json(StringIO(json.dumps(rows)))
    own = table[table["shop"] == table["shop"].iloc[0]]
    assert own["sales"].isna().tolist()[-HORIZON:] == [True] * HORIZON
    assert own["price"].notna().all()
    assert pd.to_datetime(own["day"]).diff().max() == pd.Timedelta(days=2)
    assert CONTRACT.window is not None
    assert len(own) == CONTRACT.window + HORIZON - 1


def test_what_is_constant_in_a_series_needs_no_rows_of_times_to_come(tmp_path: Path) -> None:
    rows = make_history(future=0).assign(price=lambda rows: np.where(rows["shop"] == "a", 2.5, 3.5))
    with pytest.raises(UserError, match=r"6 of 6 rows; first: shop 'a', step 1, price"):
        forecast(rows, tmp_path)  # it may change tomorrow, for all that is known of it
    columns = SALES["columns"] | {"price": SALES["columns"]["price"] | {"constant": True}}
    contract = Contract.model_validate(SALES | {"columns": columns})
    parsed = make_model(contract).parse(rows, "rows")
    assert parsed.reasons.isna().all()
    assert parsed.X["price"].tolist() == [2.5] * HORIZON + [3.5] * HORIZON
    rows.loc[0, "price"] = 2.6
    parsed = make_model(contract).parse(rows, "rows")
    assert parsed.reasons.notna().tolist() == [True] * HORIZON + [False] * HORIZON


def test_a_file_of_other_columns_is_told_with_all_that_it_has(tmp_path: Path) -> None:
    wide = make_history().pivot_table("sales", "day", "shop").reset_index()
    with pytest.raises(UserError, match=r"are missing; .* the file has 'day', 'a', 'b'$"):
        forecast(wide, tmp_path)


def test_examples_are_no_rows_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds the examples that `preprocess` made"):
        forecast(make_history().assign(origin=1, step=1, past="x"), tmp_path)
