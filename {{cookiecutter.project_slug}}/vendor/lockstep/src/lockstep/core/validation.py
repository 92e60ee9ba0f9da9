"""Reading a YAML file as a checked object, and telling what is wrong with it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from .errors import UserError
from .files import read_yaml


class Strict(BaseModel):
    """A part of a file in which an unknown key is a mistake, not an addition."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,  # the documentation tells them
    )


Model = TypeVar("Model", bound=BaseModel)


def load(
    model: type[Model], path: Path, name: str, advice: str = "fill it in as its comments describe"
) -> Model:
    """Read the YAML file `path` as a `model`; messages call the file `name`.

    The `advice` is for an empty one.
    """
    return validate(model, read_yaml(path, name), name, advice)


def validate(model: type[Model], content: Any, name: str, advice: str) -> Model:
    """The same of what such a file says."""
    if content is None:
        raise UserError(f"{name}: says nothing yet; {advice}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UserError(explain(error, name, model)) from error


def explain(error: ValidationError, where: str, model: object = None) -> str:
    """One line for each mistake that pydantic found in the file, or at the key of a file, `where`.

    Without the `model` that it was read as, unknown keys get no advice.
    """
    mistakes: list[dict[str, Any]] = [dict(mistake) for mistake in error.errors()]
    misspelt = [mistake["loc"][:-1] for mistake in mistakes if mistake["type"] == "extra_forbidden"]
    # A misspelt key is missing under its right name as well; that is one mistake, not two.
    mistakes = [
        mistake
        for mistake in mistakes
        if mistake["type"] != "missing" or mistake["loc"][:-1] not in misspelt
    ]
    return "\n".join(_explain_one(mistake, where, model) for mistake in _merge_types(mistakes))


EXPECTED = {
    "dict_type": "should be options such as {alpha: 1.0}",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "too_short": "should not be empty",
    "model_type": "should be keys with their values",
}
TYPE = r"(constrained-)?(int|float|str|bool)|.*\[.*\]"
"""What pydantic puts after the place of a value when it has tried several types."""


def _merge_types(mistakes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One mistake for a value that is none of several types, which pydantic tells one by one."""
    by_place: dict[tuple[Any, ...], dict[str, Any]] = {}
    for mistake in mistakes:
        place = mistake["loc"]
        is_type = place and re.fullmatch(TYPE, str(place[-1]))
        if is_type and mistake["type"] not in ("extra_forbidden", "missing"):
            place = place[:-1]
        expected = EXPECTED.get(mistake["type"], mistake["msg"])
        expected = re.sub(r"^Input | or instance of \w+", "", expected)
        if place in by_place and len(place) < len(mistake["loc"]):
            by_place[place]["expected"] += f", or {expected.removeprefix('should be ')}"
        else:
            by_place[place] = mistake | {"loc": place, "expected": expected}
    return list(by_place.values())


def _explain_one(mistake: dict[str, Any], where: str, model: object) -> str:
    *parents, key = mistake["loc"] or [""]
    if mistake["loc"]:
        where += (": " if ": " not in where else ".") + ".".join(map(str, mistake["loc"]))
    match mistake["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key; {nearest(str(key), _list_keys(model, parents))}"
        case "missing":
            return f"{where}: missing; it has no default, so the file must say it"
        case "value_error":
            return f"{where}: {mistake['ctx']['error']}"
        case _:
            return f"{where}: found {mistake['input']!r}, which {mistake['expected']}"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """The advice of an error about `word`: what was perhaps meant, and what is allowed."""
    allowed = list(allowed)
    guess = difflib.get_close_matches(word, allowed, n=1)
    meant = f"did you mean {guess[0]}? " if guess else ""
    return f"{meant}allowed: {', '.join(allowed)}"


def _list_keys(model: object, parents: Iterable[str | int]) -> list[str]:
    """The keys of the model that lies at the end of the path `parents` below `model`."""
    fields = _find_fields(model)
    for key in parents:
        if str(key) in fields:
            fields = _find_fields(fields[str(key)].annotation)
    return list(fields)


def _find_fields(annotation: object) -> dict[str, FieldInfo]:
    """Those of the model in an annotation such as `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_fields
    return next(filter(None, map(_find_fields, get_args(annotation))), {})
