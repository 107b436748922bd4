"""The encoding of columns: what a value means in training and in serving."""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.build import NumericFeature
from modelyard_runtime.features import date_part, encode, epoch_seconds

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))


@given(MOMENTS)
def test_calendar_parts_are_those_of_the_calendar(moment):
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    seconds = np.array([epoch_seconds(moment.isoformat()), np.nan])
    for part in ("year", "month", "day", "hour"):
        assert date_part(seconds, part)[0] == getattr(moment, part)
    assert date_part(seconds, "weekday")[0] == moment.weekday()
    assert date_part(seconds, "epoch_day")[0] == (moment.date() - datetime(1970, 1, 1).date()).days
    assert all(np.isnan(date_part(seconds, p)[1]) for p in ("year", "hour", "epoch_day"))


def test_a_zone_is_honoured_and_none_is_utc():
    assert epoch_seconds("2024-01-01T02:00:00+02:00") == epoch_seconds("2024-01-01")
    with pytest.raises(ValueError, match="yesterday"):
        epoch_seconds("yesterday")


def test_missing_is_nan_or_empty_in_every_spelling_and_absent_columns_are_missing():
    inputs = encode(
        [NumericFeature(column="a"), NumericFeature(column="absent")],
        ["t", "gone"],
        {"a": [1, None, True], "t": [" x ", None, ""]},
        3,
    )
    assert inputs["numeric"].dtype == np.float32
    assert np.array_equal(inputs["numeric"][:, 0], [1, np.nan, 1], equal_nan=True)
    assert np.isnan(inputs["numeric"][:, 1]).all()
    assert inputs["text"].tolist() == [["x", ""], ["", ""], ["", ""]]


def test_inputs_without_columns_are_left_out():
    assert set(encode([NumericFeature(column="a")], [], {"a": [1.0]}, 1)) == {"numeric"}
    assert set(encode([], ["t"], {"t": ["x"]}, 1)) == {"text"}


def test_large_numbers_keep_their_last_digits_and_never_become_infinite():
    feature = NumericFeature(column="a", offset=1_700_000_000_000.0)
    values = [1_700_000_000_001.0, 1_700_000_000_002.0, 1e300]
    encoded = encode([feature], [], {"a": values}, 3)["numeric"][:, 0]
    assert encoded[:2].tolist() == [1.0, 2.0]
    assert np.isfinite(encoded).all()


@pytest.mark.parametrize(
    "module", ["features", "store", "messages", "errors", "artifacts.publish", "artifacts.progress"]
)
def test_what_serving_may_import_brings_no_training_library(module):
    code = (
        f"import sys, modelyard_runtime.{module};"
        "heavy = {'sklearn', 'pandas', 'onnx', 'skl2onnx', 'pyarrow'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
