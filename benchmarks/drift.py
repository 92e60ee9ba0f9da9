"""How often monitoring errs, and how often it sees that something has moved, by simulation.

    python benchmarks/drift.py [--simulations N]

Streams of 30 windows are held against train rows of the same populations: numbers that are normal,
skewed, heavy-tailed, counts or mostly zero, levels of two to forty categories, missing values.
Printed is how many of a thousand windows without drift are an alarm, and how often a change of the
last two windows is one in the last; the same of very many columns, of columns that are alike, and
of rows that depend on each other. Evidently's defaults judge the same streams.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from _simulation import simulate

# Evidently 0.7.23 imports what pandas 3 does not have.
PEER = (
    "uv",
    "run",
    "--no-project",
    "--python",
    "3.11",
    "--with",
    "evidently",
    "--with",
    "pandas<3",
)

if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=400)
    options.add_argument("--rounds", type=int, help="not used: what is drawn follows a seed")
    count = str(options.parse_args().simulations)
    simulate("_drift.py", int(count))
    script = Path(__file__).with_name("_evidently.py")
    subprocess.run([*PEER, "python", str(script), "--simulations", count], check=True)
