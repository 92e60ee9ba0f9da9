"""What the wheel of a champion needs, beside the environment of the project that made it.

    python benchmarks/wheel.py [--rounds N] [--keras_backend NAME]

Of diabetes, whose champion is a linear model, and iris, whose champion is a network: the
distributions that are installed, their size on disk, and the seconds until a new process has the
champion ready, the median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run import make_project


def count_distributions(environment: Path) -> int:
    """How many are installed."""
    command = ["uv", "pip", "list", "--quiet", "--format", "freeze", "--python", str(environment)]
    return len(subprocess.check_output(command, text=True).splitlines())


def measure_size(environment: Path) -> int:
    """Megabytes of an environment's files."""
    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    return round(sum(file.stat().st_size for file in files) / 1e6)


def measure_start(environment: Path, code: str, folder: Path, rounds: int) -> float:
    """Seconds of a new process that runs some code."""
    seconds = []
    for _ in range(rounds + 1):
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


def measure(
    project: Path, dataset: str, scratch: Path, rounds: int
) -> list[tuple[str, int, int, float]]:
    """Label, distributions, megabytes and seconds of the project's environment and its wheel's."""
    printed = subprocess.check_output(["my-project", "package"], cwd=project, text=True)
    wheel = project / printed.split()[1].rstrip(",")
    load = "import my_project; from lockstep import Model; Model.load('models/champion')"
    load_packed = "import my_project_model; my_project_model.load()"
    cases = [
        (f"the project, {dataset}", project / ".venv", load, project),
        (f"its wheel, {dataset}", make_environment(wheel, scratch / "alone"), load_packed, scratch),
    ]
    return [
        (
            label,
            count_distributions(environment),
            measure_size(environment),
            measure_start(environment, code, folder, rounds),
        )
        for label, environment, code, folder in cases
    ]


def main(rounds: int, keras_backend: str) -> None:
    """Print the table."""
    rows = []
    for dataset in ("diabetes", "iris"):
        with tempfile.TemporaryDirectory() as scratch:
            answers = [f"dataset={dataset}", f"keras_backend={keras_backend}"]
            project = make_project(Path(scratch), answers)
            command = ["dvc", "repro", "--quiet"]
            subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
            rows += measure(project, dataset, Path(scratch), rounds)
    print(f"\n{'environment of':<32}{'distributions':>14}{'MB':>8}{'seconds':>10}")
    for label, count, size, seconds in rows:
        print(f"{label:<32}{count:>14}{size:>8}{seconds:>10.1f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
