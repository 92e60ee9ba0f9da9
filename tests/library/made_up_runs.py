"""A project in git whose commits hold records and predictions that were made up, not computed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from conftest import make_project
from lockstep.core.paths import Paths
from lockstep.core.table import as_csv
from lockstep.records.repository import Repository

CLASSES = ("apple", "melon")
WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "Ada", "EMAIL": "ada@example.org"}.items()
}
RECORD: dict[str, Any] = {
    "record": 1,
    "kind": "classification",
    "target": "fruit",
    "classes": [*CLASSES],
    "inputs": {"data/raw/fruit.csv": "a" * 64},
    "contract": {"references/schema.yaml": "b" * 64},
    "parameters": {
        "seed": 1,
        "kind": "classification",
        "train": {"metric": "log_loss", "candidates": {"baseline": {}, "linear": {"alpha": 0.1}}},
        "evaluate": {"resamples": 200, "confidence": 0.95},
    },
    "code": {
        stage: {f"src/owner/{stage}.py": "c" * 64, "vendor/lockstep/src/lockstep/core": "d" * 64}
        for stage in ("ingest", "preprocess", "train", "evaluate")
    },
    "environment": {"python": "3.11", "numpy": "2.4.0", "processor": "x86_64 avx2"},
    "model": {"candidate": "linear", "files": {}, "postprocessing": {}},
    "metric": {"name": "log_loss", "higher_is_better": False},
    "validation": {"log_loss": 0.31, "accuracy": 0.9, "standard_error": 0.02},
    "metrics": {
        "test_rows": 40,
        "log_loss": 0.35,
        "accuracy": 0.85,
        "calibration_error": 0.05,
        "intervals": {
            "log_loss": [0.2, 0.6],
            "accuracy": [0.7, 0.93],
            "calibration_error": None,
        },
        "baseline": {"log_loss": 0.69, "accuracy": 0.5, "intervals": {}},
        "gain": {"log_loss": [0.1, 0.5], "accuracy": [0.2, 0.45]},
        "subgroups": [],
    },
    "test": {"rows": 40, "sha256": "e" * 64},
    "outputs": {},
}


def merge(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The content with what lies deep within it changed; None takes a key away."""
    merged = deepcopy(dict(content))
    for key, value in changes.items():
        if value is None and key not in ("threshold",):
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = deepcopy(value)
    return merged


def make_predictions(rows: int = 40, skill: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """What a run keeps of so many rows, which are those of all runs; more skill is better."""
    truth = np.random.default_rng(0).integers(0, 2, rows)
    noise = np.random.default_rng(seed).normal(0, 1, rows)
    second = 1 / (1 + np.exp(-(skill * (2 * truth - 1) + noise)))
    return pd.DataFrame(
        {
            "prediction": np.array(CLASSES)[(second >= 0.5).astype(int)],
            "probability_apple": 1 - second,
            "probability_melon": second,
            "actual": np.array(CLASSES)[truth],
            "row": [f"{number * 7919 % 2**32:016x}" for number in range(rows)],
            "group": np.arange(rows),
        }
    )


class History:
    """A project's git repository."""

    def __init__(self, top: Path, folder: str = "") -> None:
        self.root = top / folder
        self.root.mkdir(parents=True, exist_ok=True)
        make_project(self.root)
        self.paths = Paths(self.root)
        self.record = RECORD
        self.git("init", "--quiet", "--initial-branch", "main", str(top))

    @property
    def repository(self) -> Repository:
        return Repository(self.paths)

    def git(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **WHO, **environment},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.strip()

    def run(self, *, predictions: pd.DataFrame | None = None, **changes: Any) -> None:
        """Let a run that differs by `changes` from the one before stand in the workspace."""
        self.record = merge(self.record, changes)
        self.paths.plots.mkdir(parents=True, exist_ok=True)
        table = self.paths.plots / "predictions.csv"
        table.unlink(missing_ok=True)
        if predictions is not None:
            table.write_text(as_csv(predictions), encoding="utf-8")
        text = json.dumps(self.record, indent=2, sort_keys=True) + "\n"
        self.paths.record.write_text(text, encoding="utf-8")

    def commit(self, message: str, day: int = 1, **changes: Any) -> str:
        """Commit such a run, or all that is there where nothing is said of one."""
        if changes:
            self.run(**changes)
        self.git("add", "--all")
        date = f"2026-03-{day:02}T12:00:00+00:00"
        options = ("commit", "--quiet", "--allow-empty", "--message", message)
        self.git(*options, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        return self.git("rev-parse", "HEAD")
