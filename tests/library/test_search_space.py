"""What may be tried of options, as params.yaml says it and as a sampler sees it."""

import json
from typing import Any

import jinja2
import pytest
from conftest import PARAMS, TEMPLATE, make_params, write_params
from lockstep.adopting.spaces import SPACES
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.params import Params, SearchParams, Space
from lockstep.core.project import Project
from lockstep.modeling.problem import Problem, make_problem
from lockstep.searching.space import choose_spaces, decode, draw_grid, encode, read_current
from owner import models  # noqa: F401 - it registers the candidates
from ruamel.yaml import YAML

RANGE = {"low": 1, "high": 9}
CANDIDATES_HERE = {
    "baseline": {},
    "linear": {},
    "svm": {},
    "forest": {"trees": 20},
    "mlp": {"hidden_units": [8, 8]},
}


def make(space: object, candidates: dict[str, dict[str, Any]] | None = None) -> Params:
    """What params.yaml says with such a space, and with some candidates."""
    train = PARAMS["train"] | {"candidates": candidates or CANDIDATES_HERE}
    return make_params(train=train, search={"space": space})


def choose(params: Params, *names: str, **problem: Any) -> dict[str, Space]:
    return choose_spaces(params, Problem("classification", 1, **problem), names)


def read_space(**domains: object) -> Space:
    return SearchParams.model_validate({"space": {"candidate": domains}}).space["candidate"]


def render(dataset: str) -> Params:
    text = (TEMPLATE / "params.yaml").read_text(encoding="utf-8")
    answers = {"dataset": dataset, "keras_backend": "jax"}
    content = YAML(typ="safe").load(jinja2.Template(text).render(cookiecutter=answers))
    return Params.model_validate(content)


DATASETS = json.loads((TEMPLATE.parent / "cookiecutter.json").read_text("utf-8"))["dataset"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_project_has_the_spaces_of_its_candidates_alone_as_use_writes_them(dataset: str) -> None:
    params = render(dataset)
    usual = SearchParams.model_validate({"space": SPACES}).space
    own = [name for name in params.train.candidates if name in usual]
    assert params.search.space == {name: usual[name] for name in own}


@pytest.mark.parametrize("dataset", ["iris", "diabetes", "digits"])
def test_every_candidate_takes_what_stands_in_its_space(dataset: str) -> None:
    (schema,) = (TEMPLATE / "references").glob(f"*'{dataset}'*schema.yaml*")
    contract = Contract.model_validate(YAML(typ="safe").load(schema.read_text("utf-8")))
    params = render(dataset)
    spaces = choose_spaces(params, make_problem(params, contract), ())
    assert [*spaces] == [*params.train.candidates][1:]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ([], ": found []; a list of choices such as [uniform, distance], or a range"),
        (3, ": found 3; a list of choices"),
        ({"low": 1}, ": found {'low': 1}; a list of choices"),
        ({"choices": [1]}, ": found {'choices': [1]}; a list of choices"),
        ({"low": 5, "high": 3}, ": low is 5; it must be below high, which is 3"),
        ({"low": 5, "high": 5}, ": low is 5; it must be below high, which is 5"),
        (
            {"low": 0, "high": 3, "log": True},
            ": low is 0; on a logarithmic scale it must be above 0, at",
        ),
        (
            {"low": 1e-300, "high": 3, "log": True},
            ": low is 1e-300; on a logarithmic scale it must",
        ),
        ({"low": "a", "high": 3}, ".low: found 'a', which should be a valid integer, or a valid"),
        ({"low": 1, "high": True}, ".high: found True, which should be a valid integer, or"),
        ({"low": 1, "high": float("inf")}, ".high: found 'Infinity', which should be"),
        ({"low": -1e308, "high": 1e308}, ": found -1e+308; the ends of a range are at most 1e+15"),
        ({"low": 1, "high": 2, "step": 1}, ".step: unknown key; allowed: choices, low, high, log"),
        ({"low": 1, "high": 2, "length": [3, 1]}, ": length is [3, 1]; the fewest come first"),
        ({"low": 1, "high": 2, "length": 3}, ".length: found 3, which should be a list"),
        ({"low": 1, "high": 2, "length": [0, 1]}, ".length.0: found 0, which should be greater"),
        ({"low": 1, "high": 2, "length": [1, 10**9]}, ".length.1: found 1000000000, which should"),
    ],
)
def test_an_impossible_domain_is_told_in_a_line_that_names_its_key(
    project: Project, domain: object, expected: str
) -> None:
    write_params(project, search={"space": {"forest": {"trees": domain}}})
    with pytest.raises(UserError) as error:
        _ = project.params
    assert str(error.value).startswith(f"params.yaml: search.space.forest.trees{expected}")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ({"fores": {"trees": RANGE}}, "fores: unknown candidate; did you mean forest?"),
        ({"forest": {"tres": RANGE}}, "forest.tres: unknown option; did you mean trees?"),
        ({"knn": {"tres": RANGE}, "linear": {"alpha": RANGE}}, "knn.tres: unknown option"),
        ({"baseline": {"trees": RANGE}}, "baseline.trees: unknown option; allowed: none"),
        (
            {"forest": {"trees": {"low": 0, "high": 9}}},
            "forest.trees.low: found 0, which should be greater than 0",
        ),
        (
            {"forest": {"trees": {"low": 1, "high": 9.5}}},
            "forest.trees.high: found 9.5, which should be a valid integer",
        ),
        (
            {"svm": {"kernel": ["rbf", "rfb"]}},
            "svm.kernel: found 'rfb', which should be 'rbf', 'poly', 'sigmoid' or 'linear'",
        ),
        (
            {"mlp": {"dropout": {"low": 0.0, "high": 1.0}}},
            "mlp.dropout.high: found 1.0, which should be less than 1",
        ),
        ({"mlp": {"hidden_units": RANGE}}, "mlp.hidden_units.low: found 1, which should be a"),
        (
            {"mlp": {"hidden_units": {"low": 0, "high": 9, "length": [2, 3]}}},
            "mlp.hidden_units.low: found 0, which should be greater than 0",
        ),
        (
            {"forest": {"trees": RANGE | {"length": [1, 1]}}},
            "forest.trees.low: found [1], which should be a valid integer",
        ),
        ({"knn": {"neighbours": RANGE}}, "none of train.candidates is there; say what may be"),
        ({"forest": {}}, "none of train.candidates is there; say what may be tried"),
        ({"forest": None}, "none of train.candidates is there; say what may be tried"),
        (None, "none of train.candidates is there; say what may be tried"),
    ],
)
def test_a_space_that_the_candidates_refuse_is_told_in_a_line_that_names_its_key(
    space: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UserError) as error:
        choose(make(space))
    where = (
        "params.yaml: search.space: "
        if expected.startswith("none")
        else ("params.yaml: search.space.")
    )
    assert str(error.value).startswith(where + expected)
    assert len(str(error.value).splitlines()) == 1


def test_more_filters_than_the_images_have_room_for_are_told() -> None:
    params = make({"cnn": {"filters": [[8], [8, 8, 8]]}}, {"baseline": {}, "cnn": {}})
    with pytest.raises(UserError) as error:
        choose(params, image=(12, 12, 1))
    assert str(error.value) == (
        "params.yaml: search.space.cnn.filters: nothing is left of 12x12 pixels after 3 "
        "convolutions and poolings; fewer filters, or padding: same, leave more"
    )


def test_a_mistake_in_the_candidates_themselves_is_told_as_theirs() -> None:
    params = make({"forest": {"max_depth": RANGE}}, {"baseline": {}, "forest": {"trees": 0}})
    with pytest.raises(
        UserError, match=r"^params\.yaml: train\.candidates\.forest\.trees: found 0"
    ):
        choose(params)


def test_those_are_searched_that_are_candidates_and_have_a_space_or_are_named() -> None:
    space = {"svm": {"penalty": RANGE}, "linear": {"alpha": RANGE}, "cnn": {"shift": RANGE}}
    params = make(space)
    assert [*choose(params)] == ["linear", "svm"]
    assert [*choose(params, "svm", "linear", "svm")] == ["linear", "svm"]
    assert [*choose(params, "svm")] == ["svm"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "svn",
            "svn: not among train.candidates in params.yaml; did you mean svm? allowed: linear",
        ),
        ("cnn", "cnn: not among train.candidates in params.yaml; allowed: linear, svm"),
        (
            "forest",
            "params.yaml: search.space.forest: missing; it says what may be tried of forest",
        ),
        ("baseline", "params.yaml: search.space.baseline: missing; it says what may be tried"),
    ],
)
def test_a_name_that_cannot_be_searched_is_told(name: str, expected: str) -> None:
    space = {"svm": {"penalty": RANGE}, "linear": {"alpha": RANGE}, "cnn": {"shift": RANGE}}
    with pytest.raises(UserError) as error:
        choose(make(space), "svm", name)
    assert str(error.value).startswith(expected)


SPACE = read_space(
    whole={"low": 1, "high": 100, "log": True},
    number={"low": 0.0012345, "high": 1, "log": True},
    units={"low": 4, "high": 64, "length": [1, 3]},
    weight=[None, "balanced", 1, 1.0, True, [1, 2]],
)


@pytest.mark.parametrize(
    "options",
    [
        {"whole": 1, "number": 0.5, "units": [64, 64], "weight": None},
        {"whole": 100, "number": 1.0, "units": [4], "weight": [1, 2]},
        {"whole": 7, "number": 0.00124, "units": [9, 9, 9], "weight": True},
        {"whole": 7, "number": 0.00124, "units": [9, 9, 9], "weight": 1.0},
    ],
)
def test_options_within_the_space_come_back_from_their_coordinates(
    options: dict[str, Any],
) -> None:
    back = decode(SPACE, encode(SPACE, options))
    assert back == options
    assert [*map(repr, back.values())] == [*map(repr, options.values())]


@pytest.mark.parametrize(
    "change",
    [
        *({"whole": 0}, {"whole": 2.0}, {"whole": True}, {"whole": None}, {"number": "scale"}),
        *({"number": 1.5}, {"units": [8, 4]}, {"units": [8] * 4}, {"units": []}, {"units": 8}),
        *({"units": [65]}, {"weight": "none"}, {"weight": [2, 1]}, {"weight": False}),
    ],
)
def test_options_outside_the_space_have_no_coordinates(change: dict[str, Any]) -> None:
    within = {"whole": 1, "number": 0.5, "units": [64, 64], "weight": None}
    assert encode(SPACE, within | change) is None
    (name,) = change
    del within[name]
    assert encode(SPACE, within) is None


def test_a_number_is_rounded_to_three_digits_within_its_range() -> None:
    space = read_space(number={"low": 0.0012345, "high": 0.98765})
    for number, expected in ((0.123456, 0.123), (0.00123456, 0.0012345), (0.98764, 0.98765)):
        assert decode(space, {"number": number}) == {"number": expected}


def test_what_a_candidate_has_now_is_what_params_yaml_says_or_else_its_default(
    contract: Contract,
) -> None:
    names = ("hidden_units", "dropout", "learning_rate", "max_epochs")
    space = {"mlp": {name: [1, 2] for name in names}, "svm": {"gamma": [1.0]}}
    params = make(space, {"baseline": {}, "svm": {}, "mlp": {"max_epochs": 7}})
    problem, spaces = make_problem(params, contract), params.search.space
    assert read_current("mlp", spaces["mlp"], params, problem) == {
        "hidden_units": [64, 64],
        "dropout": 0.0,
        "learning_rate": 0.01,
        "max_epochs": 7,
    }
    assert read_current("svm", spaces["svm"], params, problem) == {"gamma": "scale"}


def test_a_grid_has_each_combination_of_choices_and_of_four_values_of_a_range_once() -> None:
    space = read_space(
        rate={"low": 0.001, "high": 1.0, "log": True},
        few={"low": 1, "high": 2},
        units={"low": 10, "high": 40, "length": [1, 2]},
        weight=[None, "balanced"],
    )
    grid = draw_grid(space, 1000, "seed")
    assert len(grid) == 4 * 2 * 8 * 2
    assert len({str(options) for options in grid}) == len(grid)
    assert {options["rate"] for options in grid} == {0.001, 0.01, 0.1, 1.0}
    assert {options["few"] for options in grid} == {1, 2}
    assert {(*options["units"],) for options in grid} == {
        *((10,), (20,), (30,), (40,), (10, 10), (20, 20), (30, 30), (40, 40))
    }
    assert draw_grid(space, 9, "seed") == draw_grid(space, 9, "seed")
    assert draw_grid(space, 9, "seed") != draw_grid(space, 9, "another")
    assert all(encode(space, options) for options in grid)


def test_a_huge_grid_is_drawn_from_without_being_made() -> None:
    space = read_space(**{f"option_{number}": {"low": 0.0, "high": 1.0} for number in range(25)})
    assert len(draw_grid(space, 3, "seed")) == 3
