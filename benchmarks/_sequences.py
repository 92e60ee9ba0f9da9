"""What the champions make of the sequences in a folder; sequences.py runs it.

    python benchmarks/_sequences.py FOLDER [CANDIDATE ...]

The candidates that are named are left out. Of each parquet file of points a JSON file tells which
candidate is best by log loss on folds of the train sequences, and accuracy and log loss of each on
the test sequences. The settings are those that `use` comes to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import pandas as pd
from _choosing import choose, make_params
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.data.conformity import conform
from lockstep.data.examples import make_examples

LONGEST = 1000
"""Points that `use` has looked at of a sequence."""


def make_contract(points: pd.DataFrame) -> Contract:
    """The contract of the points, as `use` writes it, with the split as it is given."""
    longest = int(points.groupby("sequence").size().max())
    words = {
        **{"title": "sequences", "source": "a package", "licence": "see there"},
        **{"target": "label", "sequence": "sequence", "time": "point", "part": "part"},
        "length": min(longest, LONGEST),
    }
    labels = sorted(points["label"].unique())
    columns = {
        "sequence": {"type": "identifier"},
        "point": {"type": "integer"},
        "label": {"type": "categorical" if len(labels) > 2 else "binary", "categories": labels},
        "part": {"type": "binary", "categories": ["train", "test"]},
    }
    columns |= {name: {"type": "numeric", "nullable": True} for name in points if "channel" in name}
    described = {name: column | {"meaning": name} for name, column in columns.items()}
    return Contract.model_validate(words | {"columns": described})


def learn(file: Path, without: list[str]) -> None:
    """Compare the candidates on the points in a file."""
    rows, contract = pd.read_parquet(file), make_contract(pd.read_parquet(file))
    points, _ = conform(contract.columns, rows)
    framed = frame_contract(contract)
    names = ["sequence", "label", "part"]
    params = make_params(framed, rows[names].drop_duplicates(), without)
    examples = pd.concat(make_examples([points], contract, params), ignore_index=True)
    train, test = (
        examples[examples["part"] == part].reset_index(drop=True) for part in ("train", "test")
    )
    params = make_params(framed, train, without)
    about = choose(train, test, framed, params) | {
        "shape": f"{contract.length} x {len(contract.channels)}"
    }
    file.with_suffix(".json").write_text(json.dumps(about))
    print(file.stem, json.dumps(about), flush=True)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        if not path.with_suffix(".json").exists():
            learn(path, sys.argv[2:])
