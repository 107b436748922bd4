"""The compiled decoder and the careful one must say the same of every body."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.fields import FieldSchema
from modelyard_runtime.serving.careful import Reader
from modelyard_runtime.serving.decoding import Decoder
from modelyard_runtime.serving.errors import (
    MAX_FAULTS,
    InvalidRowsError,
    MalformedError,
    RequestError,
    TooLargeError,
)

SCHEMA = [
    FieldSchema(name="mean radius", type="float", required=True, minimum=-10),
    FieldSchema(name="count", type="integer", maximum=1000),
    FieldSchema(name="level", type="integer", enum=["1", "2", "3"]),
    FieldSchema(name="colour", type="string", enum=["red", "green"]),
    FieldSchema(name="text", type="string"),
    FieldSchema(name="member", type="boolean"),
    FieldSchema(name="joined", type="datetime"),
]
DECODER = Decoder(SCHEMA, max_rows=100)
READER = Reader(SCHEMA, max_rows=100)

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["red", "2026-01-31T12:00:00Z", "2026-02-30", "3", 3.0, 1e300, 2**70, [], {}]),
)
NAMES = st.sampled_from([field.name for field in SCHEMA] + ["unknown"])
ROWS = st.dictionaries(NAMES, VALUES)


def outcome(read: Any, body: bytes) -> Any:
    try:
        rows, ignored = read(body)
    except RequestError as error:
        return type(error), error.message, error.details
    return [[repr(value) for value in row] for row in rows], ignored


def faults(body: bytes, many: bool = False) -> list[dict[str, Any]]:
    with pytest.raises(InvalidRowsError) as raised:
        (DECODER.many if many else DECODER.one)(body)
    found: list[dict[str, Any]] = raised.value.details["errors"]
    return found


@given(ROWS)
def test_both_readings_of_a_row_agree(row):
    body = json.dumps(row).encode()
    assert outcome(DECODER.one, body) == outcome(READER.one, body)


@given(st.lists(ROWS, max_size=5))
def test_both_readings_of_rows_agree(rows):
    body = json.dumps(rows).encode()
    assert outcome(DECODER.many, body) == outcome(READER.many, body)


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_are_rows_or_a_request_error(body):
    for read in (DECODER.one, DECODER.many):
        outcome(read, body)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("mean radius", '"3"', "expected a number, got the text '3'"),
        ("mean radius", "true", "expected a number, got true"),
        ("mean radius", "NaN", "expected a finite number, got NaN"),
        ("mean radius", "Infinity", "expected a number between"),
        ("mean radius", "1e39", "expected a number between"),
        ("mean radius", "9" * 5000, "expected a number between"),
        ("mean radius", "-11", "expected a number of at least -10, got -11"),
        ("mean radius", "null", "a required field is null"),
        ("count", "3.5", "expected an integer, got 3.5"),
        ("count", "false", "expected an integer, got false"),
        ("count", "1001", "at most 1000"),
        ("level", "4", "expected one of '1', '2', '3', got 4"),
        ("colour", '"blue"', "expected one of 'red', 'green', got the text 'blue'"),
        ("text", "5", "expected a text, got 5"),
        ("text", "[1]", "expected a text, got an array"),
        ("text", r'"\ud800"', "half of a surrogate pair"),
        ("member", "1", "expected true or false, got 1"),
        ("member", '"yes"', "expected true or false, got the text 'yes'"),
        ("joined", '"yesterday"', "expected an RFC 3339 date or time"),
        ("joined", '"2026-02-30"', "expected an RFC 3339 date or time"),
        ("joined", "17", "expected an RFC 3339 date or time"),
    ],
)
def test_a_wrong_value_is_named_with_row_and_field(field, text, message):
    others = "" if field == "mean radius" else '"mean radius": 1, '
    (fault,) = faults(f"{{{others}{json.dumps(field)}: {text}}}".encode())
    assert (fault["row"], fault["field"]) == (0, field)
    assert message in fault["message"]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("mean radius", "3", 3.0),
        ("count", "3.0", 3),
        ("level", "2", 2),
        ("text", '"ü\\n"', "ü\n"),
        ("joined", '"1970-01-02"', 86400.0),
        ("joined", '"1970-01-01T01:00:00+01:00"', 0.0),
        ("joined", '"1970-01-01 00:00:01.5z"', 1.5),
        ("count", "null", None),
    ],
)
def test_a_right_value_is_taken(field, text, value):
    row = f'{{"mean radius": 1, {json.dumps(field)}: {text}}}'.encode()
    position = [item.name for item in SCHEMA].index(field)
    assert DECODER.one(row).rows[0][position] == value


def test_all_errors_of_a_request_are_named_at_once_up_to_a_limit():
    body = json.dumps([{"count": "x", "member": 1}] * 30).encode()
    found = faults(body, many=True)
    assert len(found) == MAX_FAULTS
    assert [fault["field"] for fault in found[:3]] == ["mean radius", "count", "member"]
    assert {fault["row"] for fault in found} == set(range(7))


def test_unknown_fields_are_passed_over_and_named():
    rows, ignored = DECODER.one(b'{"mean radius": 1, "b": {"c": [1]}, "a": 2}')
    assert rows[0][0] == 1
    assert ignored == {"a", "b"}


def test_a_row_that_is_no_object_is_named():
    (fault,) = faults(b'[{"mean radius": 1}, 7]', many=True)
    assert (fault["row"], fault["field"]) == (1, None)


@pytest.mark.parametrize("body", [b"", b"  ", b"{", b"[{}", b'{"a":1}x', b"\xff", b"nul", b"[1,]"])
def test_what_is_not_json_is_malformed(body):
    for read in (DECODER.one, DECODER.many):
        with pytest.raises(MalformedError):
            read(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'[{"a":' + b"[" * 100_000])
def test_deep_nesting_is_malformed(body):
    for read in (DECODER.one, DECODER.many):
        with pytest.raises(MalformedError, match=r"nested too deeply|must be one JSON object"):
            read(body)


def test_more_rows_than_allowed_are_refused_before_they_are_made():
    with pytest.raises(TooLargeError, match="more than 100 rows"):
        DECODER.many(b"[" + b'{"mean radius":1},' * 100_000 + b"{}]")


def test_braces_in_texts_do_not_count_as_rows():
    body = json.dumps([{"mean radius": 1, "text": "{" * 200}]).encode()
    assert DECODER.many(body).rows[0][4] == "{" * 200


def test_a_large_body_is_read_row_by_row():
    body = json.dumps([{"mean radius": index, "text": "x" * 20_000} for index in range(100)])
    rows = DECODER.many(body.encode()).rows
    assert [row[0] for row in rows] == list(map(float, range(100)))
    assert math.isclose(sum(len(str(row[4])) for row in rows), 2_000_000)
