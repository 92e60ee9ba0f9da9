"""The record of what the stages compute with."""

import sys
from importlib import metadata
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lockstep.core.environment import LIBRARIES, current, record

ROOT = Path(__file__).parents[1]
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def libraries_of(stage: str) -> set[str]:
    parameters = [entry for entry in STAGES[stage]["params"] if isinstance(entry, dict)]
    return {name for entry in parameters for name in entry["environment.yaml"]}


def test_the_record_reads_back_as_the_versions_that_are_installed(tmp_path: Path) -> None:
    record(tmp_path / "environment.yaml")
    content = YAML(typ="safe").load(tmp_path / "environment.yaml")
    assert content == current()
    assert content["numpy"] == metadata.version("numpy")
    assert content["python"] == ".".join(map(str, sys.version_info[:2]))


def test_a_record_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "environment.yaml"
    record(path)
    before = path.stat().st_mtime_ns
    record(path)
    assert path.stat().st_mtime_ns == before


def test_a_record_of_another_version_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "environment.yaml"
    path.write_text('numpy: "1.0"\n')
    record(path)
    assert YAML(typ="safe").load(path)["numpy"] == metadata.version("numpy")


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_depends_on_python_and_the_libraries_it_computes_with(stage: str) -> None:
    assert {"python", "numpy", "pandas", "pyarrow"} <= libraries_of(stage)
    assert libraries_of(stage) <= {"python", *LIBRARIES}
    if stage in ("train", "evaluate"):
        assert {"scikit-learn", "keras", "jax", "tensorflow", "torch"} <= libraries_of(stage)
