"""Whether a record has all that its readers rely on, since anybody may edit one.

A model of pydantic would take longer to import than `runs` may take in all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..core.kinds import KINDS

Check = Callable[[Any], bool]


def find_flaw(record: Any) -> str | None:
    """The first part of a record that is not there or not of its form; None if all is well.

    It is empty if there are no parts at all.
    """
    if not isinstance(record, dict):
        return ""
    return next((name for name, is_fine in PARTS.items() if not is_fine(record.get(name))), None)


def _each(is_fine: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(is_fine, value.values()))


def _list(is_fine: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(is_fine, value))


def _has(**parts: Check) -> Check:
    return lambda value: (
        isinstance(value, dict) and all(is_fine(value.get(name)) for name, is_fine in parts.items())
    )


def _or_none(is_fine: Check) -> Check:
    return lambda value: value is None or is_fine(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_section(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # not NaN


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_pair(value: Any) -> bool:
    return _list(_is_number)(value) and len(value) == 2


def _is_kind(value: Any) -> bool:
    return value in KINDS


def _is_name(value: Any) -> bool:
    """Of a file of the project; git is asked for them line by line."""
    return (
        _is_text(value)
        and not {"\n", "\0"} & {*value}
        and ".." not in value.split("/")
        and not value.startswith("/")
    )


def _has_digests(value: Any) -> bool:
    return _each(_is_text)(value) and all(map(_is_name, value))


def _has_figures(value: Any) -> bool:
    """Parts of their own are no figures."""
    return _is_section(value) and all(
        isinstance(part, dict | list) or _is_figure(part) for part in value.values()
    )


def _has_scores(value: Any) -> bool:
    return _has_figures(value) and _has_intervals(value.get("intervals"))


def _is_subgroup(value: Any) -> bool:
    names = ("column", "value")
    return _has(column=_is_text, value=_is_text, test_rows=_is_count)(value) and _has_scores(
        {name: part for name, part in value.items() if name not in names}
    )


_is_figure = _or_none(_is_number)
_has_intervals = _each(_or_none(_is_pair))
_has_results = _has(
    test_rows=_is_count,
    baseline=_has_scores,
    gain=_has_intervals,
    subgroups=_list(_is_subgroup),
    prediction_intervals=_or_none(_has(coverage=_is_number, interval=_is_pair)),
)

PARTS: dict[str, Check] = {
    "record": _is_count,
    "kind": _is_kind,
    "target": _is_text,
    "classes": _list(_is_text),
    "labels": _or_none(_has(categories=_list(_is_text), separator=_is_text)),
    "inputs": _has_digests,
    "contract": lambda value: _has_digests(value) and len(value) == 1,
    "parameters": _has(
        seed=_is_count,
        data=_or_none(_has(raw=_or_none(_is_name))),
        train=_is_section,
        evaluate=_has(confidence=_is_number),
    ),
    "code": _each(_has_digests),
    "environment": lambda value: _each(_is_text)(value) and "processor" in value,
    "model": _has(
        candidate=_is_text,
        files=_has_digests,
        postprocessing=_has(threshold=_is_figure, thresholds=_or_none(_list(_is_number))),
    ),
    "metric": _has(name=_is_text, higher_is_better=_is_flag),
    "validation": _each(_is_figure),
    "metrics": lambda value: _has_scores(value) and _has_results(value),
    "test": _has(rows=_is_count, sha256=_is_text),
    "outputs": _has_digests,
}
"""Of a record, and when each is fine."""
