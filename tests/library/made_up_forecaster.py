"""Made-up sales of a few shops as they come, and a model that has learnt nothing but the step."""

import numpy as np
import pandas as pd
from conftest import StubPipeline
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.modeling.model import Model
from lockstep.modeling.postprocessing import Postprocessing
from made_up_series import CONTRACT as SERIES

HORIZON = 3
SALES = SERIES | {"horizon": HORIZON, "window": 14}
CONTRACT = Contract.model_validate(SALES)


def make_history(days: int = 60, shops: str = "ab", future: int = HORIZON) -> pd.DataFrame:
    """Of each shop that many days, and days to come of which only the price is known."""
    rng = np.random.default_rng(0)
    tables = []
    for place, shop in enumerate(shops):
        steps = np.arange(days + future)
        season = 10 * np.sin(steps * 2 * np.pi / 7)
        sales = 100 * (place + 1) + season + rng.normal(0, 2, len(steps))
        table = pd.DataFrame(
            {
                "shop": shop,
                "day": pd.date_range("2026-01-01", periods=len(steps)).astype("str"),
                "price": 2.5 + (steps % 5) / 10,
                "visitors": np.round(sales * 3),
                "sales": sales.round(2),
            }
        )
        table.loc[days:, ["visitors", "sales"]] = None
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
