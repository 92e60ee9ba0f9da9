"""The champions beside scikit-learn's own examples, on the examples' own splits.

    python benchmarks/examples.py [--rounds N]

The iris example is that of scikit-learn's page "Getting Started" (a quarter for the test, a
logistic regression on standardised features), the digits example "Recognizing hand-written digits"
(the first half for training, a support vector machine with gamma 0.001). The project gets each
split as a given one: a column `part`, and folders `train` and `test`. Nothing is timed; `--rounds`
is taken and unused.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from run import STAGES, make_project

IRIS = """
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = pd.read_csv("data/raw/iris.csv")
features = rows.columns.drop("species")
train, test = train_test_split(rows, random_state=0)
example = make_pipeline(StandardScaler(), LogisticRegression())
example.fit(train[features], train["species"])
print(example.score(test[features], test["species"]))
rows.assign(part="train").assign(part=lambda rows: rows["part"].where(
    ~rows.index.isin(test.index), "test")).to_csv("data/raw/iris.csv", index=False)
contract = open("references/schema.yaml").read().replace("columns:\\n", '''part: part
columns:
  part: {type: categorical, categories: [train, test], meaning: side of the split}
''', 1)
open("references/schema.yaml", "w").write(contract)
"""
DIGITS = """
import zipfile
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

X, y = load_digits(return_X_y=True)
learnt, tried, y_learnt, y_tried = train_test_split(X, y, test_size=0.5, shuffle=False)
print(SVC(gamma=0.001).fit(learnt, y_learnt).score(tried, y_tried))
with zipfile.ZipFile("data/raw/digits.zip") as archive:
    files = {name: archive.read(name) for name in archive.namelist()}
with zipfile.ZipFile("data/raw/digits.zip", "w") as archive:
    for name, content in files.items():
        number = int(name.split("/")[1].split(".")[0])
        archive.writestr(f"{'train' if number < len(learnt) else 'test'}/{name}", content)
"""


def run_example(dataset: str, script: str, scratch: Path) -> None:
    """Print a line of the table."""
    project = make_project(scratch, [f"dataset={dataset}"])
    command = ["python", "-c", script]
    example = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
    for stage in STAGES:
        command = ["python", "-m", f"my_project.{stage}"]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    metrics = json.loads((project / "reports/metrics.json").read_text(encoding="utf-8"))
    model = json.loads((project / "models/champion/model.json").read_text(encoding="utf-8"))
    low, high = metrics["intervals"]["accuracy"]
    cells = [
        *(dataset, str(metrics["test_rows"]), f"{float(example.stdout):.4f}", model["candidate"]),
        f"{metrics['accuracy']:.4f} ({low:.4f} to {high:.4f})",
    ]
    print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Print the table."""
    print("\n| data | test rows | accuracy of the example | champion | its accuracy |")
    print("| --- | --- | --- | --- | --- |")
    for dataset, script in (("iris", IRIS), ("digits", DIGITS)):
        with tempfile.TemporaryDirectory() as scratch:
            run_example(dataset, script, Path(scratch))


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=1)
    options.parse_args()
    main()
