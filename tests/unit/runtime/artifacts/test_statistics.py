"""Bins of training data: about equal in weight, and true to the values where these repeat."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelyard_runtime.artifacts.statistics import bins_of


@given(st.lists(st.integers(-3, 3) | st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_every_value_is_in_the_bin_below_its_edge(values):
    bins = bins_of(np.array(values, dtype=np.float64))
    edges, counts = bins["edges"], bins["counts"]
    assert sorted(set(edges)) == edges
    assert len(counts) == len(edges) + 1
    below = [sum(value <= edge for value in values) for edge in edges]
    assert np.cumsum(counts).tolist() == [*below, len(values)]


def test_many_values_make_ten_bins_of_equal_weight():
    counts = bins_of(np.arange(1000.0))["counts"]
    assert len(counts) == 10
    assert max(counts) - min(counts) <= 10
