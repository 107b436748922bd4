"""The search: deterministic, anytime, and unimpressed by candidates that fail."""

import math
import time
from concurrent.futures import Future
from itertools import islice

import numpy as np
import pytest

from modelyard_crds.plan import Task
from modelyard_runtime.training import fitting
from modelyard_runtime.training.candidates import Candidate, candidate_of, portfolio, variations
from modelyard_runtime.training.fitting import (
    LADDER,
    STOPPED,
    TREES_AT_ONCE,
    Fit,
    Fitted,
    Step,
    agreed,
    fit_model,
    predict,
    run_fit,
)
from modelyard_runtime.training.folds import make_folds
from modelyard_runtime.training.pipelines import TREES, build_pipeline
from modelyard_runtime.training.problem import Problem, Shape
from modelyard_runtime.training.runner import bounded_threads, local_runner
from modelyard_runtime.training.search import (
    FEW_ROWS,
    ROUND,
    Limits,
    Outcome,
    Trial,
    keeps_up,
    most_candidates,
    rungs,
    search,
)

FAR = 1e9


def problem(task: Task = "binary", rows: int = 200) -> Problem:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(rows, 4)).astype(np.float32)
    signal = matrix[:, 0] * 2 + matrix[:, 1] ** 2 + random.normal(size=rows) * 0.3
    target = signal if task == "regression" else (signal > 1).astype(int)
    return Problem(
        matrix=matrix,
        target=target,
        shape=Shape(task, rows, 4, (), 0 if task == "regression" else 2, 0),
        metric="r2" if task == "regression" else "roc_auc",
        positive=None if task == "regression" else 1,
        folds=make_folds(target, task, 0),
    )


def quiet(number, candidate, best):
    return None


def fitted_on(given: Problem, fit: Fit) -> Fitted:
    with bounded_threads(1):
        return run_fit(given, fit, 1)


def searched(given: Problem, limits: Limits, cpus: int = 2) -> Outcome:
    with local_runner(given, cpus) as runner:
        return search(given, limits, runner, quiet)


def test_the_same_seed_and_count_find_the_same():
    first = searched(problem(), Limits(FAR, 4))
    second = searched(problem(), Limits(FAR, 4))
    assert [t.candidate for t in first.ranked] == [t.candidate for t in second.ranked]
    assert [t.score for t in first.ranked] == [t.score for t in second.ranked]
    assert first.tried == 4


def test_the_number_of_processors_changes_nothing():
    one, two = searched(problem(), Limits(FAR, 4), 1), searched(problem(), Limits(FAR, 4), 2)
    assert [t.candidate for t in one.ranked] == [t.candidate for t in two.ranked]
    assert [t.score for t in one.ranked] == pytest.approx([t.score for t in two.ranked])


def test_a_budget_that_is_over_still_gives_one_model():
    outcome = searched(problem("regression"), Limits(time.monotonic() - 1))
    assert outcome.tried == 1
    assert outcome.too_short

    assert outcome.ranked[0].score > 0
    assert outcome.stopped == "the time budget ended"


class Instant:
    """A runner whose fits take no time."""

    def submit(self, fit):
        answered: Future[Fitted] = Future()
        answered.set_result(Fitted(1.0 - len(fit.candidate.settings) / 100, None, 0.0))
        return answered


def test_a_budget_that_was_chosen_is_used_up():
    """A set timeBudget searches that long, where the default would have ended much earlier."""
    given = problem()
    limits = Limits(time.monotonic() + 0.5, used_up=True)
    outcome = search(given, limits, Instant(), quiet)
    assert outcome.stopped == "the time budget ended"
    assert outcome.tried > len(portfolio(given.shape)) + ROUND
    assert not outcome.too_short


def test_without_a_budget_the_answer_is_to_come_soon():
    given = problem()
    assert most_candidates(given, Limits(FAR)) == len(portfolio(given.shape)) + ROUND
    more = problem(rows=FEW_ROWS + 1)
    assert most_candidates(more, Limits(FAR)) == len(portfolio(more.shape))
    assert most_candidates(given, Limits(FAR, used_up=True)) == math.inf
    assert most_candidates(given, Limits(FAR, 7, used_up=True)) == 7


@pytest.mark.parametrize("rows", [500, 50_000])
def test_every_search_tries_what_scikit_learns_boosting_is_by_default(rows):
    plain = candidate_of("boosting", leaves=31, rate=0.1, smallest=20)
    for classes in (0, 2):
        task: Task = "binary" if classes else "regression"
        assert plain in portfolio(Shape(task, rows, 4, (), classes, 0))


def test_no_time_goes_to_neighbours_of_a_forest_unless_there_is_nothing_else():
    forest, boosting = candidate_of("extra_trees", smallest=2), candidate_of("boosting", leaves=15)
    families = [one.family for one in islice(variations([forest, boosting], 0), 200)]
    assert families.count("boosting") > 150
    assert families.count("extra_trees") < 20
    alone = [one.family for one in islice(variations([forest], 0), 200)]
    assert alone.count("extra_trees") > 150


def test_it_stops_when_nothing_improves():
    outcome = searched(problem(rows=80), Limits(FAR, 1000))
    assert outcome.stopped == "nothing improved"
    assert outcome.tried < 40


def test_where_nobody_asks_for_more_it_ends_soon():
    asked = problem(rows=80)
    outcome = searched(asked, Limits(FAR))
    assert outcome.tried <= len(portfolio(asked.shape)) + ROUND


def test_a_candidate_that_raises_costs_only_itself(monkeypatch):
    def broken(candidate, shape, threads):
        if candidate.family == "linear":
            msg = "this one always fails"
            raise ValueError(msg)
        return build_pipeline(candidate, shape, threads)

    monkeypatch.setattr("modelyard_runtime.training.fitting.build_pipeline", broken)
    outcome = searched(problem(), Limits(FAR, 2))
    assert [t.candidate.family for t in outcome.ranked] == ["boosting"]


class Scripted:
    """A runner whose scores are given by family; it remembers what it was asked."""

    def __init__(self, scores):
        self.scores, self.asked = scores, []

    def submit(self, fit):
        self.asked.append(fit)
        future: Future[Fitted] = Future()
        value = self.scores.get(fit.candidate.family, 0.5)
        future.set_result(Fitted(value, np.zeros((1, 2), dtype=np.float32), 0.0))
        return future


def test_a_candidate_that_is_clearly_behind_is_given_up():
    runner = Scripted({"linear": 0.94, "extra_trees": 0.1, "boosting": 0.95})
    outcome = search(problem(), Limits(FAR, 3), runner, quiet)
    assert [t.candidate.family for t in outcome.ranked] == ["boosting", "linear"]
    assert {fit.fold for fit in runner.asked if fit.candidate.family == "extra_trees"} == {0, 1}


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.80, 0.90], True),
        ([0.78, 0.91], True),  # behind in the mean of folds that disagree
        ([0.90, 0.60], True),
        ([0.78, 0.87], False),
    ],
)
def test_a_candidate_keeps_up_where_one_fold_says_so(scores, kept):
    assert keeps_up(np.array(scores), np.array([0.80, 0.90])) is kept


def test_what_has_made_all_its_fits_is_ranked_however_far_behind():
    """All folds are of the first rung here: no fit is saved by leaving it out."""
    given = problem()
    given = Problem(**{**vars(given), "folds": given.folds[:2]})
    runner = Scripted({"linear": 0.1, "boosting": 0.95})
    outcome = search(given, Limits(FAR, 2), runner, quiet)
    assert [t.candidate.family for t in outcome.ranked] == ["boosting", "linear"]


def boosted(rounds: list[int], scores: list[float]) -> Fitted:
    shown = [np.full((1, 2), score, dtype=np.float32) for score in scores]
    steps = tuple(map(Step, rounds, scores, shown))
    return Fitted(scores[-1], shown[-1], 0.0, None, rounds[-1], steps)


def test_folds_agree_on_the_rounds_that_are_best_for_all_of_them():
    """Each by itself would take 8 and 27 rounds, and 0.9."""
    one = boosted([5, 8, 12, 18, 27], [0.5, 0.9, 0.8, 0.4, 0.3])
    other = boosted([5, 8, 12, 18, 27], [0.3, 0.4, 0.8, 0.85, 0.9])
    found = agreed([one, other])
    assert [(fitted.rounds, fitted.score) for fitted in found] == [(12, 0.8), (12, 0.8)]
    for fitted in found:
        assert fitted.predicted is not None
        assert fitted.predicted[0, 0] == pytest.approx(0.8)
        assert fitted.steps == ()


def test_a_fold_that_stopped_is_judged_where_it_stopped():
    one, other = boosted([5, 8, 10], [0.5, 0.6, 0.5]), boosted([5, 8, 12, 18], [0.1, 0.2, 0.3, 0.9])
    assert [(f.rounds, f.score) for f in agreed([one, other])] == [(18, 0.5), (18, 0.9)]


def test_fits_without_steps_are_what_they_were():
    failed, linear = Fitted(math.nan, None, 0.0, "ValueError"), Fitted(0.5, None, 0.0)
    assert agreed([failed, linear]) == [failed, linear]
    kept, stepped = agreed([failed, boosted([5, 8], [0.7, 0.6])])
    assert (kept, stepped.score) == (failed, 0.7)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_each_step_of_a_fold_is_what_so_many_rounds_predict(task):
    given, candidate = problem(task), candidate_of("boosting", leaves=4, smallest=5)
    fold = given.folds[1]
    fitted = fitted_on(given, Fit(candidate, 1))
    end = fitted.rounds
    assert end is not None
    passed = [rounds for rounds in LADDER if rounds < end]
    assert [step.rounds for step in fitted.steps] == [*passed, end]
    for step in fitted.steps:
        settled = candidate_of("boosting", leaves=4, smallest=5, rounds=step.rounds)
        model = fit_model(given, settled, fold.train, 1)
        again = predict(model, given.matrix[fold.test], task)
        assert step.predicted == pytest.approx(again, rel=1e-5)


def test_a_complete_trial_is_judged_by_the_rounds_that_it_is_settled_with():
    given, candidate = problem(), candidate_of("boosting", leaves=4, smallest=5)
    fits = [Fit(candidate, fold) for fold in range(5)]
    trial = Trial(candidate, {fit: fitted_on(given, fit) for fit in reversed(fits)})
    flattered = np.mean([max(s.score for s in f.steps) for f in trial.fitted.values()])
    trial.complete()
    rounds = trial.settled.get("rounds", None)
    assert rounds in LADDER
    assert {fitted.rounds for fitted in trial.folds.values()} == {rounds}
    assert trial.score < flattered
    assert trial.score == pytest.approx(trial.scores_at(fits).mean())
    assert not any(fitted.steps for fitted in trial.fitted.values())


def test_one_fold_stops_where_its_rows_are_predicted_best():
    given = problem()
    given = Problem(**{**vars(given), "folds": given.folds[:1]})
    fit = Fit(candidate_of("boosting", leaves=4, smallest=5), 0)
    fitted, several = fitted_on(given, fit), fitted_on(problem(), fit)
    assert fitted.steps == ()
    assert fitted.rounds is not None
    assert several.rounds is not None
    assert fitted.rounds < several.rounds


def test_a_large_table_is_searched_by_parts_first():
    given = problem(rows=200)
    fold = given.folds[0]
    long = np.resize(fold.train, 100_000)
    steps = rungs(Problem(**{**vars(given), "folds": [fold._replace(train=long)]}))
    assert [step.rows for step in steps] == [10_000, 40_000, None]


def test_a_fit_is_the_same_whoever_makes_it():
    given, fit = problem(), Fit(candidate_of("forest", smallest=2), 1)
    one, other = run_fit(given, fit, 1), run_fit(given, fit, 2)
    assert one.predicted is not None
    assert one.predicted == pytest.approx(other.predicted)
    assert fit.key == "forest(smallest=2)/fold-1/rows-all"


class Clock:
    """Each look at it takes a second."""

    def __init__(self):
        self.now = 0
        self.monotonic = time.monotonic

    def time(self):
        self.now += 1
        return self.now


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("family", ["boosting", "forest", "extra_trees"])
def test_a_fit_ends_at_its_deadline(monkeypatch, family, task):
    clock = Clock()
    monkeypatch.setattr(fitting, "time", clock)
    with bounded_threads(1):
        fitted = run_fit(problem(task), Fit(Candidate(family), 0, until=3), 1)
    assert (fitted.failure, fitted.predicted) == (STOPPED, None)
    assert math.isnan(fitted.score)
    assert clock.now == 3


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("family", ["forest", "extra_trees"])
def test_a_forest_that_grows_by_parts_has_the_trees_of_one_that_does_not(family, task):
    given, fit = problem(task), Fit(Candidate(family), 0)
    fold = given.folds[0]
    found = run_fit(given, fit, 1).predicted
    whole = predict(fit_model(given, fit.candidate, fold.train, 1), given.matrix[fold.test], task)
    assert found is not None
    assert np.array_equal(found, whole.astype(np.float32))
    assert TREES % TREES_AT_ONCE == 0


def test_only_what_comes_after_a_first_result_has_a_deadline():
    runner = Scripted({})
    search(problem(), Limits(time.monotonic() + 1e6, 3), runner, quiet)
    first = {fit.until for fit in runner.asked if fit.candidate == runner.asked[0].candidate}
    later = {fit.until for fit in runner.asked if fit.candidate != runner.asked[0].candidate}
    assert first == {math.inf}
    assert later
    assert max(later) < math.inf
    assert Fit(Candidate("linear"), 0, until=1.0) == Fit(Candidate("linear"), 0)


def test_folds_hold_each_class_as_far_as_examples_go():
    target = np.array([0] * 97 + [1] * 3)
    folds = make_folds(target, "binary", 0)
    assert len(folds) == 3
    assert all((target[fold.test] == 1).any() for fold in folds)


def test_a_large_table_has_one_fold():
    (fold,) = make_folds(np.arange(30_000) % 3, "multiclass", 0)
    assert len(fold.test) == 6_000
