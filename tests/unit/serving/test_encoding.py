"""Rows must become the very tensors that training makes of columns."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.build import NumericFeature
from modelyard_crds.fields import FieldSchema
from modelyard_runtime import features
from modelyard_runtime.serving.encoding import Encoder, row_order

SCHEMA = [
    FieldSchema(name="unused", type="string"),
    FieldSchema(name="plan", type="string"),
    FieldSchema(name="age", type="float"),
    FieldSchema(name="joined", type="datetime"),
    FieldSchema(name="city", type="string"),
    FieldSchema(name="member", type="boolean"),
]
PLAIN = [NumericFeature(column="age"), NumericFeature(column="member")]
DATED = [
    *PLAIN,
    NumericFeature(column="joined", part="month"),
    NumericFeature(column="joined", part="hour"),
    NumericFeature(column="joined", part="epoch_day", offset=20_000.0),
]
NUMBERS = st.none() | st.floats(-1e38, 1e38, width=64)
TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=5)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "unused": TEXTS,
            "plan": TEXTS,
            "age": NUMBERS,
            "joined": st.none() | st.floats(-1e9, 4e9),
            "city": TEXTS,
            "member": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


def described(numeric, text):
    return SimpleNamespace(input_schema=SCHEMA, numeric=numeric, text=text)


def column(rows, name):
    values = [row[name] for row in rows]
    if name in {"plan", "city"}:
        return values
    return np.array([np.nan if value is None else float(value) for value in values])


@pytest.mark.parametrize("numeric", [PLAIN, DATED, PLAIN[:1], []])
@pytest.mark.parametrize("text", [["plan", "city"], ["city"], []])
@given(rows=ROWS)
def test_rows_are_encoded_as_training_encodes_columns(numeric, text, rows):
    manifest = described(numeric, text)
    order = [field.name for field in row_order(manifest)]
    found = Encoder(manifest)([tuple(row[name] for name in order) for row in rows])
    columns = {name: column(rows, name) for name in ("age", "joined", "member", "plan", "city")}
    expected = features.encode(numeric, text, columns, len(rows))
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_the_columns_of_an_input_lie_side_by_side():
    order = [field.name for field in row_order(described(PLAIN, ["city", "plan"]))]
    assert order == ["age", "member", "city", "plan", "unused", "joined"]


@pytest.mark.parametrize(
    ("numeric", "text", "message"),
    [
        ([NumericFeature(column="gone")], [], "'gone', which the input schema does not have"),
        ([NumericFeature(column="plan")], [], "'plan' in another type"),
        ([], ["age"], "'age' in another type"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(numeric, text, message):
    with pytest.raises(ValueError, match=message):
        Encoder(described(numeric, text))


def test_the_beginning_of_a_long_text_is_encoded_as_training_does():
    long = "  " + "ab" * features.MAX_TEXT
    rows = [(long, None), ("x", "y")]
    found = Encoder(described([], ["plan", "city"]))(
        [(plan, city, *[None] * 4) for plan, city in rows]
    )
    columns: dict[str, list[str | None]] = {"plan": [long, "x"], "city": [None, "y"]}
    np.testing.assert_array_equal(
        found["text"], features.encode_text(["plan", "city"], columns, len(rows))
    )
    assert len(found["text"][0, 0]) == features.MAX_TEXT
