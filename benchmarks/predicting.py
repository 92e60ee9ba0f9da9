"""What predicting a long file takes, in seconds and memory.

    python benchmarks/predicting.py [--rounds N] [--rows N ...]

The champion has learnt from 20,000 rows. The floor is one process that reads the same file with
pandas, checks nothing, predicts with the same champion all at once and writes the predictions. What
reading and the model need alone, batch by batch, shows the share that is neither: the contract, and
writing. Last come both files of predictions, held against each other.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from _table import count, run_write_table, use_table
from _timing import Case, compare
from run import STAGES, make_project

LEARNT = 20_000
CANDIDATES = """\
    baseline: {}
    linear: {alpha: 1.0}
    boosting: {trees: 100, learning_rate: 0.1}
"""
FLOOR = """
import sys
from lockstep import Model
import pandas as pd
champion = Model.load("models/champion")
types = pd.read_parquet("data/processed/test.parquet").dtypes
rows = pd.read_csv(sys.argv[1]).astype(types)
champion.apply(rows).to_csv(sys.argv[2], index=False)
"""
ALONE = """
import sys
from lockstep import Model
import pandas as pd
from pyarrow import csv
champion = Model.load("models/champion")
types = pd.read_parquet("data/processed/test.parquet").dtypes
for batch in csv.open_csv(sys.argv[1], csv.ReadOptions(block_size=3 * 2**22)):
    champion.apply(batch.to_pandas().astype(types))
"""
CHECK = """
import sys
import pandas as pd
floor, ours = (pd.read_csv(file) for file in sys.argv[1:])
likely = floor.columns.drop("prediction")
same = len(floor) == len(ours) and (floor["prediction"] == ours["prediction"]).all()
print("the predictions are", "the same" if same else "NOT the same", "in the same order;", end=" ")
apart = (floor[likely] - ours[likely]).abs().max().max()
print(f"the probabilities are at most {apart:.1e} apart")
"""


def train_champion(project: Path) -> str:
    """Run the four stages on a few rows and few candidates; returns the champion's name."""
    use_table(project, LEARNT)
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    text = re.sub(r"(?<=candidates:\n)(    .*\n)+", CANDIDATES, text)
    params.write_text(text, encoding="utf-8")
    for stage in STAGES:
        command = ["python", "-m", f"my_project.{stage}"]
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    model = project / "models" / "champion" / "model.json"
    return json.loads(model.read_text(encoding="utf-8"))["candidate"]


def time_file(project: Path, champion: str, rows: int, rounds: int) -> None:
    """Print the table for a file of one size, and what follows from it."""
    file, floor, ours = (project.with_name(name) for name in ("rows.csv", "floor.csv", "ours.csv"))
    run_write_table(project, rows, file, seed=2)
    command = ["my-project", "predict", str(file), "--output", str(ours)]
    cases = [
        Case("one table in memory", ["python", "-c", FLOOR, str(file), str(floor)], project),
        Case("reading and the model alone", ["python", "-c", ALONE, str(file)], project),
        Case("my-project predict", command, project),
    ]
    compare(f"Predicting {rows:,} rows with {champion}", cases, rounds)
    print()
    for case in cases:
        median = statistics.median(case.seconds)
        print(f"{case.name}: {rows / median:,.0f} rows a second, {case.megabytes:.0f} MB")
    _, alone, whole = cases
    for figures, where in (("seconds", "on the clock"), ("processor", "of a processor")):
        part, total = (statistics.median(getattr(case, figures)) for case in (alone, whole))
        print(f"{1 - part / total:.0%} of its time {where} is neither reading nor the model")
    check = ["python", "-c", CHECK, str(floor), str(ours)]
    done = subprocess.run(check, cwd=project, check=True, capture_output=True, text=True)
    print(done.stdout, end="")


def main(rounds: int, rows: list[int]) -> None:
    """Print a table for each number of rows."""
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [])
        champion = train_champion(project)
        for number in rows:
            time_file(project, champion, number, rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=count, nargs="+", default=[1_000_000])
    main(**vars(options.parse_args()))
