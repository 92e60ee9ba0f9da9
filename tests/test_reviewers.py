"""What is generated, as tools see it that others wrote."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project, bake

BIN = Path(sys.executable).parent
LIBRARY = TEMPLATE / "{{cookiecutter.project_slug}}" / "vendor" / "lockstep"
# Lines are as long as in Python; `on` is GitHub's word; DVC and people need no `---`.
YAMLLINT = """
extends: default
rules:
  comments: {min-spaces-from-content: 1}
  document-start: disable
  line-length: {max: 120}
  truthy: {check-keys: false}
"""
DVC_SCHEMA = """
from dvc.schema import COMPILED_MULTI_STAGE_SCHEMA as schema
from ruamel.yaml import YAML
for path in ("dvc.yaml", "notebooks/dvc.yaml"):
    schema(YAML(typ="safe").load(open(path, encoding="utf-8")))
"""


def review(project: Project, tool: str, *arguments: str) -> str:
    """What the tool says of the project; it must have nothing to find."""
    done = subprocess.run(
        [BIN / tool, *arguments],
        cwd=project.root,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{tool}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", params=["iris", "none"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project as it is generated."""
    project = bake(tmp_path_factory.mktemp("reviewed"), dataset=request.param)
    project.run("git", "add", "--all")
    return project


def test_its_metadata_are_valid(project: Project) -> None:
    assert "Valid" in review(project, "validate-pyproject", "pyproject.toml")


def test_it_follows_the_guide_of_scientific_python(project: Project) -> None:
    review(project, "repo-review", ".")


def test_its_yaml_is_well_written(project: Project) -> None:
    files = project.run("git", "ls-files", "*.yaml", "*.yml").split()
    assert len(files) > 6
    review(project, "yamllint", "--strict", "--config-data", YAMLLINT, *files)


def test_its_workflows_are_valid_and_safe(project: Project) -> None:
    flows = [str(path) for path in sorted((project / ".github/workflows").iterdir())]
    review(project, "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *flows)
    dependabot = ".github/dependabot.yml"
    review(project, "check-jsonschema", "--builtin-schema", "vendor.dependabot", dependabot)
    review(project, "zizmor", "--offline", "--persona", "pedantic", ".github")


def test_its_words_are_spelt_right(project: Project) -> None:
    review(project, "codespell")


def test_the_template_follows_the_guide_itself() -> None:
    assert "Valid" in review(Project(TEMPLATE), "validate-pyproject", "pyproject.toml")
    review(Project(TEMPLATE), "repo-review", ".")


def test_the_templates_own_words_are_spelt_right() -> None:
    files = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "hooks", "scripts", "tests"]
    review(Project(TEMPLATE), "codespell", *files, "benchmarks", str(LIBRARY))


def test_its_wheel_holds_the_package_and_nothing_else(project: Project, tmp_path: Path) -> None:
    project.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    package = ["--package", "src/my_project"]
    assert "OK" in review(project, "check-wheel-contents", *package, str(wheel))


def test_the_librarys_metadata_are_valid() -> None:
    assert "Valid" in review(Project(LIBRARY), "validate-pyproject", "pyproject.toml")


def test_the_librarys_wheel_holds_its_files_and_nothing_else(
    pristine: Project, tmp_path: Path
) -> None:
    folder = pristine / "vendor/lockstep"
    command = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(folder)]
    pristine.run(*command)
    (wheel,) = tmp_path.glob("lockstep_core-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = folder / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {"lockstep/py.typed", "lockstep/core/paths.py"} < files
    assert names == files | {"lockstep_startup.pth"}


def test_dvc_finds_its_pipelines_valid(demo: Project) -> None:
    demo.run("uv", "run", "python", "-c", DVC_SCHEMA)


def test_its_types_hold(demo: Project) -> None:
    assert "no issues found" in demo.run("uv", "run", "mypy")
