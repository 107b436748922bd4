"""From pydantic models to CustomResourceDefinitions with structural schemas.

``generate`` writes the result to files; the operator compares it with what the API server has.
"""

from collections.abc import Iterator
from typing import Any

from modelyard_crds import names
from modelyard_crds.base import Column, Resource
from modelyard_crds.dataset import Dataset
from modelyard_crds.model import Model
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.model_version import ModelVersion

KINDS: tuple[type[Resource], ...] = (Dataset, Model, ModelVersion, ModelDeployment)

NAME_BOUND = 253
_DROPPED = frozenset({"title", "$defs", "propertyNames"})


def custom_resource_definition(resource: type[Resource]) -> dict[str, Any]:
    """The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind."""
    info = resource.info
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{info.plural}.{names.GROUP}",
            # Uninstalling the chart must not delete every model of the cluster.
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": info.kind,
                "listKind": f"{info.kind}List",
                "plural": info.plural,
                "singular": info.singular,
                "shortNames": [info.short_name],
                "categories": [names.CATEGORY],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": root_schema(resource)},
                    "subresources": {"status": {}} | ({"scale": info.scale} if info.scale else {}),
                    "additionalPrinterColumns": [_printer_column(c) for c in info.columns],
                }
            ],
        },
    }


def root_schema(resource: type[Resource]) -> dict[str, Any]:
    """The structural schema of a kind: everything inlined, nothing optional spelled as null."""
    generated = resource.model_json_schema(by_alias=True)
    definitions = generated.get("$defs", {})
    properties = generated["properties"]
    schema: dict[str, Any] = {
        "type": "object",
        "description": resource.__doc__,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # The bound lets the API server estimate what rules about the name may cost.
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": NAME_BOUND}},
            },
            "spec": structural(properties["spec"], definitions),
            "status": structural(properties["status"], definitions),
        },
    }
    if resource.info.rules:
        schema["x-kubernetes-validations"] = [rule._asdict() for rule in resource.info.rules]
    return schema


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema as the API server wants it: references inlined, ``null`` left out."""
    merged = _without_null(_resolved(schema, definitions), definitions)
    result = {k: v for k, v in merged.items() if k not in _DROPPED and v is not None}
    if result.get("type") == "object" and result.get("additionalProperties") is False:
        del result["additionalProperties"]
    if "properties" in result:
        result["properties"] = {
            name: structural(value, definitions) for name, value in result["properties"].items()
        }
    for nested in ("items", "additionalProperties"):
        if isinstance(result.get(nested), dict):
            result[nested] = structural(result[nested], definitions)
    if result.get("type") == "integer":
        result.setdefault("format", "int64")
    return result


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference replaced by what it points at; siblings win."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    siblings = {key: value for key, value in schema.items() if key != "$ref"}
    target = _resolved(definitions[reference.rsplit("/", 1)[1]], definitions)
    rules = target.get("x-kubernetes-validations", []) + siblings.get(
        "x-kubernetes-validations", []
    )
    return {**target, **siblings, **({"x-kubernetes-validations": rules} if rules else {})}


def _without_null(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """``anyOf [X, null]`` as X: an optional field is one that may be absent."""
    choices = schema.get("anyOf")
    if choices is None or "x-kubernetes-int-or-string" in schema:
        return schema
    (choice,) = (option for option in choices if option.get("type") != "null")
    outer = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return _resolved({**_resolved(choice, definitions), **outer}, definitions)


def _printer_column(column: Column) -> dict[str, Any]:
    printed: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.json_path,
        "description": column.description,
    }
    return printed | ({"priority": 1} if column.wide else {})


def fields(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a structural schema with its path, outer ones first."""
    for name, value in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield path, value
        yield from fields(value, path)
        if isinstance(value.get("items"), dict):
            yield from fields(value["items"], f"{path}[]")
