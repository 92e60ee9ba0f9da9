"""Generating projects and running commands in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM
from cookiecutter.main import cookiecutter
from playwright.sync_api import Browser, sync_playwright

TEMPLATE = Path(__file__).parents[1]
COMMITTER = {"name": "Test", "email": "test@example.com"}
OF_THE_TEST_SESSION = {
    *("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"),  # nox
    "PYTHONDONTWRITEBYTECODE",  # each of many processes would compile all anew
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


# They begin first, so that no process is left alone with a long one at the end. Of the first three
# one makes the project that is demonstrated, one the light one, and one needs neither.
LONGEST = [
    f"test_{name}.py"
    for name in (
        *("pages", "reproducibility", "odd_answers", "readmes", "update", "pipeline", "use"),
        *("hooks", "workflows", "serving_page", "monitoring_page", "answers"),
    )
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


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

    def copy(self, to: Path, equipped: Project | None = None) -> Project:
        """A copy, with this environment or another's, which is up to date after `uv sync`."""
        shutil.copytree(self.root, to, ignore=shutil.ignore_patterns(".venv"))
        return (equipped or self).equip(Project(to))

    def clone(self, to: Path) -> Project:
        """A clone by git, whose environment is up to date after `uv sync`."""
        self.run("git", "clone", "--quiet", ".", str(to))
        return self.equip(Project(to))

    def equip(self, other: Project) -> Project:
        """Give another project with the same dependencies this one's environment and versions.

        The files are shared, by hard links, so that they are neither copied nor compiled again.
        What `uv sync` still has to install are the two packages that lie in the project itself.
        What mypy knows of the libraries is copied, since mypy writes to it.
        """
        if (self / ".venv").exists():
            link: Callable[..., object] = os.link
            shutil.copytree(self / ".venv", other / ".venv", symlinks=True, copy_function=link)
        if (self / ".mypy_cache").exists():
            shutil.copytree(self / ".mypy_cache", other / ".mypy_cache", dirs_exist_ok=True)
        if (self / "uv.lock").exists() and not (other / "uv.lock").exists():
            shutil.copy(self / "uv.lock", other / "uv.lock")
        return other


def bake(to: Path, **answers: str) -> Project:
    """Generate a project below the folder `to`, with defaults for what is not in `answers`."""
    root = cookiecutter(
        str(TEMPLATE), no_input=True, default_config=True, output_dir=str(to), extra_context=answers
    )
    return Project(Path(root))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of these tests have in common."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


def make_once(folder: Path, make: Callable[[Path], Project]) -> Project:
    """What the first process to ask makes in a folder; the others wait for it."""
    try:
        folder.mkdir()
    except FileExistsError:
        while not (folder / "made").exists():
            assert not (folder / "failed").exists(), f"{folder.name}: see where it was made"
            time.sleep(0.1)
        return Project(Path((folder / "made").read_text(encoding="utf-8")))
    try:
        project = make(folder)
    except BaseException:
        (folder / "failed").touch()
        raise
    (folder / "made.tmp").write_text(str(project.root), encoding="utf-8")
    (folder / "made.tmp").rename(folder / "made")
    return project


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project as it is generated; not to be changed."""
    return bake(tmp_path_factory.mktemp("pristine"))


def lighten(project: Project) -> None:
    """Leave out what takes long: most candidates, folds, sizes and epochs."""
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    costly = re.compile(r"^    (knn|svm|tree|forest|boosting|mlp|wide_and_deep): .*\n", flags=re.M)
    text = costly.sub("", text).replace("  folds: 5", "  folds: 2")
    text = text.replace("[0.25, 0.5, 0.75, 1.0]", "[0.5, 1.0]")
    text = re.sub(r"max_epochs: \d+", "max_epochs: 5", text)
    params.write_text(text, encoding="utf-8", newline="\n")


def make_light(folder: Path) -> Project:
    project = bake(folder)
    lighten(project)
    project.run("uv", "venv", "--quiet", "--relocatable")  # its programs may be linked elsewhere
    project.run("uv", "sync")
    project.run("uv", "run", "dvc", "repro", **OFFLINE)
    # What these leave goes along with each copy: what mypy knows of the libraries, and the
    # bytecode of Keras.
    project.run("uv", "run", "mypy")
    project.run("uv", "run", "my-project", "doctor")
    project.commit()
    return project


@pytest.fixture(scope="session")
def ready(shared: Path) -> Project:
    """The light project of all processes, to copy and to equip others from; not to be changed."""
    return make_once(shared / "ready", make_light)


@pytest.fixture(scope="session")
def light(ready: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The default project without what takes long, run once and all committed."""
    project = ready.copy(tmp_path_factory.mktemp("light") / "my-project")
    project.run("uv", "sync")
    return project


@pytest.fixture
def demo(light: Project) -> Iterator[Project]:
    """The light project, restored to its commit after the test."""
    start, before = light.run("git", "rev-parse", "HEAD").strip(), stamps(light)
    yield light
    light.run("git", "reset", "--quiet", "--hard", start)
    light.run("git", "clean", "-d", "--force", "--quiet")
    # What a removed .gitignore had hidden.
    light.run("git", "clean", "-d", "--force", "--quiet", "data/raw")
    if stamps(light) != before:
        light.run("uv", "run", "dvc", "checkout", "--force", "--quiet")


def stamps(project: Project) -> dict[Path, tuple[int, int]]:
    """When each file that DVC keeps was written, and its size; git keeps the other outputs."""
    folders = ("data/interim", "data/processed", "models")
    files = [path for folder in folders for path in (project / folder).rglob("*")]
    stats = {path: path.stat() for path in files if path.is_file()}
    return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


def check_out(to: Path) -> Project:
    """The template's files as git would give them to someone else, and nothing beside."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, Project(TEMPLATE).run(*listing).split("\0")):
        if (TEMPLATE / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TEMPLATE / name, to / name)
    return Project(to)


def make_demo(folder: Path) -> Project:
    """Run `make demo` in a fresh checkout, and keep what it printed beside that."""
    checkout = check_out(folder / "lockstep")
    printed = checkout.run("make", "demo", f"PYTHON={sys.executable}")
    (folder / "printed").write_text(printed, encoding="utf-8")
    project = Project(checkout / "build/demo/my-project")
    project.commit()
    return project


@pytest.fixture(scope="session")
def demonstrated(shared: Path) -> Project:
    """The default project as `make demo` leaves it, and all committed; not to be changed."""
    return make_once(shared / "demonstrated", make_demo)


@pytest.fixture(scope="session")
def reproduced(
    demonstrated: Project, ready: Project, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The default project, its pipeline run once and all committed; not to be changed."""
    folder = tmp_path_factory.mktemp("reproduced")
    project = demonstrated.copy(folder / "my-project", equipped=ready)
    project.run("uv", "sync")
    return project


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        with playwright.chromium.launch(executable_path=CHROMIUM, args=options) as chromium:
            yield chromium
