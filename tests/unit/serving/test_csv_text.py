import csv
import io
import json

import pytest

from modelyard_runtime.serving.csv_text import read_objects
from modelyard_runtime.serving.errors import InvalidRowsError, MalformedError, TooLargeError
from unit.serving.conftest import EXAMPLE


def written(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_csv_gives_what_json_gives(predictor):
    rows = [EXAMPLE | {"age": 20.5, "plan": 'a "quoted", one'}, EXAMPLE | {"visits": None}]
    found = predictor.predictions_of_csv(written(rows))
    assert found == predictor.predictions(json.dumps(rows).encode())


def test_cells_become_values_of_their_fields(predictor):
    schema = predictor.manifest.input_schema
    body = b"\xef\xbb\xbfage,visits,member,plan,extra\r\n41,3,yes,007,x\r\n1e2,,F,,\r\n\r\n"
    assert read_objects(body, schema, 10) == [
        {"age": 41, "visits": 3, "member": True, "plan": "007", "extra": "x"},
        {"age": 100.0, "visits": None, "member": False, "plan": None, "extra": None},
    ]


def test_a_cell_of_another_type_is_named(predictor):
    with pytest.raises(InvalidRowsError) as raised:
        predictor.predictions_of_csv(b"age,member\n41,true\nold,perhaps\nnan,\n1_0,\n")
    assert [(fault.row, fault.field) for fault in raised.value.faults] == [
        (1, "age"),
        (1, "member"),
        (2, "age"),
        (3, "age"),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b"\xff", "not UTF-8"),
        (b"age,age\n1,2\n", "'age' twice"),
        (b"age,plan\n1\n", "Row 0 has 1 cells, the header has 2"),
        (b"age\n1,2\n", "Row 0 has 2 cells"),
    ],
)
def test_what_is_not_a_table_is_malformed(predictor, body, message):
    with pytest.raises(MalformedError, match=message):
        predictor.predictions_of_csv(body)


def test_more_rows_than_allowed_are_refused(predictor):
    with pytest.raises(TooLargeError):
        predictor.predictions_of_csv(b"age\n" + b"1\n" * 51)
