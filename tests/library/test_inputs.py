"""An input that is edited while a stage runs makes the stage fail."""

import json
import os
from pathlib import Path

import pytest
from conftest import PARAMS, write_params
from lockstep.core.errors import UserError
from lockstep.core.inputs import guard_inputs
from lockstep.core.project import Project
from lockstep.core.runtime import STARTED
from lockstep.core.stage import guard_stage

DEFINITION = {
    "deps": ["data/raw", "src/code.py"],
    "params": ["seed", "train.folds", {"environment.yaml": ["numpy"]}],
}


@pytest.fixture
def inputs(project: Project) -> Project:
    """A project whose stage `train` depends on data, code and parameters."""
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": {"train": DEFINITION}}))
    (project.root / "src").mkdir()
    code = project.root / "src" / "code.py"
    code.write_text("x = 1")
    os.utime(code, ns=(0, STARTED - 1))
    project.environment_file.write_text('{"numpy": "1", "docs": "1"}')
    return project


def edit_code(project: Project) -> None:
    (project.root / "src" / "code.py").write_text("x = 12")


def add_raw_file(project: Project) -> None:
    (project.root / "data" / "raw" / "more.csv").write_text("x")


def remove_code(project: Project) -> None:
    (project.root / "src" / "code.py").unlink()


def change_parameter(project: Project) -> None:
    write_params(project, train=PARAMS["train"] | {"folds": 9})


def change_library(project: Project) -> None:
    project.environment_file.write_text('{"numpy": "2", "docs": "1"}')


def change_what_the_stage_does_not_read(project: Project) -> None:
    write_params(project, evaluate={"resamples": 9, "confidence": 0.9})
    project.environment_file.write_text('{"numpy": "1", "docs": "2"}')
    (project.root / "README.md").write_text("new")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (edit_code, "src/code.py"),
        (add_raw_file, "data/raw/more.csv"),
        (remove_code, "src/code.py"),
        (change_parameter, "train.folds in params.yaml"),
        (change_library, "numpy in environment.yaml"),
    ],
)
def test_a_change_while_the_stage_runs_is_named(inputs: Project, change, name: str) -> None:
    with pytest.raises(UserError) as error, guard_inputs(inputs, "train"):
        change(inputs)
    assert str(error.value).startswith(f"train: {name} changed while the stage ran; ")


def test_code_edited_after_the_process_started_is_named_though_the_stage_began_later(
    inputs: Project,
) -> None:
    edit_code(inputs)
    with (
        pytest.raises(UserError, match=r"train: src/code\.py changed"),
        guard_inputs(inputs, "train"),
    ):
        pass


def test_a_time_to_come_is_no_edit_and_hides_none(inputs: Project) -> None:
    code, to_come = inputs.root / "src" / "code.py", 2 * STARTED
    for file in (code, inputs.root / PARAMS["data"]["raw"]):
        os.utime(file, ns=(to_come, to_come))
    with guard_inputs(inputs, "train"):
        pass
    with (
        pytest.raises(UserError, match=r"train: src/code\.py changed"),
        guard_inputs(inputs, "train"),
    ):
        edit_code(inputs)


def test_an_edit_with_a_clock_that_was_set_back_is_named(inputs: Project) -> None:
    with (
        pytest.raises(UserError, match=r"train: src/code\.py changed"),
        guard_inputs(inputs, "train"),
    ):
        (inputs.root / "src" / "code.py").write_text("x = 2")
        os.utime(inputs.root / "src" / "code.py", ns=(0, 0))


def test_files_that_dvc_ignores_may_change(inputs: Project) -> None:
    (inputs.root / ".dvcignore").write_text("# not data\nREADME.md\n*.tmp\n")
    with guard_inputs(inputs, "train"):
        (inputs.root / "data" / "raw" / "README.md").write_text("new")
        (inputs.root / "data" / "raw" / ".fruit.csv.tmp").write_text("new")


def test_a_file_of_parameters_may_be_a_dependency_as_a_whole(inputs: Project) -> None:
    definition = {"params": [{"more.yaml": None}, {"pyproject.toml": ["project.version"]}]}
    (inputs.root / "dvc.yaml").write_text(json.dumps({"stages": {"train": definition}}))
    (inputs.root / "more.yaml").write_text("a: 1")
    with pytest.raises(UserError) as error, guard_inputs(inputs, "train"):
        (inputs.root / "more.yaml").write_text("a: 12")
        (inputs.root / "pyproject.toml").write_text("[project]")
    assert str(error.value).startswith("train: more.yaml, pyproject.toml changed")


def test_what_the_stage_does_not_depend_on_may_change(inputs: Project) -> None:
    with guard_inputs(inputs, "train"):
        change_what_the_stage_does_not_read(inputs)


def test_a_stage_that_fails_tells_its_own_mistake(inputs: Project) -> None:
    with pytest.raises(ZeroDivisionError), guard_inputs(inputs, "train"):
        edit_code(inputs)
        raise ZeroDivisionError


def test_a_stage_records_its_environment_and_says_how_it_computes(
    inputs: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(inputs, reproducibility="fast")

    def train(_: Project) -> None:
        print("done")

    guard_stage(train)
    out, err = capsys.readouterr()
    assert out == "done\n"
    assert (
        err
        == "train: reproducibility is fast: another run gives close results, not the same bytes\n"
    )
    assert "numpy: " in Path("environment.yaml").read_text()


@pytest.mark.parametrize(
    ("named", "is_told"),
    [([], True), (["references"], False), (["references/vectors.txt"], False), (["ref"], True)],
)
def test_vectors_that_dvc_does_not_watch_are_told_before_anything_is_learnt(
    inputs: Project, named: list[str], is_told: bool
) -> None:
    stages = {"train": {"deps": [*DEFINITION["deps"], *named]}}
    (inputs.root / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    write_params(inputs, features={"tokens": {"vectors": "references/vectors.txt"}})
    started = []

    def train(project: Project) -> None:
        started.append(project)

    if is_told:
        with pytest.raises(UserError) as error:
            guard_stage(train)
        assert str(error.value) == (
            "params.yaml: features.tokens.vectors: references/vectors.txt: dvc.yaml does not name "
            "it, so that a change of it would go unseen; add `- references/vectors.txt` to the "
            "`deps` of the stage `train`"
        )
    else:
        guard_stage(train)
    assert len(started) == (not is_told)
