"""Setting the test rows apart."""

import pandas as pd
import pytest

from package_name.data.splits import split
from package_name.errors import UserError
from package_name.preprocess import clean, divide


def test_every_class_has_its_share_in_the_test(fruit: pd.DataFrame) -> None:
    _, test = split(fruit, fruit["fruit"], 0.25, seed=1)
    expected = fruit["fruit"].value_counts() // 4
    assert test["fruit"].value_counts().to_dict() == expected.to_dict()


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


def test_another_seed_draws_another_test_set(fruit: pd.DataFrame) -> None:
    _, one = split(fruit, fruit["fruit"], 0.25, seed=1)
    _, two = split(fruit, fruit["fruit"], 0.25, seed=2)
    assert set(one["weight"]) != set(two["weight"])


def test_a_column_named_seed_is_no_obstacle(fruit: pd.DataFrame) -> None:
    renamed = fruit.rename(columns={"seeds": "seed"})
    _, test = split(renamed, renamed["fruit"], 0.25, seed=1)
    assert len(test) == 15 or len(test) == 14


def test_rows_without_a_target_are_dropped(fruit: pd.DataFrame) -> None:
    fruit.loc[[0, 5], "fruit"] = None
    assert len(clean(fruit, "fruit")) == 58


def test_a_split_that_leaves_no_test_rows_is_told(fruit: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=r"split\.test_fraction: 0\.01 of 60 rows leaves 60"):
        divide(fruit, "fruit", "classification", 0.01, seed=1)
