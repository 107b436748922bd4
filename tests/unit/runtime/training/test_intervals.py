"""Confidence intervals against drawing rows one draw after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_runtime.training.evaluation import measure
from modelyard_runtime.training.intervals import MAX_AREAS, Judged, blocks_said, intervals

ROWS = 400


def classes(seed: int, count: int, rows: int = ROWS) -> Judged:
    random = np.random.default_rng(seed)
    truth = random.integers(0, count, rows)
    chances = random.random((rows, count)) + 0.5 * np.eye(count)[truth]
    chances /= chances.sum(axis=1, keepdims=True)
    if count == 2:
        return Judged("binary", truth, chances, 1, seed)
    return Judged("multiclass", truth, chances, None, seed)


def drawn_one_by_one(judged: Judged, draws: int = 300):
    random = np.random.default_rng(1)
    found: dict[str, list[float]] = {}
    for _ in range(draws):
        rows = random.integers(0, len(judged.truth), len(judged.truth))
        metrics = measure(judged.task, judged.truth[rows], judged.predicted[rows], judged.positive)
        for name, value in metrics.items():
            found.setdefault(name, []).append(value)
    return {name: np.quantile(values, [0.025, 0.975]) for name, values in found.items()}


def cases():
    random = np.random.default_rng(2)
    size = random.lognormal(1, 1, ROWS)
    return [
        classes(0, 2),
        classes(1, 4),
        Judged("regression", size, (size + random.normal(size=ROWS)).reshape(-1, 1), None, 0),
    ]


@pytest.mark.parametrize("judged", cases(), ids=lambda judged: judged.task)
def test_all_draws_at_once_give_the_intervals_of_draws_one_by_one(judged):
    values = measure(judged.task, judged.truth, judged.predicted, judged.positive)
    found = intervals(judged, values)
    assert found.keys() == values.keys()
    for name, ends in drawn_one_by_one(judged).items():
        width = ends[1] - ends[0]
        assert found[name] == pytest.approx(ends, abs=0.2 * width), name


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 60),
    count=st.integers(2, 5),
    known=st.integers(1, 5),
)
def test_an_interval_holds_its_value_whatever_is_missing(seed, rows, count, known):
    random = np.random.default_rng(seed)
    truth = random.integers(0, min(known, count), rows)
    chances = np.round(random.dirichlet(np.ones(count), rows), 1)
    values = measure("multiclass", truth, chances, None)
    for name, (low, high) in intervals(
        Judged("multiclass", truth, chances, None, 0), values
    ).items():
        assert low <= values[name] <= high
        assert np.isfinite([low, high]).all()


def test_intervals_are_the_same_for_a_seed_and_narrow_with_rows():
    few, many = (classes(7, 2, rows) for rows in (300, 30_000))
    values = {"accuracy": 0.7, "roc_auc": 0.8}
    assert intervals(few, values) == intervals(few, values)
    widths = [
        {name: high - low for name, (low, high) in intervals(judged, measure_of(judged)).items()}
        for judged in (few, many)
    ]
    assert all(widths[1][name] < widths[0][name] / 5 for name in widths[1])


def measure_of(judged: Judged) -> dict[str, float]:
    return measure(judged.task, judged.truth, judged.predicted, judged.positive)


def test_rows_over_time_are_drawn_in_blocks_of_neighbours():
    random = np.random.default_rng(0)
    # Errors that last: neighbouring rows tell the same, so that there is less to know.
    error = np.repeat(random.normal(size=40), 10)
    truth = random.normal(size=400) * 3
    judged = [
        Judged("regression", truth, (truth - error).reshape(-1, 1), None, 0, in_order)
        for in_order in (False, True)
    ]
    (low, high), (wider_low, wider_high) = (intervals(j, measure_of(j))["mae"] for j in judged)
    assert wider_high - wider_low > 1.5 * (high - low)
    assert blocks_said(judged[0]) == "rows"
    assert blocks_said(judged[1]) == "blocks of 20 neighbouring rows"


def test_the_areas_of_very_many_classes_have_no_interval():
    judged = classes(4, MAX_AREAS + 1)
    found = intervals(judged, measure_of(judged))
    assert "roc_auc" not in found
    assert {"accuracy", "f1_score"} <= found.keys()


def test_without_rows_there_are_none():
    judged = Judged("regression", np.zeros(0), np.zeros((0, 1)), None, 0)
    assert intervals(judged, {"mae": 0.0}) == {}
