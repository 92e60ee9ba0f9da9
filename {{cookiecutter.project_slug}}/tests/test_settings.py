"""What this project's own files of settings say: they are valid, and dvc.yaml knows the code."""

import re

import pytest
from conftest import HERE
from lockstep import make_candidate, make_features, make_problem
from ruamel.yaml import YAML

from package_name import features, metrics, models  # noqa: F401 - params.yaml names what is in them

STAGES = YAML(typ="safe").load((HERE.root / "dvc.yaml").read_text("utf-8"))["stages"]
PACKAGE = f"src/{HERE.package}"
OWN_IMPORT = re.compile(r"^(?:from \.(\w*) import (.+?)|import \.)(?:\s+#.*)?$", re.MULTILINE)


def has_contract() -> bool:
    return "\ntarget:" in HERE.contract_file.read_text("utf-8")  # not in a comment


def imported_by(module: str) -> set[str]:
    """The package's own modules that a module imports, directly or through another."""
    file = HERE.root / PACKAGE / f"{module}.py"
    text = file.read_text("utf-8") if file.exists() else ""  # a folder counts by its name
    names = [one or many for one, many in OWN_IMPORT.findall(text)]
    direct = {name.strip() for line in names for name in line.split(",")}
    return direct.union(*map(imported_by, direct))


@pytest.mark.skipif(not has_contract(), reason="there are no data yet")
def test_every_candidate_of_params_yaml_can_be_made() -> None:
    problem = make_problem(HERE.params, HERE.examples)
    for name, options in HERE.params.train.candidates.items():
        make_features(name, HERE.params, HERE.examples)
        assert hasattr(make_candidate(name, options, problem), "fit"), name


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_just_the_modules_it_imports(stage: str) -> None:
    deps = STAGES[stage]["deps"]
    listed = {path.removesuffix(".py") for path in deps if path.startswith(PACKAGE)}
    needed = {f"{PACKAGE}/{name}" for name in {stage} | imported_by(stage)}
    assert listed in ({PACKAGE}, needed), f"dvc.yaml: deps of {stage}: name what it imports"
