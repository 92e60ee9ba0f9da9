"""Whether those who call a model can call another one instead and change nothing.

They can if they send what is asked for already, none of it is refused that was not before, and
what they get means the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.contract import LEVELS, NUMBERS, Column, Contract
from ..core.errors import UserError
from ..core.files import parse_yaml
from ..core.validation import validate
from ..records.repository import Repository

INFINITY = float("inf")
MOST_LISTED = 5


def read_contract(repository: Repository, commit: str) -> Contract:
    """The data contract as it was at a commit.

    Raises:
        UserError: It was not there, or says what a contract cannot say.
    """
    name = repository.paths.name(repository.paths.contract_file)
    content, where = repository.read(commit, name), f"{commit[:8]}:{name}"
    if content is None:
        raise UserError(f"{where}: not there")
    return validate(Contract, parse_yaml(content, where), where, "it was committed empty")


def find_breaks(before: Contract, after: Contract) -> list[str]:
    """What callers of a model must change for another one, in words; nothing if it is compatible.

    Args:
        before: The contract that they keep to.
        after: The other model's.
    """
    return [
        *_compare_targets(before, after),
        *_compare_forecasts(before, after),
        *_compare_sequences(before, after),
        *_compare_layouts(before, after),
        *(
            text
            for name, column in after.features_only().items()
            for text in _compare_features(name, before, column, after)
        ),
    ]


def _compare_targets(before: Contract, after: Contract) -> Iterator[str]:
    if before.target != after.target:
        yield f"{after.target} is predicted, not {before.target}"
    elif before.kind != after.kind:
        yield f"the kind of problem is {after.kind}, not {before.kind}"
    elif before.classes != after.classes:
        yield f"the classes are {_list(after.classes)}, not {_list(before.classes)}"
    elif before.labels != after.labels:
        yield f"the labels are {_list(after.labels)}, not {_list(before.labels)}"
    mark, former = (contract.columns[contract.target].separator for contract in (after, before))
    if mark and former and mark != former:
        yield f"{mark!r} stands between labels, not {former!r}"
    one, other = before.columns[before.target].unit, after.columns[after.target].unit
    if one and other and one != other:
        yield f"the prediction is in {other}, not in {one}"


def _compare_forecasts(before: Contract, after: Contract) -> Iterator[str]:
    if before.horizon is None or after.horizon is None:
        return
    if (after.horizon, after.every) != (before.horizon, before.every):
        yield (
            f"it is forecast {after.horizon} steps of {after.every} ahead, not {before.horizon} of "
            f"{before.every}"
        )
    if after.series != before.series:
        yield f"the column of the series is {after.series!r}, not {before.series!r}"


def _compare_sequences(before: Contract, after: Contract) -> Iterator[str]:
    if after.sequence != before.sequence:
        one, other = (
            f"sequences of the points that share a {contract.sequence!r}"
            if contract.sequence
            else "rows"
            for contract in (after, before)
        )
        yield f"it predicts {one}, not {other}"
    elif after.sequence and after.time != before.time:
        yield f"points are in the order of {after.time!r}, not of {before.time!r}"


def _compare_layouts(before: Contract, after: Contract) -> Iterator[str]:
    one, other = before.layout.model_dump(), after.layout.model_dump()
    for key in one:
        if one[key] != other[key]:
            yield f"files are read with {key} {other[key]!r}, not {one[key]!r}"
    if before.images != after.images:
        yield "images have another shape"


def _compare_features(
    name: str, before: Contract, column: Column, after: Contract
) -> Iterator[str]:
    if name not in before.features:
        yield f"{name} must be sent"
        return
    former = before.columns[name]
    if not _holds_type(column, former):
        yield f"{name} is {column.type}, not {former.type}"
        return
    if former.unit and column.unit and former.unit != column.unit:
        yield f"{name} is in {column.unit}, not in {former.unit}"
    if former.format != column.format:
        yield f"{name} is written as {column.format or 'ISO 8601 says'}"
    if former.nullable and not column.nullable:
        yield f"{name} must not be missing"
    if after.sequence and column.constant and not former.constant:
        yield f"{name} must be the same at all points of a sequence"
    if after.forecasts and column.future and not former.future:
        yield f"{name} must be sent of times to come"
    marks = {*before.missing, *former.missing} - {*after.missing, *column.missing}
    if former.nullable and column.nullable and marks:
        yield f"{name} is no longer missing where it says {_list(sorted(marks))}"
    yield from _compare_values(name, former, column)


def _holds_type(column: Column, former: Column) -> bool:
    """Whether each value of the former type is one of the other."""
    if former.type in LEVELS:
        return column.type in LEVELS
    return column.type == former.type or (former.type in NUMBERS and column.type == "numeric")


def _compare_values(name: str, former: Column, column: Column) -> Iterator[str]:
    if former.type in LEVELS and not column.open:
        if former.open:
            yield f"{name} must be one of {_list(column.categories or [])}"
        elif texts := [
            text for text in former.categories or [] if text not in (column.categories or [])
        ]:
            yield f"{name} must not be {_list(texts)}"
    if former.type in NUMBERS:
        (low, high), (former_low, former_high) = map(_find_ends, (column, former))
        if low > former_low:
            yield f"{name} must be at least {low:g}"
        if high < former_high:
            yield f"{name} must be at most {high:g}"


def _find_ends(column: Column) -> tuple[float, float]:
    low, high = column.range or (None, None)
    return -INFINITY if low is None else low, INFINITY if high is None else high


def _list(names: Sequence[str]) -> str:
    more = len(names) - MOST_LISTED
    listing = ", ".join(repr(name) for name in names[:MOST_LISTED])
    return f"{listing} and {more} more" if more > 0 else listing
