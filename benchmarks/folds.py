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
from lockstep import Project, make_candidate, make_features, make_folds, make_problem
from my_project import features, models
from my_project.ingest import ingest
from my_project.preprocess import preprocess
from sklearn.pipeline import make_pipeline
project = Project.find()
ingest(project); preprocess(project)
params, contract = project.params, project.contract
params = params.model_copy(update={"train": params.train.model_copy(update={"folds": 10})})
rows = project.table(project.train).read()
X, y = rows[contract.features], rows[contract.target].to_numpy()
from lockstep.modeling import training
options = params.train.candidates["mlp"]
mlp = make_candidate("mlp", options, make_problem(params, contract))
pipeline = make_pipeline(make_features("mlp", params, contract), mlp)
seconds, epochs = [], []
for learn, validation in make_folds(rows, contract, params):
    if sys.argv[1] == "alone":
        training._twins.clear()
    start = time.perf_counter()
    fitted = pipeline.fit(X.iloc[learn], y[learn])
    fitted.predict_proba(X.iloc[validation])
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
