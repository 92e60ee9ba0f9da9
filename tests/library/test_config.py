"""params.yaml: what it may say, and how a mistake in it is told."""

from pathlib import Path

import pytest
from conftest import PARAMS, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project


def test_this_projects_own_params_are_valid() -> None:
    assert Project(Path(__file__).parents[1]).params().train.candidates


def test_an_unknown_key_is_named_with_what_was_perhaps_meant(project: Project) -> None:
    write_params(project, train=PARAMS["train"] | {"fold": 3})
    with pytest.raises(UserError) as error:
        project.params
    assert str(error.value) == (
        "params.yaml: train.fold: unknown key; did you mean folds? "
        "allowed: metric, folds, holdout, one_standard_error, max_rows_in_memory, training_sizes, "
        "candidates"
    )


def test_a_misspelt_key_is_one_mistake_and_not_missing_as_well(project: Project) -> None:
    text = project.params_file.read_text().replace('"folds"', '"foldz"')
    project.params_file.write_text(text)
    with pytest.raises(UserError) as error:
        project.params
    assert str(error.value).startswith("params.yaml: train.foldz: unknown key; did you mean folds?")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("seed", -1, "params.yaml: seed: found -1, which should be greater than or equal to 0"),
        ("kind", "ranking", "params.yaml: kind: found 'ranking', which should be 'classification'"),
        ("split", {"test_fraction": 1.5}, "params.yaml: split.test_fraction: found 1.5"),
        ("seed", True, "params.yaml: seed: found True, which should be a valid integer"),
        ("seed", 2**32, "params.yaml: seed: found 4294967296, which should be less than"),
        ("data", {"raw": "data/raw/a.csv", "max_rejected": "x"}, "data.max_rejected: found 'x'"),
        (
            "data",
            {"raw": "../a.csv", "max_rejected": 0},
            "data.raw: found '../a.csv'; name data/raw",
        ),
        ("data", {"raw": "data/raw/../a", "max_rejected": 0}, "data.raw: found 'data/raw/../a'"),
        ("data", {"raw": "data", "max_rejected": 0}, "data.raw: found 'data'; name data/raw"),
        ("evaluate", {"resamples": 9}, "params.yaml: evaluate.confidence: missing"),
        ("train", None, "params.yaml: train: found None"),
    ],
)
def test_an_impossible_value_is_named_with_its_key(
    project: Project, key: str, value: object, expected: str
) -> None:
    write_params(project, **{key: value})
    with pytest.raises(UserError) as error:
        project.params
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"seed: [1", "params.yaml, line 1: not valid YAML"),
        (b"seed: 1\nseed: 2\n", "not valid YAML: found duplicate key"),
        (b"seed: \xff", "params.yaml: not UTF-8 text"),
        (b"# nothing\n", "params.yaml: says nothing yet"),
        (b"- 1\n", "params.yaml: found [1], which should be keys with their values"),
    ],
)
def test_a_file_that_is_no_mapping_is_told_in_one_line(
    project: Project, content: bytes, expected: str
) -> None:
    project.params_file.write_bytes(content)
    with pytest.raises(UserError) as error:
        project.params
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("raw", ["data/raw", "data/raw/", "data/raw/a/b.csv"])
def test_the_raw_data_are_the_folder_or_something_in_it(project: Project, raw: str) -> None:
    write_params(project, data={"raw": raw, "max_rejected": 0})
    assert project.params.data.raw == raw


def test_numbers_are_readas_yaml_1_2_does(project: Project) -> None:
    text = project.params_file.read_text().replace("0.25", "25e-2")
    project.params_file.write_text(text)
    assert project.params.split.test_fraction == 0.25


def test_the_project_is_found_from_a_folder_inside_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root / "data" / "raw")
    assert Project.find().root == project.root


def test_outside_a_project_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"not inside a project: no params\.yaml"):
        Project.find()


def test_nothing_after_a_candidates_name_means_no_options(project: Project) -> None:
    write_params(project, train={"folds": 3, "candidates": {"baseline": None}})
    assert project.params.train.candidates == {"baseline": {}}


@pytest.mark.parametrize(
    ("section", "content", "expected"),
    [
        ("train", {"folds": 3, "candidates": {}}, "train.candidates: found {}, which should not"),
        ("train", {"folds": 3, "candidates": {"linear": 3}}, "found 3, which should be options"),
        ("features", {"ordered": "ordinal"}, "features.ordered: found 'ordinal'; a list of steps"),
        ("features", {"ordered": [["ordinal"]]}, "features.ordered: found [['ordinal']]; a list"),
    ],
)
def test_a_value_of_another_shape_is_told_in_one_line(
    project: Project, section: str, content: dict, expected: str
) -> None:
    write_params(project, **{section: content})
    with pytest.raises(UserError) as error:
        project.params
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1
