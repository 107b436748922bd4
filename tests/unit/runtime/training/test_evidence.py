"""Figures of the model card against scikit-learn's, and on the edges."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from modelyard_crds.model_card import MAX_LABELS, MAX_POINTS
from modelyard_runtime.training.evidence import (
    calibration,
    calibration_figures,
    confusion_matrix,
    operating_points,
    residuals,
    tenths,
)


def predicted(seed: int, classes: int, rows: int = 500):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    return truth, random.dirichlet(np.ones(classes), rows) * 0.5 + 0.5 * np.eye(classes)[truth]


def test_the_confusion_matrix_is_that_of_scikit_learn():
    truth, chances = predicted(0, 3)
    found = confusion_matrix(truth, chances, ["a", "b", "c"])
    assert found.labels == ["a", "b", "c"]
    expected = reference.confusion_matrix(truth, chances.argmax(axis=1))
    assert found.counts == expected.tolist()


def test_the_rarer_of_many_classes_are_one():
    truth, chances = predicted(1, 50, rows=2000)
    truth[:300] = 49
    found = confusion_matrix(truth, chances, [f"c{number}" for number in range(50)])
    assert len(found.labels) == MAX_LABELS
    assert "c49" in found.labels
    assert [len(line) for line in found.counts] == [MAX_LABELS + 1] * (MAX_LABELS + 1)
    assert sum(map(sum, found.counts)) == 2000


def test_operating_points_lie_on_the_curves():
    truth, chances = predicted(2, 2, rows=3000)
    points = operating_points(truth == 1, chances[:, 1])
    assert len(points) <= MAX_POINTS
    for point in points[::10]:
        called = chances[:, 1] >= point.threshold - 1e-6
        assert point.recall == pytest.approx(called[truth == 1].mean(), abs=1e-3)
        assert point.precision == pytest.approx(truth[called].mean(), abs=1e-3)
    assert points[-1].recall == points[-1].false_positive_rate == 1
    assert operating_points(np.zeros(5, dtype=bool), np.ones(5)) == []


def test_calibration_figures_are_those_of_scikit_learn():
    truth, chances = predicted(3, 2)
    found = calibration_figures(truth, chances, 1)
    assert found.brier == pytest.approx(reference.brier_score_loss(truth, chances[:, 1]), abs=1e-5)
    assert found.log_loss == pytest.approx(reference.log_loss(truth, chances), abs=1e-5)
    truth, chances = predicted(4, 4)
    many = calibration(truth, chances, ["a", "b", "c", "d"], None)
    assert many.of == "the predicted class"
    assert sum(item.rows for item in many.bins) == 500


def test_probabilities_that_come_true_have_no_calibration_error():
    random = np.random.default_rng(0)
    chance = random.random(20_000)
    truth = (random.random(20_000) < chance).astype(int)
    honest = calibration_figures(truth, np.column_stack([1 - chance, chance]), 1)
    boasting = np.clip(chance * 2 - 0.5, 0.01, 0.99)
    boasted = calibration_figures(truth, np.column_stack([1 - boasting, boasting]), 1)
    assert honest.ece < 0.015
    assert boasted.ece > 0.08


def test_residuals_tell_where_predictions_are_off():
    random = np.random.default_rng(0)
    values = random.random(1000) * 10
    found = residuals(values + random.normal(size=1000) * values, values)
    assert found.quantiles["0.05"] < 0 < found.quantiles["0.95"]
    assert sum(found.histogram.counts) == 1000
    small, large = found.by_prediction[0], found.by_prediction[-1]
    assert large.high - large.low > 5 * (small.high - small.low)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=60))
def test_tenths_hold_each_row_once_in_order(values):
    given_values = np.array(values)
    parts = tenths(given_values)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(values)))
    ends = [(given_values[part].min(), given_values[part].max()) for part in parts]
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert residuals(given_values, given_values).mean == 0
