"""Sequences that a package carries, and what MiniRocket makes of them; sequences.py runs it.

    python benchmarks/_sequences_peers.py write FOLDER NAME ...
    python benchmarks/_sequences_peers.py score FOLDER

`write` makes a parquet file of the points of each data set. `score` learns from the train sequences
with aeon's MiniRocket, and prints the table beside what `_sequences.py` has written. It runs with
aeon, in an environment of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.datasets import load_classification
from aeon.transformations.collection.unequal_length import Padder
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAMES = ["ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "JapaneseVowels"]
NAMES += ["OSULeaf", "PickupGestureWiimoteZ", "UnitTest", "ACSF1"]
PARTS = ("train", "test")


def write(folder: Path, names: list[str]) -> None:
    """Write the points of each data set."""
    for name in names:
        sequences = []
        for part in PARTS:
            X, y = load_classification(name, split=part)
            for number, (signal, label) in enumerate(zip(X, y, strict=True)):
                table = pd.DataFrame(np.asarray(signal).T).add_prefix("channel_")
                who = {"sequence": f"{part} {number:04}", "label": str(label), "part": part}
                sequences.append(table.assign(point=range(len(table)), **who))
        pd.concat(sequences, ignore_index=True).to_parquet(folder / f"{name}.parquet")


def try_peer(name: str) -> tuple[float, float, float]:
    """Its accuracy with a ridge classifier, its log loss with a logistic regression, seconds."""
    (X, y), (X_test, y_test) = (load_classification(name, split=part) for part in PARTS)
    start = time.perf_counter()
    if isinstance(X, list):
        padder = Padder().fit([*X, *X_test])
        X, X_test = padder.transform(X), padder.transform(X_test)
    accuracy = MiniRocketClassifier(random_state=0).fit(X, y).score(X_test, y_test)
    seconds = time.perf_counter() - start
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    peer = MiniRocketClassifier(estimator=logistic, random_state=0).fit(X, y)
    return accuracy, log_loss(y_test, peer.predict_proba(X_test), labels=peer.classes_), seconds


def score(folder: Path) -> None:
    """Print the table."""
    try_peer("UnitTest")  # once, so that what is compiled is no part of the seconds
    files = sorted(folder.glob("*.json"))
    results = {file.stem: json.loads(file.read_text()) for file in files}
    candidates = list(dict.fromkeys(name for one in results.values() for name in one["test"]))
    heads = ["data", "train + test", "points x channels", "classes", *candidates]
    heads += ["champion", "its log loss", "MiniRocket", "its log loss", "seconds", "its seconds"]
    print(f"\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    better = []
    for name, one in results.items():
        accuracy, loss, seconds = try_peer(name)
        champion = one["champion"]
        tried = [f"{one['test'][key][0]:.3f}" if key in one["test"] else "" for key in candidates]
        own = one["test"][champion]
        cells = [name, one["rows"], one["shape"], one["classes"], *tried]
        cells += [champion, f"{own[1]:.3f}", f"{accuracy:.3f}", f"{loss:.3f}"]
        cells += [f"{one['seconds']:.0f}", f"{seconds:.1f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        better.append((own[0] >= accuracy, own[1] <= loss))
    for what, each in zip(("accuracy", "log loss"), zip(*better, strict=True), strict=True):
        print(f"The champion is no worse than MiniRocket in {what} on {sum(each)} of {len(each)}.")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3:] or NAMES)
    else:
        score(Path(sys.argv[2]))
