"""Every task of the template's developers, the same on each operating system."""

import shutil
import sys
from pathlib import Path

import nox

if sys.version_info < (3, 11):  # noqa: UP036 - an older one is told, not met with a crash
    sys.exit(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}")

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"

PYPROJECT = nox.project.load_toml("pyproject.toml")
DEMO = Path("build", "demo")
# What the shell of a newcomer would not have set: a generated project has its own environment.
CLEAN = dict.fromkeys(
    ["VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "PYTHONDONTWRITEBYTECODE"]
)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of the template's own code."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Render the template, run what it generates, and check what comes out."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "test"))
    # Two files at a time; each has projects of its own. In the order of their names, by which the
    # longest are not the last.
    parallel = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    session.run("pytest", "-m", "not matrix", *parallel, *session.posargs, env=CLEAN)


@nox.session(default=False)
def matrix(session: nox.Session) -> None:
    """Run every data set and Keras backend, on each Python, killed at many moments."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "test"))
    session.run("pytest", "-m", "matrix", *session.posargs, env=CLEAN)


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
    """Export the sample data sets again from scikit-learn's copies."""
    session.install("scikit-learn", "pandas", "pillow")
    raw = Path("{{cookiecutter.project_slug}}", "data", "raw")
    session.run("python", "scripts/export_samples.py", str(raw))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Print how fast generating and running are, beside their floors."""
    session.install("cookiecutter", "uv")
    for script in sorted(Path("benchmarks").glob("[!_]*.py")):
        session.run("python", str(script), *session.posargs, env=CLEAN)
