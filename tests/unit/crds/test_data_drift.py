"""The stability index: nothing for equal shares, more the further they are apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.data_drift import ColumnCounts, DriftSummary, chance, stability_index

COUNTS = st.lists(st.integers(0, 10_000), min_size=2, max_size=12)


@given(COUNTS)
def test_equal_counts_have_no_distance(counts):
    assert stability_index(counts, counts) == pytest.approx(0)


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=2, max_size=12))
def test_the_index_is_never_negative_and_always_a_number(pairs):
    before, after = zip(*pairs, strict=True)
    index = stability_index(before, after)
    assert index >= 0
    assert math.isfinite(index)


def test_the_index_is_that_of_the_formula():
    # With half a row added: 500.5/1001 each, and 250.5/1001 with 750.5/1001.
    q = 250.5 / 1001
    expected = (q - 0.5) * math.log(q / 0.5) + (1 - q - 0.5) * math.log((1 - q) / 0.5)
    assert stability_index([500, 500], [250, 750]) == pytest.approx(expected)


def test_chance_shrinks_with_rows_and_is_all_where_there_are_none():
    assert chance([100] * 10, [20] * 10) > chance([1000] * 10, [200] * 10)
    assert chance([100, 100], [0, 0]) == math.inf


def test_a_summary_survives_its_json():
    moment = "2026-01-01T00:00:00Z"
    summary = DriftSummary(
        version=2,
        since=moment,
        updated_at=moment,
        rows=3,
        columns=[ColumnCounts(name="age", trained=[1, 2], seen=[3, 0])],
    )
    assert DriftSummary.model_validate_json(summary.model_dump_json(by_alias=True)) == summary
