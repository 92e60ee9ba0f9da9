"""Running a script that simulates, in the environment of a project that is generated for it."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from run import make_project


def simulate(script: str, simulations: int, dataset: str = "iris") -> None:
    """Run a script of this folder with as many simulations as are asked for, or else so many."""
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=simulations)
    options.add_argument("--rounds", type=int, help="not used: what is drawn follows a seed")
    count = options.parse_args().simulations
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [f"dataset={dataset}"])
        path = Path(__file__).with_name(script).resolve()
        command = ["python", str(path), "--simulations", str(count)]
        subprocess.run(command, cwd=project, check=True)
