"""One fit of a search: a candidate on the rows of one fold, judged on the rows it did not see.

``run_fit`` is a pure function of the problem and the fit, so that it may run in any thread, pod
or order, and what it gave may be kept and used again in place of it.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.plan import Task
from modelyard_runtime.training.candidates import FORESTS, Candidate
from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.pipelines import TREES, build_pipeline
from modelyard_runtime.training.problem import Indices, Problem

log = logging.getLogger(__name__)

#: Rounds of boosting without an improvement until a watched fit stops.
MIN_PATIENCE, MAX_PATIENCE = 20, 80
#: The numbers of rounds that folds may agree on.
LADDER = (5, 8, 12, 18, 27, 40, 60, 90, 135, 200, 300, 450, 600)
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


class Step(NamedTuple):
    """How well the rows that a fold tests were predicted; of boosting, after how many rounds."""

    rounds: int | None
    score: float
    predicted: Predicted


class Fitted(NamedTuple):
    """What a fit gave: all that a search decides by.

    ``predicted`` has a line for each row that the fold tests: probabilities of all classes, or one
    value. ``rounds`` of boosting are those that they are of. A fit that failed has the score NaN,
    no predictions, and says why. Where folds are to agree on a number of rounds ``steps`` tell how
    each came to where it stopped.
    """

    score: float
    predicted: Predicted | None
    seconds: float
    failure: str | None = None
    rounds: int | None = None
    steps: tuple[Step, ...] = ()

    def after(self, rounds: int) -> "Fitted":
        """The fit as it was after so many rounds, or where it stopped before."""
        step = [step for step in self.steps if (step.rounds or 0) <= rounds][-1]
        return self._replace(score=step.score, predicted=step.predicted, rounds=rounds, steps=())


def agreed(fits: Sequence[Fitted]) -> list[Fitted]:
    """The fits of a candidate after the number of rounds that is best for all of them together.

    Folds that each took their own by the rows that judge them would flatter boosting, and what is
    fitted in the end would have rounds that nobody judged.
    """
    watched = [fitted for fitted in fits if fitted.steps]
    if not watched:
        return list(fits)
    means = [np.mean([fitted.after(rounds).score for fitted in watched]) for rounds in LADDER]
    best = LADDER[int(np.argmax(np.nan_to_num(means, nan=-np.inf)))]
    return [fitted.after(best) if fitted.steps else fitted for fitted in fits]


def run_fit(problem: Problem, fit: Fit, threads: int) -> Fitted:
    """Fit and judge; whatever the estimator raises is a result, but for running out of memory."""
    began = time.monotonic()
    try:
        steps = _steps(problem, fit, _fit_watched(problem, fit, threads))
    except TimeOverError:
        return Fitted(float("nan"), None, time.monotonic() - began, STOPPED)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        log.warning("a candidate of %s failed: %s", fit.candidate.family, type(error).__name__)
        log.debug("why it failed", exc_info=error)
        return Fitted(float("nan"), None, time.monotonic() - began, type(error).__name__)
    rounds, value, predicted = steps[-1]
    taken = steps if len(steps) > 1 else ()
    return Fitted(value, predicted, time.monotonic() - began, None, rounds, taken)


def _steps(problem: Problem, fit: Fit, model: Any) -> tuple[Step, ...]:
    """What a model predicts of its fold, and on the way there where folds are to agree."""
    test, end = problem.folds[fit.fold].test, rounds_of(model)
    matrix, truth = problem.matrix[test], problem.target[test]

    def step(rounds: int | None) -> Step:
        predicted = predict(model, matrix, problem.shape.task)
        value = score(problem.metric, truth, predicted, problem.positive)
        return Step(rounds, value, predicted.astype(np.float32))

    if end is None or not _agrees(problem, fit):
        return (step(end),)
    booster, steps = _booster_of(model), []
    for rounds in [*(rounds for rounds in LADDER if rounds < end), end]:
        booster.best_iteration = rounds
        steps.append(step(rounds))
    return tuple(steps)


def _agrees(problem: Problem, fit: Fit) -> bool:
    """Whether the fold's rounds are chosen with the others; a quantile has a loss of its own."""
    return len(problem.folds) > 1 and fit.candidate.get("quantile", None) is None


def _booster_of(model: Any) -> Any:
    """LightGBM's own model within whatever prepares its rows."""
    return model.booster_ if hasattr(model, "booster_") else _booster_of(model.inner)


def _fit_watched(problem: Problem, fit: Fit, threads: int) -> Any:
    """The fit; boosting stops where the rows that it is judged by are predicted no better."""
    rows = training_rows(problem, fit)
    shape = replace(problem.shape, rows=len(rows))
    model = build_pipeline(fit.candidate, shape, threads)
    matrix, target = problem.matrix[rows], problem.target[rows]
    if fit.candidate.family in FORESTS and hasattr(model, "steps"):
        return _grown(model, matrix, target, fit)
    if fit.candidate.family != "boosting":
        return model.fit(matrix, target)
    from lightgbm import early_stopping
    from lightgbm.callback import EarlyStopException

    test = problem.folds[fit.fold].test
    patience = int(min(MAX_PATIENCE, max(MIN_PATIENCE, 3 / fit.candidate.get("rate", 0.1))))
    stops = early_stopping(patience, verbose=False)

    def watch(state: Any) -> None:
        _expect_time(fit)
        try:
            stops(state)
        except EarlyStopException as end:
            # LightGBM drops the trees after the best, which other folds may ask for.
            best = state.iteration if _agrees(problem, fit) else end.best_iteration
            raise EarlyStopException(best, end.best_score) from None

    return model.fit(
        matrix,
        target,
        eval_set=[(problem.matrix[test], problem.target[test])],
        callbacks=[watch],
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
    """Rounds of boosting that a watched fit kept."""
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
