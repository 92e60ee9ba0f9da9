"""The space of a search: the values that may be tried of a candidate's options."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.params import Domain, Params, Space
from ..core.validation import nearest
from ..modeling.candidates import CANDIDATES, make_candidate
from ..modeling.problem import Problem

Options = dict[str, Any]
GRID_VALUES = 4
"""How many values of a range are tried in a grid."""
LENGTH = "{}.length"
"""The name of the coordinate that says how long a list is; no option has a dot in its name."""


def choose_spaces(params: Params, problem: Problem, names: Sequence[str]) -> dict[str, Space]:
    """The spaces of the candidates that are searched, in the order of `train.candidates`.

    Args:
        params: What params.yaml says.
        problem: What the candidates are made for.
        names: The candidates; none means all of `train.candidates` that have a space.

    Raises:
        UserError: There is no such candidate or option, or a candidate refuses a value.
    """
    spaces = {name: space for name, space in params.search.space.items() if space}
    for name, space in spaces.items():
        where = f"params.yaml: search.space.{name}"
        CANDIDATES.require(name, where)
        options = CANDIDATES.options(name)
        for option in space:
            if option not in options:
                advice = nearest(option, options or ["none"])
                raise UserError(f"{where}.{option}: unknown option; {advice}")
    selection = {
        name: spaces[name]
        for name in params.train.candidates
        if name in spaces and (not names or name in names)
    }
    for name in names:
        if name not in selection:
            raise UserError(_explain_name(name, params, spaces))
    if not selection:
        raise UserError(
            "params.yaml: search.space: none of train.candidates is there; say what may be tried, "
            "such as linear: {alpha: {low: 0.01, high: 100, log: true}}"
        )
    for name, space in selection.items():
        _require_values(name, params.train.candidates[name], space, problem)
    return selection


def _explain_name(name: str, params: Params, spaces: dict[str, Space]) -> str:
    if name in params.train.candidates:
        return (
            f"params.yaml: search.space.{name}: missing; it says what may be tried of {name}, such "
            "as {alpha: {low: 0.01, high: 100, log: true}}"
        )
    allowed = [name for name in params.train.candidates if name in spaces]
    return (
        f"{name}: not among train.candidates in params.yaml; {nearest(name, allowed or ['none'])}"
    )


def _require_values(name: str, options: Options, space: Space, problem: Problem) -> None:
    """Check that the candidate takes what stands in its space, one value at a time."""
    make_candidate(name, options, problem)
    for option, domain in space.items():
        for key, value in _list_written(domain):
            try:
                make_candidate(name, options | {option: value}, problem)
            except UserError as error:
                reason = str(error).splitlines()[0].removeprefix("params.yaml: ")
                if reason.startswith(f"train.candidates.{name}"):
                    reason = reason.partition(": ")[2]
                where = f"params.yaml: search.space.{name}.{option}{key}"
                raise UserError(f"{where}: {reason}") from error


def _list_written(domain: Domain) -> Iterator[tuple[str, Any]]:
    """The values that the domain itself names, each with its key there."""
    if domain.choices:
        yield from (("", choice) for choice in domain.choices)
        return
    for key, end in ((".low", domain.low), (".high", domain.high)):
        yield key, [end] * domain.length[0] if domain.length else end
    if domain.length:
        yield ".length", [domain.low] * domain.length[1]


def read_current(name: str, space: Space, params: Params, problem: Problem) -> Options:
    """The searched options as they are now: what params.yaml has or, without, their defaults.

    One whose default is neither in the candidate's signature nor a parameter of its estimator is
    left out.
    """
    options, schema = params.train.candidates[name], CANDIDATES.schema(name)["properties"]
    defaults = {
        option: schema[option]["default"] for option in space if "default" in schema[option]
    }
    estimator = make_candidate(name, options, problem)
    current = estimator.get_params(deep=False) | defaults | options
    return {option: current[option] for option in space if option in current}


def encode(space: Space, options: Options) -> Options | None:
    """The coordinates of options: labels of choices, numbers and lengths; None if outside."""
    coordinates: Options = {}
    for name, domain in space.items():
        if name not in options:
            return None
        value = options[name]
        if domain.length and not domain.choices:
            is_list = isinstance(value, list | tuple) and len({*value}) == 1
            if not is_list or not domain.length[0] <= len(value) <= domain.length[1]:
                return None
            coordinates[LENGTH.format(name)] = len(value)
            value = value[0]
        if not _holds(domain, value):
            return None
        coordinates[name] = label(value) if domain.choices else value
    return coordinates


def _holds(domain: Domain, value: Any) -> bool:
    if domain.choices:
        return label(value) in map(label, domain.choices)
    types = int if domain.is_whole else (int, float)
    is_number = isinstance(value, types) and not isinstance(value, bool)
    return is_number and domain.low <= value <= domain.high


def decode(space: Space, coordinates: Options) -> Options:
    """The options at some coordinates, as params.yaml would have them."""
    options: Options = {}
    for name, domain in space.items():
        value = coordinates[name]
        if domain.choices:
            options[name] = json.loads(value)
            continue
        value = _round(domain, value)
        options[name] = [value] * coordinates[LENGTH.format(name)] if domain.length else value
    return options


def label(value: Any) -> str:
    """A choice as text, which tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True, default=str)


def _round(domain: Domain, value: float) -> float:
    """A whole number, or one of three digits; what is tried can then be read and repeated."""
    if domain.is_whole:
        return round(value)
    return float(min(max(float(f"{value:.3g}"), domain.low), domain.high))


def draw_grid(space: Space, count: int, seed: str) -> list[Options]:
    """So many combinations of the grid, or all if they are fewer, in a random order."""
    values = {name: _list_values(domain) for name, domain in space.items()}
    total = math.prod(map(len, values.values()))
    places = Random(seed).sample(range(total), min(count, total))
    return [_combine(values, place) for place in places]


def _combine(values: dict[str, list[Any]], place: int) -> Options:
    """The combination that stands at a place of the grid."""
    options: Options = {}
    for name, several in values.items():
        place, rest = divmod(place, len(several))
        options[name] = several[rest]
    return options


def _list_values(domain: Domain) -> list[Any]:
    """Those that are in the grid."""
    if domain.choices:
        return [*domain.choices]
    spread = np.geomspace if domain.log else np.linspace
    numbers = spread(domain.low, domain.high, GRID_VALUES).tolist()
    values = [*dict.fromkeys(_round(domain, number) for number in numbers)]
    if domain.length is None:
        return values
    least, most = domain.length
    return [[value] * length for length in range(least, most + 1) for value in values]
