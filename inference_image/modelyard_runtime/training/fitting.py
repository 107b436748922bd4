"""One fit of a search: a candidate on the rows of one fold, judged on the rows it did not see.

``run_fit`` is a pure function of the problem and the fit, so that it may run in any thread, pod
or order, and what it gave may be kept and used again in place of it.
"""

import logging
import time
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.plan import Task
from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.pipelines import build_pipeline
from modelyard_runtime.training.problem import Indices, Problem

log = logging.getLogger(__name__)

Predicted = NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """A candidate, a fold, and at most how many of the fold's rows to learn from."""

    candidate: Candidate
    fold: int
    rows: int | None = None

    @property
    def key(self) -> str:
        """A name for this fit, the same in every process: under it a result may be kept."""
        settings = ",".join(f"{name}={value}" for name, value in self.candidate.settings)
        return f"{self.candidate.family}({settings})/fold-{self.fold}/rows-{self.rows or 'all'}"


class Fitted(NamedTuple):
    """What a fit gave: all that a search decides by.

    ``predicted`` has a line for each row that the fold tests: probabilities of all classes, or one
    value. A fit that failed has the score NaN, no predictions, and says why.
    """

    score: float
    predicted: Predicted | None
    seconds: float
    failure: str | None = None


def run_fit(problem: Problem, fit: Fit, threads: int) -> Fitted:
    """Fit and judge; whatever the estimator raises is a result, but for running out of memory."""
    began = time.monotonic()
    fold = problem.folds[fit.fold]
    try:
        model = fit_model(problem, fit.candidate, training_rows(problem, fit), threads)
        predicted = predict(model, problem.matrix[fold.test], problem.shape.task)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        log.warning("a candidate of %s failed: %s", fit.candidate.family, type(error).__name__)
        log.debug("why it failed", exc_info=error)
        return Fitted(float("nan"), None, time.monotonic() - began, type(error).__name__)
    value = score(problem.metric, problem.target[fold.test], predicted, problem.positive)
    return Fitted(value, predicted.astype(np.float32), time.monotonic() - began)


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
    """What a scikit-learn model predicts: probabilities, or one column of values."""
    if task == "regression":
        return np.asarray(model.predict(matrix)).reshape(-1, 1)
    return np.asarray(model.predict_proba(matrix))
