"""params.yaml: what it may say, and how a mistake in it is told."""

import jinja2
import pytest
from conftest import TEMPLATE, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.problem import make_problem
from owner import features, models  # noqa: F401 - they register steps and candidates
from sklearn.base import BaseEstimator


@pytest.mark.parametrize("dataset", ["iris", "diabetes", "digits"])
def test_the_templates_params_can_be_followed(project: Project, dataset: str) -> None:
    (schema,) = (TEMPLATE / "references").glob(f"*'{dataset}'*schema.yaml*")
    for source, file in (
        (TEMPLATE / "params.yaml", project.params_file),
        (schema, project.contract_file),
    ):
        answers = {"dataset": dataset, "keras_backend": "jax"}
        text = jinja2.Template(source.read_text(encoding="utf-8")).render(cookiecutter=answers)
        file.write_text(text, encoding="utf-8")
    params, contract = project.params, project.contract
    for name, options in params.train.candidates.items():
        steps = (
            make_features(name, params, contract),
            make_candidate(name, options, make_problem(params, contract)),
        )
        assert all(isinstance(step, BaseEstimator) for step in steps)


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
        _ = project.params
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("raw", ["data/raw", "data/raw/", "data/raw/a/b.csv"])
def test_the_raw_data_are_the_folder_or_something_in_it(project: Project, raw: str) -> None:
    write_params(project, data={"raw": raw, "max_rejected": 0})
    assert project.params.data.raw == raw


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
        _ = project.params
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1
