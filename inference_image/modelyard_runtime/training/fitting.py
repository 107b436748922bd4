"""One fit of a search: a candidate on the rows of one fold, judged on the rows it did not see.

``run_fit`` is a pure function of the problem and the fit, so that it may run in any thread, pod
or order, and what it gave may be kept and used again in place of it.
"""

import logging
import math
import time
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.plan import Task
from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.pipelines import TREES, build_pipeline
from modelyard_runtime.training.problem import Indices, Problem

log = logging.getLogger(__name__)

#: Rounds of boosting without an improvement until a watched fit stops.
MIN_PATIENCE, MAX_PATIENCE = 20, 80
#: Trees of a forest between two looks at the clock.
TREES_AT_ONCE = 10
STOPPED = "the time budget ended while it ran"

Predicted = NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """A candidate, a fold, and at most how many of the fold's rows to learn from.

    ``until`` is when it is of no use any more, in time.time's seconds, which all pods of a build
    share; it tells no fits apart.
    """

    candidate: Candidate
    fold: int
    rows: int | None = None
    until: float = field(default=math.inf, compare=False)

    @property
    def key(self) -> str:
        """A name for this fit, the same in every process: under it a result may be kept."""
        settings = ",".join(f"{name}={value}" for name, value in self.candidate.settings)
        return f"{self.candidate.family}({settings})/fold-{self.fold}/rows-{self.rows or 'all'}"


class TimeOverError(Exception):
    """A fit is stopped: the search has no time for it any more."""


class Fitted(NamedTuple):
    """What a fit gave: all that a search decides by.

    ``predicted`` has a line for each row that the fold tests: probabilities of all classes, or one
    value. ``rounds`` of boosting are those after which the tested rows were predicted best. A fit
    that failed has the score NaN, no predictions, and says why.
    """

    score: float
    predicted: Predicted | None
    seconds: float
    failure: str | None = None
    rounds: int | None = None


def run_fit(problem: Problem, fit: Fit, threads: int) -> Fitted:
    """Fit and judge; whatever the estimator raises is a result, but for running out of memory."""
    began = time.monotonic()
    fold = problem.folds[fit.fold]
    try:
        model = _fit_watched(problem, fit, threads)
        predicted = predict(model, problem.matrix[fold.test], problem.shape.task)
    except TimeOverError:
        return Fitted(float("nan"), None, time.monotonic() - began, STOPPED)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        log.warning("a candidate of %s failed: %s", fit.candidate.family, type(error).__name__)
        log.debug("why it failed", exc_info=error)
        return Fitted(float("nan"), None, time.monotonic() - began, type(error).__name__)
    value = score(problem.metric, problem.target[fold.test], predicted, problem.positive)
    seconds = time.monotonic() - began
    return Fitted(value, predicted.astype(np.float32), seconds, None, rounds_of(model))


def _fit_watched(problem: Problem, fit: Fit, threads: int) -> Any:
    """The fit; boosting stops where the rows that it is judged by are predicted no better."""
    rows = training_rows(problem, fit)
    shape = replace(problem.shape, rows=len(rows))
    model = build_pipeline(fit.candidate, shape, threads)
    matrix, target = problem.matrix[rows], problem.target[rows]
    if fit.candidate.family in {"forest", "extra_trees"} and hasattr(model, "steps"):
        return _grown(model, matrix, target, fit)
    if fit.candidate.family != "boosting":
        return model.fit(matrix, target)
    from lightgbm import early_stopping

    test = problem.folds[fit.fold].test
    patience = int(min(MAX_PATIENCE, max(MIN_PATIENCE, 3 / fit.candidate.get("rate", 0.1))))
    return model.fit(
        matrix,
        target,
        eval_set=[(problem.matrix[test], problem.target[test])],
        callbacks=[early_stopping(patience, verbose=False), lambda _round: _expect_time(fit)],
    )


def _grown(model: Any, matrix: Matrix, target: NDArray[Any], fit: Fit) -> Any:
    """A forest behind its imputer, some trees at a time: the same trees as all at once."""
    known, forest = model[:-1].fit_transform(matrix), model[-1].set_params(warm_start=True)
    for count in range(TREES_AT_ONCE, TREES + 1, TREES_AT_ONCE):
        _expect_time(fit)
        forest.set_params(n_estimators=count).fit(known, target)
    return model


def _expect_time(fit: Fit) -> None:
    if time.time() >= fit.until:
        raise TimeOverError


def rounds_of(model: Any) -> int | None:
    """Rounds of boosting that a watched fit found best."""
    best = getattr(model, "best_iteration_", None)
    return best if best and best > 0 else None


def training_rows(problem: Problem, fit: Fit) -> Indices:
    """The rows that a fit learns from: the first of a fold's, whose order is random."""
    return problem.folds[fit.fold].train[: fit.rows]


def fit_model(problem: Problem, candidate: Candidate, rows: Indices | None, threads: int) -> Any:
    """The candidate, fitted on some rows, or on all of them: what will be served."""
    matrix, target = problem.matrix, problem.target
    if rows is not None:
        matrix, target = matrix[rows], target[rows]
    shape = replace(problem.shape, rows=len(target))
    return build_pipeline(candidate, shape, threads).fit(matrix, target)


def predict(model: Any, matrix: Matrix, task: Task) -> NDArray[Any]:
    """What a scikit-learn model predicts: probabilities, or values and their quantiles."""
    if task == "regression":
        return np.asarray(model.predict(matrix)).reshape(len(matrix), -1)
    return np.asarray(model.predict_proba(matrix))
