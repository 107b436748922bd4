import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.fields import FieldSchema, Resources, schema_by_name, seconds_of


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_seconds_of_a_duration(hours, minutes, seconds):
    assert seconds_of(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize("text", ["", "10", "m", "1d", "1m1h", "-5s", "1.5h"])
def test_other_texts_are_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_of(text)


def test_a_plain_field_is_its_type_in_rest_and_a_richer_one_a_fragment():
    schema = [
        FieldSchema(name="age", type="integer"),
        FieldSchema(name="plan", type="string", enum=["basic", "premium"]),
    ]
    assert schema_by_name(schema) == {
        "age": "integer",
        "plan": {"type": "string", "enum": ["basic", "premium"]},
    }


def test_a_whole_number_is_a_quantity_as_yaml_writers_put_it():
    resources = Resources.model_validate({"limits": {"cpu": 2, "memory": "1Gi"}})
    assert resources.to_json() == {"limits": {"cpu": "2", "memory": "1Gi"}}
