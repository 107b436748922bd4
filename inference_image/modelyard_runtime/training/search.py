"""Find the best candidate: cross-validated on shared folds, until time, count or luck runs out.

Deterministic for a seed and a number of candidates: which candidate comes next and when to stop
depends on scores alone, unless the time budget ends first. A candidate that is clearly behind
after two folds is given up.
"""

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.fields import Metric
from modelyard_crds.model_version import Task
from modelyard_runtime.training.candidates import (
    MANY_ROWS,
    Candidate,
    Shape,
    build_pipeline,
    candidates,
    portfolio_size,
)
from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.evaluation import score

log = logging.getLogger(__name__)

MAX_FOLDS = 5
HELD_OUT = 0.2
MAX_HELD_OUT_ROWS = 50_000
#: Candidates without an improvement, after the portfolio, until the search stops.
PATIENCE = 3
IMPROVEMENT = 1e-3
#: Folds after which a candidate must keep up, and by how much it may be behind.
FIRST_FOLDS = 2
BEHIND = 0.02
MOST_CANDIDATES = 1000

#: Below this, boosting spends more on threads than it gains by them.
FEW_ROWS = 5_000

Indices = NDArray[np.int64]


class Fold(NamedTuple):
    """Rows to fit on and rows to judge by."""

    train: Indices
    test: Indices


@dataclass(frozen=True)
class Problem:
    """What is learnt: a matrix, a target, how it is judged."""

    matrix: Matrix
    target: NDArray[Any]
    shape: Shape
    metric: Metric
    positive: int | None
    folds: list[Fold]
    cpus: int


@dataclass(frozen=True)
class Limits:
    """When a search ends at the latest; ``deadline`` is in time.monotonic's seconds."""

    deadline: float
    max_candidates: int | None = None


@dataclass
class Trial:
    """A candidate with the models of its folds, and how good they are."""

    candidate: Candidate
    scores: list[float] = field(default_factory=list)
    models: list[Any] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The mean over the folds that were tried."""
        return float(np.mean(self.scores)) if self.scores else float("-inf")


class Outcome(NamedTuple):
    """Complete trials, the best one first, and how many candidates were tried."""

    ranked: list[Trial]
    tried: int
    stopped: str


#: Told before each candidate: its number, itself, and the best score so far.
Watcher = Callable[[int, Candidate, float | None], None]


def make_folds(target: NDArray[Any], task: Task, seed: int) -> list[Fold]:
    """The folds that all candidates share; a large table has one, which is enough there."""
    from sklearn import model_selection

    classes = task != "regression"
    rows = np.arange(len(target))
    splitter: Any
    if len(target) > MANY_ROWS:
        size = min(int(len(target) * HELD_OUT), MAX_HELD_OUT_ROWS)
        kind = model_selection.StratifiedShuffleSplit if classes else model_selection.ShuffleSplit
        splitter = kind(1, test_size=size, random_state=seed)
    else:
        rarest = int(np.unique(target, return_counts=True)[1].min()) if classes else MAX_FOLDS
        kind = model_selection.StratifiedKFold if classes else model_selection.KFold
        splitter = kind(min(MAX_FOLDS, rarest), shuffle=True, random_state=seed)
    return [Fold(train, test) for train, test in splitter.split(rows, target)]


def search(problem: Problem, limits: Limits, watch: Watcher) -> Outcome:
    """Try candidates until a limit is reached or nothing improves."""
    ranked: list[Trial] = []
    most = limits.max_candidates or MOST_CANDIDATES
    floor = portfolio_size(problem.shape)
    tried, since_best, stopped = 0, 0, "all candidates were tried"
    for candidate in islice(candidates(problem.shape), most):
        best = ranked[0] if ranked else None
        if best is not None and time.monotonic() >= limits.deadline:
            stopped = "the time budget ended"
            break
        if tried == floor:
            since_best = 0
        elif tried > floor and since_best >= PATIENCE:
            stopped = "nothing improved"
            break
        tried += 1
        watch(tried, candidate, best.score if best else None)
        trial = try_candidate(problem, candidate, best, limits.deadline)
        if trial is None:
            since_best += 1
            continue
        since_best = 0 if best is None or _better(trial, best) else since_best + 1
        ranked = _inserted(ranked, trial)
    return Outcome(ranked, tried, stopped)


def try_candidate(
    problem: Problem, candidate: Candidate, best: Trial | None, deadline: float
) -> Trial | None:
    """Fit and judge a candidate on the folds; None where it fails or is left behind."""
    trial = Trial(candidate)
    first, rest = problem.folds[:FIRST_FOLDS], problem.folds[FIRST_FOLDS:]
    for folds in (first, rest):
        if (
            best is not None
            and trial.scores
            and (_behind(trial, best) or time.monotonic() >= deadline)
        ):
            return None
        try:
            for value, model in _fit_folds(problem, candidate, folds):
                trial.scores.append(value)
                trial.models.append(model)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            log.warning("a candidate of %s failed: %s", candidate.family, type(error).__name__)
            log.debug("why it failed", exc_info=error)
            return None
    return trial if np.isfinite(trial.score) else None


def fit_all(problem: Problem, candidate: Candidate) -> Any:
    """The candidate, fitted on every row: what will be served."""
    threads = _spread(problem, candidate, 1).threads
    with _threads(threads):
        model = build_pipeline(candidate, problem.shape, threads)
        return model.fit(problem.matrix, problem.target)


def predict(model: Any, matrix: Matrix, task: Task) -> NDArray[Any]:
    """What a scikit-learn model predicts: probabilities, or one column of values."""
    if task == "regression":
        return np.asarray(model.predict(matrix)).reshape(-1, 1)
    return np.asarray(model.predict_proba(matrix))


class _Spread(NamedTuple):
    """How fits share the processors: so many at once, with so many threads each."""

    workers: int
    threads: int


def _spread(problem: Problem, candidate: Candidate, fits: int) -> _Spread:
    """One fold a processor, but for boosting.

    Boosting of a small table is many short loops: measured on 1,000 rows, two threads wait for
    each other more than they work, in one fold as in two.
    """
    if candidate.family == "boosting":
        return _Spread(1, 1 if problem.shape.rows < FEW_ROWS else problem.cpus)
    workers = min(problem.cpus, fits)
    return _Spread(workers, max(1, problem.cpus // workers))


def _fit_folds(
    problem: Problem, candidate: Candidate, folds: list[Fold]
) -> list[tuple[float, Any]]:
    workers, threads = _spread(problem, candidate, max(1, len(folds)))
    with _threads(threads):
        if workers == 1:
            # OpenMP keeps its number of threads by thread: the bound is this one's.
            return [_fit_fold(problem, candidate, fold, threads) for fold in folds]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda fold: _fit_fold(problem, candidate, fold, threads), folds))


def _fit_fold(
    problem: Problem, candidate: Candidate, fold: Fold, threads: int
) -> tuple[float, Any]:
    model = build_pipeline(candidate, problem.shape, threads)
    model.fit(problem.matrix[fold.train], problem.target[fold.train])
    predicted = predict(model, problem.matrix[fold.test], problem.shape.task)
    truth = problem.target[fold.test]
    return score(problem.metric, truth, predicted, problem.positive), model


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Bound the threads of numerical libraries, and keep what they warn of to themselves.

    A fit that did not converge, or divided by zero, shows in its score.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _behind(trial: Trial, best: Trial) -> bool:
    here = float(np.mean(trial.scores))
    there = float(np.mean(best.scores[: len(trial.scores)]))
    return not here >= there - BEHIND * max(abs(there), 0.05)


def _better(trial: Trial, best: Trial) -> bool:
    return trial.score > best.score + IMPROVEMENT * max(abs(best.score), 0.05)


def _inserted(ranked: list[Trial], trial: Trial) -> list[Trial]:
    """The ranking with one more; only the models of the best few are kept in memory."""
    result = sorted([*ranked, trial], key=lambda item: -item.score)
    for late in result[_KEPT:]:
        late.models.clear()
    return result


_KEPT = 2
