"""What an epoch of networks takes on the CPU and on a GPU, beside a bare `model.fit` there.

    python benchmarks/devices.py [--rounds N] [--rows N] [--networks NAME ...]

Run by a Python that has one or more of Keras' backends and what a project needs, such as that of a
generated project; each backend that it has gets a table. The rows are made up: 60,000 images of
28x28 for `cnn`, 10 million rows of 30 columns for `mlp`, and for `lstm` 20,000 sequences of 100
points of three channels, which `rnn` reads; `--rows` is the most of each. Every fit is a process of
its own, strict as in a project, with `train.device` as the column says. Timed are epochs after the
first, with the watched rows after each; bare is Keras' own fit of the same network on the same
arrays. What processes on one device have learnt is compared byte by byte.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from _table import count

PROJECT = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}"
LIBRARY = PROJECT / "vendor" / "lockstep"
ROWS = {"cnn": 60_000, "mlp": 10_000_000, "lstm": 20_000}
BACKENDS = ("jax", "tensorflow", "torch")
COUNT = """
import lockstep, os
from lockstep.core.devices import count_gpus
from lockstep.core.runtime import import_keras
import_keras()
print(count_gpus(os.environ["KERAS_BACKEND"]))
"""


class Place:
    """A folder with the owner's package, in which networks compute as its params.yaml says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "dvc.yaml").touch()
        shutil.copytree(next((PROJECT / "src").iterdir()), folder / "owner")
        for name in ("images", "sequences"):
            shutil.copy(LIBRARY / "starters" / f"{name}.py", folder / "owner" / "models")

    def run(self, backend: str, device: str, *arguments: str) -> str:
        """The last line that Python prints, on this backend and device."""
        params = {"keras_backend": backend, "train": {"device": device}}
        (self.folder / "params.yaml").write_text(json.dumps(params), encoding="utf-8")
        path = os.pathsep.join(map(str, (self.folder, LIBRARY / "src")))
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path},
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        return done.stdout.splitlines()[-1]

    def has_gpu(self, backend: str) -> bool:
        """Whether the backend sees a GPU."""
        return self.run(backend, "gpu", "-c", COUNT) != "0"

    def fit(self, backend: str, device: str, *arguments: str) -> tuple[float, str]:
        """Seconds of an epoch, and the hash of the weights."""
        script = str(Path(__file__).resolve().with_name("_devices.py"))
        seconds, weights = json.loads(self.run(backend, device, script, *arguments))
        return seconds, weights


def compare(place: Place, backend: str, networks: list[str], most: int, rounds: int) -> None:
    """Print the table of a backend."""
    devices = ["cpu", "gpu"] if place.has_gpu(backend) else ["cpu"]
    print(f"\n{backend} {version(backend)}, {name_hardware(devices)}; {rounds} rounds\n")
    if "gpu" not in devices:
        print(f"{backend} sees no GPU here, so that there are the columns of the CPU alone.\n")
    columns = ("s an epoch", "bare, s", "ratio", "same bytes")
    heads = ["network", "rows", *(f"{device}: {head}" for device in devices for head in columns)]
    heads += ["cpu / gpu"] * (len(devices) - 1)
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    for network in networks:
        rows = min(ROWS[network], most)
        cells, medians = [network, f"{rows:,}"], []
        for device in devices:
            fits: dict[str, list[tuple[float, str]]] = {"ours": [], "bare": []}
            for _ in range(rounds):
                for way, done in fits.items():
                    done.append(place.fit(backend, device, network, str(rows), way))
            ours, bare = (statistics.median(s for s, _ in done) for done in fits.values())
            is_same = len({weights for _, weights in fits["ours"]}) == 1
            cells += [f"{ours:.2f}", f"{bare:.2f}", f"{ours / bare:.2f}"]
            cells.append("yes" if is_same else "no")
            medians.append(ours)
        cells += [f"{medians[0] / gpu:.1f}" for gpu in medians[1:]]
        print(f"| {' | '.join(cells)} |", flush=True)


def name_hardware(devices: list[str]) -> str:
    """What the devices are."""
    names = [f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"]
    if "gpu" in devices and shutil.which("nvidia-smi"):
        command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
        names.append(found.stdout.splitlines()[0])
    return ", ".join(names)


def main(rounds: int, rows: int, networks: list[str]) -> None:
    """Print the tables."""
    backends = [name for name in BACKENDS if find_spec(name)]
    if not backends:
        print(f"{sys.executable} has no backend of Keras; run this by the Python of a project")
    with tempfile.TemporaryDirectory() as scratch:
        place = Place(Path(scratch))
        for backend in backends:
            compare(place, backend, networks, rows, max(rounds, 2))


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3, help="at least two")
    options.add_argument("--rows", type=count, default=max(ROWS.values()))
    options.add_argument("--networks", nargs="+", choices=ROWS, default=[*ROWS])
    main(**vars(options.parse_args()))
