"""The rows that a model learns to forecast from: an example for each step from each origin.

`origin` is the time of the last value that is known, and the time of an example is that of the
value to forecast, `step` steps later. Whatever else an example holds was known at its origin.
"""

from __future__ import annotations

from typing import Any

from .contract import NUMBERS, PART, SIDES, Contract
from .errors import UserError
from .sequences import gather_contract

ORIGIN, STEP, PAST, LEVEL, SPREAD = "origin", "step", "past", "level", "spread"
SCALE, SQUARED_SCALE, BLOCK = "scale", "squared_scale", "block"
GAPS = "gaps"
"""What stands for `past` where forecasts are watched: the share of it that is unknown."""
CARRIED = (ORIGIN, LEVEL, SPREAD, SCALE, SQUARED_SCALE)
COLUMNS: dict[str, dict[str, Any]] = {
    STEP: {"type": "integer", "meaning": "how many steps after the origin the time lies"},
    LEVEL: {"type": "numeric", "meaning": "where the latest values lie"},
    SPREAD: {"type": "numeric", "meaning": "how far the latest values lie apart"},
    SCALE: {
        "type": "numeric",
        "nullable": True,
        "meaning": "the mean error of the value a season before, among the series' train rows",
    },
    SQUARED_SCALE: {"type": "numeric", "nullable": True, "meaning": "the same of squared errors"},
    BLOCK: {"type": "identifier", "meaning": "examples that are no evidence apart from each other"},
    PART: {"type": "categorical", "categories": [*SIDES], "meaning": "the side of the split"},
}


def list_channels(contract: Contract) -> list[str]:
    """What there is a number of at each time of the past: the target, and what is not known ahead.

    Args:
        contract: Of the rows.
    """
    past = [
        name
        for name, column in contract.features_only().items()
        if name != contract.time and column.type in NUMBERS and not column.future
    ]
    return [contract.target, *past]


def frame_contract(contract: Contract) -> Contract:
    """What the examples hold that are framed from rows of a series, or gathered from sequences;
    other rows are examples as they are.

    Each has the latest `window` values of the target and of the numbers that are not known ahead,
    as the sequence `past`; those columns that are known ahead as they are at its time; and the
    target then.

    Args:
        contract: Of the rows.

    Raises:
        UserError: A column has a name that examples need for their own.
    """
    if contract.sequence is not None:
        return gather_contract(contract)
    if contract.horizon is None:
        return contract
    assert contract.time is not None
    originals = contract.columns
    for name in (*COLUMNS, ORIGIN, PAST, GAPS):
        if name in originals:
            raise UserError(
                f"references/schema.yaml: columns: {name!r} is what a forecast calls a column of "
                "its own; give it another name in the raw file, or leave it out by `drop`"
            )
    roles = [contract.series, contract.time, contract.target]
    columns = {
        name: column.model_dump(exclude_none=True)
        for name, column in originals.items()
        if name in roles or (name in contract.features and column.future)
    }
    if contract.series is not None:
        columns[contract.series] = {
            "type": "identifier",
            "meaning": originals[contract.series].meaning,
        }
    columns |= COLUMNS | {
        ORIGIN: {
            "type": originals[contract.time].type,
            "meaning": "when the latest known value was observed",
        },
        PAST: {
            "type": "sequence",
            "length": contract.window,
            "channels": list_channels(contract),
            "meaning": "the latest values, from the earliest to that of the origin",
        },
    }
    own_roles = {"group": BLOCK, "part": PART, "carried": CARRIED, "history": contract}
    forecast = {"series", "horizon", "every", "season", "window"}
    return Contract.model_validate(
        contract.model_dump(exclude_none=True, exclude={"columns", "group", *forecast})
        | own_roles
        | {"columns": columns, "drop": []}
    )
