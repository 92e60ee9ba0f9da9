"""Guessing the contract of a table from its cells, and what is doubtful about it."""

import cProfile
import pstats
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lockstep.adopting.doubts import find_doubts
from lockstep.adopting.inference import (
    DATE_FORMATS,
    PERIOD_FORMATS,
    Guess,
    guess,
    guess_missing,
    guess_target,
    guess_time,
)
from lockstep.adopting.understanding import Understanding, Wishes, understand
from lockstep.core.contract import PLAIN, Column, Contract, Layout
from lockstep.core.errors import UserError
from lockstep.data.conformity import conform, format_time


def make_cells(cells: list, name: str = "x", dtype: str = "str") -> pd.Series:
    return pd.Series([None if cell == "" else cell for cell in cells], dtype=dtype, name=name)


def guess_cells(cells: list, name: str = "x", **layout: object) -> Guess:
    """The guess, which must admit all the cells it was made from."""
    series, written = make_cells(cells, name), Layout(**layout)
    result = guess(series, written)
    if result.column:
        _, breaches = conform({name: result.column}, series.to_frame(), written)
        assert breaches.empty
    return result


def column(cells: list, name: str = "x", **layout: object) -> Column:
    result = guess_cells(cells, name, **layout).column
    assert result is not None
    return result


def shuffle_numbers(count: int, prefix: str = "") -> list[str]:
    """Distinct texts in no order."""
    return [f"{prefix}{number * 7919 % 10007}" for number in range(count)]


SENTENCES = [f"the apple {number} was red and sweet" for number in range(20)]


@pytest.mark.parametrize(
    ("cells", "name", "expected"),
    [
        (["1.5", "2", "-3e2", "4"], "x", "numeric"),
        (["1", "2", "-3", "3"], "x", "integer"),
        (["1", "2.0", "3", "3"], "x", "integer"),
        (["+1", "2", "3", "3"], "x", "integer"),
        (["1e3", "2e3", "3.5e3"], "x", "integer"),
        (["0", "1", "1", "0"], "x", "binary"),
        (["0", "1", "", "0"], "x", "binary"),
        (["yes", "no", "yes"], "x", "binary"),
        (["True", "False", "True"], "x", "binary"),
        (["1", "2", "1", "2"], "x", "integer"),
        (["red", "green", "blue", "red"], "x", "categorical"),
        (["low", "high", "medium", "low"], "x", "ordered"),
        (["2026-01-31", "2026-02-01"], "x", "datetime"),
        (SENTENCES, "x", "text"),
        (shuffle_numbers(20, "c"), "x", "identifier"),
        (shuffle_numbers(20), "id", "identifier"),
        (shuffle_numbers(20), "customer_id", "identifier"),
        (shuffle_numbers(20), "CustomerID", "identifier"),
        (shuffle_numbers(20), "row", "identifier"),
        (shuffle_numbers(20), "paid", "integer"),
        (shuffle_numbers(20), "price", "integer"),
        (shuffle_numbers(20) * 2, "farm_id", "identifier"),
        (shuffle_numbers(20, "c") * 2, "farm_id", "identifier"),
        (shuffle_numbers(20, "c") * 2, "farm", "categorical"),
        ([str(n) for n in range(1, 30)], "x", "identifier"),
        ([str(n) for n in range(5)] * 3, "id", "integer"),
        (shuffle_numbers(200, "c") * 2, "x", "identifier"),
        (shuffle_numbers(90, "c") * 2, "x", "categorical"),
        ([f"{text} today" for text in SENTENCES * 20][:150] + SENTENCES, "x", "text"),
        (SENTENCES * 6, "x", "categorical"),
        (["007", "012", "100", "012"], "x", "categorical"),
        (["+007", "012", "100", "012"], "x", "categorical"),
        (["0", "0.5", "00.5", "1"], "x", "numeric"),
        (["9" * 17, "8" * 17, "7" * 17], "x", "identifier"),
        (["12345678901234567890", "2", "3"], "x", "identifier"),
        (["6.02e23", "1.99e30", "5.97e24"], "x", "numeric"),
        (["1e300", "-1e300", "3.5"], "x", "numeric"),
        (["1_000", "2_000", "3"], "x", "categorical"),
        (["0x10", "0x11", "3"], "x", "categorical"),
        (["1", "x", "2", "y", "3", "z", "4", "w"], "x", "categorical"),
        (["=1+1", "=cmd()", "@x", "=1+1"], "x", "categorical"),
        (["\U0001f34e", "\U0001f34c", "\U0001f34e"], "x", "binary"),
        (["1 kg", "2 kg", "10 kg", "2 kg"], "x", "ordered"),
        (["10%", "20%", "30%"], "x", "ordered"),
        (["1.2.3", "1.2.4", "1.3.0", "1.2.3"], "x", "categorical"),
    ],
)
def test_the_type_of_a_column_is_guessed(cells: list[str], name: str, expected: str) -> None:
    assert column(cells, name).type == expected


PARTS = [f"{one}{other}" for one in ("mar", "ben", "ol", "ti", "sa") for other in ("ta", "no", "k")]
MANY = [f"{one}{other}" for one in PARTS for other in PARTS]
NAMES = [f"{MANY[n]}, {MANY[n * 7 % 220]} {MANY[n * 2 % 221]}".title() for n in range(200)]
PHRASES = [
    f"{one} {thing} {other}"
    for one in ("Not a good", "My best", "THE WORST")
    for thing in PARTS
    for other in ("ever!", "for the price", "of all")
]
FEW = [part.title() for part in PARTS]


def mix(*choices: str) -> list[str]:
    """All texts of words that are written with `/` between those that may stand at a place."""
    return [" ".join(words) for words in product(*(choice.split("/") for choice in choices))]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (NAMES, "identifier"),
        (
            [f"{FEW[n % 8]} {FEW[n * 3 % 7]} {MANY[n * 2 % 15].title()}" for n in range(60)],
            "identifier",
        ),
        (
            [f"{FEW[n % 15]} {('van der', 'de', '')[n % 3]} {NAMES[n]}" for n in range(60)],
            "identifier",
        ),
        (
            [
                f"{n % 53} {('rue', 'avenue', 'place')[n % 3]} {('de la ', 'du ', '')[n % 4 % 3]}"
                f"{MANY[n * 7 % 220].title()}, 75{n:03} {FEW[n % 5]}"
                for n in range(90)
            ],
            "identifier",
        ),
        (
            [
                f"{('ul.', 'al.', 'os.')[n % 3]} {MANY[n * 7 % 220].title()} {n % 53}, "
                f"{n % 9}0-{n:03} {FEW[n % 5]}"
                for n in range(90)
            ],
            "identifier",
        ),
        ([f"Mr. {name}" for name in NAMES], "identifier"),
        ([f"{number} {name}, 10{number}" for number, name in enumerate(NAMES)], "identifier"),
        ([f"{PARTS[n % 15]}.no{n}@mail.example.com" for n in range(60)], "identifier"),
        ([f"https://www.example.com/{PARTS[n % 15]}/see-it-{n}" for n in range(60)], "identifier"),
        ([f"/home/ada/{PARTS[n % 15]}/my_notes_{n}.txt" for n in range(60)], "identifier"),
        (PHRASES, "text"),
        ([phrase.title() for phrase in PHRASES], "text"),
        (
            mix(
                "Das/Dein/Jedes",
                "Essen/Zimmer/Bad/Frühstück",
                "war/bleibt/wird",
                "gut/kalt/viel zu laut/teuer/sauber/kaum zu finden",
            ),
            "text",
        ),
        (
            mix(
                "Bardzo/Trochę/Całkiem",
                "dobry/zimny/miły/drogi",
                "pokój/obiad/kelner/hotel/widok",
                "i tyle/niestety/na szczęście/jak zawsze/po prostu",
            ),
            "text",
        ),
        (
            [f"{MANY[n].title()} {MANY[n * 7 % 220]} {MANY[n * 3 % 221]}." for n in range(90)],
            "text",
        ),
        (mix("كان/ليس", "الطعام/المكان/النادل", "جيدا/باردا/لطيفا", "جدا/حقا/دائما/أمس"), "text"),
        ([f"{phrase.lower()} says ada" for phrase in PHRASES], "text"),
        (
            [
                "".join(chr(0x1F600 + n * place % 61) for place in range(3, 11))
                for n in range(1, 60)
            ],
            "text",
        ),
        (
            ["".join(chr(0x1F600 + n * place % 61) for place in range(3, 7)) for n in range(1, 60)],
            "text",
        ),
        (
            ["".join(chr(0x4E00 + n * place % 61) for place in range(3, 8)) for n in range(1, 60)],
            "text",
        ),
        (
            ["".join(chr(0x4E00 + n * place % 61) for place in range(3, 6)) for n in range(1, 60)],
            "identifier",
        ),
        ([f"48° {n % 7}' N, 2° {n}' E" for n in range(60)], "identifier"),
        (["|".join(sorted({*PARTS[n % 9 :: 3], *PARTS[n % 7 :: 4]})) for n in range(63)], "text"),
    ],
)
def test_names_and_addresses_are_no_sentences_but_short_phrases_are(
    cells: list[str], expected: str
) -> None:
    guess = guess_cells(cells)
    assert guess.column is not None
    assert guess.column.type == expected
    assert ("learnt from" in guess.doubts[0]) == (expected == "text")


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        ([1.5, 2.5, None], "float64", "numeric"),
        ([1, 2, 3], "int64", "integer"),
        ([1, 2, None], "Int64", "integer"),
        ([0, 1, 1], "int64", "binary"),
        ([0.0, 1.0, None], "float64", "binary"),
        ([True, False, True], "bool", "binary"),
        ([True, False, None], "boolean", "binary"),
        ([1.5, "x", 2.5, "x"], "object", "categorical"),
        ([1.5, 2.5, "?"], "object", "numeric"),
        (list(pd.to_datetime(["2026-01-31", "2026-02-01"])), "datetime64[us]", "datetime"),
        ([pd.Timestamp(2026, 1, day).date() for day in (1, 2, 3)], "object", "datetime"),
        ([pd.Timestamp(2026, 1, day, tz="CET") for day in (1, 2, 3)], None, "datetime"),
        ([float("inf"), 1.5, 2.5], "float64", "numeric"),
        ([1.99e30, 5.97e24, 6.42e23], "float64", "numeric"),
    ],
)
def test_the_type_of_a_typed_column_is_guessed(
    cells: list, dtype: str | None, expected: str
) -> None:
    series = pd.Series(cells, dtype=dtype, name="x")
    result = guess(series, Layout()).column
    assert result is not None
    assert result.type == expected
    assert conform({"x": result}, series.to_frame())[1].empty


@pytest.mark.parametrize(
    ("cells", "doubt"),
    [
        (["", "", ""], "holds nothing: left out"),
        (["a", "a", "a"], "holds 'a' only: left out"),
        (["1.0", "1.0"], "holds '1.0' only: left out"),
    ],
)
def test_a_column_that_tells_nothing_is_left_out(cells: list[str], doubt: str) -> None:
    assert guess_cells(cells) == Guess(None, [doubt])


def test_a_constant_with_gaps_tells_something() -> None:
    result = column(["a", "", "a", ""])
    assert (result.type, result.categories, result.nullable) == ("categorical", ["a"], True)
    assert column(["3", "", "3", ""]).nullable


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (["1", "2", "?", "4.5"], ["?"]),
        (["1", "2", "-", "4", "n.a.", "--"], ["-", "--", "n.a."]),
        (["1", "2", "unknown", "none"], ["none", "unknown"]),
        (["1.5", "2", "inf", "4"], ["inf"]),
        (["1.5", "2", "-inf", "Infinity"], ["-inf", "Infinity"]),
        ([*["1", "2", "3", "4", "5.5"] * 4, "broken"], ["broken"]),
    ],
)
def test_what_is_no_number_among_numbers_is_missing_and_told(
    cells: list[str], missing: list[str]
) -> None:
    result = guess_cells(cells)
    assert result.column.type in ("numeric", "integer")
    assert sorted(result.column.missing) == missing
    assert result.column.nullable
    assert result.doubts[0] == f"{', '.join(map(repr, missing))} among numbers: taken for missing"


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2", "x", "3"],
        ["?", "-", "none"],
        ["1", "2", "3", "?", "-", "none", "nil"],
        ["a", "b", "?", "a"],
    ],
)
def test_odd_texts_among_few_numbers_are_categories(cells: list[str]) -> None:
    assert column(cells).type == "categorical"
    assert column(cells).missing == ()


@pytest.mark.parametrize("mark", ["-999", "-9999", "-99", "9999", "-999.0"])
def test_a_repeated_number_far_from_all_others_is_missing_and_told(mark: str) -> None:
    result = guess_cells([str(n % 17) for n in range(40)] + [mark] * 3)
    assert result.column.missing == (mark,)
    assert result.column.nullable
    assert result.column.range == (0, 32)
    assert result.doubts == [f"{mark} in 3 rows, far from all others: taken for missing"]


def test_minus_one_is_missing_where_all_others_are_counts() -> None:
    counts = [str(n) for n in range(40)]
    assert column([*counts, "-1", "-1"]).missing == ("-1",)
    assert column([*counts, "-1", "-1", "-2"]).missing == ()
    assert column(["-1", "-1", "0", "1", "1"]).missing == ()


@pytest.mark.parametrize(
    "cells",
    [
        [*map(str, range(40)), "-999"],
        [str(n) for n in range(-1000, 1000, 7)] + ["-999", "-999"],
        ["99", "99", *map(str, range(60, 99))],
        ["-99", "-99", *map(str, range(-98, 98, 3))],
        ["-500", "-500", *map(str, range(40))],
        ["0", "-999", "-999", "1"],
    ],
)
def test_a_number_that_may_well_be_meant_is_not_missing(cells: list[str]) -> None:
    assert column(cells).missing == ()


def test_a_number_of_a_typed_column_stands_for_a_missing_one_too() -> None:
    for cells in ([*range(1, 40, 2), -999, -999], [*np.arange(1, 20, 0.5), -999.0, -999.0]):
        series = pd.Series(cells, name="x")
        result = guess(series, Layout()).column
        assert result.missing == ("-999",)
        table, breaches = conform({"x": result}, series.to_frame())
        assert breaches.empty
        assert table["x"].isna().sum() == 2


def test_markers_are_found_all_over_the_table() -> None:
    frame = pd.DataFrame({"a": ["1", "NA", "?"], "b": ["NULL", "x", None]}, dtype="str")
    assert guess_missing(frame) == ("", "?", "NA", "NULL")
    assert guess_missing(pd.DataFrame({"a": [1.5, 2.5]})) == ("", "NA")


@pytest.mark.parametrize(
    ("layout", "cells", "top"),
    [
        ({"thousands": ","}, ["1,234", "5", "12,345,678"], 12345678),
        ({"thousands": ",", "decimal": "."}, ["1,234.5", "5.25", "7"], 1234.5),
        ({"decimal": ","}, ["1,5", "2,25", "3"], 3),
        ({"decimal": ",", "thousands": "."}, ["1.234,5", "5", "7"], 1234.5),
        ({"decimal": ",", "thousands": " "}, ["1 234,5", "1\u00a0000", "7"], 1234.5),
        ({"thousands": "'"}, ["1'234", "1\u2019000", "7"], 1234),
    ],
)
def test_numbers_are_read_as_the_layout_writes_them(
    layout: dict, cells: list[str], top: float
) -> None:
    result = column(cells, **layout)
    assert result.type in ("numeric", "integer")
    assert result.missing == ()
    assert result.range[1] >= top
    assert result.guessed.endswith(f" to {top:g}")


@pytest.mark.parametrize(
    ("cells", "layout"),
    [
        (["030 123", "040 234", "030 999"], {"thousands": " "}),
        (["007", "012", "007"], {"decimal": ","}),
    ],
)
def test_codes_with_leading_zeros_are_no_numbers_in_any_layout(
    cells: list[str], layout: dict
) -> None:
    assert column(cells, **layout).type in ("categorical", "binary", "identifier")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 5], (0, 9)),
        ([4.5, 26.5], (0, 49)),
        ([-5, 5], (-15, 15)),
        ([-5, -1], (-9, 3)),
        ([100, 103.5], (0, 110)),
        ([0, 0.001], (0, 0.002)),
        ([7.5, 7.5, None], (0, 15)),
    ],
)
def test_a_range_is_as_wide_again_on_each_side_but_keeps_its_sign(
    values: list, expected: tuple[float, float]
) -> None:
    result = guess(pd.Series(values, name="x", dtype="float64"), Layout()).column
    assert result.range == pytest.approx(expected)


@pytest.mark.parametrize(
    "values",
    [
        [1e-320, 5e-324, 0.0],
        [1.7e308, -1.7e308, 0.5],
        [1e15 + 0.5, 1e15 + 1.5, 1e15 + 2.5],
        [123456.789, 123456.7891, 123456.78911],
        [-1e-9, 1e9, 0.1],
        [float(2**53 - 1), 1.0, 2.0],
        [-0.0, -1.0, -2.0],
    ],
)
def test_a_range_admits_what_it_was_made_from(values: list[float]) -> None:
    series = pd.Series(values, name="x")
    result = guess(series, Layout()).column
    assert result.type in ("numeric", "integer")
    low, high = result.range
    assert np.isfinite([low, high]).all()
    assert low <= min(values)
    assert max(values) <= high


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["no", "yes"], ["no", "yes"]),
        (["Yes", "No"], ["No", "Yes"]),
        (["true", "false"], ["false", "true"]),
        (["1", "-1", "-1.0"], ["-1", "1"]),
        (["positive", "negative"], ["negative", "positive"]),
        (["ja", "nein"], ["nein", "ja"]),
        (["Y", "N"], ["N", "Y"]),
        (["absent", "present"], ["absent", "present"]),
        (["dead", "alive", "alive"], ["alive", "dead"]),
        (["b", "b", "a"], ["b", "a"]),
        (["yes", "perhaps", "yes"], ["perhaps", "yes"]),
        (["no", "no", "perhaps"], ["no", "perhaps"]),
    ],
)
def test_the_positive_class_is_the_second_one(values: list[str], expected: list[str]) -> None:
    series = make_cells(values * 20)
    result = guess_target(series.str.removesuffix(".0"), Layout(), None).column
    assert (result.type, result.categories) == ("binary", expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["high", "low", "medium"], ["low", "medium", "high"]),
        (["Mittel", "hoch", "niedrig"], ["niedrig", "Mittel", "hoch"]),
        (["alto", "bajo", "medio"], ["bajo", "medio", "alto"]),
        (["Good", "Poor", "Excellent", "Fair"], ["Poor", "Fair", "Good", "Excellent"]),
        (["XL", "S", "M"], ["S", "M", "XL"]),
        (["often", "never", "sometimes"], ["never", "sometimes", "often"]),
        (["10-19", "0-9", "20-29", "100+"], ["0-9", "10-19", "20-29", "100+"]),
        (["2 years", "10 years", "1 year"], ["1 year", "2 years", "10 years"]),
        (["1st", "3rd", "2nd"], ["1st", "2nd", "3rd"]),
    ],
)
def test_words_with_an_order_are_put_in_it(values: list[str], expected: list[str]) -> None:
    result = column(values * 5)
    assert (result.type, result.categories) == ("ordered", expected)


@pytest.mark.parametrize(
    "values",
    [
        ["low", "high", "red"],
        ["S", "M", "X"],
        ["2a", "2b", "3a"],
        ["red", "green", "blue"],
        ["A1", "B2", "C3"],
    ],
)
def test_words_without_an_order_are_in_none(values: list[str]) -> None:
    assert column(values * 5).type == "categorical"


@pytest.mark.parametrize("written", sorted({*DATE_FORMATS} - {"ISO8601", *PERIOD_FORMATS}))
def test_dates_are_read_in_the_way_they_are_written(written: str) -> None:
    days = pd.date_range("2026-01-25 13:05:00", periods=30, freq="D")
    cells = days.strftime(written).tolist()
    result = guess_cells(cells).column
    assert result.type == "datetime"
    table, _ = conform({"x": result}, make_cells(cells).to_frame())
    assert table["x"].dt.normalize().tolist() == days.normalize().tolist()
    assert result.guessed == "2026-01-25 to 2026-02-23"


@pytest.mark.parametrize("written", PERIOD_FORMATS)
def test_months_and_quarters_are_read_as_their_first_days(written: str) -> None:
    days = pd.date_range("2021-01-01", periods=12, freq="QS" if "%q" in written else "MS")
    cells = [format_time(day, written) for day in days]
    result = guess_cells([*cells, *cells])
    assert result.column.type == "datetime"
    assert result.doubts == [f"dates as text, such as {cells[0]!r}: read as {written}"]
    table, breaches = conform({"x": result.column}, make_cells([*cells, "Q5"]).to_frame())
    assert table["x"].tolist()[:-1] == days.tolist()
    assert breaches["rule"].tolist() == [f"a time written as {written}"]


def test_months_in_six_digits_are_times_where_a_person_says_so() -> None:
    cells = make_cells(["202511", "202512", "202601"])
    assert (guess_time(cells, PLAIN).column.type, guess(cells, PLAIN).column.type) == (
        "datetime",
        "integer",
    )
    assert guess_time(make_cells(["202511", "202513"]), PLAIN).column.type == "integer"


@pytest.mark.parametrize(
    "cells",
    [
        ["2026-01-31", "2026-02-01"],
        ["2026-01-31T23:30:00", "2026-02-01T00:00:00"],
        ["2026-01-31 23:30", "2026-02-01 00:00"],
        ["2026-01-31T23:30:00+02:00", "2026-02-01T00:00:00Z"],
        ["2026-01-31T23:30:00.123456", "2026-02-01T00:00:00"],
        ["0001-01-01", "9999-12-31"],
    ],
)
def test_dates_as_iso_says_need_no_format(cells: list[str]) -> None:
    result = guess_cells([*cells, *cells])
    assert (result.column.type, result.column.format, result.doubts) == ("datetime", None, [])


def test_a_date_whose_day_may_be_its_month_is_told() -> None:
    result = guess_cells(["01/02/2026", "03/04/2026"])
    assert result.column.format == "%d/%m/%Y"
    assert result.doubts == ["dates such as '01/02/2026' were read as %d/%m/%Y, not as %m/%d/%Y"]
    sure = guess_cells(["01/22/2026", "03/04/2026"])
    assert sure.column.format == "%m/%d/%Y"
    assert sure.doubts == ["dates as text, such as '01/22/2026': read as %m/%d/%Y"]


def test_days_in_eight_digits_are_dates_and_no_numbers() -> None:
    result = guess_cells(["20260131", "20260201", "20251231"]).column
    assert (result.type, result.format) == ("datetime", "%Y%m%d")
    assert column(["20260131", "20260299", "20251231"]).type == "integer"
    assert column(["2024", "2025", "2026", "2024"]).type == "integer"


def test_what_is_no_date_among_dates_is_missing_only_when_it_says_so() -> None:
    days = [f"2026-01-{day:02}" for day in range(1, 29)]
    result = guess_cells([*days, "unknown", "-"])
    assert (result.column.type, result.column.missing) == ("datetime", ("-", "unknown"))
    assert result.doubts == ["'-', 'unknown' among dates: taken for missing"]
    assert column([*days, "2026-02-30"]).type != "datetime"


@pytest.mark.parametrize("mark", ["-999", "-9999", "9999", "0000", "?"])
def test_a_marker_among_dates_is_no_date(mark: str) -> None:
    result = guess_cells([*(f"2026-01-{day:02}" for day in range(1, 29)), mark, mark])
    assert result.column.missing == (mark,) or result.column.type != "datetime"


def test_an_identifier_of_each_row_is_unique_and_one_of_things_tells_its_group() -> None:
    once = guess_cells(shuffle_numbers(20, "c"), "farm_id")
    assert once.column.unique
    assert once.doubts == ["names the row: no feature"]
    assert not guess_cells(shuffle_numbers(20, "c"), "surname").column.unique
    repeated = guess_cells(shuffle_numbers(20) * 3, "farm_id")
    assert not repeated.column.unique
    assert repeated.doubts == [
        "3.0 rows for each value: no feature; `--group farm_id` keeps the rows of one together"
    ]


def test_a_column_tells_an_example_and_what_it_was_taken_for() -> None:
    result = column(["", "1.50", "2.25"])
    assert (result.example, result.guessed, result.meaning) == (
        "1.50",
        "1.5 to 2.25",
        "not described yet",
    )
    assert len(column(["x" * 500, "y" * 500]).example) < 70


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        (["1", "2", "3"] * 20, None, "categorical"),
        (["1", "2"] * 20, None, "binary"),
        (["0", "1"] * 20, None, "binary"),
        (["1", "2", "3"] * 20, "regression", "integer"),
        (["0", "1"] * 20, "regression", "integer"),
        (["0.5", "1.5", "2.5"] * 20, None, "categorical"),
        (shuffle_numbers(60), None, "integer"),
        (shuffle_numbers(60), "classification", "categorical"),
        (shuffle_numbers(11) * 20, None, "integer"),
        (shuffle_numbers(10) * 20, None, "categorical"),
        (shuffle_numbers(8), None, "integer"),
        ([str(n) for n in range(60)], None, "integer"),
        ([str(n) for n in range(60)], "regression", "integer"),
        ([str(n) for n in range(60, 0, -1)], "regression", "integer"),
        (["a", "b", "c"] * 20, None, "categorical"),
        (["low", "high", "medium"] * 20, None, "ordered"),
        (shuffle_numbers(30, "c") * 3, None, "categorical"),
        (shuffle_numbers(30, "c"), None, "categorical"),
        (["1", "2", "?"] * 20, None, "binary"),
        (["007", "008", "009"] * 20, None, "categorical"),
    ],
)
def test_a_target_is_a_class_where_it_has_few_values_unless_the_kind_says(
    cells: list[str], kind: str | None, expected: str
) -> None:
    series = make_cells(cells)
    result = guess_target(series, Layout(), kind).column
    assert result.type == expected
    assert conform({"x": result}, series.to_frame())[1].empty


@pytest.mark.parametrize("mark", ["-", "unknown", "none", "-999", "?"])
@pytest.mark.parametrize("values", [["1", "2"], ["1", "2", "3", "4"], ["a", "b"]])
def test_a_class_of_which_some_are_missing_admits_all_rows(values: list[str], mark: str) -> None:
    series = make_cells([*values * 20, mark, mark])
    result = guess_target(series, Layout(), None).column
    assert conform({"x": result}, series.to_frame())[1].empty


@pytest.mark.parametrize("name", ["score_id", "key", "number", "row"])
def test_the_name_of_a_target_does_not_make_it_an_identifier(name: str) -> None:
    assert guess_target(
        make_cells(shuffle_numbers(60), name), Layout(), "regression"
    ).column.type == ("integer")


@pytest.fixture
def understand_frame(tmp_path: Path):
    """What a frame is taken for when it is written to a file and read again."""

    def make(frame: pd.DataFrame, **wishes: object) -> Understanding:
        path = tmp_path / "a.csv"
        frame.to_csv(path, index=False)
        return understand([path], "a.csv", "a test", Wishes(**{"target": "y"} | wishes))

    return make


def rows(count: int = 300, classes: int = 2) -> pd.DataFrame:
    """Noise: two numbers, a category and a target that has nothing to do with them."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.normal(size=count).round(4),
            "b": rng.integers(0, 60, count),
            "c": rng.choice([*"uvwx"], count),
            "y": rng.choice([f"k{number}" for number in range(classes)], count),
        }
    )


@pytest.mark.parametrize(
    ("count", "wishes", "is_advised"),
    [(100, {}, True), (100, {"group": "a"}, False), (40, {}, False)],
)
def test_names_that_come_again_may_be_a_group(
    understand_frame, count: int, wishes: dict, *, is_advised: bool
) -> None:
    frame = rows(600).assign(storm=[f"storm {number % count}" for number in range(600)])
    doubts = understand_frame(frame, **wishes).doubts["storm"]
    assert any("`--group storm` keeps them on one side" in doubt for doubt in doubts) == is_advised


def leaks(result: Understanding) -> list[str]:
    return [
        doubt.split("'")[1] for doubt in result.doubts[None] if "alone tells the target" in doubt
    ]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "leak",
    [
        lambda y: y.str.upper(),
        lambda y: y.str.removeprefix("k").astype("int"),
    ],
)
def test_a_column_that_says_the_class_in_other_words_is_told(
    understand_frame, leak: object, classes: int
) -> None:
    frame = rows(classes=classes)
    result = understand_frame(frame.assign(d=leak(frame["y"])))
    assert leaks(result) == ["d"]
    assert "`--drop d`" in " ".join(result.doubts[None])


@pytest.mark.parametrize("count", [300, 3000])
@pytest.mark.parametrize("classes", [2, 3, 6])
def test_a_number_that_sets_the_classes_apart_is_told(
    understand_frame, count: int, classes: int
) -> None:
    frame = rows(count, classes)
    noise = np.random.default_rng(1).random(count)
    leak = frame["y"].str.removeprefix("k").astype("int") + noise
    assert leaks(understand_frame(frame.assign(d=leak))) == ["d"]


@pytest.mark.parametrize("count", [300, 3000])
@pytest.mark.parametrize("values", ["number", "category", "date"])
def test_a_column_that_is_missing_where_the_class_says_so_is_told(
    understand_frame, values: str, count: int
) -> None:
    frame = rows(count)
    present = {
        "number": frame["a"] + 5,
        "category": frame["c"],
        "date": pd.Series(pd.date_range("2000-01-01", periods=count)),
    }[values]
    assert leaks(understand_frame(frame.assign(d=present.where(frame["y"] == "k1")))) == ["d"]


def test_a_number_that_follows_the_target_is_told(understand_frame) -> None:
    frame = rows().assign(y=lambda frame: frame["a"].round(3) * 100)
    frame["a"] = np.random.default_rng(1).normal(size=300)
    frame["d"] = frame["y"] * 1.1 + 7
    assert leaks(understand_frame(frame, kind="regression")) == ["d"]


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_noise_raises_no_alarm(understand_frame, classes: int) -> None:
    result = understand_frame(rows(classes=classes))
    assert result.doubts[None] == []


@pytest.mark.parametrize("rare", [1, 2, 3, 5])
def test_nothing_leaks_a_class_that_is_hardly_there(understand_frame, rare: int) -> None:
    frame = rows().assign(y=["k1"] * (300 - rare) + ["k2"] * rare)
    assert leaks(understand_frame(frame)) == []


def test_good_features_are_no_leaks(understand_frame) -> None:
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 50)
    frame = pd.DataFrame(
        {
            "sepal": (5 + kind * 0.8 + rng.normal(0, 0.5, 150)).round(1),
            "petal": (1.5 + kind * 2 + rng.normal(0, 0.4, 150)).round(1),
            "y": np.array(["setosa", "versicolor", "virginica"])[kind],
        }
    )
    assert leaks(understand_frame(frame)) == []
    price = pd.Series(rng.normal(200, 50, 150)).round()
    size = frame.assign(y=price, d=price * 0.5 + rng.normal(0, 8, 150))
    assert leaks(understand_frame(size, kind="regression")) == []


def test_an_identifier_is_no_leak(understand_frame) -> None:
    frame = rows().assign(name=[f"n{number}" for number in range(300)])
    result = understand_frame(frame)
    assert leaks(result) == []
    assert "name" not in result.contract.features


def twins(result: Understanding) -> list[list[str]]:
    return [doubt.split("'")[1::2] for doubt in result.doubts[None] if "say the same" in doubt]


@pytest.mark.parametrize(
    ("of", "twin"),
    [
        ("a", lambda cells: cells * 1.8 + 32),
        ("a", lambda cells: -cells),
        ("b", lambda cells: cells * 1000),
        ("c", lambda cells: cells.map({"u": "one", "v": "two", "w": "three", "x": "four"})),
    ],
)
def test_two_columns_that_say_the_same_are_told(understand_frame, of: str, twin: object) -> None:
    frame = rows()
    result = understand_frame(frame.assign(d=twin(frame[of]))[["a", "b", "c", "d", "y"]])
    assert twins(result) == [[of, "d"]]
    assert "`--drop d` loses nothing" in " ".join(result.doubts[None])


def test_columns_that_say_almost_the_same_are_no_twins(understand_frame) -> None:
    frame = rows()
    close = frame["a"] + np.random.default_rng(1).normal(0, 0.1, 300)
    coarse = frame["c"].map({"u": "one", "v": "one", "w": "three", "x": "four"})
    assert twins(understand_frame(frame.assign(d=close, e=coarse))) == []


def test_copies_of_rows_are_counted(understand_frame) -> None:
    frame = rows()
    torn = frame.head(5).assign(y=frame["y"].head(5).map({"k0": "k1", "k1": "k0"}))
    doubt = understand_frame(pd.concat([frame, frame.head(7), torn])).doubts[None]
    assert "rows equal to another: 7; equal rows stay on one side of the split" in doubt
    # The first five are there three times: as they were, copied and torn.
    assert "rows equal to another but for the target: 15; no model is right on all of them" in doubt
    unlabelled = frame.head(5).assign(y=None)
    doubt = understand_frame(pd.concat([frame, unlabelled])).doubts[None]
    assert "but for the target" not in " ".join(doubt)


def test_few_kinds_of_rows_are_doubted(understand_frame) -> None:
    frame = rows()
    kinds = frame[["c", "y"]].assign(d=["p", "q", "r"] * 100)
    expected = "all features together tell only 12 kinds of rows apart"
    assert expected in " ".join(understand_frame(kinds).doubts[None])
    assert "kinds of rows apart" not in " ".join(understand_frame(frame).doubts.get(None, []))


def test_copies_under_another_name_are_copies(understand_frame) -> None:
    frame = pd.concat([rows(), rows().head(7)]).assign(name=[f"n{n}" for n in range(307)])
    assert "rows equal to another: 7" in " ".join(understand_frame(frame).doubts[None])


def test_a_rare_class_is_told(understand_frame) -> None:
    frame = rows().assign(y=["k1"] * 291 + ["k2"] * 9)
    assert understand_frame(frame).doubts[None] == [
        "class 'k2' is rare, 3.0% of the rows: a model may be right on all others and never find it"
    ]


def test_few_rows_and_rows_without_a_target_are_told(understand_frame) -> None:
    doubt = understand_frame(rows(90)).doubts[None]
    assert doubt == ["90 rows are few: expect wide intervals"]
    frame = rows(200)
    frame.loc[:9, "y"] = None
    assert understand_frame(frame).doubts[None] == [
        "10 of 200 rows lack the target: nothing is learnt from them"
    ]


def test_many_rows_without_a_target_are_told(understand_frame) -> None:
    frame = rows(200)
    frame.loc[:39, "y"] = None
    assert understand_frame(frame).doubts[None] == [
        "40 of 200 rows lack the target: nothing is learnt from them, and where so many do, the "
        "others may be no fair sample"
    ]


def test_several_labels_in_a_cell_are_told(understand_frame) -> None:
    def doubts(names: list[str]) -> str:
        frame = rows().assign(y=[names[number % len(names)] for number in range(300)])
        return " ".join(understand_frame(frame, kind="classification").doubts[None])

    for mark in ("|", "; ", ","):
        told = "look like several labels in one cell"
        assert told in doubts(["red", "blue", f"blue{mark}red"])
        assert told in doubts([f"a{mark}b", f"b{mark}c", f"a{mark}c"])
        assert told not in doubts([f"Doe{mark}Ann", f"Doe{mark}Bob", "Roe"])


def test_doubts_change_nothing_of_the_table(contract: Contract, fruit: pd.DataFrame) -> None:
    table, _ = conform(contract.columns, fruit.astype("str"))
    before = table.copy()
    find_doubts(table, contract)
    pd.testing.assert_frame_equal(table, before)


WRONG = {
    "no target": ({"target": None}, "which column is to be predicted? the columns are 'a', 'b'"),
    "an unknown target": ({"target": "Y"}, "--target: no column 'Y'; "),
    "an unknown group": ({"group": "farm"}, "--group: no column 'farm'; the columns are"),
    "an unknown name": ({"identifiers": ("ab",)}, "--id: no column 'ab'"),
    "an unknown drop": ({"drop": ("d",)}, "--drop: no column 'd'"),
    "a dropped target": ({"drop": ("y",)}, "--drop: 'y' is the target"),
    "a dropped group": ({"drop": ("c",), "group": "c"}, "--group: 'c' is dropped by --drop"),
    "the target as group": ({"group": "y"}, "--group: 'y' is the target"),
    "a time of words": ({"time": "c"}, "--time: 'c' looks like categorical, such as"),
    "words as a number": ({"kind": "regression"}, "target 'y' holds texts such as 'k"),
    "no feature": ({"drop": ("a", "b", "c")}, "no feature is described"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_what_cannot_be_wished_for_is_told_in_one_line(understand_frame, mistake: str) -> None:
    wishes, expected = WRONG[mistake]
    with pytest.raises(UserError) as error:
        understand_frame(rows(), **wishes)
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("target", "kind", "expected"),
    [
        ([None] * 300, None, "a.csv: target 'y' holds nothing; there is nothing to learn"),
        (["k"] * 300, None, "a.csv: target 'y' holds 'k' only; there is nothing to learn"),
        (SENTENCES * 15, None, None),
        ([f"n{n}" for n in range(300)], None, "looks like identifier, such as 'n0'; a number, or"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_told(
    understand_frame, target: list, kind: str | None, expected: str | None
) -> None:
    frame = rows().assign(y=target)
    if expected is None:
        assert understand_frame(frame, kind=kind).contract.columns["y"].type == "categorical"
        return
    with pytest.raises(UserError, match="target 'y'") as error:
        understand_frame(frame, kind=kind)
    assert expected in str(error.value)


def test_what_a_person_says_of_a_column_counts(understand_frame) -> None:
    frame = rows().assign(farm=[n % 30 for n in range(300)], d="same", e=range(0, 900, 3))
    result = understand_frame(frame, identifiers=("b",), group="farm", drop=("a",)).contract
    assert result.columns["b"].type == "identifier"
    assert not result.columns["b"].unique
    assert result.columns["b"].guessed == "named by --id"
    assert (result.group, result.drop) == ("farm", ("a", "d"))
    assert result.features == ["c", "e"]


TITLES = [f"{MANY[n * 7 % 220]} {MANY[n * 3 % 221]}".capitalize() for n in range(200)]


@pytest.mark.parametrize(
    ("texts", "variety"),
    [
        (NAMES, "a value of its own in each row"),
        ([*TITLES[:-5], *TITLES[:5]], "a value of its own in nearly each row"),
        ([*TITLES[:150], *TITLES[:50]], "150 different values in 200 rows"),
    ],
)
def test_names_and_titles_are_learnt_from_where_nothing_else_is_left(
    understand_frame, texts: list[str], variety: str
) -> None:
    words = {"code": shuffle_numbers(200, "c"), "title": texts, "farm": ["k0", "k1"] * 100}
    result = understand_frame(pd.DataFrame(words).assign(y=[*"uvwx"] * 50), group="farm")
    assert result.contract.features == result.contract.texts == ["title"]
    assert result.doubts["title"][0] == (
        f"looks like names or titles, {variety}; it is learnt from since nothing else is left"
    )


def test_titles_are_not_learnt_from_beside_a_number(understand_frame) -> None:
    assert understand_frame(rows(200).assign(title=TITLES)).contract.texts == []


@pytest.mark.parametrize(
    ("texts", "wishes"),
    [
        (shuffle_numbers(200, "S"), {}),
        ([f"{PARTS[n % 15]}.no@{MANY[n]}.com" for n in range(200)], {}),
        ([f"{n * 7919 % 10007:08x}-beef-4a{n:02x}-face-c0ffee" for n in range(200)], {}),
        ([f"48° {n % 7}' N, 2° {n}' E" for n in range(200)], {}),
        (TITLES, {"identifiers": ("x",)}),
        (TITLES, {"kind": "clustering", "target": None, "drop": ("y",)}),
    ],
)
def test_codes_and_what_a_person_calls_names_are_never_learnt_from(
    understand_frame, texts: list[str], wishes: dict[str, object]
) -> None:
    frame = pd.DataFrame({"x": texts, "y": [*"uvwx"] * 50})
    with pytest.raises(UserError, match="x has a value of its own in each row, as a name has"):
        understand_frame(frame, **wishes)


def test_several_files_are_one_table_if_their_columns_agree(tmp_path: Path) -> None:
    for name, part in (("1.csv", rows().head(200)), ("2.csv", rows()[["y", "c", "b", "a"]][200:])):
        part.to_csv(tmp_path / name, index=False)
    files = [tmp_path / "1.csv", tmp_path / "2.csv"]
    assert len(understand(files, "all", "a test", Wishes(target="y")).table) == 300
    rows().drop(columns="b").to_csv(tmp_path / "3.csv", index=False)
    with pytest.raises(UserError, match=r"^3\.csv: its columns are not those of 1\.csv: 'b' is"):
        understand([*files, tmp_path / "3.csv"], "all", "a test", Wishes(target="y"))


def test_whole_numbers_whose_thousands_are_set_apart_need_not_repeat() -> None:
    cells = pd.Series([f"{1000 + 7 * place:,}" for place in range(30)], name="x", dtype="str")
    assert guess(cells, Layout(thousands=",")).column.type == "integer"
    count = pd.Series([f"{place:,}" for place in range(990, 1020)], name="x", dtype="str")
    assert guess(count, Layout(thousands=",")).column.type == "identifier"


@pytest.mark.parametrize(("cells", "most"), [("numbers", 6_000), ("texts", 15_000)])
def test_each_column_more_costs_the_same_few_calls(tmp_path: Path, cells: str, most: int) -> None:
    def count_calls(columns: int) -> int:
        rng = np.random.default_rng(0)
        shape = 40, columns
        numbers, texts = rng.normal(size=shape).round(3), rng.choice(["red", "green"], shape)
        frame = pd.DataFrame(numbers if cells == "numbers" else texts).add_prefix("g")
        frame.assign(y=numbers[:, 0] > 0).to_csv(tmp_path / "wide.csv", index=False)
        with cProfile.Profile() as profile:
            understand([tmp_path / "wide.csv"], "wide.csv", "a test", Wishes(target="y"))
        return pstats.Stats(profile).total_calls

    count_calls(2)
    few, some, many = map(count_calls, (10, 40, 100))
    assert (many - some) / 60 < most
    assert (many - some) / 60 < 1.2 * (some - few) / 30


def test_words_are_not_tried_as_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = []

    def parse(_: pd.Series, form: str) -> None:
        forms.append(form)

    monkeypatch.setattr("lockstep.adopting.inference.parse_times", parse)
    assert guess(make_cells(["red", "green", "blue", "red"]), Layout()).column.type == "categorical"
    assert forms == []
