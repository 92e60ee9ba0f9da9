"""Made-up sales of a few shops, and a model that forecasts them without having learnt anything."""

from typing import Any

import numpy as np
import pandas as pd
from conftest import StubPipeline
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.modeling.model import Model
from lockstep.modeling.postprocessing import Postprocessing

HORIZON = 3
SALES: dict[str, Any] = {
    "title": "Made-up sales",
    "source": "a seeded generator",
    "licence": "none",
    "target": "sold",
    "time": "day",
    "series": "shop",
    "horizon": HORIZON,
    "every": "1 day",
    "season": 7,
    "window": 14,
    "columns": {
        "shop": {"type": "identifier", "meaning": "which shop"},
        "day": {"type": "datetime", "meaning": "the day"},
        "price": {"type": "numeric", "range": [0, None], "future": True, "meaning": "the price"},
        "visitors": {"type": "integer", "nullable": True, "meaning": "who came"},
        "sold": {"type": "numeric", "nullable": True, "meaning": "what was sold"},
    },
}
CONTRACT = Contract.model_validate(SALES)


def make_sales(days: int = 60, shops: str = "ab", future: int = HORIZON) -> pd.DataFrame:
    """Of each shop that many days, and days to come of which only the price is known."""
    rng = np.random.default_rng(0)
    tables = []
    for place, shop in enumerate(shops):
        steps = np.arange(days + future)
        sold = 100 * (place + 1) + 10 * np.sin(steps * 2 * np.pi / 7) + rng.normal(0, 2, len(steps))
        table = pd.DataFrame(
            {
                "shop": shop,
                "day": pd.date_range("2026-01-01", periods=len(steps)).astype("str"),
                "price": 2.5 + (steps % 5) / 10,
                "visitors": np.round(sold * 3),
                "sold": sold.round(2),
            }
        )
        table.loc[days:, ["visitors", "sold"]] = None
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def make_model(contract: Contract = CONTRACT) -> Model:
    """One that forecasts by the number of the step."""
    return Model(
        StubPipeline(predict=lambda X: np.asarray(X["step"], dtype="float64")),
        "stub",
        "forecasting",
        frame_contract(contract),
        Postprocessing(coverage=0.9, step_margins=((-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0))),
    )
