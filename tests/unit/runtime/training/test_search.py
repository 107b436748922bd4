"""The search: deterministic, anytime, and unimpressed by candidates that fail."""

import time

import numpy as np
import pytest

from modelyard_crds.model_version import Task
from modelyard_runtime.training.candidates import Candidate, Shape, build_pipeline
from modelyard_runtime.training.search import Limits, Problem, make_folds, search, try_candidate

FAR = 1e12


def problem(task: Task = "binary", rows: int = 200) -> Problem:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(rows, 4)).astype(np.float32)
    signal = matrix[:, 0] * 2 + matrix[:, 1] ** 2 + random.normal(size=rows) * 0.3
    target = signal if task == "regression" else (signal > 1).astype(int)
    classes = 0 if task == "regression" else 2
    return Problem(
        matrix=matrix,
        target=target,
        shape=Shape(task, rows, 4, (), classes, 0),
        metric="r2" if task == "regression" else "roc_auc",
        positive=None if task == "regression" else 1,
        folds=make_folds(target, task, 0),
        cpus=2,
    )


def quiet(number, candidate, best):
    return None


def test_the_same_seed_and_count_find_the_same(monkeypatch):
    first = search(problem(), Limits(FAR, 3), quiet)
    second = search(problem(), Limits(FAR, 3), quiet)
    assert [t.candidate for t in first.ranked] == [t.candidate for t in second.ranked]
    assert [t.scores for t in first.ranked] == [t.scores for t in second.ranked]
    assert first.tried == 3


def test_the_number_of_processors_changes_nothing():
    one = problem()
    many = Problem(**{**vars(one), "cpus": 1})
    assert [t.score for t in search(one, Limits(FAR, 2), quiet).ranked] == pytest.approx(
        [t.score for t in search(many, Limits(FAR, 2), quiet).ranked]
    )


def test_a_budget_that_is_over_still_gives_one_model():
    outcome = search(problem("regression"), Limits(time.monotonic() - 1), quiet)
    assert outcome.tried == 1
    assert outcome.ranked[0].score > 0
    assert outcome.stopped == "the time budget ended"


def test_it_stops_when_nothing_improves():
    outcome = search(problem(rows=80), Limits(FAR), quiet)
    assert outcome.stopped == "nothing improved"
    assert outcome.tried < 40


def test_a_candidate_that_raises_costs_only_itself(monkeypatch):
    def broken(candidate, shape, threads):
        if candidate.family == "linear":
            msg = "this one always fails"
            raise ValueError(msg)
        return build_pipeline(candidate, shape, threads)

    monkeypatch.setattr("modelyard_runtime.training.search.build_pipeline", broken)
    outcome = search(problem(), Limits(FAR, 2), quiet)
    assert [t.candidate.family for t in outcome.ranked] == ["boosting"]


def test_a_candidate_that_is_clearly_behind_is_given_up():
    given = problem()
    best = try_candidate(given, Candidate("forest"), None, FAR)
    assert best is not None
    best.scores = [2.0] * len(best.scores)
    assert try_candidate(given, Candidate("linear"), best, FAR) is None


def test_folds_hold_each_class_as_far_as_examples_go():
    target = np.array([0] * 97 + [1] * 3)
    folds = make_folds(target, "binary", 0)
    assert len(folds) == 3
    assert all((target[fold.test] == 1).any() for fold in folds)


def test_a_large_table_has_one_fold():
    (fold,) = make_folds(np.arange(30_000) % 3, "multiclass", 0)
    assert len(fold.test) == 6_000
