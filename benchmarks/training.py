"""What an epoch of a network from a file takes beside one from an array in memory.

    python benchmarks/training.py [--rounds N] [--rows N] [--keras_backend NAME]

The rows are made up, and three quarters of them are for training. The floor transforms all of them
beforehand, which is not timed, and gives the array of float32 to a bare `model.fit` of the same
network. Ours is what `train` does above `train.max_rows_in_memory`: it fits the features on a
sample, writes the numbers of all rows to disk and streams them. The first epoch of both compiles,
so the median of the others is told apart from the whole, in which both learn once more, from all
rows for as many epochs as were best on the watched ones.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from _table import count, use_table
from run import make_project

EPOCHS = 6
SAMPLE = 100_000
CANDIDATES = f"""\
    baseline: {{}}
    mlp: {{hidden_units: [64, 64], batch_size: 512, max_epochs: {EPOCHS}, patience: {EPOCHS}}}
"""
PREPARE = """
import json, resource, sys, time
import my_project
import numpy as np
from lockstep import Project, TrainRows, make_candidate, make_features, make_problem
from lockstep.modeling import training
from my_project import features, models
from sklearn.pipeline import make_pipeline
import keras

project = Project.find()
params, contract = project.params, project.contract
rows = TrainRows.load(project)
file = rows.file
options = params.train.candidates["mlp"]
mlp = make_candidate("mlp", options, make_problem(params, contract))
pipeline = make_pipeline(make_features("mlp", params, contract), mlp)
ends = []

def read_clocks():
    return time.perf_counter(), time.process_time()

class Clock(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        ends.append(read_clocks())

def tell(start):
    epochs = np.diff([start, *ends], axis=0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = read_clocks()[0] - start[0]
    print(json.dumps([len(file), *np.median(epochs[1:], axis=0), whole, peak]))
"""
OURS = """
usual = training._callbacks
training._callbacks = lambda *arguments: [*usual(*arguments), Clock()]
start = read_clocks()
rows.fit("mlp", pipeline)
tell(start)
"""
BARE = """
features, estimator = pipeline[0].fit(rows.X, rows.y), pipeline[-1]
needed = [*contract.features, contract.target]
parts = [(features.transform(batch), batch[contract.target]) for batch in file.batches(needed)]
X = np.concatenate([numbers for numbers, _ in parts]).astype("float32")
y = np.concatenate([labels == contract.classes[1] for _, labels in parts]).astype("int32")
del parts
watched = len(rows.table) // 5
network = estimator.build(X.shape[1], 2, "softmax", **estimator.options)
start = read_clocks()
network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
history = network.fit(
    X[watched:], y[watched:], validation_data=(X[:watched], y[:watched]), validation_batch_size=512,
    batch_size=512, epochs=int(sys.argv[1]), verbose=0, callbacks=[Clock()],
).history
network.fit(X, y, batch_size=512, epochs=int(np.argmin(history["val_loss"])) + 1, verbose=0)
tell(start)
"""


def prepared(scratch: Path, rows: int, keras_backend: str) -> Path:
    """A project whose train rows are many more than it takes into memory."""
    project = make_project(scratch, [f"keras_backend={keras_backend}"])
    use_table(project, rows)
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    text = re.sub(r"(?<=candidates:\n)(    .*\n)+", CANDIDATES, text)
    text = re.sub(r"max_rows_in_memory: .*", f"max_rows_in_memory: {SAMPLE}", text)
    params.write_text(text, encoding="utf-8")
    for stage in ("ingest", "preprocess"):
        command = ["python", "-m", f"my_project.{stage}"]
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    return project


def main(rounds: int, rows: int, keras_backend: str) -> None:
    """Print a table."""
    cases = {"an array in memory, bare model.fit": BARE, "the parquet file": OURS}
    taken: dict[str, list[list[float]]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as scratch:
        project = prepared(Path(scratch), rows, keras_backend)
        for _ in range(rounds):
            for name, script in cases.items():
                command = ["python", "-c", PREPARE + script, str(EPOCHS)]
                done = subprocess.run(
                    command, cwd=project, check=True, capture_output=True, text=True
                )
                learnt, *figures = json.loads(done.stdout.splitlines()[-1])
                taken[name].append(figures)
    print(f"\n{EPOCHS} epochs of {learnt:,} rows on {keras_backend}, {rounds} rounds\n")
    print("| from | min s | median s an epoch | max s | ratio | processor s | ratio ", end="")
    print("| rows/s | whole s | ratio | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    floor = [statistics.median(column) for column in zip(*taken[next(iter(cases))], strict=True)]
    for name, runs in taken.items():
        medians = [statistics.median(column) for column in zip(*runs, strict=True)]
        clock, processor, whole = (
            f"{median:.2f} | {median / of_floor:.2f}"
            for median, of_floor in zip(medians[:3], floor[:3], strict=True)
        )
        an_epoch, ratio = clock.split(" | ")
        low, high = min(run[0] for run in runs), max(run[0] for run in runs)
        print(
            f"| {name} | {low:.2f} | {an_epoch} | {high:.2f} | {ratio} | {processor} "
            f"| {learnt / medians[0]:,.0f} | {whole} | {max(run[3] for run in runs):.0f} |"
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=count, default=1_000_000)
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
