"""What params.yaml may say, from the models that it is read through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from inspect import getdoc
from itertools import takewhile
from typing import Any

from ..core.own import import_own
from ..core.params import Params
from ..core.paths import Paths
from ..modeling.candidates import CANDIDATES
from ..modeling.problem import Problem
from ..modeling.registry import Registry
from ..modeling.series import Series
from ..modeling.steps import STEPS
from ..reporting.markdown import code, directive, table

Schema = dict[str, Any]

TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
}
PROBLEMS = (
    Problem("classification", 0),
    Problem("classification", 0, image=(28, 28, 1)),
    Problem("forecasting", 0, series=Series(28, 1, 7, 7)),
    Problem("classification", 0, signal=(28, 1)),
    Problem("anomalies", 0),
    Problem("clustering", 0),
)
"""Of each kind of data one, for candidates that take nothing else."""
BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "up to",
    "exclusiveMaximum": "below",
}
ARGUMENT = re.compile(r" {4}(\w+)(?: \(.+?\))?: (.+)")


def parameters_page(paths: Paths) -> str:
    """Every key with its type, its default and its meaning; and the options of what it names."""
    import_own(paths, "train")  # the owner's package has more to name
    return f"""\
# Parameters

Every setting stands in `params.yaml`; after a change, `uv run dvc repro` runs the stages that read
it. A key without a default must be there.

{table(("key", "type", "default", "meaning"), _key_rows(Params.model_json_schema()))}

## Options of the candidates

Under `train.candidates`; what each candidate is stands in [](modelling.md).

{table(("candidate", "option", "type", "default", "meaning"), _option_rows(CANDIDATES))}

## Options of the steps

Under `features`; a step with one option takes it alone, such as `impute: mean`.

{table(("step", "option", "type", "default", "meaning"), _option_rows(STEPS))}

## As they are set

{directive("literalinclude", "../params.yaml", ":language: yaml")}
"""


def read_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """What the section `Args` of a function's docstring says of each argument."""
    section = (getdoc(function) or "").partition("\nArgs:\n")[2]
    meanings: dict[str, str] = {}
    name = ""
    for line in takewhile(lambda line: line.startswith("    "), section.splitlines()):
        if argument := ARGUMENT.fullmatch(line):
            name = argument[1]
            meanings[name] = argument[2]
        elif name:
            meanings[name] += f" {line.strip()}"
    return meanings


def _key_rows(schema: Schema, above: str = "", whole: Schema | None = None) -> list[list[str]]:
    """A row for each key; a section's own keys follow it, their names with dots between."""
    whole = whole or schema
    rows = []
    for name, value in schema["properties"].items():
        key = f"{above}{name}"
        section = whole.get("$defs", {}).get(value.get("$ref", "").rpartition("/")[2])
        if section is None:
            rows.append([code(key), *_describe(value)])
        else:
            rows.append([code(key), "section", "", section["description"]])
            rows += _key_rows(section, f"{key}.", whole)
    return rows


def _option_rows(registry: Registry) -> list[list[str]]:
    """A row for each option; one that says no meaning with its type may say it in the docstring."""
    rows = []
    for name in registry:
        meanings = read_arguments(registry[name])
        defaults = _read_defaults(registry[name])
        for option, value in registry.schema(name)["properties"].items():
            if option in defaults:
                value.setdefault("default", defaults[option])
            rows.append([code(name), code(option), *_describe(value, meanings.get(option, ""))])
    return rows


def _read_defaults(candidate: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of what a candidate makes of a table or, if it takes none, of other examples.

    The options that several candidates share have their defaults only there.
    """
    for problem in PROBLEMS:
        with suppress(Exception):  # it is for another problem, or it is no candidate but a step
            estimator = candidate(problem)
            return dict(estimator.get_params(deep=False))
    return {}


def _describe(schema: Schema, meaning: str = "") -> list[str]:
    """Type, default and meaning of a value; `meaning` counts where the schema has none."""
    default = json.dumps(schema["default"], ensure_ascii=False) if "default" in schema else ""
    return [
        _type(schema),
        code(default.replace('"', "")) if default else "",
        " ".join(schema.get("description", meaning).split()),
    ]


def _type(schema: Schema) -> str:
    """What a value may be, in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return f"one of {', '.join(map(code, schema['enum']))}"
    if "const" in schema:
        return code(schema["const"])
    match schema.get("type"):
        case "array":
            items = schema.get("items", {})
            return "list of steps" if "anyOf" in items else f"list, each {_type(items)}"
        case "object":
            return "names with their options" if schema.get("additionalProperties") else "options"
    bounds = [f"{word} {schema[key]:,}" for key, word in BOUNDS.items() if key in schema]
    return " ".join([TYPES.get(schema.get("type", ""), "text"), ", ".join(bounds)]).rstrip()
