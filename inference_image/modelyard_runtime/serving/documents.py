"""What the version says about itself: /schema and an OpenAPI document of its own fields.

Made once at start from the manifest.
"""

from typing import Any, Final

import orjson

from modelyard_crds.build import Manifest
from modelyard_crds.fields import FieldSchema, schema_by_name
from modelyard_crds.names import version_label

Fragment = dict[str, Any]

_TYPES: Final[dict[str, Fragment]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
}
_EXPLAIN: Final[Fragment] = {
    "name": "explain",
    "in": "query",
    "description": "Also answer what each field adds to the score of a typical row.",
    "schema": {"type": "boolean", "default": False},
}
_REFUSALS = {
    "400": "The body is not JSON of the right shape.",
    "413": "Too many bytes or rows.",
    "415": "Not application/json, or compressed.",
    "422": "Rows do not follow the schema; details.errors names row and field.",
    "503": "The pod is not ready.",
}


def documents(manifest: Manifest, max_rows: int) -> dict[str, bytes]:
    """The documents by path."""
    return {
        "/schema": orjson.dumps(schema(manifest)),
        "/openapi.json": orjson.dumps(openapi(manifest, max_rows)),
    }


def schema(manifest: Manifest) -> Fragment:
    """Fields in and out, and what the model is."""
    return {
        "model_name": manifest.model,
        "model_version": version_label(manifest.version),
        "intent": manifest.intent,
        "task": manifest.task,
        "target": manifest.target,
        "classes": manifest.classes,
        "metrics": manifest.metrics,
        "input_schema": schema_by_name(manifest.input_schema),
        "output_schema": schema_by_name(manifest.output_schema),
        "example": manifest.example,
    }


def openapi(manifest: Manifest, max_rows: int) -> Fragment:
    """The OpenAPI 3.1 document of the prediction routes."""
    version = version_label(manifest.version)
    row, result = _reference("Row"), _reference("Result")
    rows = {"type": "array", "items": row, "maxItems": max_rows}
    answer = _object(
        {
            "request_id": {"type": "string"},
            "result": result,
            "model_name": {"type": "string", "const": manifest.model},
            "model_version": {"type": "string", "const": version},
            "created_at": {"type": "string", "format": "date-time"},
            "explanation": _explanation(manifest),
        },
        ["request_id", "result", "model_name", "model_version", "created_at"],
    )
    predictions = {"type": "array", "items": _object({"prediction": result})}
    return {
        "openapi": "3.1.0",
        "info": {"title": manifest.model, "version": version, "description": manifest.intent},
        "paths": {
            "/infer": {
                "post": _operation("Predict one row", row, manifest.example, answer)
                | {"parameters": [_EXPLAIN]}
            },
            "/predictions": {
                "post": _operation("Predict many rows", rows, [manifest.example], predictions)
            },
        },
        "components": {
            "schemas": {
                "Row": _object(
                    {field.name: _input(field) for field in manifest.input_schema},
                    [field.name for field in manifest.input_schema if field.required],
                )
                | {"examples": [manifest.example]},
                "Result": _object(_results(manifest)),
                "Error": _error(),
            }
        },
    }


def _operation(summary: str, body: Fragment, example: Any, answer: Fragment) -> Fragment:
    refused = {
        code: {"description": text, "content": _json(_reference("Error"))}
        for code, text in _REFUSALS.items()
    }
    return {
        "summary": summary,
        "operationId": summary.lower().replace(" ", "_"),
        "requestBody": {"required": True, "content": _json(body, example)},
        "responses": {"200": {"description": "Predicted.", "content": _json(answer)}, **refused},
    }


def _json(schema_: Fragment, example: Any = None) -> Fragment:
    media = {"schema": schema_} if example is None else {"schema": schema_, "example": example}
    return {"application/json": media}


def _input(field: FieldSchema) -> Fragment:
    """A field of a request: null stands for a missing value unless it is required."""
    fragment = _field(field)
    if field.required:
        return fragment
    if "enum" in fragment:
        fragment["enum"] = [*fragment["enum"], None]
    return {**fragment, "type": [fragment["type"], "null"]}


def _field(field: FieldSchema) -> Fragment:
    dated = field.type == "datetime"
    bounds = {} if dated else {"minimum": field.minimum, "maximum": field.maximum}
    extra = {"description": field.description, **bounds}
    fragment = {**_TYPES[field.type], **{k: v for k, v in extra.items() if v is not None}}
    return {**fragment, "enum": _allowed(field)} if field.enum else fragment


def _allowed(field: FieldSchema) -> list[Any]:
    if field.type in {"integer", "float"}:
        return [float(text) for text in field.enum or []]
    return list(field.enum or [])


def _results(manifest: Manifest) -> dict[str, Fragment]:
    fields = {field.name: field for field in manifest.output_schema}
    results: dict[str, Fragment] = {}
    for output in manifest.outputs:
        field = fields.get(output.name)
        classes = manifest.columns_of(output.target)[0].classes
        match output.source:
            case "probabilities":
                share = {"type": "number", "minimum": 0, "maximum": 1}
                results[output.name] = _object(dict.fromkeys(classes, share))
            case "class" if field is None or field.type == "string":
                results[output.name] = {"type": "string", "enum": classes}
            case _:
                results[output.name] = {"type": "number"} if field is None else _field(field)
    return results


def _explanation(manifest: Manifest) -> Fragment:
    number = {"type": "number"}
    return _object(
        {
            "explains": {"type": "string", "description": "The class or target explained."},
            "reference": _reference("Row"),
            "reference_score": number,
            "score": number,
            "contributions": _object({field.name: number for field in manifest.input_schema}),
        }
    )


def _error() -> Fragment:
    return _object(
        {
            "error": _object(
                {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "status": {"type": "integer"},
                    "details": {"type": "object"},
                    "suggestions": {"type": "array", "items": {"type": "string"}},
                    "request_id": {"type": "string"},
                }
            )
        }
    )


def _object(properties: dict[str, Fragment], required: list[str] | None = None) -> Fragment:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, **({"required": names} if names else {})}


def _reference(name: str) -> Fragment:
    return {"$ref": f"#/components/schemas/{name}"}
