"""Generating projects and running commands in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).parents[1]
COMMITTER = {"name": "Test", "email": "test@example.com"}
OF_THE_TEST_SESSION = {
    *("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"),  # nox
    *("MAKEFLAGS", "MAKELEVEL", "MFLAGS"),  # make
}
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key not in OF_THE_TEST_SESSION},
    **{f"GIT_{role}_NAME": COMMITTER["name"] for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": COMMITTER["email"] for role in ("AUTHOR", "COMMITTER")},
    "PYTHONUTF8": "1",
}
# After the packages are there, nothing may need the network: any request meets a closed port.
OFFLINE = {
    "UV_OFFLINE": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}


class Project:
    """A generated project, in which commands run as a person would run them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __truediv__(self, path: str) -> Path:
        return self.root / path

    def try_run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command whatever its exit status."""
        return subprocess.run(
            command,
            cwd=self.root,
            env=ENVIRONMENT | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def run(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        result = self.try_run(*command, **environment)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def commit(self) -> None:
        """Commit all that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "State")

    def files(self) -> set[str]:
        """Every file but git's own, relative to the root."""
        paths = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return {path.as_posix() for path in paths if path.parts[0] != ".git"}

    def copy(self, to: Path) -> Project:
        """A copy without the environment, which is not movable."""
        shutil.copytree(self.root, to, ignore=shutil.ignore_patterns(".venv"))
        return Project(to)


def bake(to: Path, **answers: str) -> Project:
    """Generate a project below the folder `to`, with defaults for what is not in `answers`."""
    root = cookiecutter(
        str(TEMPLATE), no_input=True, default_config=True, output_dir=str(to), extra_context=answers
    )
    return Project(Path(root))


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project as it is generated; not to be changed."""
    return bake(tmp_path_factory.mktemp("pristine"))


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project, its pipeline run offline once and all committed; not to be changed."""
    project = bake(tmp_path_factory.mktemp("reproduced"))
    project.run("uv", "sync")
    project.run("uv", "run", "dvc", "repro", **OFFLINE)
    project.commit()
    return project


def lighten(project: Project) -> None:
    """Leave out what takes long: most candidates, epochs and resamples."""
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    costly = re.compile(r"^    (knn|svm|tree|forest|boosting|wide_and_deep): .*\n", flags=re.M)
    text = costly.sub("", text).replace("resamples: 500", "resamples: 50")
    text = re.sub(r"max_epochs: \d+", "max_epochs: 5", text)
    params.write_text(text, encoding="utf-8", newline="\n")


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project without what takes long, run once and all committed."""
    project = bake(tmp_path_factory.mktemp("light"))
    lighten(project)
    project.run("uv", "sync")
    project.run("uv", "run", "dvc", "repro", **OFFLINE)
    project.commit()
    return project


@pytest.fixture
def demo(light: Project) -> Iterator[Project]:
    """The light project, restored to its commit after the test."""
    start = light.run("git", "rev-parse", "HEAD").strip()
    yield light
    light.run("git", "reset", "--quiet", "--hard", start)
    light.run("git", "clean", "-d", "--force", "--quiet")
    # What a removed .gitignore had hidden.
    light.run("git", "clean", "-d", "--force", "--quiet", "data/raw")
    light.run("uv", "run", "dvc", "checkout", "--force", "--quiet")
