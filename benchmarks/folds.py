"""What a fold of a network's cross-validation costs, with and without sharing what is compiled.

    python benchmarks/folds.py [--rounds N] [--keras_backend NAME]

The `mlp` of the default project learns from ten folds of its train rows in one process. The floor
compiles for each fold; ours shares what the first one has compiled.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from run import make_project

FOLDS = """
import json, sys, time
from my_project import ingest, preprocess, train
from my_project.config import Project
from my_project.data.contract import load_contract
from my_project.data.splits import folds
from my_project.data.parquet import Stored
ingest.main(); preprocess.main()
project = Project.find()
params = project.params()
params = params.model_copy(update={"train": params.train.model_copy(update={"folds": 10})})
contract = load_contract(project, params.kind)
rows = Stored(project.train, "train").read()
X, y = rows[contract.features], rows[contract.target].to_numpy()
from my_project.modeling import training
pipeline = train.candidates(params, contract)["mlp"]
seconds, epochs = [], []
for learnt, tried in folds(rows, contract, params):
    if sys.argv[1] == "alone":
        training._twins.clear()
    start = time.perf_counter()
    fitted = pipeline.fit(X.iloc[learnt], y[learnt])
    fitted.predict_proba(X.iloc[tried])
    seconds.append(time.perf_counter() - start)
    epochs.append(len(fitted[-1].history_["loss"]))
print(json.dumps([seconds, epochs]))
"""


def main(rounds: int, keras_backend: str) -> None:
    """Print a table."""
    print(f"\nTen folds of mlp on {keras_backend}, {rounds} rounds\n")
    print("| compiling | first fold s | median of the others s | all s | epochs |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [f"keras_backend={keras_backend}"])
        for name in ["alone", "shared"] * rounds:
            command = ["python", "-c", FOLDS, name]
            done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
            seconds, epochs = json.loads(done.stdout.splitlines()[-1])
            first, others = seconds[0], statistics.median(seconds[1:])
            print(f"| {name} | {first:.2f} | {others:.2f} | {sum(seconds):.2f} | {sum(epochs)} |")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
