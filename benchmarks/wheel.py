"""What the wheel of a champion needs, beside the environment of the project that made it.

    python benchmarks/wheel.py PROJECT...

For each project, with results of a run: the distributions that are installed, their size on disk,
and the seconds until a new process has the champion ready, the median of five.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROUNDS = 5


def count_distributions(environment: Path) -> int:
    """How many are installed."""
    command = ["uv", "pip", "list", "--quiet", "--format", "freeze", "--python", str(environment)]
    return len(subprocess.check_output(command, text=True).splitlines())


def measure_size(environment: Path) -> int:
    """Megabytes of an environment's files."""
    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    return round(sum(file.stat().st_size for file in files) / 1e6)


def measure_start(environment: Path, code: str, folder: Path) -> float:
    """Seconds of a new process that runs some code."""
    seconds = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        subprocess.run([environment / "bin" / "python", "-c", code], cwd=folder, check=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])  # the first one has written bytecode


def make_environment(wheel: Path, at: Path) -> Path:
    """A new environment with a wheel and what it needs."""
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(at)], check=True)
    command = ["uv", "pip", "install", "--quiet", "--python", str(at), str(wheel)]
    subprocess.run(command, check=True)
    return at


def print_rows(project: Path, scratch: Path) -> None:
    """Print a line for the project's environment and one for that of its wheel."""
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    name, package = settings["project"]["name"], settings["tool"]["lockstep"]["package"]
    command = ["uv", "run", "--quiet", name, "package"]
    printed = subprocess.check_output(command, cwd=project, text=True)
    wheel = project / printed.split()[1].rstrip(",")
    load = f"import {package}; from lockstep import Model; Model.load('models/champion')"
    cases = [
        (name, project / ".venv", load, project),
        (
            wheel.name,
            make_environment(wheel, scratch / name),
            f"import {package}_model; {package}_model.load()",
            scratch,
        ),
    ]
    for label, environment, code, folder in cases:
        count, size = count_distributions(environment), measure_size(environment)
        seconds = measure_start(environment, code, folder)
        print(f"{label:<44}{count:>14}{size:>8}{seconds:>10.1f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="+", type=Path)
    projects = parser.parse_args().projects
    print(f"{'environment of':<44}{'distributions':>14}{'MB':>8}{'seconds':>10}")
    with tempfile.TemporaryDirectory() as scratch:
        for project in projects:
            print_rows(project.resolve(), Path(scratch))


if __name__ == "__main__":
    main()
