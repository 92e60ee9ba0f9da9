"""Made-up daily sales of a few shops, and the contract that a forecast of them has."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
from conftest import make_params
from lockstep.core.contract import Contract
from lockstep.data.examples import make_examples

CONTRACT: dict[str, Any] = {
    "title": "Made-up sales",
    "source": "a seeded generator",
    "licence": "none",
    "target": "sales",
    "time": "day",
    "series": "shop",
    "horizon": 7,
    "every": "1 day",
    "season": 7,
    "window": 28,
    "columns": {
        "shop": {"type": "identifier", "meaning": "the shop"},
        "day": {"type": "datetime", "meaning": "the day"},
        "price": {"type": "numeric", "unit": "EUR", "meaning": "price", "future": True},
        "visitors": {"type": "integer", "meaning": "people who came in", "nullable": True},
        "sales": {"type": "numeric", "meaning": "pieces sold", "nullable": True},
    },
}


def make_contract(**changes: object) -> Contract:
    """What the rows of the shops are, with some of its keys changed."""
    return Contract.model_validate(copy.deepcopy(CONTRACT) | changes)


def make_sales(days: int = 120, shops: int = 3, seed: int = 0) -> pd.DataFrame:
    """(days * shops,) rows, each shop with a level, a trend and a week of its own.

    A lower price sells more, and the more visitors come, the more is sold the day after.
    """
    rng = np.random.default_rng(seed)
    tables = []
    for shop in range(shops):
        level, trend = 20.0 * 4**shop, rng.normal(0.002, 0.001)
        week = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(days) % 7 + shop) / 7)
        price = rng.choice([1.0, 1.0, 1.0, 0.8], days)
        visitors = rng.poisson(50 + 10 * shop, days)
        pull = 1 + 0.01 * (np.append(50 + 10 * shop, visitors[:-1]) - 50 - 10 * shop)
        sales = level * np.exp(trend * np.arange(days)) * week * pull * (2 - price)
        table = {
            "shop": f"shop {shop + 1}",
            "day": pd.date_range("2025-01-01", periods=days).astype("datetime64[us]"),
            "price": price,
            "visitors": visitors,
            "sales": (sales * rng.normal(1, 0.03, days)).round(2),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def make_examples_of_sales(contract: Contract, sales: pd.DataFrame | None = None) -> pd.DataFrame:
    """All examples of made-up sales, both those to learn from and those of the test."""
    rows = make_sales() if sales is None else sales
    params = make_params(kind="forecasting", split={"by": "time", "test_fraction": 0.2})
    examples = make_examples([rows], contract, params)
    return pd.concat(examples, ignore_index=True)
