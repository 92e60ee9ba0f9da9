"""What params.yaml may say, from the models that it is read through."""

from __future__ import annotations

import json
from typing import Any

from ..core.params import Params
from ..modeling.candidates import CANDIDATES
from ..modeling.registry import Registry
from ..modeling.steps import STEPS
from ..reporting.markdown import code, directive, table

Schema = dict[str, Any]


def page() -> str:
    """Every key with its type, its default and its meaning; and the options of what it names."""
    return f"""\
# Parameters

Every setting stands in `params.yaml`; after a change, `uv run dvc repro` runs the stages that read
it. A key without a default must be there.

{table(("key", "type", "default", "meaning"), _keys(Params.model_json_schema()))}

## Options of the candidates

Under `train.candidates`; what each candidate is stands in [](modelling.md).

{table(("candidate", "option", "type", "default", "meaning"), _options(CANDIDATES))}

## Options of the steps

Under `features`; a step with one option takes it alone, such as `impute: mean`.

{table(("step", "option", "type", "default", "meaning"), _options(STEPS))}

## As they are set

{directive("literalinclude", "../params.yaml", ":language: yaml")}
"""


def _keys(schema: Schema, above: str = "", whole: Schema | None = None) -> list[list[str]]:
    """A row for each key; a section's own keys follow it, their names with dots between."""
    whole = whole or schema
    rows = []
    for name, one in schema["properties"].items():
        key = f"{above}{name}"
        section = whole.get("$defs", {}).get(one.get("$ref", "").rpartition("/")[2])
        if section is None:
            rows.append([code(key), *_told(one)])
        else:
            rows.append([code(key), "section", "", section["description"]])
            rows += _keys(section, f"{key}.", whole)
    return rows


def _options(registry: Registry) -> list[list[str]]:
    return [
        [code(name), code(option), *_told(one)]
        for name in registry
        for option, one in registry.schema(name)["properties"].items()
    ]


def _told(schema: Schema) -> list[str]:
    return [_type(schema), _default(schema), schema.get("description", "")]


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
        case "integer":
            return f"whole number{_bounds(schema)}"
        case "number":
            return f"number{_bounds(schema)}"
        case "boolean":
            return "`true` or `false`"
        case "null":
            return "`null`"
    return "text"


def _bounds(schema: Schema) -> str:
    words = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "up to",
        "exclusiveMaximum": "below",
    }
    found = [f"{word} {schema[key]:,}" for key, word in words.items() if key in schema]
    return f" {', '.join(found)}" if found else ""


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return ""
    return code(json.dumps(schema["default"], ensure_ascii=False).replace('"', ""))
