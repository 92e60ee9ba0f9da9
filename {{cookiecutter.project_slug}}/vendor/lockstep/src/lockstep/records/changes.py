"""What differs between two runs, but for their results."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, NamedTuple

from .run import Run

Kind = Literal["data", "contract", "parameters", "code", "environment"]


class Absence(Enum):
    """Stands for what is not there, where None is what a parameter may be."""

    ABSENT = "-"


ABSENT = Absence.ABSENT


class Change(NamedTuple):
    """Something that another run had otherwise, or had not."""

    kind: Kind
    name: str
    """Such as `train.candidates.linear.alpha`, of code such as `src/iris/models/common.py`."""
    before: Any
    after: Any


def find_changes(before: Run, after: Run) -> list[Change]:
    """What went into two runs and is not the same, in the order of the pipeline."""
    one, other = before.record, after.record
    return [
        *_compare("data", one["inputs"], other["inputs"]),
        *_compare("contract", one["contract"], other["contract"]),
        *_compare("parameters", *_flatten_both(one["parameters"], other["parameters"])),
        *_compare("code", join_stages(one["code"]), join_stages(other["code"])),
        *_compare("environment", one["environment"], other["environment"]),
    ]


def _compare(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [
        Change(kind, name, before.get(name, ABSENT), after.get(name, ABSENT))
        for name in [*before, *(name for name in after if name not in before)]
        if before.get(name, ABSENT) != after.get(name, ABSENT)
    ]


def _flatten_both(*parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Both flattened; what has no options in one and some in the other differs by these alone."""
    flat = [flatten(values) for values in parts]
    above = {name.rpartition(".")[0] for values in flat for name in values}
    return [{name: value for name, value in each.items() if name not in above} for each in flat]


def flatten(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Each value by the names on the way to it; lists are values."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
    return flat


def join_stages(code: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The digest of each piece of code, whatever stages are made of it."""
    joint: dict[str, str] = {}
    for sources in code.values():
        joint |= sources
    return joint
