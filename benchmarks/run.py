"""How long the default project takes to run, beside the same stages without DVC.

    python benchmarks/run.py [--rounds N] [--dataset NAME] [--keras_backend NAME]

The floor is one process that runs the four stages one after the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Case, compare

TEMPLATE = Path(__file__).parents[1]
WRITTEN = """
    dvc.lock .dvc/cache .dvc/tmp data/interim/dataset.parquet data/interim/rejected.parquet
    data/processed/train.parquet data/processed/test.parquet models/champion models/baseline
    reports/ingest.json reports/leaderboard.csv reports/history.csv reports/metrics.json
    reports/figures reports/plots reports/model_card.md reports/training_sizes.csv
    reports/validation.json reports/index.html reports/record.json
""".split()
STAGES = ["ingest", "preprocess", "train", "evaluate"]
ONE_PROCESS = """
import sys
from importlib import import_module
import lockstep
for name in sys.argv[1:]:
    stage = getattr(import_module(f"my_project.{name}"), name)
    stage(lockstep.Project.find())
"""
FOUR_PROCESSES = """
import subprocess, sys
for stage in sys.argv[1:]:
    subprocess.run([sys.executable, "-m", f"my_project.{stage}"], check=True)
"""


def removed(project: Path) -> None:
    """Leave the project as if no stage had ever run."""
    for name in WRITTEN:
        path = project / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def make_project(to: Path, answers: list[str]) -> Path:
    """Generate a project below `to` and install its environment."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"]
    # Cookiecutter leaves the hooks that it has run in the folder for temporary files.
    environment = os.environ | {"TMPDIR": str(to)}
    command += ["-o", str(to), str(TEMPLATE), *answers]
    subprocess.run(command, env=environment, check=True)
    project = to / "my-project"
    install(project)
    os.environ["PATH"] = f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return project


def install(project: Path) -> None:
    """Make the environment of `project`."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run(["uv", "sync", "--quiet"], cwd=project, env=environment, check=True)


def main(rounds: int, dataset: str, keras_backend: str) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        answers = [f"dataset={dataset}", f"keras_backend={keras_backend}"]
        project = make_project(Path(scratch), answers)

        def cold(name: str, *command: str) -> Case:
            return Case(name, list(command), project, before=lambda: removed(project))

        compare(
            f"Raw data to metrics, {dataset} on {keras_backend}",
            [
                cold("one process", "python", "-c", ONE_PROCESS, *STAGES),
                cold("four processes", "python", "-c", FOUR_PROCESSES, *STAGES),
                cold("dvc repro", "dvc", "repro"),
            ],
            rounds,
        )
        echo = Path(scratch) / "echo"
        make_echo_project(echo)
        for folder in (project, echo):
            subprocess.run(["dvc", "repro", "--quiet"], cwd=folder, check=True)
        compare(
            "Nothing to do",
            [
                Case("dvc repro of four echo stages", ["dvc", "repro"], echo),
                Case("dvc repro", ["dvc", "repro"], project),
            ],
            rounds,
        )
        compare("Help", [Case("my-project --help", ["my-project", "--help"], project)], rounds)


def make_echo_project(folder: Path) -> None:
    """A DVC project of four stages that write a word each."""
    folder.mkdir()
    stages = [f"  s{n}: {{cmd: echo {n} > {n}.txt, outs: [{n}.txt]}}" for n in range(4)]
    (folder / "dvc.yaml").write_text("\n".join(["stages:", *stages, ""]), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["dvc", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["dvc", "config", "core.analytics", "false"], cwd=folder, check=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--dataset", default="iris")
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
