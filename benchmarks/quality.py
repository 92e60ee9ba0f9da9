"""How good estimates of quality are before outcomes come, beside NannyML, by simulation.

    python benchmarks/quality.py [--simulations N] [--peers]

Models learn from 300 or 3,000 rows, and later windows of 200 and 2,000 rows come from the same
population, from one whose first column is higher by half a standard deviation or by a whole one, or
from one in which the target depends on it the other way round. Of each estimate it tells how often
its interval holds the metric that the window then has, and how far the estimate is off on average.
With --peers NannyML estimates the same windows, in an environment of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from run import make_project

PEERS = ["nannyml==0.13.1", "statsmodels"]
"""It imports statsmodels, and does not ask for it."""


def main() -> None:
    """Simulate in the environment of a generated project, and then in that of the peer."""
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=60)
    options.add_argument("--peers", action="store_true")
    options.add_argument("--rounds", type=int, help="not used: what is drawn follows a seed")
    chosen = options.parse_args()
    script = Path(__file__).with_name("_quality.py").resolve()
    with tempfile.TemporaryDirectory() as scratch:
        streams = Path(scratch) / "streams"
        project = make_project(Path(scratch), [])
        simulate = ["python", str(script), "--simulations", str(chosen.simulations)]
        subprocess.run([*simulate, "--streams", str(streams)], cwd=project, check=True)
        if chosen.peers:
            script = script.with_name("_quality_peers.py")
            packages = [part for name in PEERS for part in ("--with", name)]
            run = ["uv", "run", "--no-project", "--python", "3.11", *packages]
            subprocess.run([*run, "python", str(script), str(streams)], check=True)


if __name__ == "__main__":
    main()
