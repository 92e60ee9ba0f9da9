"""Made-up reviews of a restaurant, of which a few words tell whether they are good."""

import json
from typing import Any

import numpy as np
import pandas as pd
from conftest import PARAMS
from lockstep.core.project import Project

CONTRACT: dict[str, Any] = {
    "title": "Made-up reviews",
    "source": "a seeded generator",
    "licence": "none",
    "target": "verdict",
    "columns": {
        "review": {"type": "text", "meaning": "what was written", "nullable": True},
        "visits": {"type": "integer", "meaning": "how often they came"},
        "verdict": {"type": "binary", "categories": ["bad", "good"], "meaning": "the verdict"},
    },
}
CANDIDATES = {
    "baseline": {},
    "linear": {"alpha": 0.1},
    "forest": {"trees": 5},
    "naive_bayes": {},
    "text_cnn": {"max_epochs": 3, "embedding": 4, "filters": 4, "widths": [1, 2]},
    "text_rnn": {"max_epochs": 3, "embedding": 4, "units": 4},
}
RECIPE = {
    "text": ["terms", {"latent": 4}, "standardise"],
    "tokens": {"length": 8, "vocabulary": 40},
}
GOOD, BAD = ("köstlich", "wonderful 😀", "好吃", "لذيذ"), ("awful", "kalt 😡", "难吃", "سيئ")
OTHERS = (
    "the soup was",
    "wir aßen Fisch,",
    "我们 点了 鱼",
    "كان السمك",
    "and the waiter <b>said</b>",
)


def make_reviews(count: int = 80) -> pd.DataFrame:
    """So many reviews, a few of them without a text."""
    rng = np.random.default_rng(0)
    is_good = rng.random(count) < 0.5
    texts = [
        f"{rng.choice(OTHERS)} {rng.choice(GOOD if good else BAD)} {rng.choice(OTHERS)}!"
        for good in is_good
    ]
    frame = pd.DataFrame(
        {
            "review": texts,
            "visits": rng.integers(1, 9, count),
            "verdict": np.where(is_good, "good", "bad"),
        }
    )
    frame.loc[::20, "review"] = None
    return frame


def write_reviews(project: Project, **changes: Any) -> None:
    """Let a project learn from reviews; `changes` are of params.yaml."""
    params = {**PARAMS, "features": RECIPE, **changes}
    params["data"] = {"raw": "data/raw/reviews.csv", "max_rejected": 0.01}
    params["train"] = {**PARAMS["train"], "metric": "log_loss", "candidates": CANDIDATES}
    project.params_file.write_text(json.dumps(params))
    project.contract_file.write_text(json.dumps(CONTRACT))
    make_reviews().to_csv(project.raw / "reviews.csv", index=False)
