"""Corrections of probabilities: taken only where they help, and the same in the graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelyard_crds.build import NumericFeature
from modelyard_crds.plan import Task
from modelyard_runtime.artifacts.persisted import TRUSTED, persisted
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.calibration import (
    Calibrated,
    Correction,
    calibrate,
    fit_correction,
)
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.ensemble import Unseen
from modelyard_runtime.training.evaluation import difference, metric
from modelyard_runtime.training.graph import to_graph
from modelyard_runtime.training.problem import Problem, Shape

ROWS = 2000


def rows_of(classes: int, seed: int = 0):
    """Truth drawn from probabilities, which are so honest."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.ones(classes), ROWS)
    truth = np.array([random.choice(classes, p=line) for line in chances])
    return truth, chances


def problem(truth, classes: int) -> Problem:
    task: Task = "binary" if classes == 2 else "multiclass"
    return Problem(
        matrix=np.zeros((len(truth), 1), dtype=np.float32),
        target=truth,
        shape=Shape(task, len(truth), 1, (), classes, 0),
        metric="roc_auc",
        positive=1 if classes == 2 else None,
        folds=[],
    )


def unseen(chances) -> Unseen:
    return Unseen(np.arange(len(chances)), chances)


@pytest.mark.parametrize("classes", [2, 5])
def test_boasting_probabilities_are_corrected_and_rank_as_before(classes):
    truth, honest = rows_of(classes)
    boasting = Correction(2.0, (0.0,) * classes)(honest)
    given_problem = problem(truth, classes)
    found = calibrate(given_problem, unseen(boasting))
    assert found is not None
    assert found.correction.slope == pytest.approx(1 / 2, abs=0.05)
    losses = [
        metric("log_loss", truth, chances, None)
        for chances in (honest, found.unseen.predicted, boasting)
    ]
    assert losses[1] < losses[2] - 0.02
    assert losses[1] == pytest.approx(losses[0], abs=0.01)
    areas = [
        metric("roc_auc", truth, chances, given_problem.positive)
        for chances in (boasting, found.correction(boasting))
    ]
    assert areas[1] == pytest.approx(areas[0], abs=5e-3 if classes > 2 else 1e-4)


@pytest.mark.parametrize("classes", [2, 4])
def test_honest_probabilities_stay_as_they_are(classes):
    truth, honest = rows_of(classes)
    assert calibrate(problem(truth, classes), unseen(honest)) is None


def test_a_shifted_share_of_positives_is_put_right():
    truth, honest = rows_of(2)
    found = fit_correction(truth, Correction(1.0, (0.0, 1.5))(honest))
    assert found.shift[1] == pytest.approx(-1.5, abs=0.2)
    assert found.slope == pytest.approx(1.0, abs=0.1)


def test_few_rows_are_not_enough():
    truth, honest = rows_of(2)
    boasting = Correction(3.0, (0.0, 0.0))(honest)
    assert calibrate(problem(truth[:90], 2), unseen(boasting[:90])) is None


def test_classes_told_apart_without_an_error_have_a_finite_correction():
    truth = np.arange(500) % 2
    found = fit_correction(truth, np.eye(2)[truth] * 0.8 + 0.1)
    assert np.isfinite([found.slope, *found.shift]).all()
    assert 1 < found.slope <= 20


@settings(max_examples=25, deadline=None)
@given(
    slope=st.floats(0.3, 8.0),
    shift=st.floats(-3.0, 3.0),
    classes=st.integers(2, 4),
    seed=st.integers(0, 100),
)
def test_the_graph_corrects_as_scikit_learn_s_side_does(slope, shift, classes, seed):
    """Pitfall 4.8: a calibrated forest must not be off by more than rounding."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(300, 3)).astype(np.float32)
    truth = np.arange(300) % classes
    forest = make_pipeline(StandardScaler(), ExtraTreesClassifier(20, random_state=seed))
    model = Calibrated(
        forest.fit(matrix, truth), Correction(slope, (0.0, shift, *(0.0,) * (classes - 2)))
    )
    encoding = Encoding([NumericFeature(column=name) for name in "abc"], [], {})
    task: Task = "binary" if classes == 2 else "multiclass"
    fresh = random.normal(size=(300, 3)).astype(np.float32)
    session = Session(to_graph(model, encoding, task), "probabilities")
    for rows in (matrix, fresh):
        found = session.run({"numeric": rows})
        assert difference(task, model.predict_proba(rows), found) < 1e-4
        assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_corrected_model_is_kept_as_skops():
    from skops import io

    matrix = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    forest = ExtraTreesClassifier(5, random_state=0).fit(matrix, np.arange(60) % 2)
    model = Calibrated(forest, Correction(0.5, (0.0, 0.2)))
    content = persisted(model)
    assert content
    loaded = io.loads(content, trusted=list(TRUSTED))
    assert loaded.predict_proba(matrix) == pytest.approx(model.predict_proba(matrix))
    assert loaded.predict(matrix).tolist() == model.predict(matrix).tolist()
