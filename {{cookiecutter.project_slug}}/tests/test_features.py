"""Every step makes finite numbers, learnt from the train rows alone, of whatever comes."""

import numpy as np
import pandas as pd
import pytest
from lockstep import Contract, Params, UserError, derived, make_features

from package_name import features  # noqa: F401 - the recipe names the steps in it

RECIPES = {
    "numeric": ["impute", "indicate_missing", "standardise", "min_max", "log1p", "quantile_bin"],
    "categorical": ["one_hot", "ordinal", "target_encode"],
    "datetime": ["calendar", "elapsed"],
}
STEPS = [(group, name) for group, names in RECIPES.items() for name in names]


def with_recipe(params: Params, **recipe: object) -> Params:
    return params.model_copy(update={"features": params.features.model_copy(update=recipe)})


def chain(name: str) -> list[str]:
    """The step among those that it cannot do without."""
    if name in ("impute", "one_hot", "target_encode"):
        return [name]
    return (
        [name, "impute"]
        if name in ("indicate_missing", *RECIPES["datetime"])
        else (["ordinal", "impute"] if name == "ordinal" else ["impute", name])
    )


@pytest.mark.parametrize(("group", "name"), STEPS)
def test_a_step_makes_finite_numbers_of_rows_it_has_not_met(
    fruit: pd.DataFrame, contract: Contract, params: Params, group: str, name: str
) -> None:
    rows = fruit[contract.features]
    transformer = make_features("linear", with_recipe(params, **{group: chain(name)}), contract)
    learnt = transformer.fit_transform(rows[:60], fruit["fruit"][:60])
    fresh = rows[60:].assign(seeds=np.nan, colour=None)
    transformed = transformer.transform(fresh)
    assert transformed.shape == (20, learnt.shape[1])
    assert np.isfinite(np.asarray(transformed, dtype="float64")).all()


@pytest.mark.parametrize(("group", "name"), STEPS)
def test_what_a_step_has_learnt_does_not_change_with_the_rows_it_is_used_on(
    fruit: pd.DataFrame, contract: Contract, params: Params, group: str, name: str
) -> None:
    rows = fruit[contract.features]
    transformer = make_features("linear", with_recipe(params, **{group: chain(name)}), contract)
    transformer.fit(rows[:60], fruit["fruit"][:60])
    at_once = transformer.transform(rows[60:])
    one_by_one = np.vstack([transformer.transform(rows[at : at + 1]) for at in range(60, 80)])
    np.testing.assert_array_equal(at_once, one_by_one)


def test_a_feature_made_of_several_columns_is_one_more_column_of_the_recipe(
    fruit: pd.DataFrame, contract: Contract, params: Params
) -> None:
    @derived("weight", "seeds")
    def weight_per_seed(rows: pd.DataFrame) -> pd.Series:
        return rows["weight"] / rows["seeds"]

    rows = fruit[contract.features].assign(seeds=fruit["seeds"].replace(0, 4))
    plain = make_features("linear", params, contract).fit_transform(rows)
    more = make_features("linear", with_recipe(params, derived=("weight_per_seed",)), contract)
    numbers = more.fit_transform(rows)
    assert numbers.shape[1] == plain.shape[1] + 1
    ratio = rows["weight"] / rows["seeds"]
    ratio = ratio.fillna(ratio.median())
    expected = (ratio - ratio.mean()) / ratio.std(ddof=0)
    np.testing.assert_allclose(numbers[:, 2], expected)


def test_a_feature_of_a_column_that_is_none_is_told(contract: Contract, params: Params) -> None:
    @derived("wieght")
    def heavy(rows: pd.DataFrame) -> pd.Series:
        return rows["wieght"] > 1

    with pytest.raises(UserError, match=r"heavy reads 'wieght'.*did you mean weight"):
        make_features("linear", with_recipe(params, derived=("heavy",)), contract)
