"""Champions of sequences beside MiniRocket.

    python benchmarks/sequences.py [--only NAME ...] [--without CANDIDATE ...]

On the labelled sequences that aeon carries, with their own split and the settings that `use` comes
to: the champion is chosen by log loss on folds of the train sequences alone. MiniRocket is aeon's,
in an environment of its own. `--without` leaves candidates out, of which `rnn` takes longest.
"""

from __future__ import annotations

import argparse

from _comparison import compare_with_peer

PEERS = ["aeon==1.6.0", "pyarrow"]


def main() -> None:
    """Write the sequences, learn in the environment of a generated project, and compare."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="+", metavar="NAME", default=[])
    options.add_argument("--without", nargs="+", metavar="CANDIDATE", default=[])
    options.add_argument("--rounds", type=int, help="not used: nothing is drawn")
    chosen = options.parse_args()
    compare_with_peer("sequences", PEERS, "vowels", chosen.only, chosen.without)


if __name__ == "__main__":
    main()
