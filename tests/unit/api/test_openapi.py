from typing import Any

import jsonschema
import pytest

from modelyard_api.app import create_app
from modelyard_api.openapi import examples
from modelyard_api.settings import Settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_operation_ids_are_unique_and_for_people(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert all(name.isidentifier() and "_" not in name for name in ids)


def test_every_operation_has_tag_summary_credential_and_errors(document: dict[str, Any]) -> None:
    for place, operation in operations(document):
        assert operation["tags"], place
        assert operation["summary"], place
        assert operation["security"], place
        assert {"401", "403", "422", "429", "503"} <= set(operation["responses"]), place


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"] in known
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)


@pytest.mark.parametrize("name", sorted(examples()))
def test_every_example_fits_its_schema(document: dict[str, Any], name: str) -> None:
    schemas = document["components"]["schemas"]
    assert schemas[name]["examples"] == [examples()[name]]
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.validate(examples()[name], schema)


def test_paths_are_those_of_the_contract(document: dict[str, Any]) -> None:
    assert {
        "/models",
        "/models/{model_name}",
        "/models/{model_name}/deploy",
        "/models/{model_name}/{model_version}/infer",
        "/models/{model_name}/{model_version}/status",
        "/models/{model_name}/retrain",
        "/models/build-logs",
        "/models/{model_name}/versions",
        "/models/{model_name}/deployments",
        "/models/{model_name}/deployments/{deployment_id}",
        "/models/{model_name}/{model_version}/describe",
        "/models/{model_name}/{model_version}/predictions",
        "/predict/{deployment_id}",
    } <= set(document["paths"])


KEYWORDS = {
    *("type", "title", "description", "default", "examples", "enum", "const", "format", "required"),
    *("properties", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
    *("items", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "anyOf", "oneOf", "$ref"),
}


def schemas(node: Any) -> list[dict[str, Any]]:
    """All schemas of a schema, itself among them."""
    parts = [*node.get("properties", {}).values(), *node.get("anyOf", []), *node.get("oneOf", [])]
    parts += [node[key] for key in ("items", "additionalProperties") if key in node]
    return [node, *(inner for part in parts if isinstance(part, dict) for inner in schemas(part))]


def test_schemas_say_what_they_mean_in_words_of_json_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for part in schemas(schema):
            assert set(part) <= KEYWORDS, name


def test_links_lead_to_operations_and_their_parameters(document: dict[str, Any]) -> None:
    by_id = {operation["operationId"]: operation for _, operation in operations(document)}
    answered = [answer for item in by_id.values() for answer in item["responses"].values()]
    links = [link for answer in answered for link in answer.get("links", {}).values()]
    assert len(links) > 30
    for link in links:
        known = {item["name"] for item in by_id[link["operationId"]]["parameters"]}
        assert set(link["parameters"]) <= known, link
