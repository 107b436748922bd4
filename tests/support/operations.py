"""Every operation of the façade's OpenAPI document, with values for its parameters filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

#: Bodies of operations that take no JSON.
FORM = "multipart/form-data"


@dataclass(frozen=True)
class Request:
    """A request of an operation."""

    operation: str
    method: str
    path: str
    body: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def requests(document: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[Request]:
    """A request for each operation, with the values for its parameters and in its example.

    Raises KeyError for a parameter without a value: a new one must be given one.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            named = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
            filled = path
            for name in named:
                filled = filled.replace(f"{{{name}}}", quote(values[name], safe=""))
            query = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
            if "job_id" in query:
                filled += f"?job_id={values['job_id']}"
            yield _request(document, operation, method.upper(), filled, values)


def _request(
    document: Mapping[str, Any],
    operation: Mapping[str, Any],
    method: str,
    path: str,
    values: Mapping[str, str],
) -> Request:
    name = operation["operationId"]
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        binary = b"x,y\n1,2\n" if content else None
        return Request(name, method, path, content=binary)
    schema = content["application/json"]["schema"]
    if "$ref" not in schema:
        return Request(name, method, path, body={})
    shape = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    (example,) = shape["examples"]
    body = {field: values.get(field, value) for field, value in example.items()}
    return Request(name, method, path, body=body)
