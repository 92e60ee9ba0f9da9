"""The record of what the stages compute with."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from conftest import read_stages
from lockstep.commands.startup import before_dvc
from lockstep.core.environment import read_environment, record_environment, watched_libraries
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from ruamel.yaml import YAML

STAGES = read_stages("dvc.yaml")


def libraries_of(stage: str) -> set[str]:
    parameters = [entry for entry in STAGES[stage]["params"] if isinstance(entry, dict)]
    return {name for entry in parameters for name in entry.get("environment.yaml", [])}


@pytest.fixture
def pipeline(project: Project) -> Project:
    """A project whose stages compute with two libraries, one of which is not installed."""
    stages = {
        "train": {"params": ["seed", {"environment.yaml": ["python", "numpy"]}]},
        "evaluate": {"params": [{"environment.yaml": ["unheard-of"]}, {"more.yaml": ["a"]}]},
    }
    (project.root / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    return project


def test_the_record_reads_back_as_the_versions_that_are_installed(pipeline: Project) -> None:
    record_environment(pipeline)
    content = YAML(typ="safe").load(pipeline.environment_file)
    assert content == read_environment(watched_libraries(pipeline))
    assert content["numpy"] == metadata.version("numpy")
    assert content["python"] == ".".join(map(str, sys.version_info[:2]))


def test_the_record_names_what_the_stages_compute_with_and_the_processor(
    pipeline: Project,
) -> None:
    record_environment(pipeline)
    content = YAML(typ="safe").load(pipeline.environment_file)
    assert [*content] == ["python", "numpy", "unheard-of", "processor"]
    assert content["unheard-of"] == "none"


def test_a_record_that_is_right_is_not_written_again(pipeline: Project) -> None:
    record_environment(pipeline)
    before = pipeline.environment_file.stat().st_mtime_ns
    record_environment(pipeline)
    assert pipeline.environment_file.stat().st_mtime_ns == before


def test_a_record_of_another_version_is_replaced(pipeline: Project) -> None:
    pipeline.environment_file.write_text('numpy: "1.0"\n')
    record_environment(pipeline)
    content = YAML(typ="safe").load(pipeline.environment_file)
    assert content["numpy"] == metadata.version("numpy")


def test_a_pipeline_that_cannot_be_read_is_told(project: Project) -> None:
    (project.root / "dvc.yaml").write_text("stages: [")
    with pytest.raises(UserError, match=r"dvc\.yaml, line 1: not valid YAML"):
        record_environment(project)


@pytest.mark.parametrize("content", ["stages: [", "stages: [a]", "stages:", ""])
def test_a_pipeline_that_cannot_be_read_does_not_keep_dvc_from_starting(
    project: Project, content: str
) -> None:
    (project.root / "dvc.yaml").write_text(content)
    before_dvc()


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["dvc", "exp", "run", "--temp"], True),
        (["python", "-m", "dvc", "queue", "start"], True),
        (["dvc", "repro", "train"], False),
    ],
)
def test_an_experiment_runs_by_the_code_of_the_folder_it_is_in(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: bool,
) -> None:
    monkeypatch.setattr(sys, "orig_argv", arguments)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "own"))
    before_dvc()
    copy = tmp_path / "copy"
    (copy / "src").mkdir(parents=True)
    code = [sys.executable, "-c", "import sys; print(*sys.path, sep='\\n')"]
    done = subprocess.run(code, cwd=copy, capture_output=True, text=True, check=True)
    paths = done.stdout.splitlines()
    assert (str(copy / "src") in paths) == expected
    assert str(tmp_path / "own") in paths


def test_the_environment_is_recorded_before_dvc_looks(pipeline: Project) -> None:
    before_dvc()
    assert "numpy: " in pipeline.environment_file.read_text()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_depends_on_python_and_the_libraries_it_computes_with(stage: str) -> None:
    assert {"python", "numpy", "pandas", "pyarrow"} <= libraries_of(stage)
    if stage in ("train", "evaluate"):
        assert {"scikit-learn", "keras", "jax", "tensorflow", "torch"} <= libraries_of(stage)
