"""Setting the test rows apart, and making folds by the same rule."""

import ast
import re

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS, TEMPLATE, make_fruit, make_params, write_params
from lockstep.core.contract import Column, Contract
from lockstep.core.errors import UserError
from lockstep.core.params import Params, SplitParams
from lockstep.core.project import Project
from lockstep.data.draws import choose_seed, draw_groups, draw_share, is_drawn, number_parts
from lockstep.data.folds import make_folds
from lockstep.data.split import (
    choose_split_seed,
    find_start_of_latest,
    hash_rows,
    is_since,
    make_split,
    split_rows,
)
from lockstep.reading.check import check_raw
from owner.preprocess import clean

COLUMNS = {
    "farm": {"type": "integer", "meaning": "farm", "nullable": True},
    "picked": {"type": "datetime", "meaning": "when it was picked", "nullable": True},
    "side": {
        "type": "categorical",
        "categories": ["train", "test"],
        "meaning": "side",
        "nullable": True,
    },
}
GROUPED = Contract.model_validate(
    CONTRACT | {"columns": CONTRACT["columns"] | COLUMNS, "group": "farm", "time": "picked"}
)
GIVEN = Contract.model_validate(
    CONTRACT | {"columns": CONTRACT["columns"] | COLUMNS, "part": "side"}
)


def params(by: str = "row", kind: str = "classification", **train: object) -> Params:
    settings = {"metric": "accuracy", "candidates": {"baseline": {}}, "folds": 3} | train
    split = {"by": by, "test_fraction": 0.25}
    return Params(
        **PARAMS | {"kind": kind, "split": split, "train": settings, "keras_backend": "jax"}
    )


@pytest.fixture
def orchard(fruit: pd.DataFrame) -> pd.DataFrame:
    """Fruit of 20 farms, three from each, picked on 15 days, with no side given."""
    return fruit.assign(
        farm=pd.array(np.arange(60) % 20, dtype="Int64"),
        picked=pd.Timestamp(2026, 5, 1) + pd.to_timedelta(np.arange(60) * 7 % 15, unit="D"),
        side=pd.Series([None] * 60, dtype="str"),
    )


@pytest.fixture
def harvest() -> pd.DataFrame:
    """Fruit of 500 farms, four from each; no two have one weight."""
    rows = make_fruit(2000)
    return rows.assign(
        weight=rows["weight"] + np.arange(2000) / 1e5,
        seeds=rows["seeds"].astype("Int64"),
        farm=pd.array([*range(500)] * 4, dtype="Int64"),
        picked=pd.Timestamp(2026, 5, 1) + pd.to_timedelta(np.arange(2000) % 99, unit="D"),
        side=pd.Series([None] * 2000, dtype="str"),
    ).astype({"picked": "datetime64[us]"})


def in_test(rows: pd.DataFrame, contract: Contract, by: str = "row", **changes: object) -> set:
    _, test = split_rows(rows, contract, params(by).model_copy(update=changes))
    return set(test["weight"])


def test_the_test_and_each_class_in_it_have_their_share(
    contract: Contract, harvest: pd.DataFrame
) -> None:
    _, test = split_rows(harvest, contract, params())
    assert len(test) == pytest.approx(500, abs=4 * np.sqrt(2000 * 0.25 * 0.75))
    for kind, count in harvest["fruit"].value_counts().items():
        deviation = np.sqrt(count * 0.25 * 0.75)
        assert (test["fruit"] == kind).sum() == pytest.approx(count / 4, abs=4 * deviation)


def test_a_share_of_the_groups_is_in_the_test(harvest: pd.DataFrame) -> None:
    train, test = split_rows(harvest, GROUPED, params("group"))
    assert test["farm"].nunique() == pytest.approx(125, abs=4 * np.sqrt(500 * 0.25 * 0.75))
    assert not set(train["farm"]) & set(test["farm"])
    assert (test.groupby("farm").size() == 4).all()


FATES = {
    "rows are added": lambda rows: pd.concat(
        [rows, rows.head(70).assign(weight=range(1, 71), farm=pd.array([None] * 70, "Int64"))]
    ),
    "rows are removed": lambda rows: rows[rows.index % 3 > 0].reset_index(drop=True),
    "a class is removed": lambda rows: rows[rows["fruit"] == "melon"].reset_index(drop=True),
    "rows are repeated": lambda rows: pd.concat([rows, rows.head(300)], ignore_index=True),
    "rows change places": lambda rows: rows.sample(frac=1, random_state=3).reset_index(drop=True),
    "rows keep their old numbers": lambda rows: rows[rows.index % 2 > 0],
}


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("by", ["row", "group"])
def test_a_row_stays_on_its_side_when(harvest: pd.DataFrame, by: str, fate: str) -> None:
    before, rows = in_test(harvest, GROUPED, by), FATES[fate](harvest)
    kept = set(rows["weight"]) & set(harvest["weight"])
    assert len(kept) > 600
    assert in_test(rows, GROUPED, by) & kept == before & kept


@pytest.mark.parametrize(
    ("column", "dtype"),
    [("seeds", "Int64"), ("colour", "str"), ("picked", "datetime64[us]"), ("size", "float64")],
)
def test_a_row_stays_on_its_side_when_another_one_lacks_a_value_for_the_first_time(
    harvest: pd.DataFrame, column: str, dtype: str
) -> None:
    size = {"size": Column(type="numeric", meaning="size", nullable=True)}
    rows = harvest.assign(size=harvest["weight"].round())
    contract = GROUPED.model_copy(update={"columns": GROUPED.columns | size})
    assert rows[column].dtype == dtype
    before = in_test(rows, contract)
    rows.loc[[3, 500], column] = None
    assert rows[column].dtype == dtype
    changed = set(rows["weight"][[3, 500]])
    assert in_test(rows, contract) - changed == before - changed


def test_a_row_stays_on_its_side_when_read_alone_or_with_others(
    contract: Contract, harvest: pd.DataFrame
) -> None:
    find_sides = make_split([harvest], contract, params()).find_sides
    together = find_sides(harvest).is_test
    alone = [find_sides(harvest.loc[[row]]).is_test[0] for row in range(100)]
    assert alone == together[:100].tolist()


def test_a_larger_test_holds_all_rows_of_a_smaller_one(
    contract: Contract, harvest: pd.DataFrame
) -> None:
    small, middle, large = (
        in_test(harvest, contract, split=SplitParams(test_fraction=share))
        for share in (0.1, 0.25, 0.6)
    )
    assert small < middle < large


@pytest.mark.parametrize("by", ["row", "group"])
def test_another_seed_makes_another_test(harvest: pd.DataFrame, by: str) -> None:
    one, two = (in_test(harvest, GROUPED, by, seed=seed) for seed in (1, 2))
    # What two independent draws of a quarter have in common.
    assert len(one & two) / len(one | two) == pytest.approx(1 / 7, abs=0.08)


@pytest.mark.parametrize("by", ["row", "group", "time"])
def test_no_row_is_lost_and_none_is_on_both_sides(orchard: pd.DataFrame, by: str) -> None:
    settings = params(by)
    seed = choose_split_seed(orchard, GROUPED, settings)
    split = settings.split.model_copy(update={"seed": seed})
    train, test = split_rows(orchard, GROUPED, settings.model_copy(update={"split": split}))
    keys = [*orchard.columns.drop("side")]
    together = pd.concat([train, test]).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(together, orchard.sort_values(keys, ignore_index=True))
    assert 10 <= len(test) <= 20


@pytest.mark.parametrize("by", ["row", "group", "time"])
def test_the_order_of_the_rows_does_not_matter(orchard: pd.DataFrame, by: str) -> None:
    shuffled = orchard.sample(frac=1, random_state=3).reset_index(drop=True)
    _, test = split_rows(orchard, GROUPED, params(by))
    _, test_of_shuffled = split_rows(shuffled, GROUPED, params(by))
    assert set(test["weight"]) == set(test_of_shuffled["weight"])


def test_equal_rows_are_tried_in_one_fold_wherever_they_stand(
    contract: Contract, fruit: pd.DataFrame
) -> None:
    doubled = pd.concat([fruit, fruit.sample(frac=1, random_state=3)], ignore_index=True)
    tried = [
        doubled.iloc[fold[1]].sort_values(list(fruit), ignore_index=True)
        for fold in make_folds(doubled, contract, params())
    ]
    assert all(len(part) == pytest.approx(40, abs=4) for part in tried)
    assert all(part.duplicated(keep=False).all() for part in tried)
    alone = [
        fruit.iloc[fold[1]].sort_values(list(fruit), ignore_index=True)
        for fold in make_folds(fruit, contract, params())
    ]
    for part, once in zip(tried, alone, strict=True):
        pd.testing.assert_frame_equal(part.drop_duplicates(ignore_index=True), once)


@pytest.mark.parametrize("by", ["row", "group", "time"])
def test_equal_rows_fall_on_the_same_side(orchard: pd.DataFrame, by: str) -> None:
    doubled = pd.concat([orchard, orchard], ignore_index=True)
    train, test = split_rows(doubled, GROUPED, params(by))
    assert test.duplicated(keep=False).all()
    assert train.duplicated(keep=False).all()


@pytest.mark.parametrize("changes", [{}, {"group": "label"}])
def test_rows_that_differ_in_their_name_alone_fall_on_the_same_side(
    fruit: pd.DataFrame, changes: dict[str, str]
) -> None:
    columns = CONTRACT["columns"] | {"label": {"type": "identifier", "meaning": "label"}}
    contract = Contract.model_validate(CONTRACT | {"columns": columns} | changes)
    doubled = pd.concat([fruit, fruit], ignore_index=True)
    named = doubled.assign(label=[str(number) for number in range(120)])
    _, test = split_rows(named, contract, params())
    drawn = set(test["label"].astype(int))
    assert 0 < len(drawn) < 60
    assert {(number + 60) % 120 for number in drawn} == drawn


def test_images_of_equal_pixels_fall_on_the_same_side() -> None:
    target = {"type": "categorical", "categories": ["no", "yes"], "meaning": "answer"}
    contract = Contract.model_validate(
        CONTRACT
        | {"target": "answer", "images": {"width": 2, "height": 1}, "columns": {"answer": target}}
    )
    pixels = [bytes([number % 40, 0]) for number in range(80)]
    frame = pd.DataFrame({"image": pixels, "answer": ["no", "yes"] * 40}).assign(
        file=[f"{number}.png" for number in range(80)], part=pd.Series([None] * 80, dtype="str")
    )
    train, test = split_rows(frame, contract, params())
    assert 0 < len(test) < 40
    assert not set(train["image"]) & set(test["image"])


def test_a_group_is_on_one_side(orchard: pd.DataFrame) -> None:
    train, test = split_rows(orchard, GROUPED, params("group"))
    assert test["farm"].value_counts().eq(3).all()
    assert not set(train["farm"]) & set(test["farm"])


def test_the_latest_rows_are_the_test_and_those_of_a_day_stay_together(
    orchard: pd.DataFrame,
) -> None:
    train, test = split_rows(orchard, GROUPED, params("time"))
    assert len(test) == 16
    assert train["picked"].max() < test["picked"].min()


def test_the_earliest_time_is_never_in_the_test() -> None:
    times = pd.Series([1, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    assert is_since(find_start_of_latest(times, 0.9), times).tolist() == [False] + [True] * 9


def test_a_given_split_is_kept_without_train_rows_that_equal_a_test_row(
    orchard: pd.DataFrame,
) -> None:
    given = orchard.assign(side=["train"] * 50 + ["test"] * 10)
    copied = pd.concat([given, given.tail(3).assign(side="train")], ignore_index=True)
    copied.loc[61, "fruit"] = "melon" if copied["fruit"][61] == "apple" else "apple"
    train, test = split_rows(copied, GIVEN, params())
    pd.testing.assert_frame_equal(train, given.head(50))
    pd.testing.assert_frame_equal(test, given.tail(10).reset_index(drop=True))


@pytest.mark.parametrize("categories", [5, 40])
def test_the_share_is_kept_as_near_as_equal_rows_allow(categories: int) -> None:
    values = np.random.default_rng(0).integers(0, categories, 1000)
    test = draw_share(hash_rows(pd.DataFrame({"a": values})), np.zeros(1000), 0.2, seed=1)
    assert abs(test.sum() - 200) <= np.bincount(values).max() / 2
    assert not set(values[test]) & set(values[~test])


def test_a_small_class_has_rows_on_both_sides() -> None:
    strata = np.array(["rare", "rare"] + ["common"] * 38)
    test = draw_share(hash_rows(pd.DataFrame({"a": range(40)})), strata, 0.2, seed=1)
    assert test[:2].sum() == 1


def test_equal_rows_are_never_all_in_the_test() -> None:
    hashes = hash_rows(pd.DataFrame({"a": [1] * 99 + [2]}))
    assert not draw_share(hashes, np.zeros(100), 0.6, seed=1).all()


def test_another_seed_draws_other_rows(fruit: pd.DataFrame) -> None:
    one, two = (draw_share(hash_rows(fruit), fruit["fruit"], 0.25, seed) for seed in (1, 2))
    assert one.tolist() != two.tolist()
    assert one.sum() == two.sum() == 15


@pytest.fixture
def clumps() -> tuple[np.ndarray, np.ndarray]:
    """Hashes of 60 contents, in four rows each, and classes that differ within them."""
    rng = np.random.default_rng(4)
    contents = np.repeat(np.arange(60), 4)
    classes = np.where(rng.random(240) < 0.75, contents % 3, rng.integers(0, 3, 240))
    return hash_rows(pd.DataFrame({"content": contents})), np.array(["a", "b", "c"])[classes]


def test_rows_of_one_content_are_drawn_together_and_classes_evenly(
    clumps: tuple[np.ndarray, np.ndarray],
) -> None:
    hashes, classes = clumps
    drawn, parts = draw_share(hashes, classes, 0.2, seed=1), number_parts(hashes, classes, 5, 1)
    for side in (drawn, parts):
        assert pd.Series(side).groupby(hashes).nunique().max() == 1
    shares = pd.Series(drawn).groupby(classes).mean()
    assert shares.between(0.1, 0.3).all()
    assert np.bincount(parts).tolist() == [48] * 5
    assert pd.crosstab(classes, parts).to_numpy().min() >= 10


@pytest.mark.parametrize("by", ["row", "group", "time"])
@pytest.mark.parametrize("train", [{}, {"folds": None, "holdout": 0.3}])
def test_rows_of_equal_features_stand_together_whatever_their_target(
    orchard: pd.DataFrame, by: str, train: dict
) -> None:
    torn = orchard.assign(fruit=orchard["fruit"].map({"apple": "melon", "melon": "apple"}))
    both = pd.concat([orchard, torn], ignore_index=True)
    _, test = split_rows(both, GROUPED, params(by))
    assert test.duplicated(GROUPED.features, keep=False).all()
    for _, tried in make_folds(both, GROUPED, params(by, **train)):
        assert both.iloc[tried].duplicated(GROUPED.features, keep=False).all()


def test_equal_images_of_two_classes_fall_on_the_same_side() -> None:
    target = {"type": "categorical", "categories": ["no", "yes"], "meaning": "answer"}
    contract = Contract.model_validate(
        CONTRACT
        | {"target": "answer", "images": {"width": 2, "height": 1}, "columns": {"answer": target}}
    )
    frame = pd.DataFrame({"image": [bytes([number % 40, 0]) for number in range(80)]}).assign(
        answer=["no"] * 40 + ["yes"] * 40, part=pd.Series([None] * 80, dtype="str")
    )
    train, test = split_rows(frame, contract, params())
    assert not set(train["image"]) & set(test["image"])


@pytest.mark.matrix
def test_of_a_rare_class_every_project_has_its_share_in_the_test() -> None:
    """Of 8 rows among 200, a quarter is 2."""
    for number in range(100):
        rng = np.random.default_rng(number)
        rows = make_fruit(200).assign(
            weight=rng.normal(size=200), fruit=["apple"] * 192 + ["melon"] * 8
        )
        contract = Contract.model_validate(CONTRACT)
        seed = choose_split_seed(rows, contract, params())
        drawn = is_drawn(hash_rows(rows[contract.features]), 0.25, seed)
        assert (drawn[:192].sum(), drawn[192:].sum()) == (48, 2)


def test_a_chosen_seed_takes_the_test_from_all_heights_of_a_number(
    contract: Contract, harvest: pd.DataFrame
) -> None:
    rows = harvest.head(200)
    regression = contract.model_copy(update={"target": "weight"})
    settings = params(kind="regression")
    seed = choose_split_seed(rows, regression, settings)
    split = settings.split.model_copy(update={"seed": seed})
    _, test = split_rows(rows, regression, settings.model_copy(update={"split": split}))
    bounds = rows["weight"].quantile([0, 0.2, 0.4, 0.6, 0.8, 1]).to_numpy()
    assert np.abs(np.histogram(test["weight"], bounds)[0] - 10).max() <= 2


@pytest.mark.parametrize("count", [3, 12, 50])
def test_groups_are_drawn_whole_and_as_evenly_as_they_can_be(count: int) -> None:
    groups = np.arange(600) % count
    classes = np.where(groups % 3 == 0, "rare", "common")
    drawn = draw_groups(hash_rows(pd.DataFrame({"group": groups})), classes, 1 / 3, seed=5)
    assert pd.Series(drawn).groupby(groups).nunique().max() == 1
    assert abs(drawn.sum() - 200) <= 600 / count
    if count > 3:
        assert abs(drawn[classes == "rare"].sum() - 200 / 3) <= 600 / count


def test_a_seed_leaves_every_class_on_both_sides_that_can_be_and_others_to_learn() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        contents = rng.permutation(30)
        classes = np.array(["two"] * 2 + ["one"] + ["many"] * 27)
        hashes = hash_rows(pd.DataFrame({"a": contents}))
        drawn = is_drawn(hashes, 0.1, choose_seed(hashes, classes, 0.1))
        assert (drawn[:2].sum(), drawn[2]) == (1, False)


@pytest.mark.parametrize("dataset", ["iris", "diabetes", "digits"])
def test_the_seeds_that_projects_begin_with_are_those_that_use_would_choose(
    project: Project, dataset: str
) -> None:
    template = (TEMPLATE / "params.yaml").read_text(encoding="utf-8")
    seeds = ast.literal_eval(re.search(r"\n  seed: {{ ({.*?})\[", template)[1])
    condition = f"{{% if cookiecutter.dataset == '{dataset}' %}}"
    (raw,) = (TEMPLATE / "data" / "raw").glob(f"*{dataset}.*")
    (schema,) = (TEMPLATE / "references").glob(f"{condition}schema*")
    name = f"data/raw/{raw.name.removeprefix(condition).removesuffix('{% endif %}')}"
    (project.root / name).write_bytes(raw.read_bytes())
    project.contract_file.write_bytes(schema.read_bytes())
    kind = "regression" if dataset == "diabetes" else "classification"
    write_params(project, kind=kind, data={"raw": name, "max_rejected": 0.0})
    rows = pd.concat([batch.accepted for batch in check_raw(project)], ignore_index=True)
    assert choose_split_seed(rows, project.contract, make_params(kind=kind)) == seeds[dataset]
    if dataset == "iris":
        drawn = is_drawn(hash_rows(rows[project.contract.features]), 0.25, seeds[dataset])
        counts = rows["species"][drawn].value_counts()
        assert set(counts) <= {12, 13}


@pytest.mark.parametrize("by", ["time", "part"])
def test_no_seed_is_chosen_where_nothing_is_drawn(orchard: pd.DataFrame, by: str) -> None:
    rows = orchard.assign(side="train")
    chosen = {
        "time": lambda: choose_split_seed(rows, GROUPED, params("time")),
        "part": lambda: choose_split_seed(rows, GIVEN, params()),
    }[by]()
    assert chosen is None


def test_the_seed_of_the_split_draws_the_test_and_nothing_else(
    contract: Contract, harvest: pd.DataFrame
) -> None:
    settings = params()
    other = settings.model_copy(update={"split": SplitParams(test_fraction=0.25, seed=5)})
    assert in_test(harvest, contract) != in_test(harvest, contract, split=other.split)
    same = settings.model_copy(update={"seed": 5})
    expected = in_test(harvest, contract, seed=5)
    assert in_test(harvest, contract, split=other.split) == expected
    ours, theirs = (make_folds(harvest, contract, each) for each in (settings, other))
    assert all((one[1] == two[1]).all() for one, two in zip(ours, theirs, strict=True))
    assert (make_folds(harvest, contract, same)[0][1] != ours[0][1]).any()


def test_rows_without_a_target_are_dropped(fruit: pd.DataFrame) -> None:
    fruit.loc[[0, 5], "fruit"] = None
    assert len(clean(fruit, "fruit")) == 58


def test_every_fold_of_a_classification_holds_every_class(
    contract: Contract, fruit: pd.DataFrame
) -> None:
    rows = fruit.assign(fruit=["apple"] * 50 + ["melon"] * 10)
    tried = [rows["fruit"].iloc[fold[1]] for fold in make_folds(rows, contract, params(folds=5))]
    assert [(part == "melon").sum() for part in tried] == [2] * 5


@pytest.mark.parametrize(
    ("kind", "train"),
    [("classification", {}), ("regression", {}), ("regression", {"folds": None, "holdout": 0.3})],
)
@pytest.mark.parametrize("by", ["row", "group", "time"])
def test_folds_learn_from_none_of_the_rows_that_they_are_tried_on(
    orchard: pd.DataFrame, by: str, kind: str, train: dict
) -> None:
    target = "fruit" if kind == "classification" else "weight"
    contract = GROUPED.model_copy(update={"target": target})
    made = make_folds(orchard, contract, params(by, kind, **train))
    assert len(made) == (1 if train else 3)
    for learnt, tried in made:
        assert len(learnt)
        assert len(tried)
        assert not set(learnt) & set(tried)
        if by == "group":
            assert not set(orchard["farm"].iloc[learnt]) & set(orchard["farm"].iloc[tried])
        if by == "time":
            assert orchard["picked"].iloc[learnt].max() < orchard["picked"].iloc[tried].min()
    if train:
        assert len(made[0][1]) == pytest.approx(18, abs=2)
    elif by != "time":
        assert sorted(np.concatenate([tried for _, tried in made])) == list(range(60))


WRONG = {
    "one class only": (
        {},
        lambda rows: rows.assign(fruit="apple"),
        r"the train rows hold one class only, 'apple'; two are needed",
    ),
    "a class with fewer rows than folds": (
        {},
        lambda rows: rows.assign(fruit=["apple"] * 58 + ["melon"] * 2),
        r"train\.folds: 3 folds need 3 train rows of each class, but 'melon' has 2",
    ),
    "a constant target": (
        {"kind": "regression"},
        lambda rows: rows.assign(weight=3.5),
        r"the train rows hold one target only, 3\.5; there is nothing to tell apart",
    ),
    "more folds than rows": (
        {"kind": "regression", "folds": 90},
        lambda rows: rows,
        r"train\.folds: 90 is more than the 60 train rows",
    ),
    "fewer groups than folds": (
        {"by": "group"},
        lambda rows: rows.assign(farm=np.arange(60) % 2),
        r"3 folds by group need 3 groups, but 'farm' has 2 in the train rows",
    ),
    "too few times": (
        {"by": "time"},
        lambda rows: rows.assign(picked=pd.Timestamp(2026, 1, 1)),
        r"3 folds by time need 4 times, but 'picked' has 1 in the train rows",
    ),
    "a fold of one class, by time": (
        {"by": "time"},
        lambda rows: rows.assign(
            fruit=np.where(rows["picked"].rank(method="dense") < 9, "apple", "melon")
        ),
        r"split by time, fold 1 learns from one class only, 'apple'; two are needed",
    ),
    "a rare class, by group": (
        {"by": "group"},
        lambda rows: rows.assign(fruit=["apple"] * 58 + ["melon"] * 2),
        r"3 folds need 3 train rows of each class, but 'melon' has 2",
    ),
    "too few rows that differ": (
        {"kind": "regression", "folds": 5},
        lambda rows: pd.concat([rows.head(2)] * 30, ignore_index=True),
        r"equal rows stay together, and too few of the 60 train rows differ for 5 folds",
    ),
    "a row without a time": (
        {"by": "time"},
        lambda rows: rows.assign(picked=rows["picked"].where(rows.index > 0)),
        r"time: 1 of 60 rows lack 'picked'; make it `nullable: false`",
    ),
    "too small a share": (
        {"folds": None, "holdout": 0.01, "kind": "regression"},
        lambda rows: rows,
        r"train\.holdout: 0\.01 of 60 rows, split by row, leaves fewer than two",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_rows_that_cannot_be_folded_are_told(orchard: pd.DataFrame, mistake: str) -> None:
    settings, change, expected = WRONG[mistake]
    target = "weight" if settings.get("kind") == "regression" else "fruit"
    contract = GROUPED.model_copy(update={"target": target})
    with pytest.raises(UserError, match=expected):
        make_folds(change(orchard), contract, params(**settings))


@pytest.mark.parametrize("by", ["group", "time"])
def test_a_split_by_a_column_that_the_contract_does_not_name_is_told(
    contract: Contract, fruit: pd.DataFrame, by: str
) -> None:
    with pytest.raises(UserError, match=f"split.by: {by} needs a column; name it as `{by}:`"):
        split_rows(fruit, contract, params(by))


def test_a_split_that_leaves_too_few_test_rows_is_told(
    contract: Contract, fruit: pd.DataFrame
) -> None:
    with pytest.raises(
        UserError, match=r"split: 3 rows split by row with a test_fraction of 0\.25"
    ):
        split_rows(fruit.head(3), contract.model_copy(update={"target": "weight"}), params())


def test_rows_without_a_side_in_a_given_split_are_told(orchard: pd.DataFrame) -> None:
    given = orchard.assign(side=["train"] * 50 + [None] * 10)
    with pytest.raises(UserError, match="part: 'side' says nothing about 10 of 60 rows"):
        split_rows(given, GIVEN, params())
