import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelyard_crds.build import Manifest, Output
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.serving.results import Renderer, typed_label


def rendered(scores, outputs, classes=(), types=None):
    parts: dict[str, Any] = {
        "task": "multiclass" if classes else "regression",
        "target": "target",
        "heads": [],
        "outputs": outputs,
        "classes": list(classes),
        "output_schema": [FieldSchema(name=n, type=t) for n, t in (types or {}).items()],
    }
    manifest = Manifest.model_construct(**parts)
    return [json.loads(text) for text in Renderer(manifest)(np.array(scores, dtype=np.float32))]


def test_class_probability_and_map_come_from_the_same_scores():
    outputs = [
        Output(name="label", source="class"),
        Output(name="risk", source="probability", label="b"),
        Output(name="all", source="probabilities"),
        Output(name="sure", source="confidence"),
    ]
    assert rendered([[0.25, 0.75], [0.5, 0.5]], outputs, ["a", "b"]) == [
        {"label": "b", "risk": 0.75, "all": {"a": 0.25, "b": 0.75}, "sure": 0.75},
        {"label": "a", "risk": 0.5, "all": {"a": 0.5, "b": 0.5}, "sure": 0.5},
    ]


@pytest.mark.parametrize(
    ("label", "type_", "value"),
    [
        ("1", "integer", 1),
        ("2.0", "integer", 2),
        ("1.5", "float", 1.5),
        ("Yes", "boolean", True),
        ("f", "boolean", False),
        ("high", "integer", "high"),
        ("1", "string", "1"),
        ("1", None, "1"),
    ],
)
def test_a_label_has_the_type_of_its_field(label, type_, value):
    assert typed_label(label, type_) == value
    assert type(typed_label(label, type_)) is type(value)


def test_a_value_is_rounded_only_where_the_schema_says_integer():
    outputs = [Output(name="price", source="value"), Output(name="rooms", source="value")]
    types = {"price": "float", "rooms": "integer"}
    assert rendered([[2.6]], outputs, types=types) == [{"price": 2.6, "rooms": 3}]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(999999995904.0)
def test_a_number_has_the_fewest_digits_of_its_float32(value):
    (result,) = rendered([[value]], [Output(name="v", source="value")])
    assert np.float32(result["v"]) == np.float32(value)
    assert digits(result["v"]) <= digits(value)


def digits(value: float) -> int:
    return len(Decimal(repr(value)).normalize().as_tuple().digits)


@pytest.mark.parametrize("name", ["100%", "%b", '"quoted"', "ü", "a\nb"])
def test_names_may_be_any_text(name):
    outputs = [Output(name=name, source="probabilities")]
    assert rendered([[1.0]], outputs, [name]) == [{name: {name: 1.0}}]


def test_an_output_of_a_class_that_was_not_learnt_is_refused():
    with pytest.raises(ValueError, match="class 'c', which is not learnt"):
        rendered([[1.0]], [Output(name="p", source="probability", label="c")], ["a"])
