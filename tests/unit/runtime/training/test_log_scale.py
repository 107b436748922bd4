"""Skewed targets and counts: tried where they are, right in their units, the same in ONNX."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_crds.build import NumericFeature
from modelyard_runtime.artifacts.persisted import persisted
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.candidates import candidate_of, name_of, portfolio, uneven
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.evaluation import difference
from modelyard_runtime.training.fitting import Fit, fit_model, predict, run_fit
from modelyard_runtime.training.folds import make_folds
from modelyard_runtime.training.graph import to_graph
from modelyard_runtime.training.pipelines import build_pipeline
from modelyard_runtime.training.problem import Problem, Shape, spread_of
from modelyard_runtime.training.runner import bounded_threads

ROWS = 500
QUICK = {"leaves": 15, "rate": 0.1, "smallest": 10, "rounds": 40}
ENCODING = Encoding([NumericFeature(column=name) for name in "abc"], [], {})
TRIED = [
    candidate_of("boosting", **QUICK, log=1),
    candidate_of("boosting", **QUICK, poisson=1),
    candidate_of("linear", log=1),
    candidate_of("forest", log=1),
    candidate_of("network", width=32, epochs=30, log=1),
]


def table(seed: int = 0):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(ROWS, 3)).astype(np.float32)
    return random, matrix, matrix[:, 0] + 0.5 * matrix[:, 1] * matrix[:, 2]


def problem(matrix, target, metric="mae") -> Problem:
    shape = Shape("regression", ROWS, 3, (), 0, 0, spread=spread_of(target))
    return Problem(matrix, target, shape, metric, None, make_folds(target, "regression", 0))


def test_the_spread_of_a_target_is_seen():
    random, _, _ = table()
    assert spread_of(random.normal(size=ROWS)) == "even"
    assert spread_of(random.lognormal(size=ROWS)) == "positive"
    assert spread_of(random.lognormal(size=ROWS) - 1.0) == "skewed"
    assert spread_of(random.poisson(2, ROWS).astype(np.float64)) == "counts"
    assert spread_of(np.full(ROWS, 7.0)) == "even"


def test_what_suits_a_spread_is_tried_early_and_nothing_else_changes():
    even = Shape("regression", ROWS, 3, (), 0, 0)
    assert uneven(even) == []
    for spread in ("skewed", "positive", "counts"):
        shape = Shape("regression", ROWS, 3, (), 0, 0, spread=spread)
        assert portfolio(shape)[2 : 2 + len(uneven(shape))] == uneven(shape)
        assert [one for one in portfolio(shape) if one not in uneven(shape)] == portfolio(even)
    assert name_of(TRIED[0]) == "boosting on a logarithmic scale"


@pytest.mark.parametrize("family", ["boosting", "linear"])
def test_a_logarithmic_scale_errs_less_where_sizes_multiply(family):
    random, matrix, signal = table()
    given_problem = problem(matrix, np.exp(8 + 1.5 * signal + random.normal(size=ROWS) * 0.3))
    with bounded_threads(1):
        plain, on_scale = (
            run_fit(given_problem, Fit(candidate_of(family, log=log), 0), 1).score for log in (0, 1)
        )
    assert on_scale > plain + 0.1 * abs(plain)


@settings(max_examples=30, deadline=None)
@given(
    number=st.integers(0, len(TRIED) - 1),
    power=st.floats(-3, 6),
    shift=st.sampled_from([0.0, 0.0, -2.0]),
    seed=st.integers(0, 50),
)
def test_the_graph_predicts_the_same_on_any_scale(number, power, shift, seed):
    random, matrix, signal = table(seed)
    candidate = TRIED[number]
    target = 10.0**power * (np.exp(signal) + shift)
    if candidate.get("poisson", 0):
        target = random.poisson(np.exp(np.minimum(signal, 3))).astype(np.float64)
    shape = Shape("regression", ROWS, 3, (), 0, 0, spread="skewed")
    with bounded_threads(1):
        model = build_pipeline(candidate, shape, 1).fit(matrix, target)
    session = Session(to_graph(model, ENCODING, "regression"), "value")
    fresh = (random.normal(size=(ROWS, 3)) * 4).astype(np.float32)
    for rows in (matrix, fresh):
        expected = predict(model, rows, "regression")
        assert np.isfinite(expected).all()
        assert difference("regression", expected, session.run({"numeric": rows})) < 1e-4
    assert persisted(model)


def test_counts_are_never_predicted_below_zero():
    random, matrix, signal = table()
    target = random.poisson(np.exp(signal)).astype(np.float64)
    shape = Shape("regression", ROWS, 3, (), 0, 0, spread="counts")
    with bounded_threads(1):
        model = build_pipeline(TRIED[1], shape, 1).fit(matrix, target)
    found = predict(model, matrix, "regression")
    assert found.min() > 0
    assert found.mean() == pytest.approx(target.mean(), rel=0.05)


def test_a_watched_fit_stops_by_values_on_its_scale():
    random, matrix, signal = table()
    given_problem = problem(matrix, np.exp(signal + random.normal(size=ROWS)))
    with bounded_threads(1):
        fitted = run_fit(given_problem, Fit(uneven(given_problem.shape)[0], 0), 1)
    assert fitted.failure is None
    assert fitted.rounds is not None
    assert fitted.rounds < 200


def test_a_step_of_a_wrapped_model_is_in_the_units_of_the_target():
    random, matrix, signal = table()
    given_problem = problem(matrix, np.exp(signal + random.normal(size=ROWS)))
    chosen, fold = uneven(given_problem.shape)[0], given_problem.folds[0]
    settled = candidate_of(chosen.family, **dict(chosen.settings), rounds=5)
    with bounded_threads(1):
        found = run_fit(given_problem, Fit(chosen, 0), 1).after(5).predicted
        model = fit_model(given_problem, settled, fold.train, 1)
    again = predict(model, matrix[fold.test], "regression")
    assert found == pytest.approx(again, rel=1e-5)
