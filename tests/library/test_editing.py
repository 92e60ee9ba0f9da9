"""Changing values of YAML in place, such that the comments of who wrote it stay where they are."""

import pytest
from lockstep.core.editing import ABSENT, edit_yaml
from lockstep.core.errors import UserError
from ruamel.yaml import YAML

SETTINGS = """\
# What to do.
seed: 42 # chosen freely
data:
  raw: data/raw/iris.csv

  # Rows that may be unusable.
  max_rejected: 1e-2

# How to split.
split:
  by: "row" # or group
train:
  folds: 5
  candidates: # simplest first
    baseline: {}
    linear: {alpha: 1.0}
    # the last of them
    mlp: {hidden_units: [32]}

# How sure to be.
evaluate: {resamples: 200, confidence: 0.95}
"""


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({}, "", ""),
        ({"seed": 7}, "seed: 42 # chosen freely", "seed: 7 # chosen freely"),
        ({"data.raw": "data/raw"}, "raw: data/raw/iris.csv", "raw: data/raw"),
        ({"split.by": "time"}, 'by: "row" # or group', 'by: "time" # or group'),
        ({"train.folds": None}, "folds: 5", "folds: null"),
        ({"evaluate.confidence": 0.9}, "confidence: 0.95", "confidence: 0.9"),
    ],
)
def test_an_edited_value_leaves_every_other_sign_as_it_was(
    changes: dict[str, object], old: str, new: str
) -> None:
    assert edit_yaml(SETTINGS, changes) == SETTINGS.replace(old, new)


@pytest.mark.parametrize(
    "changes",
    [
        {"train.candidates": {"baseline": {}, "cnn": {"filters": [4, 8], "shift": 1}}},
        {"train.candidates": {}},
        {"data.resize": True, "features.columns": {"=a: b": ["impute", {"bin": 3}]}},
        {"features": {"numeric": ["impute"], "columns": {"a": ["log1p", "impute"]}}},
        {"features": {}, "train.folds": None, "train.holdout": 0.2, "split.by": "group"},
    ],
)
def test_an_edited_mapping_is_what_was_asked_for_and_keeps_the_comments_below_it(
    changes: dict[str, object],
) -> None:
    text = edit_yaml(SETTINGS, changes)
    expected = YAML(typ="safe").load(SETTINGS)
    for key, value in changes.items():
        section = expected
        *parents, last = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
    assert YAML(typ="safe").load(text) == expected
    for comment in ("# What to do.", "# chosen freely", "# How to split.", "# How sure to be."):
        assert comment in text
    assert text.count("# How sure to be.") == 1
    assert edit_yaml(text, changes) == text


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("seed", "# What to do.\nseed: 42 # chosen freely\n", ""),
        ("data.max_rejected", "  # Rows that may be unusable.\n  max_rejected: 1e-2\n", ""),
        ("train.folds", "  folds: 5\n", ""),
        ("train.candidates.baseline", "    baseline: {}\n", ""),
        ("train.candidates.mlp", "    # the last of them\n    mlp: {hidden_units: [32]}\n", ""),
        ("evaluate.resamples", "{resamples: 200, confidence: 0.95}", "{confidence: 0.95}"),
        ("evaluate.confidence", "{resamples: 200, confidence: 0.95}", "{resamples: 200}"),
        ("split.by", 'split:\n  by: "row" # or group\n', "split: {}\n"),
        ("train", SETTINGS[SETTINGS.index("train:") : SETTINGS.index("\n# How sure")], ""),
        ("train.holdout", "", ""),
        ("search.space.mlp", "", ""),
    ],
)
def test_a_key_that_is_to_be_absent_goes_with_its_comment(key: str, old: str, new: str) -> None:
    assert edit_yaml(SETTINGS, {key: ABSENT}) == SETTINGS.replace(old, new)


OF_SEVERAL_SHAPES = """\
features:
  columns:
    age:
      - impute # the mean
      - log1p

# The candidates.
train:
  folds: 5
  candidates:
    linear: {} # a line
    # A network would be too much.

  # How to judge.
  metric: rmse

# How sure to be.
evaluate: {resamples: 200}
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"features.columns": {}},
        {"features.columns": {"age": ["log1p"], "size": ["impute"]}},
        {"features.binary": ["ordinal"]},
        {"features": {"numeric": ["impute"], "columns": {"age": ["log1p"]}}},
        {"train.candidates": {}},
        {"train.candidates": {"baseline": {}, "mlp": {"patience": 5}}},
        {"train.candidates": 1, "train.metric": {"of": {"another": "shape"}}},
        {"train.holdout": 0.2, "train.folds": None},
        {"seed": 1, "evaluate.confidence": 0.9},
    ],
)
def test_a_comment_stays_right_above_the_key_that_it_is_about(changes: dict[str, object]) -> None:
    text = edit_yaml(OF_SEVERAL_SHAPES, changes)
    for lines in (
        "\n\n# The candidates.\ntrain:\n",
        "\n    # A network would be too much.\n\n  # How to judge.\n  metric:",
        "\n\n# How sure to be.\nevaluate:",
    ):
        assert text.count(lines) == 1
    assert edit_yaml(text, changes) == text


CANDIDATES = """\
train:
    candidates:   # simplest first
        linear: {alpha: 1e-2}  # a line
        knn:
        forest: # with a comment

        # The slow ones.
        mlp: {"hidden_units": [32], schedule: "cosine",
              max_epochs: 100}   # two lines
        tree:
            max_depth: 3 # three
            # below it

        boosting: {trees: 100, learning_rate: 0.1}  # a long one
metrics:
    - mine
"""


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"linear.alpha": 0.01}, "", ""),
        ({"linear.alpha": 0.032}, "{alpha: 1e-2}", "{alpha: 0.032}"),
        ({"linear.intercept": True}, "{alpha: 1e-2}", "{alpha: 1e-2, intercept: true}"),
        (
            {"knn.neighbours": 3, "knn.weights": None},
            "knn:\n",
            "knn: {neighbours: 3, weights: null}\n",
        ),
        ({"forest.trees": 5}, "forest: # with", "forest: {trees: 5} # with"),
        ({"mlp.hidden_units": [64, 64]}, "[32]", "[64, 64]"),
        ({"mlp.schedule": "constant"}, '"cosine"', '"constant"'),
        ({"mlp.dropout": 0.5}, "100}   #", "100, dropout: 0.5}   #"),
        ({"tree.max_depth": None}, "max_depth: 3 #", "max_depth: null #"),
        ({"tree.leaf": 2}, "3 # three\n", "3 # three\n            leaf: 2\n"),
    ],
)
def test_an_option_is_set_where_its_like_are_and_nothing_else_is_touched(
    changes: dict[str, object], old: str, new: str
) -> None:
    changes = {f"train.candidates.{key}": value for key, value in changes.items()}
    assert edit_yaml(CANDIDATES, changes) == CANDIDATES.replace(old, new)


def test_a_mapping_that_grows_too_long_for_its_line_is_broken_into_lines() -> None:
    more = {"max_leaf_nodes": 8, "min_samples_leaf": 20, "max_features": 0.5, "l2": 5.0}
    changes = {f"train.candidates.boosting.{key}": value for key, value in more.items()}
    expected = "        boosting:  # a long one\n" + "".join(
        f"          {key}: {value}\n"
        for key, value in {"trees": 100, "learning_rate": 0.1, **more}.items()
    )
    assert edit_yaml(CANDIDATES, changes) == CANDIDATES.replace(
        "        boosting: {trees: 100, learning_rate: 0.1}  # a long one\n", expected
    )


def test_a_mapping_within_a_value_is_broken_into_lines_where_it_is_too_long_for_one() -> None:
    options = dict.fromkeys(("learning_rate", "max_features", "share", "tolerance", "l2"), 0.0125)
    changes = {"train.candidates": {"linear": {"alpha": 1.0}, "boosting": options}}
    lines = "".join(f"        {key}: 0.0125\n" for key in options)
    expected = f"      linear: {{alpha: 1.0}}\n      boosting:\n{lines}metrics:"
    assert expected in edit_yaml(CANDIDATES, changes)


def test_a_key_that_was_not_there_gets_its_comment_and_others_do_not() -> None:
    comments = {
        "data.resize": "Scale images. " * 8,
        "seed": "Not told.",
        "features.text": "Nor so.",
    }
    changes = {"data.resize": True, "seed": 7, "features.text": ["terms"]}
    text = edit_yaml(SETTINGS, changes, comments)
    lines = ["Scale images. " * 6 + "Scale", "images. Scale images."]
    added = "".join(f"\n  # {line}" for line in lines)
    assert f"  max_rejected: 1e-2{added}\n  resize: true\n" in text
    assert "Not told." not in text
    assert "Nor so." not in text  # a line for a section of its own
    assert edit_yaml(text, {"data.resize": ABSENT}) == edit_yaml(
        SETTINGS, {**changes} | {"data.resize": ABSENT}
    )


def test_a_value_that_another_one_refers_to_is_not_changed() -> None:
    with pytest.raises(UserError, match=r"^params\.yaml: its values cannot be changed one"):
        edit_yaml("a: &shared {b: 1}\nc: *shared\n", {"a.b": 2})
