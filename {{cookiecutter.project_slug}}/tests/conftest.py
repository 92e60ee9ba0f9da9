"""A small made-up project, so that these tests stay true whatever the real data are."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lockstep import Contract, Params, Project, UserError

HERE = Project(Path(__file__).parents[1])
NUMBER = {"type": "numeric", "nullable": True, "meaning": "a number"}
CONTRACT = {
    "title": "Made-up fruit",
    "source": "a seeded generator",
    "licence": "none",
    "target": "fruit",
    "columns": {
        "weight": NUMBER | {"range": [0, 500], "nullable": False},
        "seeds": NUMBER | {"type": "integer"},
        "colour": {"type": "categorical", "categories": ["green", "red"], "meaning": "a colour"},
        "picked": {"type": "datetime", "meaning": "a day"},
        "fruit": {"type": "binary", "categories": ["apple", "melon"], "meaning": "its kind"},
    },
}
PARAMS = {
    "seed": 1,
    "kind": "classification",
    "reproducibility": "strict",
    "data": {"raw": "data/raw/fruit.csv", "max_rejected": 0.1},
    "split": {"test_fraction": 0.25},
    "train": {"folds": 2, "candidates": {"baseline": {}, "linear": {}, "mlp": {"max_epochs": 2}}},
    "evaluate": {"resamples": 20, "confidence": 0.95},
}


@pytest.fixture
def fruit() -> pd.DataFrame:
    """Apples are light and red, melons heavy and green, with some noise and gaps."""
    rng = np.random.default_rng(0)
    is_melon = rng.random(80) < 0.5
    return pd.DataFrame(
        {
            "weight": np.where(is_melon, 400.0, 150.0) + rng.normal(0, 20, 80).round(1),
            "seeds": np.where(rng.random(80) < 0.1, np.nan, rng.integers(0, 9, 80)),
            "colour": np.where(is_melon ^ (rng.random(80) < 0.1), "green", "red"),
            "picked": pd.date_range("2026-05-01", periods=80),
            "fruit": np.where(is_melon, "melon", "apple"),
        }
    )


@pytest.fixture
def contract() -> Contract:
    return Contract.model_validate(CONTRACT)


@pytest.fixture
def params() -> Params:
    return Params.model_validate(PARAMS | {"keras_backend": keras_backend()})


def keras_backend() -> str:
    """What this project computes networks with; while params.yaml is wrong, whatever is there."""
    try:
        return HERE.params.keras_backend
    except UserError:
        return "jax"


@pytest.fixture
def project(tmp_path: Path, fruit: pd.DataFrame) -> Project:
    """A project with raw data and nothing run yet."""
    project = Project(tmp_path)
    project.params_file.write_text(json.dumps(PARAMS | {"keras_backend": keras_backend()}))
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    (tmp_path / "pyproject.toml").write_text((HERE.root / "pyproject.toml").read_text("utf-8"))
    for folder in (project.contract_file.parent, project.raw):
        folder.mkdir(parents=True)
    project.contract_file.write_text(json.dumps(CONTRACT))
    fruit.to_csv(project.raw / "fruit.csv", index=False)
    return project
