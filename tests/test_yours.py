"""The page "Make it yours" is followed, word for word where it gives commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Project, bake
from test_pipeline import edit
from test_readmes import COMMAND


@pytest.fixture
def own(light: Project, tmp_path: Path) -> Project:
    """A project of one's own, its pipeline run and committed."""
    project = light.copy(tmp_path / "my-project")
    project.run("uv", "sync")
    return project


def follow(project: Project, title: str) -> str:
    """Run the commands of the page's section; returns the whole section."""
    page = (project / "docs/yours.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {title}\n(.+?)(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE)
    commands = COMMAND.findall(section)
    assert commands
    for command in commands:
        project.run(*command.split())
    return section


def without_goal(project: Project, section: str, goal: str) -> None:
    """Delete a goal of the Makefile that the section names."""
    assert f"`{goal}`" in section
    assert "`Makefile`" in section
    path = project / "Makefile"
    text = path.read_text(encoding="utf-8")
    rest = re.sub(rf"^{goal}:\n(\t.*\n)+\n?", "", text, flags=re.MULTILINE)
    assert rest != text
    path.write_text(rest, encoding="utf-8", newline="\n")


def without_hooks(project: Project, section: str, *hooks: str) -> None:
    """Delete hooks that the section names."""
    path = project / ".pre-commit-config.yaml"
    for hook in hooks:
        assert f"`{hook}`" in section
        text = path.read_text(encoding="utf-8")
        rest = re.sub(rf"^      - id: {hook}\n(        .*\n)+", "", text, flags=re.MULTILINE)
        assert rest != text
        path.write_text(rest, encoding="utf-8", newline="\n")


def without_step(project: Project, section: str, command: str) -> None:
    """Delete a step of continuous integration that the section names."""
    assert f"`{command}`" in section
    edit(project / ".github/workflows/ci.yml", f"      - run: {command}\n", "")


def works(project: Project, *tests: str) -> None:
    """Whether the code is well, the tests pass, hooks pass and no result has to be made again."""
    assert "Running stage" not in project.run("uv", "run", "dvc", "repro")
    project.run("uv", "run", "pytest", "--quiet", *tests)
    project.run("git", "add", "--all")
    project.run("uv", "run", "pre-commit", "run", "--all-files")
    project.run("make", "--dry-run", "lint")


@pytest.mark.matrix
def test_a_project_does_without_notebooks(own: Project) -> None:
    section = follow(own, "Without notebooks")
    without_goal(own, section, "notebooks")
    edit(own / "Makefile", "\tuv run python -m lockstep.docs.notebooks\n", "")
    assert "the last line of the goal `lint`" in section
    without_hooks(own, section, "notebook-names", "nbstripout")
    without_step(own, section, "make notebooks")
    assert "and the one after it" in section
    edit(
        own / ".github/workflows/ci.yml",
        "      - name: Is what the notebooks showed what they show?\n"
        "        run: git diff --exit-code -- notebooks/dvc.lock\n",
        "",
    )
    assert "jupyterlab" not in (own / "pyproject.toml").read_text(encoding="utf-8")
    works(own, "tests/test_settings.py")
    own.run("make", "docs")
    page = (own / "docs/_build/html/notebooks/index.html").read_text(encoding="utf-8")
    assert "There are none." in page


@pytest.mark.matrix
def test_a_project_does_without_documentation(own: Project) -> None:
    section = follow(own, "Without documentation")
    without_goal(own, section, "docs")
    without_step(own, section, "make docs")
    assert "furo" not in (own / "pyproject.toml").read_text(encoding="utf-8")
    works(own, "tests/test_settings.py")


def test_a_project_does_without_containers(tmp_path: Path) -> None:
    project = bake(tmp_path)
    project.commit()
    section = follow(project, "Without containers")
    page = project / "docs/serving.md"
    assert 'the section "In a container" of `docs/serving.md`' in section
    text = page.read_text(encoding="utf-8")
    rest = re.sub(r"^## In a container\n.+?(?=^## )", "", text, flags=re.DOTALL | re.MULTILINE)
    assert rest != text
    page.write_text(rest, encoding="utf-8", newline="\n")
    names = re.compile(r"docker|devcontainer|compose\.yaml", flags=re.IGNORECASE)
    for name in project.files() - {"docs/yours.md", "data/raw/iris.csv"}:
        content = (project / name).read_bytes().decode(errors="ignore")
        assert not names.search(content), name


@pytest.mark.matrix
def test_a_project_takes_another_backend(own: Project) -> None:
    section = follow(own, "Another Keras backend")
    assert "name it in `params.yaml` under `keras_backend`" in section
    edit(own / "params.yaml", "keras_backend: jax", "keras_backend: tensorflow")
    assert "Running stage 'train'" in own.run("uv", "run", "dvc", "repro")
    metrics = json.loads((own / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["log_loss"] < metrics["baseline"]["log_loss"]
    works(own, "tests/test_settings.py", "tests/test_models.py")
