"""Metrics against scikit-learn's own."""

import numpy as np
import pytest
from sklearn import metrics as reference

from modelyard_runtime.training.evaluation import baseline, difference, measure, metric, score


@pytest.fixture
def binary():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    chances = np.clip(truth * 0.4 + random.random(200) * 0.6, 0.01, 0.99)
    return truth, np.column_stack([1 - chances, chances])


def test_binary_metrics_are_those_of_the_positive_class(binary):
    truth, chances = binary
    found = measure("binary", truth, chances, 1)
    chosen = chances.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, chosen), abs=1e-6)
    assert found["precision"] == pytest.approx(reference.precision_score(truth, chosen), abs=1e-6)
    assert found["recall"] == pytest.approx(reference.recall_score(truth, chosen), abs=1e-6)
    assert found["f1_score"] == pytest.approx(reference.f1_score(truth, chosen), abs=1e-6)
    assert found["roc_auc"] == pytest.approx(
        reference.roc_auc_score(truth, chances[:, 1]), abs=1e-6
    )
    assert found["log_loss"] == pytest.approx(reference.log_loss(truth, chances), abs=1e-6)
    assert measure("binary", truth, chances, 0)["recall"] != found["recall"]


def test_metrics_of_many_classes_are_macro_averages():
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 300)
    chances = random.dirichlet([1, 1, 1], 300)
    found = measure("multiclass", truth, chances, None)
    chosen = chances.argmax(axis=1)
    assert found["f1_score"] == pytest.approx(
        reference.f1_score(truth, chosen, average="macro"), abs=1e-6
    )
    assert found["roc_auc"] == pytest.approx(
        reference.roc_auc_score(truth, chances, multi_class="ovr"), abs=1e-6
    )


def test_regression_metrics():
    truth, values = np.array([1.0, 2.0, 0.0, 4.0]), np.array([[1.5], [2.0], [0.0], [3.0]])
    found = measure("regression", truth, values, None)
    assert found["r2"] == pytest.approx(reference.r2_score(truth, values), abs=1e-6)
    assert found["rmse"] == pytest.approx(
        reference.root_mean_squared_error(truth, values), abs=1e-6
    )
    assert found["mae"] == pytest.approx(0.375)
    # The row whose true value is zero has no relative error.
    assert found["mape"] == pytest.approx((0.5 + 0 + 0.25) / 3, abs=1e-6)


def test_a_metric_that_is_not_defined_is_left_out():
    truth = np.zeros(5, dtype=int)
    assert "roc_auc" not in measure("binary", truth, np.full((5, 2), 0.5), 1)
    assert np.isnan(metric("r2", np.ones(5), np.ones((5, 1)), None))


def test_errors_count_backwards_and_of_equals_the_surer_is_better(binary):
    truth, chances = binary
    assert score("log_loss", truth, chances, 1) < 0
    sure = np.where(chances > 0.5, 0.99, 0.01)
    perfect = np.eye(2)[truth]
    assert score("accuracy", truth, perfect * 0.98 + 0.01, 1) > score(
        "accuracy", truth, perfect * 0.2 + 0.4, 1
    )
    assert sure.shape == chances.shape


def test_the_baseline_knows_only_the_target():
    assert baseline("multiclass", np.array([0, 0, 1, 1]), ["a", "b"])[0].tolist() == [0.5, 0.5]
    assert baseline("regression", np.array([1.0, 3.0]), []).tolist() == [[2.0], [2.0]]


def test_differences_of_values_are_relative_and_nan_is_infinite():
    large = np.array([[1e6], [2e6]])
    assert difference("regression", large, large * (1 + 1e-6)) < 1e-5
    assert difference("binary", np.ones((1, 2)), np.full((1, 2), np.nan)) == float("inf")
