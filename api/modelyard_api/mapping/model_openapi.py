"""The OpenAPI document of one version: its own fields, types, values and an example."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from modelyard_crds import ModelVersion, names
from modelyard_crds.fields import FieldSchema

_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
}
_EXAMPLES: dict[str, str | bool] = {
    "string": "text",
    "boolean": True,
    "datetime": "2026-01-31T12:00:00Z",
}
_NUMBERS = frozenset({"integer", "float"})


def document(
    version: ModelVersion, base_url: str, example: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document of a version's predictions; without an example, one of the fields' types."""
    fields = version.status.input_schema or []
    typical = dict(composed(fields) if example is None else example)
    model, label = version.spec.model_ref.name, names.version_label(version.spec.version)
    row = row_schema(fields) | {"examples": [typical]}
    result = object_schema(version.status.output_schema or [])
    path = f"/models/{model}/{label}"
    envelope = {
        "type": "object",
        "required": ["request_id", "result", "model_name", "model_version", "created_at"],
        "properties": {
            "request_id": {"type": "string"},
            "result": {"$ref": "#/components/schemas/Result"},
            "model_name": {"const": model},
            "model_version": {"const": label},
            "created_at": {"type": "string", "format": "date-time"},
        },
    }
    item = {
        "type": "object",
        "required": ["prediction"],
        "properties": {"prediction": {"$ref": "#/components/schemas/Result"}},
    }
    row_ref = {"$ref": "#/components/schemas/Row"}
    rows, items = {"type": "array", "items": row_ref}, {"type": "array", "items": item}
    return {
        "openapi": "3.1.0",
        "info": {"title": model, "version": label, "description": version.spec.build.intent},
        "servers": [{"url": base_url}],
        "security": [{"ApiKey": []}],
        "paths": {
            f"{path}/infer": {"post": _operation("infer", row_ref, envelope, typical)},
            f"{path}/predictions": {"post": _operation("predictions", rows, items, [typical])},
        },
        "components": {
            "schemas": {"Row": row, "Result": result},
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
    }


def object_schema(fields: list[FieldSchema]) -> dict[str, Any]:
    """The JSON Schema of an object with these fields."""
    return {
        "type": "object",
        "required": [field.name for field in fields if field.required],
        "properties": {field.name: _property(field) for field in fields},
    }


def row_schema(fields: list[FieldSchema]) -> dict[str, Any]:
    """The same for a request, where null stands for a missing value."""
    schema = object_schema(fields)
    properties = schema["properties"]
    for field in fields:
        if not field.required:
            properties[field.name] = _or_null(properties[field.name])
    return schema


def composed(fields: list[FieldSchema]) -> dict[str, Any]:
    """A request that follows the schema, of values that mean nothing."""
    return {field.name: _value(field) for field in fields}


def _property(field: FieldSchema) -> dict[str, Any]:
    known = {
        "description": field.description,
        "enum": _allowed(field),
        **(
            {} if field.type == "datetime" else {"minimum": field.minimum, "maximum": field.maximum}
        ),
    }
    return _TYPES[field.type] | {key: value for key, value in known.items() if value is not None}


def _or_null(fragment: dict[str, Any]) -> dict[str, Any]:
    values = {"enum": [*fragment["enum"], None]} if "enum" in fragment else {}
    return fragment | {"type": [fragment["type"], "null"]} | values


def _allowed(field: FieldSchema) -> list[Any] | None:
    """The values of a field; the schema of an object keeps those of numbers as text too."""
    if field.enum and field.type in _NUMBERS:
        return [_parsed(field, value) for value in field.enum]
    return list(field.enum) if field.enum else None


def _value(field: FieldSchema) -> Any:
    if allowed := _allowed(field):
        return allowed[0]
    if field.type not in _NUMBERS:
        return _EXAMPLES[field.type]
    least = -math.inf if field.minimum is None else field.minimum
    greatest = math.inf if field.maximum is None else field.maximum
    if field.type == "integer":
        # The bounds of whole numbers need not be whole themselves.
        least, greatest = _whole(least, math.ceil), _whole(greatest, math.floor)
    return _number(field, min(max(1.0, least), greatest))


def _parsed(field: FieldSchema, text: str) -> float | str:
    try:
        return _number(field, float(text))
    except (ValueError, OverflowError):
        return text


def _whole(bound: float, towards: Callable[[float], int]) -> float:
    return towards(bound) if math.isfinite(bound) else bound


def _number(field: FieldSchema, value: float) -> float:
    return int(value) if field.type == "integer" else value


def _operation(
    name: str, body: dict[str, Any], answer: dict[str, Any], example: object
) -> dict[str, Any]:
    asked = {"application/json": {"schema": body, "example": example}}
    answered = {"application/json": {"schema": answer}}
    return {
        "operationId": name,
        "requestBody": {"required": True, "content": asked},
        "responses": {"200": {"description": "Predicted.", "content": answered}},
    }
