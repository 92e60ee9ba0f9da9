"""The recipe: from columns of each type to numbers."""

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, make_params
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.data.inner_folds import InnerFolds
from lockstep.modeling.features import count_categories, make_features
from owner import features, models  # noqa: F401 - they register steps and candidates
from sklearn.base import TransformerMixin

CONTRACT_OF_ALL = Contract.model_validate(
    CONTRACT
    | {
        "columns": {
            "size": {"type": "numeric", "meaning": "size", "nullable": True},
            "organic": {"type": "binary", "categories": ["no", "yes"], "meaning": "organic"},
            "colour": {
                "type": "categorical",
                "categories": ["blue", "green", "red"],
                "meaning": "colour",
                "nullable": True,
            },
            "grade": {"type": "ordered", "categories": ["low", "mid", "high"], "meaning": "grade"},
            "picked": {"type": "datetime", "meaning": "when", "nullable": True},
            "label": {"type": "identifier", "meaning": "label"},
            "fruit": {"type": "categorical", "categories": ["apple", "melon"], "meaning": "kind"},
        }
    }
)
ROWS = pd.DataFrame(
    {
        "size": [1.0, 2.0, 3.0, np.nan, 6.0, 6.0],
        "organic": ["no", "yes", "no", "yes", "yes", "yes"],
        "colour": ["red", "red", "green", "red", None, "red"],
        "grade": ["low", "mid", "high", "mid", "low", "mid"],
        "picked": pd.to_datetime(
            ["2026-01-01", "2026-07-01", None] + ["2026-04-01 06:00"] * 3, format="ISO8601"
        ),
    }
)
FRUIT = np.array(["apple", "melon", "apple", "melon", "apple", "melon"], dtype=object)
NOTHING = dict.fromkeys(["numeric", "binary", "categorical", "ordered", "datetime"], "drop")


def transformer(
    recipe: dict, contract: Contract = CONTRACT_OF_ALL, candidate: str = "linear"
) -> TransformerMixin:
    return make_features(candidate, make_params(features=recipe), contract)


def transform(**recipe: object) -> np.ndarray:
    """What the recipe makes of the rows; groups that it does not name are dropped."""
    return transformer(NOTHING | recipe).fit_transform(ROWS, FRUIT)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["impute"], [1, 2, 3, 3, 6, 6]),
        ([{"impute": "mean"}], [1, 2, 3, 3.6, 6, 6]),
        ([{"impute": "most_frequent"}], [1, 2, 3, 6, 6, 6]),
        ([{"impute": -1}], [1, 2, 3, -1, 6, 6]),
        (["impute", "min_max"], [0, 0.2, 0.4, 0.4, 1, 1]),
        ([{"impute": -3}, "log1p"], np.log([2, 3, 4, 1 / 4, 7, 7])),
        (["impute", "standardise"], (np.array([1, 2, 3, 3, 6, 6]) - 3.5) / np.sqrt(43 / 12)),
    ],
)
def test_steps_of_numbers(steps: list, expected: list[float]) -> None:
    np.testing.assert_allclose(transform(numeric=steps)[:, 0], expected)


def test_missing_numbers_can_be_marked() -> None:
    X = transform(numeric=["indicate_missing", "impute"])
    assert X.tolist() == [[1, 0], [2, 0], [3, 0], [3, 1], [6, 0], [6, 0]]


def test_quantile_bins_hold_about_as_many_rows_each_and_equal_ones_are_one() -> None:
    X = transform(numeric=["impute", {"quantile_bin": 3}])
    assert X.sum(axis=0).tolist() == [2, 2, 2]
    assert X[:, 0].tolist() == [1, 1, 0, 0, 0, 0]
    assert transform(numeric=["impute", {"quantile_bin": 50}]).shape[1] < 6


def test_quantile_bins_take_a_column_of_whole_numbers() -> None:
    columns = CONTRACT_OF_ALL.model_dump(exclude_none=True)["columns"]
    columns["size"] = {"type": "integer", "meaning": "size"}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    recipe = NOTHING | {"numeric": [{"quantile_bin": 2}]}
    rows = ROWS.assign(size=pd.array([1, 2, 3, 4, 5, 6], dtype="Int64"))
    X = transformer(recipe, contract).fit_transform(rows, FRUIT)
    assert X[:, 0].tolist() == [1, 1, 1, 0, 0, 0]


def test_one_hot_has_a_column_for_each_value_and_for_a_missing_one() -> None:
    assert transform(categorical=["one_hot"]).tolist() == [
        [0, 1, 0],
        [0, 1, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 1, 0],
    ]


def test_one_hot_pools_rare_values() -> None:
    X = transform(categorical=[{"one_hot": 0.3}])
    assert X.tolist() == [[1, 0], [1, 0], [0, 1], [1, 0], [0, 1], [1, 0]]


def test_ordinal_takes_the_order_of_the_contract() -> None:
    assert transform(ordered=["ordinal"])[:, 0].tolist() == [0, 1, 2, 1, 0, 1]
    assert transform(binary=["ordinal"])[:, 0].tolist() == [0, 1, 0, 1, 1, 1]


def test_target_encoding_leaves_out_the_rows_own_target() -> None:
    rows = pd.concat([ROWS] * 20, ignore_index=True).assign(colour=["red", "green"] * 60)
    y = np.random.default_rng(0).normal(size=120)
    encoder = transformer(NOTHING | {"categorical": [{"target_encode": {"smooth": 0}}]})
    learnt = encoder.fit_transform(rows, y)[:, 0]
    for fold, own in InnerFolds(1, classifies=True).split(rows, y):
        for colour in ("red", "green"):
            mean = y[fold][rows["colour"].iloc[fold] == colour].mean()
            assert learnt[own][rows["colour"].iloc[own] == colour] == pytest.approx(mean)
    assert encoder.transform(ROWS.assign(colour="blue"))[:, 0] == pytest.approx(y.mean())


def test_times_are_near_each_other_around_the_turn_of_the_year_and_of_the_day() -> None:
    clock = transformer(NOTHING | {"datetime": ["calendar", "impute"]}).fit(ROWS, FRUIT)
    times = pd.to_datetime(["2026-01-01 00:00", "2026-12-31 23:59", "2026-06-30 12:00"])
    X = clock.transform(ROWS.head(3).assign(picked=times))
    assert X.shape == (3, 6)
    assert np.linalg.norm(X[0] - X[1]) < np.linalg.norm(X[0] - X[2]) / 3


def test_months_can_be_left_out_of_times() -> None:
    recipe = NOTHING | {"datetime": [{"calendar": {"month": False}}, "impute"]}
    clock = transformer(recipe).fit(ROWS, FRUIT)
    mondays = pd.to_datetime(["2026-01-05 12:00", "2026-06-29 12:00", "2026-06-30 12:00"])
    X = clock.transform(ROWS.head(3).assign(picked=mondays))
    assert X.shape == (3, 4)
    assert X[0].tolist() == X[1].tolist() != X[2].tolist()


def test_times_can_be_days() -> None:
    X = transform(datetime=["elapsed", {"impute": 0}])
    assert X[:, 0].tolist() == [9497, 9678, 0] + [9587.25] * 3


def test_a_single_column_can_have_steps_of_its_own() -> None:
    X = transform(numeric=["impute"], columns={"size": [{"impute": 0}]})
    assert X[:, 0].tolist() == [1, 2, 3, 0, 6, 6]
    X = transform(ordered=["ordinal"], numeric=["impute"], columns={"size": "drop"})
    assert X.shape == (6, 1)


@pytest.mark.parametrize(
    ("recipe", "column"),
    [
        ({"categorical": ["one_hot"]}, {"colour": "blue"}),
        ({"categorical": ["target_encode"]}, {"colour": "blue"}),
        ({"numeric": ["impute"]}, {"size": np.nan}),
        ({"numeric": ["indicate_missing", "impute", "quantile_bin"]}, {"size": 1e9}),
        ({"ordered": ["ordinal", "impute"]}, {"grade": "unheard of"}),
        ({"datetime": ["calendar", "impute"]}, {"picked": pd.NaT}),
    ],
)
def test_values_not_met_in_training_become_numbers(recipe: dict, column: dict) -> None:
    rows = ROWS.fillna({"size": 1.0, "colour": "red"})
    fitted = transformer(NOTHING | recipe).fit(rows, FRUIT)
    assert np.isfinite(fitted.transform(rows.assign(**column))).all()


def test_columns_without_any_value_or_with_one_alone_become_finite_numbers() -> None:
    rows = ROWS.assign(size=np.nan, colour=None, picked=pd.NaT, grade="mid")
    rows = rows.astype({"colour": "str", "picked": "datetime64[us]"})
    for steps in (["impute", "standardise"], ["impute", "min_max"], ["impute", "quantile_bin"]):
        X = transformer({"numeric": steps}).fit_transform(rows, FRUIT)
        assert np.isfinite(X).all()


def test_what_is_learnt_comes_from_the_rows_of_fit_alone() -> None:
    scaler = transformer(NOTHING | {"numeric": ["impute", "standardise"]})
    scaler.fit(ROWS.head(3), FRUIT[:3])
    assert scaler.transform(ROWS)[5, 0] == pytest.approx((6 - 2) / np.sqrt(2 / 3))


def test_images_are_shades_from_0_to_1_and_have_no_recipe() -> None:
    columns = {"fruit": CONTRACT["columns"]["fruit"]}
    contract = Contract.model_validate(
        CONTRACT | {"images": {"width": 2, "height": 1}, "columns": columns}
    )
    rows = pd.DataFrame({"image": [bytes([0, 255]), bytes([51, 0])]})
    X = transformer({}, contract).fit_transform(rows)
    np.testing.assert_allclose(X, [[0, 1], [0.2, 0]])
    with pytest.raises(UserError, match=r"features\.columns\.image: no feature"):
        transformer({"columns": {"image": ["standardise"]}}, contract)


def test_codes_come_first_and_mark_what_is_missing_or_unheard_of() -> None:
    encoder = transformer({}, candidate="wide_and_deep")
    X = encoder.fit_transform(ROWS, FRUIT)
    assert encoder.transformers[0][2] == ["organic", "colour", "grade"]
    assert count_categories(CONTRACT_OF_ALL, make_params().features) == (2, 3, 3)
    assert X[:, 0].tolist() == [0, 1, 0, 1, 1, 1]
    assert X[:, 1].tolist() == [2, 2, 1, 2, -1, 2]
    assert X.shape == (6, 3 + 1 + 6)
    assert encoder.transform(ROWS.assign(colour="pink"))[:, 1].tolist() == [-1] * 6


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({"numeric": ["scale"]}, "features.numeric.scale: unknown step; did you mean"),
        (
            {"numeric": ["impute", "indicate_missing"]},
            "features.numeric: indicate_missing: nothing is missing any more here; put it first",
        ),
        ({"numeric": "drop", "columns": {"size": ["inpute"]}}, "features.columns.size.inpute: unk"),
        ({"columns": {"picked": ["elapsed", "impute"]}, "datetime": ["calender"]}, "calender: unk"),
        ({"numeric": ["standardize"]}, "unknown step; did you mean standardise?"),
        ({"numeric": ["one_hot"]}, "features.numeric: one_hot takes texts, and gets numbers"),
        ({"categorical": []}, "features.categorical: texts need a step that makes numbers"),
        ({"numeric": ["standardise"]}, "features.numeric: 'size' may be missing; add the step"),
        (
            {"numeric": ["quantile_bin", "impute"]},
            "quantile_bin: 'size' may be missing; put impute before it",
        ),
        (
            {"numeric": ["impute", {"quantile_bin": 1}]},
            "features.numeric.quantile_bin.bins: found 1, which should be greater",
        ),
        (
            {"numeric": ["impute", {"quantile_bin": {"bin": 5}}]},
            "features.numeric.quantile_bin.bin: unknown option; did you mean bins?",
        ),
        (
            {"numeric": ["impute", {"standardise": 3}]},
            "features.numeric.standardise.3: unknown option; allowed: none",
        ),
        ({"columns": {"sise": "drop"}}, "features.columns.sise: no feature of references/schema"),
        (NOTHING, "features: every column is dropped; nothing to learn from"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_told_in_one_line(recipe: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        transformer(recipe)
    assert str(error.value).startswith("params.yaml: features")
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1
