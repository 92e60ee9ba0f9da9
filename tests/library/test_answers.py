"""What a worker answers: rows, tables and images of several questions at once."""

import io
import sys
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import CONTRACT
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.contract import Contract
from lockstep.data.new_rows import NewRows
from lockstep.standalone import answers
from lockstep.standalone.answers import Answerer, Query
from PIL import EpsImagePlugin, Image

COLUMNS: dict[str, Any] = {
    **CONTRACT["columns"],
    "tree": {"type": "identifier", "meaning": "which tree"},
    "picked": {"type": "datetime", "meaning": "when", "nullable": True},
    "ripe": {"type": "binary", "categories": ["1", "2"], "meaning": "ripe", "nullable": True},
    "farm": {
        "type": "categorical",
        "categories": ["north", "south", "NA"],
        "open": True,
        "meaning": "where",
        "nullable": True,
    },
}
FRUIT = Contract.model_validate(CONTRACT | {"missing": ["", "NA", "-1"], "columns": COLUMNS})
ROW = {
    **{"weight": 150.5, "seeds": 3, "colour": "red", "picked": "2026-01-31", "ripe": 1},
    **{"farm": "east", "tree": 7},
}
PIXELS = Contract.model_validate(
    {
        **{"title": "Pixels", "source": "none", "licence": "none", "target": "digit"},
        "images": {"width": 2, "height": 1},
        "columns": {"digit": {"type": "binary", "categories": ["0", "1"], "meaning": "a digit"}},
    }
)


class Echo:
    """Predicts the cells themselves, as they were typed."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def predict_rows(self, rows: NewRows) -> pd.DataFrame:
        typed = [repr([*row]) for row in rows.X.itertuples(index=False, name=None)]
        predictions = pd.Series(typed, dtype="str", name="prediction").mask(rows.reasons.notna())
        return pd.concat([rows.names, predictions, rows.reasons], axis=1)


def answer(
    *questions: Query, contract: Contract = FRUIT, columns: list[str] | None = None
) -> list[dict[str, Any]]:
    return Answerer(Echo(contract), resize=False).answer(questions, columns, 5)


def rows(*cells: dict[str, Any]) -> Query:
    return Query("rows", [{**ROW, **row} for row in cells], b"")


def test_each_row_has_its_answer_or_what_is_wrong_with_it() -> None:
    first, second = answer(rows({}, {"weight": "heavy", "colour": None}), rows({"tree": None}))
    assert first["answers"] == [
        {"tree": "7", "prediction": first["answers"][0]["prediction"]},
        {
            "errors": [
                {
                    "column": "weight",
                    "value": "heavy",
                    "reason": "expected a number from 0 to 500 g",
                },
                {"column": "colour", "value": None, "reason": "expected one of green, red"},
            ]
        },
    ]
    assert [*second["answers"][0]] == ["prediction"]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 600),
    st.integers(),
    st.floats(),
    st.sampled_from(
        [
            *("red", " red ", "green", "NA", " NA", "-1", "", "1", "1.0", "+5", "1e2", ".5", "inf"),
            *("nan", "0x1A", "1_0", "now", "2026-01-31", "2026-01-31T10:00:00.123456789Z", "north"),
            *("0001-01-01", "9999-12-31 23:59", "2026-13-01", "\ud800", "é", "a\0b"),
        ]
    ),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=2),
)


@given(st.lists(st.dictionaries(st.sampled_from([*ROW]), CELLS), min_size=2, max_size=6))
def test_an_answer_never_depends_on_its_neighbours(cells: list[dict[str, Any]]) -> None:
    questions = [rows(one) for one in cells]
    columns = [*FRUIT.columns]
    together = answer(*questions, columns=columns)
    assert together == [answer(question, columns=columns)[0] for question in questions]


def test_a_question_that_breaks_the_model_leaves_others_their_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = Echo.predict_rows

    def predict_rows(self: Echo, rows: NewRows) -> pd.DataFrame:
        if 13 in rows.X["seeds"].tolist():
            raise ZeroDivisionError("thirteen")
        return usual(self, rows)

    monkeypatch.setattr(Echo, "predict_rows", predict_rows)
    first, broken, last = answer(rows({}), rows({"seeds": 13}), rows({"seeds": 4}))
    assert broken == {"crash": "ZeroDivisionError: thirteen"}
    assert first["answers"][0]["prediction"] != last["answers"][0]["prediction"]
    assert "thirteen" in capsys.readouterr().err


def test_too_many_rows_are_refused_in_every_form() -> None:
    table = pd.DataFrame([ROW] * 6)
    questions = [
        rows(*[{}] * 6),
        Query("csv", [], table.to_csv(index=False).encode()),
        Query("parquet", [], table.to_parquet()),
    ]
    *faults, answered = answer(*questions, rows({}))
    assert faults == [{"fault": "the request: more than 5 rows; send them in parts"}] * 3
    assert len(answered["answers"]) == 1


@pytest.mark.parametrize(("width", "copies"), [(4 * 10**5, 5), (2 * 10**6, 1)])
def test_few_bytes_that_would_fill_the_memory_are_refused(
    width: int, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LARGEST_TABLE", 10**6)
    body = pd.DataFrame([{**ROW, "farm": "x" * width}] * copies).to_parquet()
    assert len(body) < 10**5
    (reply,) = answer(Query("parquet", [], body))
    assert reply == {"fault": "the request: more than 1 MB when unpacked; send it in parts"}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_of_very_many_columns_is_refused_before_it_is_read(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "read_rows", None)
    count = 100_000 if form == "csv" else 2_000
    names = [*ROW, *(f"x{place}" for place in range(count))]
    body = f"{','.join(names)}\n{','.join('1' * len(names))}\n".encode()
    if form == "parquet":
        file = io.BytesIO()
        pq.write_table(pa.table({name: [1] for name in names}), file)
        body = file.getvalue()
    (reply,) = answer(Query(form, [], body))
    assert reply == {
        "fault": f"the request: {len(names):,} columns; at most 1,008 are read, so send those of "
        "the contract"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="others count memory in other ways")
def test_the_memory_of_a_large_table_is_given_back() -> None:
    answer(Query("parquet", [], pd.DataFrame([ROW]).to_parquet()))
    notes = {f"note {number}": "x" * 10**5 for number in range(100)}
    body = pd.DataFrame([{**ROW, **notes}] * 5).to_parquet()
    pa.default_memory_pool().release_unused()
    memory = psutil.Process().memory_info().rss
    answer(Query("parquet", [], body))
    assert psutil.Process().memory_info().rss - memory < 4 * 10**7


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_is_answered_as_its_rows_are(form: str) -> None:
    table = pd.DataFrame([ROW, {**ROW, "colour": None}])
    body = table.to_csv(index=False).encode() if form == "csv" else table.to_parquet()
    by_table, by_rows = answer(Query(form, [], body), rows({}, {"colour": None}))
    assert by_table["answers"] == by_rows["answers"]


@pytest.mark.parametrize("time", ["2026-01-31", "2026-01-31T10:00Z"])
def test_a_point_in_time_is_no_number(time: str) -> None:
    table = pd.DataFrame([{**ROW, "seeds": pd.Timestamp(time)}])
    (reply,) = answer(Query("parquet", [], table.to_parquet()))
    (error,) = reply["answers"][0]["errors"]
    assert (error["column"], error["value"][:10]) == ("seeds", "2026-01-31")
    assert error["reason"] == "expected a whole number from 0 up"


def test_what_may_be_kept_of_rows_is_what_json_can_hold() -> None:
    table = pd.DataFrame([{**ROW, "picked": pd.Timestamp("2026-01-31"), "fruit": "apple", "x": 1}])
    table["farm"] = [np.array([1, 2])]
    by_rows, by_table = answer(
        rows({"fruit": float("nan"), "x": 1, "weight": 1e999}),
        Query("parquet", [], table.to_parquet()),
        columns=["weight", "picked", "farm", "fruit"],
    )
    kept = {"weight": "inf", "picked": "2026-01-31", "farm": "east", "fruit": "nan"}
    assert by_rows["rows"] == [kept]
    assert by_table["rows"] == [
        {"weight": 150.5, "picked": "2026-01-31 00:00:00", "farm": "1|2", "fruit": "apple"}
    ]
    (unkept,) = answer(rows({}))
    assert unkept["rows"] is None


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        (Query("csv", [], b"weight,seeds\n1,2\n"), "columns 'colour', 'picked'"),
        (Query("csv", [], b""), "the file is empty"),
        (Query("csv", [], b"PK\x03\x04"), "the request"),
        (Query("csv", [], b"weight\n\xff\n"), "not utf-8 text"),
        (Query("parquet", [], b"PAR1PAR1"), "not a readable parquet file"),
        (Query("parquet", [], b"weight\n1\n"), "not a readable parquet file"),
        (Query("image", [], b"\x89PNG"), "the contract asks for rows of a table"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(question: Query, fault: str) -> None:
    (reply,) = answer(question)
    assert fault in reply["fault"]
    assert "\n" not in reply["fault"]


def draw(width: int, *shades: int) -> Query:
    content = io.BytesIO()
    image = Image.new("L", (width, 1))
    image.putdata(shades)
    image.save(content, "png")
    return Query("image", [], content.getvalue())


@pytest.mark.parametrize("form", ["gif", "eps", "tiff"])
def test_images_of_other_formats_are_not_decoded(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: calls.append(1))
    content = io.BytesIO()
    Image.new("L", (2, 1)).save(content, form)
    (reply,) = answer(Query("image", [], content.getvalue()), contract=PIXELS)
    (error,) = reply["answers"][0]["errors"]
    assert error["reason"] == "expected a readable image"
    assert not calls


def test_images_are_answered_each_for_itself() -> None:
    questions = [draw(2, 1, 2), draw(3, 1, 2, 3), Query("image", [], b"no image"), draw(2, 3, 4)]
    first, large, broken, last = answer(*questions, contract=PIXELS, columns=["digit"])
    assert first == {"answers": [{"prediction": r"[b'\x01\x02']"}], "rows": None}
    assert last["answers"] == [{"prediction": r"[b'\x03\x04']"}]
    (error,) = large["answers"][0]["errors"]
    assert error["reason"] == "expected an image of 2x1 pixels, not 3x1"
    (tensor,) = answer(Query("image", [], b"P5 2 1 255\n\x05\x06"), contract=PIXELS)
    assert tensor["answers"] == [{"prediction": r"[b'\x05\x06']"}]
    (error,) = broken["answers"][0]["errors"]
    assert (error["column"], error["reason"]) == ("image", "expected a readable image")
