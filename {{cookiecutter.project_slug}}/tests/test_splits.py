"""Setting the test rows apart."""

import numpy as np
import pandas as pd
import pytest

from package_name.data.splits import split
from package_name.errors import UserError
from package_name.preprocess import clean, divide


def test_every_class_has_its_share_in_the_test(fruit: pd.DataFrame) -> None:
    _, test = split(fruit, fruit["fruit"], 0.25, seed=1)
    assert (abs(test["fruit"].value_counts() - fruit["fruit"].value_counts() / 4) <= 0.5).all()


def test_no_row_is_lost_and_none_is_on_both_sides(fruit: pd.DataFrame) -> None:
    train, test = split(fruit, fruit["fruit"], 0.25, seed=1)
    together = pd.concat([train, test]).sort_values(list(fruit.columns), ignore_index=True)
    pd.testing.assert_frame_equal(
        together, fruit.sort_values(list(fruit.columns), ignore_index=True)
    )


def test_the_order_of_the_rows_does_not_matter(fruit: pd.DataFrame) -> None:
    shuffled = fruit.sample(frac=1, random_state=3).reset_index(drop=True)
    _, test = split(fruit, fruit["fruit"], 0.25, seed=1)
    _, test_of_shuffled = split(shuffled, shuffled["fruit"], 0.25, seed=1)
    assert set(test["weight"]) == set(test_of_shuffled["weight"])


def test_equal_rows_fall_on_the_same_side(fruit: pd.DataFrame) -> None:
    doubled = pd.concat([fruit, fruit], ignore_index=True)
    train, test = split(doubled, doubled["fruit"], 0.25, seed=1)
    assert test.duplicated(keep=False).all()
    assert train.duplicated(keep=False).all()


@pytest.mark.parametrize("categories", [5, 40])
def test_the_share_is_kept_as_near_as_equal_rows_allow(categories: int) -> None:
    values = np.random.default_rng(0).integers(0, categories, 1000)
    frame = pd.DataFrame({"a": values, "target": "x"})
    train, test = split(frame, frame["target"], 0.2, seed=1)
    largest = frame["a"].value_counts().max()
    assert abs(len(test) - 200) <= largest / 2
    assert not set(train["a"]) & set(test["a"])


def test_a_small_class_has_rows_on_both_sides() -> None:
    frame = pd.DataFrame({"a": range(40), "target": ["rare", "rare"] + ["common"] * 38})
    train, test = split(frame, frame["target"], 0.2, seed=1)
    assert list(train["target"]).count("rare") == list(test["target"]).count("rare") == 1


def test_equal_rows_are_never_all_in_the_test() -> None:
    frame = pd.DataFrame({"a": [1] * 99 + [2], "target": "x"})
    train, _ = split(frame, frame["target"], 0.6, seed=1)
    assert len(train) >= 1


def test_another_seed_draws_another_test_set(fruit: pd.DataFrame) -> None:
    _, one = split(fruit, fruit["fruit"], 0.25, seed=1)
    _, two = split(fruit, fruit["fruit"], 0.25, seed=2)
    assert set(one["weight"]) != set(two["weight"])


def test_a_column_named_seed_is_no_obstacle(fruit: pd.DataFrame) -> None:
    renamed = fruit.rename(columns={"seeds": "seed"})
    _, test = split(renamed, renamed["fruit"], 0.25, seed=1)
    assert len(test) == 15


def test_rows_without_a_target_are_dropped(fruit: pd.DataFrame) -> None:
    fruit.loc[[0, 5], "fruit"] = None
    assert len(clean(fruit, "fruit")) == 58


def test_a_split_that_leaves_too_few_test_rows_is_told(fruit: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=r"split\.test_fraction: 0\.01 of 60 rows leaves 59 for"):
        divide(fruit, "weight", "regression", 0.01, seed=1)
