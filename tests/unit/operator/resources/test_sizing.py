"""Quantities, and defaults that never contradict what was given."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.fields import Resources
from modelyard_crds.memory import rows_to_learn_from
from modelyard_operator.resources.quantity import mebibytes, parse_quantity
from modelyard_operator.resources.sizing import SERVING, merged, training_resources
from unit.operator import samples

QUANTITIES = st.builds(
    lambda number, suffix: f"{number}{suffix}",
    st.integers(1, 4000),
    st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]),
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Decimal("0.5")),
        ("2", Decimal(2)),
        ("0.5", Decimal("0.5")),
        ("1Gi", Decimal(2**30)),
        ("1k", Decimal(1000)),
        ("512Mi", Decimal(2**29)),
    ],
)
def test_parse_quantity(text: str, number: Decimal) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "Gi", "1gi", "-1", "1 Gi", "abc"])
def test_not_a_quantity(text: str) -> None:
    assert parse_quantity(text) is None


@given(st.integers(1, 10**6))
def test_mebibytes_are_exact(amount: int) -> None:
    assert parse_quantity(mebibytes(amount)) == amount * 2**20


@given(
    requests=st.dictionaries(st.sampled_from(["cpu", "memory"]), QUANTITIES),
    limits=st.dictionaries(st.sampled_from(["cpu", "memory"]), QUANTITIES),
)
def test_defaults_complete_what_is_given(requests: dict[str, str], limits: dict[str, str]) -> None:
    result = merged(SERVING, Resources(requests=requests, limits=limits))
    assert requests.items() <= result["requests"].items()
    assert limits.items() <= result["limits"].items()
    for name in ("cpu", "memory"):
        request, limit = (parse_quantity(result[side][name]) for side in ("requests", "limits"))
        assert request is not None
        assert limit is not None
        # Only a user's own contradiction may stay; the API server explains that one.
        assert request <= limit or (name in requests and name in limits)


@given(st.integers(0, 10**8), st.integers(0, 2000), st.integers(0, 10**11))
def test_more_data_never_gets_less_memory(rows: int, columns: int, size: int) -> None:
    build = samples.version().spec.build
    small = build.model_copy(
        update={"dataset_rows": rows, "dataset_columns": columns, "dataset_size_bytes": size}
    )
    large = small.model_copy(update={"dataset_rows": 2 * rows, "dataset_size_bytes": 2 * size})
    memory = [parse_quantity(training_resources(b)["requests"]["memory"]) for b in (small, large)]
    assert memory[0] is not None
    assert memory[1] is not None
    assert memory[0] <= memory[1]


@given(st.integers(1, 10**8), st.integers(1, 2000))
def test_a_pod_learns_from_all_rows_or_has_the_most_that_is_given_by_itself(
    rows: int, columns: int
) -> None:
    build = samples.version().spec.build.model_copy(
        update={"dataset_rows": rows, "dataset_columns": columns}
    )
    limit = parse_quantity(training_resources(build)["limits"]["memory"])
    assert limit is not None
    whole = rows_to_learn_from(int(limit), columns) >= rows // 1000 * 1000
    assert whole or limit == 4 * 2**30
