"""Ensembles: taken only where unseen rows say so."""

import numpy as np
import pytest

from modelyard_runtime.training.candidates import candidate_of
from modelyard_runtime.training.ensemble import (
    MAX_MEMBERS,
    OF_A_FAMILY,
    best_blend,
    library_of,
    pays,
    unseen_of,
)
from modelyard_runtime.training.fitting import Fit, Fitted
from modelyard_runtime.training.folds import make_folds
from modelyard_runtime.training.problem import Problem, Shape
from modelyard_runtime.training.search import Trial

ROWS = 600


def problem() -> Problem:
    target = np.random.default_rng(0).normal(size=ROWS)
    return Problem(
        matrix=np.zeros((ROWS, 1), dtype=np.float32),
        target=target,
        shape=Shape("regression", ROWS, 1, (), 0, 0),
        metric="rmse",
        positive=None,
        folds=make_folds(target, "regression", 0),
    )


def trial(given: Problem, number: int, errors) -> Trial:
    chosen = candidate_of("linear", strength=float(number))
    made = Trial(chosen)
    for fold, (_, test) in enumerate(given.folds):
        predicted = (given.target[test] + errors[test]).reshape(-1, 1).astype(np.float32)
        made.fitted[Fit(chosen, fold)] = Fitted(-float(np.std(errors)), predicted, 0.0)
    return made


def test_models_that_err_differently_are_averaged():
    given, random = problem(), np.random.default_rng(1)
    trials = [trial(given, number, random.normal(size=ROWS)) for number in range(8)]
    blend = best_blend(given, trials)
    assert blend is not None
    assert 2 <= len(blend.parts) <= MAX_MEMBERS
    assert sum(weight for weight, _ in blend.parts) == 1
    found = unseen_of(given, blend)
    assert np.std(found.predicted[:, 0] - given.target[found.rows]) < 0.75


def test_models_that_err_alike_are_not():
    given, random = problem(), np.random.default_rng(1)
    errors = random.normal(size=ROWS)
    assert best_blend(given, [trial(given, number, errors) for number in range(4)]) is None


@pytest.mark.parametrize(
    ("gains", "taken"),
    [
        ([0.02, 0.01, 0.02, 0.01, 0.02], True),
        ([0.03, -0.02, 0.01, -0.02, -0.01], True),  # blocks of few rows disagree
        ([-0.02, -0.03, -0.01, -0.02, 0.01], False),
        ([0.0] * 5, False),
    ],
)
def test_a_mean_is_turned_down_only_where_it_is_clearly_worse(gains, taken):
    assert pays(np.array(gains)) is taken


def test_a_long_search_does_not_fill_the_library_with_one_family():
    boosted = [Trial(candidate_of("boosting", leaves=number)) for number in range(2, 40)]
    others = [Trial(candidate_of("linear", strength=0.1)), Trial(candidate_of("network"))]
    library = library_of([*boosted, *others])
    assert library == [*boosted[:OF_A_FAMILY], *others]


def test_a_second_forest_is_not_worth_what_it_costs():
    forests = [Trial(candidate_of("extra_trees", smallest=number)) for number in (1, 2)]
    linear = Trial(candidate_of("linear"))
    assert library_of([*forests, linear]) == [forests[0], linear]


def test_one_model_is_no_ensemble():
    given = problem()
    assert best_blend(given, [trial(given, 0, np.zeros(ROWS))]) is None
