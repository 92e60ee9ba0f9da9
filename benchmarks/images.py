"""What fitting `cnn` and `resnet` takes beside a bare `model.fit` of the same network.

    python benchmarks/images.py [--rounds N] [--rows N] [--epochs N] [--networks NAME ...]
        [--images FOLDER] [--keras_backend NAME]

The images are made up, of MNIST's size and number, and so easy that scores tell nothing; those of a
folder with `train` and `test`, and in each a folder for each class, show how well the networks do.
Each fit is a process of the project, so all compute on the same threads; timed are the fits alone,
with their compiling, a tenth of the rows watched after each epoch, and of as many epochs on all
rows as were best. Processor seconds tell the fits apart where a busy machine makes the clock
useless. Each case trains as Keras does by default, but for the last, which has the options that
`use` writes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from _table import count
from run import make_project

NETWORKS = ("cnn", "resnet")
CASES = {
    "bare": "bare `model.fit`",
    "ours": "candidate",
    "suggested": "candidate as `use` writes it",
}


def main(
    rounds: int,
    rows: int,
    epochs: int,
    networks: list[str],
    images: Path | None,
    keras_backend: str,
) -> None:
    """Print a table for each network."""
    script = str(Path(__file__).resolve().with_name("_images.py"))
    folder = [] if images is None else [str(images.resolve())]
    with tempfile.TemporaryDirectory() as scratch:
        answers = ["dataset=digits", f"keras_backend={keras_backend}"]
        project = make_project(Path(scratch), answers)
        for network in networks:
            taken: dict[str, list[list[float]]] = {case: [] for case in CASES}
            for _ in range(rounds):
                for case, runs in taken.items():
                    command = ["python", script, network, case, str(rows), str(epochs), *folder]
                    done = subprocess.run(
                        command, cwd=project, check=True, stdout=subprocess.PIPE, text=True
                    )
                    runs.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"\n{network}: {epochs} epochs of {rows} images at most on {keras_backend}\n")
            show(taken)


def show(taken: dict[str, list[list[float]]]) -> None:
    """Print a table of what the fits of each case took, medians beside the first."""
    print("| fit | s | ratio | processor s | ratio | accuracy | log loss |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    floor, work, *_ = map(statistics.median, zip(*taken["bare"], strict=True))
    for case, runs in taken.items():
        clock, processor, accuracy, loss = map(statistics.median, zip(*runs, strict=True))
        print(
            f"| {CASES[case]} | {clock:.1f} | {clock / floor:.2f} | {processor:.1f} "
            f"| {processor / work:.2f} | {accuracy:.4f} | {loss:.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=count, default=60_000)
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    options.add_argument("--images", type=Path)
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
