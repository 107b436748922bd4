import json
from pathlib import Path

import pytest

from modelyard_crds import generate, names, schema
from modelyard_crds.dataset import Dataset
from modelyard_crds.model import Model
from modelyard_crds.model_deployment import ModelDeployment

ROOT = Path(__file__).parents[3]


def test_the_committed_files_are_what_the_types_give():
    stale = [
        path
        for path, text in generate.generated_files().items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make generate` and commit the result"


@pytest.mark.parametrize("kind", schema.KINDS, ids=lambda kind: kind.info.kind)
def test_schemas_are_structural(kind):
    """No references, no null, no holes that would keep or drop unknown fields silently."""

    def check(node, path):
        if node.get("x-kubernetes-int-or-string"):
            return
        assert "type" in node, path
        for word in ("$ref", "anyOf", "oneOf", "allOf", "const", "title"):
            assert word not in node, f"{path}: {word}"
        assert "x-kubernetes-preserve-unknown-fields" not in node, path
        for name, child in node.get("properties", {}).items():
            check(child, f"{path}.{name}")
        for nested in ("items", "additionalProperties"):
            if nested in node:
                check(node[nested], f"{path}.{nested}")

    check(schema.root_schema(kind), kind.info.kind)


@pytest.mark.parametrize("kind", schema.KINDS, ids=lambda kind: kind.info.kind)
def test_bounds_are_inclusive(kind):
    # The API server knows exclusive bounds only as flags, as in the fourth draft of JSON Schema.
    text = json.dumps(schema.custom_resource_definition(kind))
    assert "exclusiveM" not in text


@pytest.mark.parametrize("kind", schema.KINDS, ids=lambda kind: kind.info.kind)
def test_every_list_and_text_of_a_status_is_bounded(kind):
    """Pitfall 1.10: a status that grows until etcd refuses it."""
    status = schema.root_schema(kind)["properties"]["status"]
    for path, field in schema.fields(status):
        if field.get("type") == "array":
            assert "maxItems" in field, path
        if field.get("type") == "string" and "enum" not in field and "format" not in field:
            assert "maxLength" in field, path


@pytest.mark.parametrize("kind", schema.KINDS, ids=lambda kind: kind.info.kind)
def test_every_field_of_a_spec_has_a_description(kind):
    spec = schema.root_schema(kind)["properties"]["spec"]
    missing = [path for path, field in schema.fields(spec) if not field.get("description")]
    assert missing == []


def test_short_names_clash_with_nothing_built_in():
    assert [kind.info.short_name for kind in schema.KINDS] == ["dset", "mdl", "mver", "mdep"]


def test_a_definition_has_what_kubectl_shows():
    definition = schema.custom_resource_definition(ModelDeployment)
    assert definition["metadata"]["name"] == f"modeldeployments.{names.GROUP}"
    (version,) = definition["spec"]["versions"]
    assert version["subresources"]["scale"]["specReplicasPath"] == ".spec.replicas"
    assert "status" in version["subresources"]
    assert [c["name"] for c in version["additionalPrinterColumns"]][:3] == [
        "Model",
        "Environment",
        "Phase",
    ]


def test_conditions_are_a_map_by_type_so_that_managers_do_not_drop_each_others():
    conditions = schema.root_schema(Dataset)["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_training_has_a_default_so_that_the_server_fills_its_fields():
    training = schema.root_schema(Model)["properties"]["spec"]["properties"]["training"]
    assert training["default"] == {}
    assert training["properties"]["parallelism"]["default"] == 1
    # A default would look like a choice: a budget that somebody sets is used up.
    assert "default" not in training["properties"]["timeBudget"]


def test_a_newer_objects_unknown_fields_are_passed_over():
    raw = {
        "kind": "Dataset",
        "metadata": {"name": "d", "namespace": "n", "futureField": 1},
        "spec": {"source": {"uri": "https://host/file.csv"}, "futureField": {"x": 1}},
    }
    assert Dataset.parse(raw).spec.source.uri == "https://host/file.csv"
