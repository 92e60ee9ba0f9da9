"""OpenAPI of what is served: the rows of each version as its contract has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ..core.contract import IMAGE
from ..core.params import predicts_numbers
from .bodies import FILES, JSON
from .inference_protocol import list_inputs
from .predict_route import LONGEST_KEY
from .request_ids import HEADER, ID
from .row_contract import find_optional, find_row_contract, list_subjects
from .tensors import PIXELS

if TYPE_CHECKING:
    from .engine import Version

Schema = dict[str, Any]

NUMBERS = {"numeric": "number", "integer": "integer"}
"""What the types of columns are called that are no texts."""
PICTURE = "a PNG or JPEG file in base64"
REFUSAL: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "why, and what was expected"}},
}
BREACHES: Schema = {
    "type": "object",
    "description": "of a row that breaks the contract",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["column", "reason"],
                "properties": {"column": {"type": "string"}, "reason": {"type": "string"}},
            },
        }
    },
}
TENSOR: Schema = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        "datatype": {"type": "string"},
        "data": {"type": "array"},
        "parameters": {"type": "object"},
    },
}
INFERENCE: Schema = {
    "id": {"type": "string", "pattern": f"^{ID.pattern}$"},
    "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
    "parameters": {"type": "object"},
}
"""What a request of the Open Inference Protocol may have beside its tensors."""


def make_openapi(app: FastAPI, versions: Sequence[Version], *, asks_tokens: bool = False) -> Schema:
    """The document of an application that serves these versions, and perhaps asks for tokens."""
    document = get_openapi(
        title=app.title,
        version=", ".join(f"{version.model} {version.version}" for version in versions) or "none",
        description="Each row that is asked for is held against the contract of the version. Of a "
        "forecast the rows are those of series so far, and each answer is of a time to come; of "
        "sequences the rows are points, and each answer is of a sequence.",
        routes=app.routes,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Refusal"] = REFUSAL
    for version in versions:
        schemas[f"{_name(version)}-row"] = describe_row(version)
        schemas[f"{_name(version)}-tensor"] = describe_tensors(version)
        schemas[f"{_name(version)}-answer"] = describe_answer(version)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _content(_refer("Refusal"), "no answer, and why")
            if path.endswith("/infer"):
                operation["requestBody"] = _describe_infer(versions)
    document["paths"]["/predict"]["post"] |= _describe_predict(versions)
    if asks_tokens:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def describe_row(version: Version) -> Schema:
    """The schema of a row of the contract's features and identifiers."""
    columns: Mapping[str, Mapping[str, Any]] = find_row_contract(version)["columns"]
    optional = find_optional(version)
    features = {
        name: {**columns[name], "nullable": True} if name in optional else columns[name]
        for name in version.features
        if name in columns
    }
    names = {name: column for name, column in columns.items() if column["type"] == "identifier"}
    return {
        "type": "object",
        "required": [name for name, column in features.items() if not column.get("nullable")],
        "properties": {
            name: describe_cell(column) for name, column in {**names, **features}.items()
        },
    }


def describe_cell(column: Mapping[str, Any]) -> Schema:
    """The schema of a cell of a column of the contract."""
    if column["type"] == "image":
        return {"type": "string", "contentEncoding": "base64", "description": PICTURE}
    kind = NUMBERS.get(column["type"], "string")
    is_optional = column.get("nullable") or column["type"] == "identifier"
    schema: Schema = {"type": [kind, "null"] if is_optional else kind}
    unit = f", in {column['unit']}" if column.get("unit") else ""
    schema["description"] = column["meaning"] + unit
    categories = column.get("categories")
    if categories and column.get("open"):
        schema["examples"] = categories
    elif categories:
        schema["enum"] = [*categories, None] if is_optional else categories
    low, high = column.get("range") or (None, None)
    schema |= {"minimum": low} if low is not None else {}
    schema |= {"maximum": high} if high is not None else {}
    return schema


def describe_tensors(version: Version) -> Schema:
    """The schema of a tensor that a version takes."""
    tensors = []
    for tensor in list_inputs(version):
        column = find_row_contract(version)["columns"].get(tensor["name"])
        changes = {
            "name": {"const": tensor["name"]},
            "datatype": {"type": "string", "examples": [tensor["datatype"]]},
        }
        if tensor["datatype"] == PIXELS:
            sizes = {"prefixItems": [{}, *({"const": size} for size in tensor["shape"][1:])]}
            changes["shape"] = TENSOR["properties"]["shape"] | sizes
        meaning = describe_cell(column)["description"] if column else "the images"
        properties = TENSOR["properties"] | changes
        tensors.append({**TENSOR, "description": meaning, "properties": properties})
    return {"anyOf": tensors}


def describe_answer(version: Version) -> Schema:
    """The schema of a prediction."""
    subjects = {
        name: {"type": NUMBERS.get(one["type"], "string"), "description": one["meaning"]}
        for name, one in list_subjects(version).items()
    }
    if predicts_numbers(version.kind):
        number = {"type": "number"}
        ends = {"prediction_low": number, "prediction_high": number}
        return {
            "type": "object",
            "required": [*subjects, "prediction"],
            "properties": {**subjects, "prediction": number, **ends},
        }
    shares = {
        f"probability_{name}": {"type": "number", "minimum": 0, "maximum": 1}
        for name in version.classes
    }
    decision: Schema = {"type": "string", "enum": version.classes}
    if version.kind == "multilabel":
        decision = {"type": "array", "items": decision, "uniqueItems": True}
    if version.kind == "clustering":
        clarity = {"type": "number", "minimum": -1, "maximum": 1}
        return {
            "type": "object",
            "required": [*subjects, "prediction", "clarity"],
            "properties": {
                **subjects,
                "prediction": {"type": "string", "description": "number of the cluster, from 1"},
                "clarity": clarity | {"description": "how clearly the row is of it"},
            },
        }
    if version.kind == "anomalies":
        oddness = {"type": "number", "minimum": 0, "maximum": 1}
        return {
            "type": "object",
            "required": [*subjects, "prediction", "oddness"],
            "properties": {
                **subjects,
                "prediction": decision,
                "oddness": oddness | {"description": "share of validation rows that are less odd"},
                "because": {"type": "string", "description": "columns that make an anomaly odd"},
            },
        }
    return {
        "type": "object",
        "required": [*subjects, "prediction", *shares],
        "properties": {**subjects, "prediction": decision, **shares},
    }


def _describe_infer(versions: Sequence[Version]) -> Schema:
    tensors = [_refer(f"{_name(version)}-tensor") for version in versions]
    tensor = {"anyOf": tensors} if tensors else TENSOR
    inputs = {"type": "array", "items": tensor, "minItems": 1}
    question = {
        "type": "object",
        "required": ["inputs"],
        "properties": INFERENCE | {"inputs": inputs},
    }
    return _content(question) | {"required": True}


def _describe_predict(versions: Sequence[Version]) -> Schema:
    rows = [_refer(f"{_name(version)}-row") for version in versions]
    answers = [_refer(f"{_name(version)}-answer") for version in versions]
    row = {"anyOf": rows}
    many = {"type": "array", "items": row, "minItems": 1}
    body = {
        "anyOf": [
            {"type": "object", "required": ["rows"], "properties": {"rows": many}},
            many,
            row,
        ]
    }
    has_images = any(version.features == [IMAGE] for version in versions)
    has_tables = any(not version.contract.get("images") for version in versions)
    kinds = [
        kind for kind, form in FILES.items() if (has_images if form == "image" else has_tables)
    ]
    prediction = {
        "type": "object",
        "required": ["request", "model", "version", "run", "predictions"],
        "properties": {
            **{key: {"type": "string"} for key in ("request", "model", "version", "run")},
            "predictions": {"type": "array", "items": {"anyOf": [*answers, BREACHES]}},
        },
    }
    stages = {stage for version in versions for stage in version.stages}
    return {
        "description": "An answer for each row, in their order; of a forecast for each step ahead "
        "of each series, of sequences for each of them. A row that breaks the contract has errors "
        "instead; where all do, the status is 422.",
        "parameters": [
            _parameter("model", [version.model for version in versions]),
            _parameter("version", [version.version for version in versions]),
            _parameter("stage", sorted(stages)),
            {
                "name": HEADER,
                "in": "header",
                "description": "what the request is to be called",
                "schema": {"type": "string", "pattern": f"^{ID.pattern}$"},
            },
            {
                "name": "X-Key",
                "in": "header",
                "description": "requests of one key are answered by one version",
                "schema": {"type": "string", "maxLength": LONGEST_KEY},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                **({JSON: {"schema": body}} if rows else {}),
                **{kind: {} for kind in kinds},
            },
        },
        "responses": {
            "200": _content(prediction, "the predictions"),
            "422": _content({**prediction, "required": ["error"]}, "no row has a prediction"),
            "default": _content(_refer("Refusal"), "no answer, and why"),
        },
    }


def _name(version: Version) -> str:
    return f"{version.model}-{version.version}"


def _refer(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: Schema, description: str | None = None) -> Schema:
    content = {"content": {JSON: {"schema": schema}}}
    return content if description is None else {"description": description, **content}


def _parameter(name: str, values: Sequence[str]) -> Schema:
    schema = {"type": "string", "enum": [*dict.fromkeys(values)]} if values else {"type": "string"}
    return {"name": name, "in": "query", "schema": schema}
