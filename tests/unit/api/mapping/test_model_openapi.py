from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.mapping.model_openapi import composed, document, row_schema
from modelyard_api.mapping.schemas import FIELD_TYPES
from modelyard_crds.fields import FieldSchema
from unit.api import samples

FIELDS: list[dict[str, Any]] = [
    {"name": "plan", "type": "string", "enum": ["basic", "premium"], "required": True},
    {"name": "months", "type": "integer", "minimum": 2.5, "maximum": 60},
    {"name": "share", "type": "float", "maximum": 0.5},
    {"name": "since", "type": "datetime"},
    {"name": "paid", "type": "boolean"},
    {"name": "doors", "type": "integer", "enum": ["3", "5"]},
]

bounds = st.none() | st.floats(-1e6, 1e6)
fields = st.builds(
    FieldSchema,
    name=st.text(min_size=1, max_size=8),
    type=st.sampled_from(FIELD_TYPES),
    required=st.none() | st.booleans(),
    minimum=bounds,
)


def body_of(described: dict[str, Any], path: str) -> dict[str, Any]:
    content = described["paths"][f"/models/churn/v1.0/{path}"]["post"]["requestBody"]["content"]
    body: dict[str, Any] = content["application/json"]
    return body


def test_the_example_is_in_both_requests() -> None:
    described = document(samples.version(inputSchema=FIELDS), "http://x", {"plan": "basic"})
    assert body_of(described, "infer")["example"] == {"plan": "basic"}
    assert body_of(described, "predictions")["example"] == [{"plan": "basic"}]
    assert described["components"]["schemas"]["Row"]["examples"] == [{"plan": "basic"}]


def test_without_an_example_one_is_composed_of_the_types() -> None:
    described = document(samples.version(inputSchema=FIELDS), "http://x")
    example = body_of(described, "infer")["example"]
    assert example == {
        "plan": "basic",
        "months": 3,
        "share": 0.5,
        "since": "2026-01-31T12:00:00Z",
        "paid": True,
        "doors": 3,
    }
    jsonschema.validate(example, described["components"]["schemas"]["Row"])


@given(st.lists(fields, max_size=6, unique_by=lambda field: field.name))
def test_a_composed_example_follows_its_schema(schema: list[FieldSchema]) -> None:
    jsonschema.validate(composed(schema), row_schema(schema))


@pytest.mark.parametrize(("value", "fits"), [(None, True), (3, True), (4, False), ("3", False)])
def test_null_is_a_missing_value_of_what_is_not_required(value: object, fits: bool) -> None:
    schema = row_schema([FieldSchema.model_validate(field) for field in FIELDS])
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"plan": "basic", "doors": value}) is fits
    assert not validator.is_valid({"plan": None})


def test_values_that_are_no_numbers_stay_as_they_are() -> None:
    field = FieldSchema(name="size", type="float", enum=["large", "1.5"])
    assert composed([field]) == {"size": "large"}
