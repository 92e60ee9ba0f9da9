"""Reading a file of settings, and telling what is wrong with it."""

import pytest
from conftest import PARAMS, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project


def test_an_unknown_key_is_named_with_what_was_perhaps_meant(project: Project) -> None:
    write_params(project, train=PARAMS["train"] | {"fold": 3})
    with pytest.raises(UserError) as error:
        _ = project.params
    assert str(error.value) == (
        "params.yaml: train.fold: unknown key; did you mean folds? "
        "allowed: metric, champion, metrics, decision, contamination, clusters, coverage, device, "
        "folds, holdout, one_standard_error, max_rows_in_memory, training_sizes, candidates"
    )


def test_a_misspelt_key_is_one_mistake_and_not_missing_as_well(project: Project) -> None:
    text = project.params_file.read_text().replace('"folds"', '"foldz"')
    project.params_file.write_text(text)
    with pytest.raises(UserError) as error:
        _ = project.params
    assert str(error.value).startswith("params.yaml: train.foldz: unknown key; did you mean folds?")
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
        _ = project.params
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_numbers_are_read_as_yaml_1_2_does(project: Project) -> None:
    text = project.params_file.read_text().replace("0.25", "25e-2")
    project.params_file.write_text(text)
    assert project.params.split.test_fraction == 0.25
