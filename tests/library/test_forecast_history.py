"""What is to come of each series, framed from rows of what has been."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.examples import frame_contract
from lockstep.data.history import frame_history
from lockstep.data.new_rows import NewRows
from made_up_series import CONTRACT, make_contract, make_examples_of_sales, make_sales

EXAMPLES = frame_contract(make_contract())
LAST = pd.Timestamp("2025-04-30")


def make_later(rows: pd.DataFrame, days: int = 7) -> pd.DataFrame:
    """The same rows, and below them those of later days, of which the price is known."""
    days_later = pd.date_range(rows["day"].max(), periods=days + 1)[1:].astype("datetime64[us]")
    later = rows[["shop"]].drop_duplicates().merge(pd.Series(days_later, name="day"), "cross")
    return pd.concat([rows, later.assign(price=0.9)], ignore_index=True)


def frame(rows: pd.DataFrame, contract: Contract = EXAMPLES) -> NewRows:
    return frame_history(rows, contract, "the table")


def spoil(rows: pd.DataFrame, place: int, column: str, value: object) -> pd.DataFrame:
    """The rows with another cell in one of them."""
    cells = rows[column].astype("object")
    cells[place] = value
    return rows.assign(**{column: cells})


def test_each_series_goes_on_after_its_latest_value() -> None:
    rows = make_later(make_sales())
    rows = rows[(rows["shop"] != "shop 2") | (rows["day"] < "2025-04-01")]
    rows = rows.sample(frac=1, random_state=0)
    framed = frame(rows)
    assert framed.names["shop"].tolist() == np.repeat(rows["shop"].unique(), 7).tolist()
    assert framed.names["step"].tolist() == [1, 2, 3, 4, 5, 6, 7] * 3
    first = framed.names[framed.names["step"] == 1].set_index("shop")["day"].sort_index()
    assert first.dt.strftime("%m-%d").tolist() == ["05-01", "04-01", "05-01"]
    # Of April the price of that shop is unknown, and what is unknown is told of its steps alone.
    is_second = framed.names["shop"] == "shop 2"
    assert framed.reasons.notna().tolist() == is_second.tolist()
    assert framed.reasons[is_second].iloc[0] == (
        "price is missing, expected a number at 2025-04-01"
    )


@given(st.integers(10, 100), st.integers(0, 2**32 - 1))
def test_what_a_forecast_is_made_from_is_what_was_learnt_from(day: int, seed: int) -> None:
    """The history up to an origin gives the example that training has of it."""
    rng, sales = np.random.default_rng(seed), make_sales().astype({"visitors": "Int64"})
    sales = sales[rng.random(len(sales)) < 0.9]
    sales["sales"] = sales["sales"].mask(rng.random(len(sales)) < 0.1)
    origin = pd.Timestamp("2025-01-01") + pd.Timedelta(days=day)
    examples = make_examples_of_sales(make_contract(), sales.dropna(subset="sales"))
    examples = examples[examples["origin"] == origin]
    is_known = sales["day"] <= origin
    history = sales.assign(
        sales=sales["sales"].where(is_known), visitors=sales["visitors"].where(is_known)
    )
    framed = frame(history)
    table = framed.X.assign(shop=framed.names["shop"])
    keys, names = ["shop", "origin", "day"], [*EXAMPLES.features, "level", "spread"]
    both = examples[["shop", "origin", *names]].merge(table[keys], on=keys)
    alike = table[["shop", "origin", *names]].merge(both[keys], on=keys)
    assert len(both) == len(examples)
    pd.testing.assert_frame_equal(
        both.sort_values(keys, ignore_index=True), alike.sort_values(keys, ignore_index=True)
    )


def test_cells_are_read_as_the_contract_writes_them() -> None:
    rows = make_later(make_sales())
    texts = rows.assign(day=rows["day"].dt.strftime("%Y-%m-%d")).astype("object")
    texts = texts.where(texts.notna(), "NA").astype(str)
    typed, cells = frame(rows), frame(texts)
    for of_typed, of_cells in zip(typed, cells, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(of_typed), pd.DataFrame(of_cells))


def test_what_lies_before_the_window_is_not_looked_at() -> None:
    rows = make_later(make_sales(shops=1))
    framed = frame(spoil(rows, 120 - 29, "sales", "many"))
    assert framed.reasons.isna().all()
    pd.testing.assert_frame_equal(framed.X, frame(rows).X)


@pytest.mark.parametrize(
    ("place", "column", "value", "reason"),
    [
        (119, "sales", "many", "row 120, sales is 'many', expected a number"),
        (92, "visitors", 1.5, "row 93, visitors is '1.5', expected a whole number"),
        (100, "day", "soon", "row 101, day is 'soon', expected a time written as ISO 8601 says"),
        (100, "day", None, "row 101, day is missing, expected a time written as ISO 8601 says"),
        (100, "day", "2025-03-01", "day is '2025-03-01', expected one row of each time"),
        (
            100,
            "day",
            "2025-04-11 06:00",
            "day is '2025-04-11 06:00:00', expected whole steps of 1 day from 2025-01-01 on",
        ),
        (121, "sales", "none yet", "row 122, sales is 'none yet', expected a number"),
    ],
)
def test_a_cell_that_matters_is_the_reason_why_a_series_has_no_forecast(
    place: int, column: str, value: object, reason: str
) -> None:
    rows = make_later(make_sales(shops=2))
    rows = rows.sort_values(["shop", "day"], ignore_index=True)
    framed = frame(spoil(rows, place, column, value))
    assert framed.reasons.str.startswith(reason).fillna(False).tolist() == [True] * 7 + [False] * 7
    assert framed.reasons[7:].isna().all()
    assert framed.breaches["row"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert set(framed.breaches["column"]) == {column}


def test_what_is_known_ahead_and_wrong_is_the_reason_of_its_step_alone() -> None:
    framed = frame(spoil(make_later(make_sales(shops=1)), 122, "price", "cheap"))
    assert framed.reasons.notna().tolist() == [False, False, True, False, False, False, False]
    assert framed.reasons[2] == "row 123, price is 'cheap', expected a number"


def test_what_may_be_missing_ahead_is_missing() -> None:
    price = CONTRACT["columns"]["price"] | {"nullable": True}
    contract = make_contract(columns=CONTRACT["columns"] | {"price": price})
    framed = frame(make_sales(shops=1), frame_contract(contract))
    assert framed.reasons.isna().all()
    assert framed.X["price"].isna().all()


def test_what_is_only_past_need_not_be_known_of_times_to_come() -> None:
    visitors = CONTRACT["columns"]["visitors"] | {"nullable": False}
    contract = make_contract(columns=CONTRACT["columns"] | {"visitors": visitors})
    rows = make_later(make_sales(shops=1))
    assert frame(rows, frame_contract(contract)).reasons.isna().all()
    gap = frame(spoil(rows, 110, "visitors", None), frame_contract(contract))
    assert set(gap.reasons) == {"row 111, visitors is missing, expected a whole number"}


def test_what_is_constant_may_be_missing_in_rows_of_times_to_come() -> None:
    region = {"type": "categorical", "categories": ["n", "s"], "future": True, "constant": True}
    columns = CONTRACT["columns"] | {"region": region | {"meaning": "where"}}
    examples = frame_contract(make_contract(columns=columns))
    rows = make_later(make_sales(shops=2).assign(region="n"))
    framed = frame(rows, examples)
    assert framed.reasons.isna().all()
    assert set(framed.X["region"]) == {"n"}
    moved = frame(spoil(rows, 3, "region", "s"), examples)
    assert moved.reasons.notna().tolist() == [True] * 7 + [False] * 7
    assert moved.reasons.iloc[0] == (
        "row 4, region is 's', expected 'n' at all times of the series, as the contract calls it "
        "constant"
    )
    unknown = frame(rows.assign(region=rows["region"].where(rows["region"].isna(), "x")), examples)
    assert unknown.reasons.iloc[0] == "row 1, region is 'x', expected one of n, s"
    wrong = frame(spoil(rows, len(rows) - 1, "region", "x"), examples)
    assert wrong.reasons.iloc[-1] == f"row {len(rows)}, region is 'x', expected one of n, s"


@pytest.mark.parametrize(("days", "count"), [(0, "0 known values"), (1, "1 known value"), (6, "6")])
def test_a_series_of_too_few_values_says_so(days: int, count: str) -> None:
    rows = make_later(make_sales(days=20, shops=1))
    rows = rows.assign(sales=rows["sales"].where(rows.index < days))
    framed = frame(rows)
    assert set(framed.reasons) == {
        f"sales is '{count if days < 6 else '6 known values'}', expected 7 or more among the "
        "latest 28 steps of 1 day"
    }


def test_a_value_of_just_before_the_window_counts_for_nothing() -> None:
    rows = make_sales(days=40, shops=1)
    known = [39, *range(20, 25), 12]  # the first of 28 days up to the last

    def forecast(*days: int) -> NewRows:
        return frame(make_later(rows.assign(sales=rows["sales"].where(rows.index.isin(days)))))

    assert forecast(*known).reasons.isna().all()
    assert forecast(*known[:-1], 11).reasons.str.startswith("sales is '6 known values'").all()


def test_a_name_that_breaks_the_contract_is_told_by_itself() -> None:
    shop = {"type": "categorical", "categories": ["shop 1"], "meaning": "the shop"}
    contract = make_contract(columns=CONTRACT["columns"] | {"shop": shop})
    framed = frame(make_later(make_sales(shops=2)), frame_contract(contract))
    assert framed.reasons[7] == "row 121, shop is 'shop 2', expected one of shop 1"
    assert framed.reasons.isna().tolist() == [True] * 7 + [False] * 7
    unnamed = frame(make_later(make_sales(shops=1)).assign(shop=None))
    assert unnamed.reasons[0] == "row 1, shop is missing, expected a name"


def test_without_rows_nothing_is_to_come() -> None:
    framed = frame(make_sales().head(0))
    assert [len(part) for part in framed] == [0, 0, 0, 0]
    assert [*framed.X] == [*EXAMPLES.features, *EXAMPLES.carried]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UserError, match="the table: column 'price' is missing; the contract asks"):
        frame(make_sales().drop(columns="price"))


def write_times(rows: pd.DataFrame, zone: str | np.ndarray) -> pd.DataFrame:
    return rows.assign(day=rows["day"].dt.strftime("%Y-%m-%dT00:00:00") + zone)


def test_times_of_another_zone_than_the_contract_has_are_told() -> None:
    day = CONTRACT["columns"]["day"] | {"example": "2025-01-01"}
    examples = frame_contract(make_contract(columns=CONTRACT["columns"] | {"day": day}))
    rows = make_later(make_sales(shops=1))
    assert frame(write_times(rows, "Z"), examples).reasons.isna().all()
    apart = frame(write_times(rows, "+01:00"), examples)
    assert set(apart.reasons) == {
        "row 1, day is '2025-01-01T00:00:00+01:00', expected a time without a zone, such as "
        "2025-01-01"
    }
    zoned = frame_contract(
        make_contract(
            columns=CONTRACT["columns"] | {"day": day | {"example": "2025-01-01T00:00:00+01:00"}}
        )
    )
    assert frame(write_times(rows, "+01:00"), zoned).reasons.isna().all()


def test_times_of_several_zones_that_are_uneven_for_it_are_told() -> None:
    rows = make_later(make_sales(shops=1))
    zones = np.where(rows["day"] < "2025-03-30", "+01:00", "+02:00")
    (reason,) = set(frame(write_times(rows, zones)).reasons)
    assert reason == (
        "day is '2025-03-29 22:00:00', expected whole steps of 1 day from 2024-12-31 23:00:00 on; "
        "times are of several zones, such as +01:00 and +02:00, and read as UTC"
    )


def test_weekdays_go_on_after_the_weekend() -> None:
    rows = make_sales(shops=1)
    rows = rows[(rows["day"].dt.day_of_week < 5) & (rows["day"] != "2025-04-16")]
    contract = make_contract(every="1 weekday", season=5, window=20)
    examples = make_examples_of_sales(contract, rows)
    ahead = examples["day"].dt.day_of_week - examples["origin"].dt.day_of_week
    assert (examples["step"] % 5 == ahead % 5).all()
    (friday,) = rows["day"][rows["day"] == "2025-04-25"]
    later = rows.assign(sales=rows["sales"].where(rows["day"] <= friday))
    framed = frame(later, frame_contract(contract))
    assert framed.names["day"].dt.strftime("%m-%d").tolist()[:4] == [
        "04-28",
        "04-29",
        "04-30",
        "05-01",
    ]
    assert framed.reasons.notna().tolist() == [False] * 3 + [True] * 4
