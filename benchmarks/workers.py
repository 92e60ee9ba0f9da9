"""How much sooner `train` ends with two workers, and that its outputs are the same bytes.

    python benchmarks/workers.py [--rounds N] [--rows N]

A regression of 15,500 train rows with six candidates and five folds, on one worker and on two; and
iris, whose fits cost too little for workers, so that both are to take the same time. What they
write is compared byte by byte.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from _table import count
from run import make_project

TRAIN_SHARE = 0.75
WRITE = """
import sys
import numpy as np, pandas as pd
rng = np.random.default_rng(1)
table = pd.DataFrame(rng.normal(size=(int(sys.argv[1]), 10)).round(4)).add_prefix("x")
signal = table["x0"] + np.sin(3 * table["x1"]) * table["x2"] + table["x3"].clip(0)
table.assign(y=(signal + rng.normal(size=len(table))).round(4)).to_csv(sys.argv[2], index=False)
"""
CANDIDATES = """\
  candidates:
    baseline: {}
    linear: {}
    svm: {}
    forest: {trees: 100}
    boosting: {trees: 300}
    mlp: {hidden_units: [64, 64], max_epochs: 40, patience: 40}
"""
TRAIN = """
import json, time
from lockstep.core.stage import guard_stage
from my_project import train

seconds = {}

def timed(name, call):
    def run(*arguments):
        start = time.perf_counter()
        result = call(*arguments)
        # Candidates come one by one; the leaderboard takes no time.
        result = list(result) if name == "cross-validation" else result
        seconds[name] = time.perf_counter() - start
        return result
    return run

train.cross_validate = timed("cross-validation", train.cross_validate)
train.learning_curve = timed("learning curve", train.learning_curve)
timed("the whole stage", guard_stage)(train.train)
print(json.dumps(seconds))
"""


def read_outputs(project: Path) -> dict[str, bytes]:
    """What `train` has written."""
    files = [*project.glob("models/*/*"), *project.glob("reports/*.csv")]
    return {file.name: file.read_bytes() for file in files}


def run_train(project: Path, workers: int) -> dict[str, float]:
    """Seconds that each part of the stage takes."""
    variables = os.environ | {"LOCKSTEP_WORKERS": str(workers)}
    command = ["python", "-c", TRAIN]
    done = subprocess.run(command, cwd=project, env=variables, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def compare_workers(project: Path, title: str, rounds: int) -> None:
    """Print a table of one worker and two, and whether they wrote the same."""
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    outputs = []
    for _ in range(rounds):
        for workers, seconds in runs.items():
            seconds.append(run_train(project, workers))
            outputs.append(read_outputs(project))
    same = "the same bytes" if all(each == outputs[0] for each in outputs) else "OTHER BYTES"
    for part in runs[1][0]:
        one, two = (median(run[part] for run in runs[workers]) for workers in (1, 2))
        print(f"| {title}: {part} | {one:.1f} | {two:.1f} | {one / two:.2f} | {same} |", flush=True)


def main(rounds: int, rows: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [])
        subprocess.run(["dvc", "repro", "--quiet", "preprocess"], cwd=project, check=True)
        print("\n| `train` | one worker, s | two, s | ratio | outputs |\n|" + " --- |" * 5)
        compare_workers(project, "iris", max(3, rounds))
        table = Path(scratch) / "table.csv"
        command = ["python", "-c", WRITE, str(round(rows / TRAIN_SHARE)), str(table)]
        subprocess.run(command, cwd=project, check=True)
        use = ["my-project", "use", str(table), "--target", "y", "--replace"]
        subprocess.run(use, cwd=project, check=True, stdout=subprocess.DEVNULL)
        params = project / "params.yaml"
        text = params.read_text(encoding="utf-8")
        text = re.sub(r"  candidates:\n(    .*\n)+", CANDIDATES, text)
        params.write_text(text, encoding="utf-8")
        subprocess.run(["dvc", "repro", "--quiet", "preprocess"], cwd=project, check=True)
        compare_workers(project, f"{rows:,} rows, 6 candidates, 5 folds", rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--rows", type=count, default=15_500)
    main(**vars(options.parse_args()))
