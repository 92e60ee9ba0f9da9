"""Champions of generated projects beside a peer, which runs in an environment of its own."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from run import make_project


def compare_champions(name: str, packages: Sequence[str], dataset: str) -> None:
    """The same as `compare_with_peer`, of the data sets and candidates that the command names."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="+", metavar="NAME", default=[])
    options.add_argument("--without", nargs="+", metavar="CANDIDATE", default=[])
    options.add_argument("--rounds", type=int, help="not used: nothing is drawn")
    chosen = options.parse_args()
    compare_with_peer(name, packages, dataset, chosen.only, chosen.without)


def compare_with_peer(
    name: str, packages: Sequence[str], dataset: str, only: Sequence[str], options: Sequence[str]
) -> None:
    """Write data sets, learn from them in a generated project, and score it beside the peer.

    Args:
        name: Of the scripts `_NAME.py`, which runs in the project, and `_NAME_peers.py`, which runs
            with the packages: it writes the data sets, and prints the scores.
        packages: Of the peer's environment.
        dataset: What the project is generated for.
        only: The data sets; all if there are none.
        options: Of the former script, after the folder of the data sets.
    """
    script = Path(__file__).with_name(f"_{name}.py").resolve()
    added = [part for package in packages for part in ("--with", package)]
    python = ["uv", "run", "--quiet", "--no-project", "--python", "3.11", *added, "python"]
    # Without -P what the peer imports may be taken for a script beside it, such as coverage.py.
    peer = [*python, "-P", str(script.with_name(f"_{name}_peers.py"))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        subprocess.run([*peer, "write", str(folder), *only], check=True)
        project = make_project(Path(scratch), [f"dataset={dataset}"])
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        command = ["python", str(script), str(folder), *options]
        subprocess.run(command, cwd=project, env=environment, check=True)
        subprocess.run([*peer, "score", str(folder)], check=True)
