"""The examples that are gathered from the points of sequences: one for each sequence.

What is measured at each point is an example's `signal`, one number for each channel; what all
points of a sequence share is a column as it is.
"""

from __future__ import annotations

from .contract import Contract
from .errors import UserError

SIGNAL = "signal"


def list_summaries(channel: str) -> tuple[str, str, str]:
    """What the numbers are called by which a channel is watched."""
    return f"mean of {channel}", f"spread of {channel}", f"gaps of {channel}"


def gather_contract(points: Contract) -> Contract:
    """What the examples hold that are gathered from the points of sequences.

    Each has the name of its sequence, what all its points share, and the time of the last one.

    Args:
        points: The contract of the points.

    Raises:
        UserError: A column has the name that examples need for their own.
    """
    if SIGNAL in points.columns:
        raise UserError(
            f"references/schema.yaml: columns: {SIGNAL!r} is what an example calls all that was "
            "measured of it; give the column another name in the raw file, or leave it out by "
            "`drop`"
        )
    roles = (points.target, points.time, points.group, points.part, *points.features)
    names = [name for name in points.columns if name in roles and name not in points.channels]
    columns = {name: points.columns[name].model_dump(exclude_none=True) for name in names}
    assert points.sequence is not None
    meaning = points.columns[points.sequence].meaning
    identifier = {points.sequence: {"type": "identifier", "meaning": meaning}}
    signal = {
        "type": "sequence",
        "length": points.length,
        "channels": points.channels,
        "meaning": "what was measured, from the earliest point to the latest",
    }
    own = {"sequence", "length", "columns"}
    return Contract.model_validate(
        points.model_dump(exclude_none=True, exclude=own)
        | {"carried": [points.time], "points": points, "drop": []}
        | {"columns": identifier | columns | {SIGNAL: signal}}
    )
