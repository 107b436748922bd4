import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.errors import InvalidInputError
from modelyard_api.mapping.schemas import FIELD_TYPES, meanings, rest_schema, schema_of
from modelyard_crds.fields import FieldSchema

names = st.text(min_size=1, max_size=20)
fragments = st.fixed_dictionaries(
    {"type": st.sampled_from(FIELD_TYPES)},
    optional={
        "description": st.text(max_size=20),
        "enum": st.lists(st.text(max_size=10), max_size=5),
        "minimum": st.floats(allow_nan=False, allow_infinity=False),
        "maximum": st.floats(allow_nan=False, allow_infinity=False),
        "required": st.booleans(),
    },
)
schemas = st.dictionaries(names, st.sampled_from(FIELD_TYPES) | fragments, max_size=8)


@given(schemas)
def test_a_schema_comes_back_as_it_was(schema: dict[str, object]) -> None:
    plain = {
        name: value["type"] if isinstance(value, dict) and set(value) == {"type"} else value
        for name, value in schema.items()
    }
    fields = schema_of(schema, "input_schema")  # type: ignore[arg-type]
    assert rest_schema(None, fields) == plain
    assert rest_schema(fields, fields) == plain


def test_what_the_build_found_out_does_not_change_the_words_of_the_specification() -> None:
    found = [FieldSchema(name="churn_probability", type="float", description="Of leaving.")]
    asked = schema_of({"churn_probability": "float"}, "output_schema")
    assert rest_schema(found, asked) == {"churn_probability": "float"}
    assert rest_schema(found, None) == {"churn_probability": "float"}
    assert meanings(found) == "churn_probability: Of leaving."
    assert rest_schema(None, None) is None


def test_the_words_of_json_schema_are_understood() -> None:
    schema = schema_of(
        {"a": {"type": "number"}, "b": {"type": "string", "format": "date-time"}}, "input_schema"
    )
    assert [field.type for field in schema] == ["float", "datetime"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "input_schema.age is 'text'; expected one of string, integer"),
        (3, "input_schema.age is 3; expected a type or an object"),
        ({}, "input_schema.age is None; expected one of"),
        ({"type": ["string", "null"]}, "expected one of string"),
        ({"type": "string", "pattern": "x"}, "input_schema.age.pattern is 'x'"),
        ({"type": "float", "minimum": "low"}, "input_schema.age.minimum is 'low'"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_expected(value: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=r"input_schema\.age") as caught:
        schema_of({"age": value}, "input_schema")  # type: ignore[dict-item]
    assert message in caught.value.message
