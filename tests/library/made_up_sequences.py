"""Made-up swings: a pendulum that is pushed once, or pushed again and again."""

import json
from typing import Any

import numpy as np
import pandas as pd
from conftest import PARAMS
from lockstep.core.project import Project

CONTRACT: dict[str, Any] = {
    "title": "Made-up swings",
    "source": "a seeded generator",
    "licence": "none",
    "target": "drive",
    "sequence": "swing",
    "time": "second",
    "length": 24,
    "group": "pendulum",
    "columns": {
        "swing": {"type": "identifier", "meaning": "which swing"},
        "second": {"type": "numeric", "meaning": "since the push"},
        "angle": {"type": "numeric", "meaning": "from the vertical", "nullable": True},
        "speed": {"type": "numeric", "meaning": "of the angle"},
        "weight": {"type": "numeric", "meaning": "of the bob", "constant": True},
        "pendulum": {"type": "identifier", "meaning": "which pendulum"},
        "drive": {"type": "categorical", "categories": ["once", "often"], "meaning": "pushes"},
    },
}
CANDIDATES = {
    "baseline": {},
    "linear": {},
    "rocket": {"features": 84},
    "conv1d": {"max_epochs": 4, "filters": [8]},
    "rnn": {"max_epochs": 4, "units": 8},
}


def make_swings(count: int = 60, points: int = 24) -> pd.DataFrame:
    """A row for each of the points of so many swings; what is pushed once fades out."""
    rng = np.random.default_rng(0)
    swings = []
    for number in range(count):
        drive = ("once", "often")[number % 2]
        length = points - number % 3
        second = np.arange(length) / 4
        size = np.exp(-0.4 * second) if drive == "once" else np.ones(length)
        phase = 3 * second + rng.uniform(0, 6)
        noise = rng.normal(0, 0.1, (2, length))
        swings.append(
            pd.DataFrame(
                {
                    "swing": f"swing {number:03}",
                    "second": second,
                    "angle": (size * np.sin(phase) + noise[0]).round(3),
                    "speed": (3 * size * np.cos(phase) + noise[1]).round(3),
                    "weight": float(number % 5 + 1),
                    "pendulum": f"pendulum {number // 2 % 10}",
                    "drive": drive,
                }
            )
        )
    return pd.concat(swings, ignore_index=True)


def write_swings(project: Project, rows: pd.DataFrame | None = None, **changes: object) -> None:
    """Make a project one of swings, with some words of its contract changed."""
    params = PARAMS | {"data": {"raw": "data/raw/swings.csv", "max_rejected": 0.01}}
    params |= {"train": {"metric": "accuracy", "folds": 2, "candidates": CANDIDATES}}
    project.params_file.write_text(json.dumps(params))
    project.contract_file.write_text(json.dumps(CONTRACT | changes))
    (make_swings() if rows is None else rows).to_csv(
        project.root / "data/raw/swings.csv", index=False
    )
    (project.root / "data/raw/fruit.csv").unlink()
    for name in ("params", "contract", "examples"):
        vars(project).pop(name, None)
