"""The OpenAPI document of one version: its own fields, types and values."""

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


def document(version: ModelVersion, base_url: str) -> dict[str, Any]:
    """The document of a version's predictions."""
    model, label = version.spec.model_ref.name, names.version_label(version.spec.version)
    row = object_schema(version.status.input_schema or [])
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
            f"{path}/infer": {"post": _operation("infer", row_ref, envelope)},
            f"{path}/predictions": {"post": _operation("predictions", rows, items)},
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


def _property(field: FieldSchema) -> dict[str, Any]:
    known = {
        "description": field.description,
        "enum": field.enum,
        "minimum": field.minimum,
        "maximum": field.maximum,
    }
    return _TYPES[field.type] | {key: value for key, value in known.items() if value is not None}


def _operation(name: str, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    def content(schema: dict[str, Any]) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": schema}}}

    return {
        "operationId": name,
        "requestBody": {"required": True, **content(body)},
        "responses": {"200": {"description": "Predicted.", **content(answer)}},
    }
