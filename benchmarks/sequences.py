"""Champions of sequences beside MiniRocket.

    python benchmarks/sequences.py [--only NAME ...] [--without CANDIDATE ...]

On the labelled sequences that aeon carries, with their own split and the settings that `use` comes
to: the champion is chosen by log loss on folds of the train sequences alone. MiniRocket is aeon's,
in an environment of its own. `--without` leaves candidates out, of which `rnn` takes longest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from run import make_project

PEERS = ["aeon==1.6.0", "pyarrow"]


def main() -> None:
    """Write the sequences, learn in the environment of a generated project, and compare."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="+", metavar="NAME", default=[])
    options.add_argument("--without", nargs="+", metavar="CANDIDATE", default=[])
    options.add_argument("--rounds", type=int, help="not used: nothing is drawn")
    chosen = options.parse_args()
    script = Path(__file__).with_name("_sequences.py").resolve()
    packages = [part for name in PEERS for part in ("--with", name)]
    run = ["uv", "run", "--quiet", "--no-project", "--python", "3.11", *packages, "python"]
    run += ["-P"]  # or numba imports coverage.py beside the script
    peers = [*run, str(script.with_name("_sequences_peers.py"))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "sequences"
        folder.mkdir()
        subprocess.run([*peers, "write", str(folder), *chosen.only], check=True)
        project = make_project(Path(scratch), ["dataset=vowels"])
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        command = ["python", str(script), str(folder), *chosen.without]
        subprocess.run(command, cwd=project, env=environment, check=True)
        subprocess.run([*peers, "score", str(folder)], check=True)


if __name__ == "__main__":
    main()
