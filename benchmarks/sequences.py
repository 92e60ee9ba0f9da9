"""Champions of sequences beside MiniRocket.

    python benchmarks/sequences.py [--only NAME ...] [--without CANDIDATE ...]

On the labelled sequences that aeon carries, with their own split and the settings that `use` comes
to: the champion is chosen by log loss on folds of the train sequences alone. MiniRocket is aeon's,
in an environment of its own. `--without` leaves candidates out, of which `rnn` takes longest.
"""

from __future__ import annotations

from _comparison import compare_champions

PEERS = ["aeon==1.6.0", "pyarrow"]


if __name__ == "__main__":
    compare_champions("sequences", PEERS, "vowels")
