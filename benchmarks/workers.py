"""How much sooner `train` ends with two workers, and that its outputs are the same bytes.

    python benchmarks/workers.py [--rounds N] [--rows N]

A regression of 15,500 train rows with six candidates and five folds, on one worker and on two; and
iris, whose fits cost too little for workers, so that both are to take the same time. What they
write is compared byte by byte.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from _table import count
from _timing import Case
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
TRAIN = ["python", "-m", "my_project.train"]


def read_outputs(project: Path) -> dict[str, bytes]:
    """What `train` has written."""
    files = [*project.glob("models/*/*"), *project.glob("reports/*.csv")]
    return {file.name: file.read_bytes() for file in files}


def compare_workers(project: Path, title: str, rounds: int) -> None:
    """Print a table of one worker and two, and whether they wrote the same."""
    cases = [
        Case(f"{number} worker(s)", ["env", f"LOCKSTEP_WORKERS={number}", *TRAIN], project)
        for number in (1, 2)
    ]
    outputs = []
    for _ in range(rounds):
        for case in cases:
            case.seconds.append(case.run()[0])
            outputs.append(read_outputs(project))
    one, two = (median(case.seconds) for case in cases)
    same = "the same bytes" if all(each == outputs[0] for each in outputs) else "OTHER BYTES"
    print(f"| {title} | {one:.1f} | {two:.1f} | {one / two:.2f} | {same} |", flush=True)


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
